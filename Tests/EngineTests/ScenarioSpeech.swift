// SPDX-License-Identifier: Apache-2.0
import Foundation
import Wire

/// What is wrong with a line, in words.
struct WordError: Error, Equatable {
    let message: String
}

/// The numbers of the sources by their names.
enum WireNames {
    /// `byClient` → 64.
    static let reasons = numbers(of: "Reason", in: "Reason")
    /// `accepted` → 1.
    static let eventKinds = numbers(of: "EventKind", in: "Event")
    /// `newOrder` → 1.
    static let commandKinds = numbers(of: "CommandKind", in: "LogRecord")

    /// Every `static var name: Type { Type(rawValue: number) }` of a file of `Wire`.
    private static func numbers(of type: String, in file: String) -> [String: UInt8] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Wire/\(file).swift").standardizedFileURL
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        var result: [String: UInt8] = [:]
        for match in text.matches(
            of: #/static var (\w+): (\w+) \{\s*\w+\(rawValue: (\d+)\)\s*\}/#)
        where match.2 == type {
            result[String(match.1)] = UInt8(match.3)
        }
        precondition(!result.isEmpty, "\(path.path) names every \(type)")
        return result
    }

    static func name(_ number: UInt8, in names: [String: UInt8]) -> String {
        names.first { $0.value == number }?.key ?? "\(number)"
    }
}

/// Commands from words and in words, and what lines share: names of orders and instruments, the
/// session sequences so far, the time.
struct Speech {
    /// Number 1 first; one without a name is called `1`.
    let instruments: [String]
    private var ids: [String: UInt64] = [:]
    /// Sessions that said an order's name.
    private var users: [String: Set<UInt32>] = [:]
    private var expected: [UInt32: UInt32] = [:]
    private var seconds: UInt64 = 0
    /// Orders with a word for a name are numbered from here; a plain number is an id itself.
    private static let firstID: UInt64 = 1_000_000

    init(instruments: [String] = ["1"]) { self.instruments = instruments }

    // MARK: From words

    mutating func command(_ line: String) throws(WordError) -> Command {
        var words = Words(line)
        let session = words.takeSession()
        let verbs = Language.verbs.filter { $0.hasSession == (session != nil) }
        let number = try words.choose(verbs.map(\.phrase))
        let verb = verbs[number]
        var draft = verb.plain(
            session: session ?? 0, sequence: nextSequence(session ?? 0), seconds: seconds)
        var said: [(phrase: Phrase, values: [Int128])] = []
        func say(_ phrase: Phrase, _ values: [Int128]) throws(WordError) {
            guard !said.contains(where: { $0.phrase.pattern == phrase.pattern }) else {
                throw WordError(message: "`\(phrase.name)` is said twice")
            }
            guard phrase.write(values, to: &draft) else {
                throw WordError(message: "a number is out of range in `\(phrase.pattern)`")
            }
            said.append((phrase, values))
        }
        try say(verb.phrase, slots(of: verb.phrase, &words, session))
        let phrases = Language.phrases.filter { $0.kinds.contains(verb.kind) }
        while !words.isEmpty {
            let phrase = phrases[try words.choose(phrases)]
            try say(phrase, slots(of: phrase, &words, session))
        }
        for (phrase, values) in said where !phrase.holds(values, of: draft) {
            throw WordError(message: "`\(phrase.name)` contradicts another word of the line")
        }
        for group in verb.needs where !said.contains(where: { group.contains("\($0.phrase.name)") })
        {
            throw WordError(message: "there is no `\(group.joined(separator: "` or `"))`")
        }
        note(draft.record)
        return draft.command
    }

    /// Reads a phrase that `words` is at.
    private mutating func slots(
        of phrase: Phrase, _ words: inout Words, _ session: UInt32?
    ) throws(WordError) -> [Int128] {
        var values: [Int128] = []
        for word in phrase.words {
            guard let text = words.take() else {
                throw WordError(message: "the line ends within `\(phrase.pattern)`")
            }
            switch word {
            case .literal: continue
            case .slot(.number): values.append(try Self.number(text))
            case .slot(.order): values.append(Int128(try order(text, session: session ?? 0)))
            case .slot(.instrument): values.append(Int128(try instrument(text)))
            case .slot(.reason): values.append(Int128(try Self.reason(text).rawValue))
            }
        }
        return values
    }

    static func number(_ text: String) throws(WordError) -> Int128 {
        guard let number = Int128(text) else {
            throw WordError(message: "`\(text)` is no number")
        }
        return number
    }

    static func reason(_ text: String) throws(WordError) -> Reason {
        guard let number = WireNames.reasons[text] else {
            throw WordError(message: "unknown reason `\(text)`")
        }
        return Reason(rawValue: number)
    }

    /// An instrument's number: its name's, or the number itself.
    func instrument(_ text: String) throws(WordError) -> UInt32 {
        if let index = instruments.firstIndex(of: text) { return UInt32(index) + 1 }
        guard let number = UInt32(text) else {
            throw WordError(message: "unknown instrument `\(text)`")
        }
        return number
    }

    private mutating func order(_ text: String, session: UInt32) throws(WordError) -> UInt64 {
        guard text.first?.isLetter == true || UInt64(text) != nil else {
            throw WordError(message: "`\(text)` is no name of an order")
        }
        users[text, default: []].insert(session)
        if let id = UInt64(text) ?? ids[text] { return id }
        let id = Self.firstID + UInt64(ids.count)
        ids[text] = id
        return id
    }

    // MARK: Sequences

    /// The sequence that the session's next command has, if nothing is wrong with it.
    func nextSequence(_ session: UInt32) -> UInt32 { expected[session] ?? 1 }

    private mutating func note(_ record: LogRecord) {
        if record.kind == .timeAdvance {
            seconds = record.timestampNanos / 1_000_000_000
        }
        guard (1...7).contains(record.kind.rawValue) else { return }
        let next = nextSequence(record.session)
        if record.sessionSequence == next { expected[record.session] = next + 1 }
    }

    // MARK: Names in events and books

    /// An order's name, with its session's where others use the name too. What has no id and was
    /// not said to have none is its session's.
    func name(session: UInt32, orderID: UInt64) -> String {
        let word = ids.first { $0.value == orderID }?.key ?? "\(orderID)"
        if users[word] == [session] { return word }
        return Self.letter(session) + (orderID == 0 ? "" : "'s \(word)")
    }

    /// The session and id of an order, named as in `name`.
    func order(named words: inout Words) throws(WordError) -> (session: UInt32, orderID: UInt64) {
        let owner = words.takeOwner()
        guard let word = words.take(),
            let used = users[word] ?? owner.flatMap({ UInt64(word) == nil ? nil : [$0] })
        else {
            throw WordError(message: "no command before this names an order `\(words.last)`")
        }
        guard let session = owner ?? (used.count == 1 ? used.first : nil) else {
            let letters = used.sorted().map(Self.letter)
            let choice = letters.map { "\($0)'s \(word)" }.joined(separator: " or ")
            throw WordError(message: "`\(word)` is said by more than one: write \(choice)")
        }
        return (session, UInt64(word) ?? ids[word] ?? 0)
    }

    func name(instrument: UInt32) -> String {
        instruments.indices.contains(Int(instrument) - 1)
            ? instruments[Int(instrument) - 1] : "\(instrument)"
    }

    static func letter(_ session: UInt32) -> String {
        guard session >= 1, session <= 26 else { return "session \(session)" }
        return String(UnicodeScalar(UInt8(64 + session)))
    }

    // MARK: In words

    /// The command as a line that gives the same command, or nil where no words do.
    mutating func line(for command: Command) -> String? {
        for verb in Language.verbs where verb.kind == command.record.kind {
            let text = words(for: command, verb)
            var reader = self
            guard let again = try? reader.command(text), Self.isSame(again, command) else {
                continue
            }
            self = reader
            return text
        }
        note(command.record)
        return nil
    }

    private func words(for command: Command, _ verb: Verb) -> String {
        let draft = Draft(command)
        let session = command.record.session
        var known = verb.plain(
            session: session, sequence: nextSequence(session), seconds: seconds)
        var parts = verb.hasSession ? [Self.letter(session)] : []
        var names: Set<String> = []
        func say(_ phrase: Phrase) {
            let values = phrase.values(of: draft)
            _ = phrase.write(values, to: &known)
            parts.append(text(phrase, values))
            names.insert("\(phrase.name)")
        }
        say(verb.phrase)
        let phrases = Language.phrases.filter { $0.kinds.contains(verb.kind) }
        for phrase in phrases where phrase.adds(to: known, of: draft) { say(phrase) }
        // What is needed is said last if it is as it would be anyway.
        for group in verb.needs where names.isDisjoint(with: group) {
            phrases.first { group.first == "\($0.name)" }.map(say)
        }
        return parts.joined(separator: " ")
    }

    private func text(_ phrase: Phrase, _ values: [Int128]) -> String {
        var rest = values[...]
        return phrase.words.map { word in
            guard case .slot(let slot) = word else {
                guard case .literal(let literal) = word else { return "" }
                return literal
            }
            let value = rest.removeFirst()
            switch slot {
            case .number: return "\(value)"
            case .order: return ids.first { $0.value == value }?.key ?? "\(value)"
            case .instrument: return name(instrument: UInt32(truncatingIfNeeded: value))
            case .reason:
                return WireNames.name(UInt8(truncatingIfNeeded: value), in: WireNames.reasons)
            }
        }.joined(separator: " ")
    }

    /// But for what no event depends on: sequence, checksum, the time of what takes none, and the
    /// token, nonce, heartbeat and source of a logon.
    private static func isSame(_ one: Command, _ other: Command) -> Bool {
        func essence(_ command: Command) -> [[UInt8]] {
            var record = command.record
            record.sequence = 0
            record.crc32c = 0
            if record.kind != .timeAdvance { record.timestampNanos = 0 }
            if record.kind == .logon {
                record = LogRecord(kind: .logon, session: record.session, flags: record.flags)
            }
            return [bytes(of: record)] + (command.continuation.map { [bytes(of: $0)] } ?? [])
        }
        return essence(one) == essence(other)
    }
}

/// The words of a line, one after the other.
struct Words {
    private var rest: ArraySlice<String>
    /// The word taken last.
    private(set) var last = ""

    init(_ line: String) {
        rest = line.split(whereSeparator: \.isWhitespace).map(String.init)[...]
    }

    var isEmpty: Bool { rest.isEmpty }
    var next: String? { rest.first }

    mutating func take() -> String? {
        guard let word = rest.popFirst() else { return nil }
        last = word
        return word
    }

    /// `A` → 1.
    mutating func takeSession() -> UInt32? {
        guard let session = rest.first.flatMap(Self.session) else { return nil }
        _ = take()
        return session
    }

    /// `A's` → 1.
    mutating func takeOwner() -> UInt32? {
        guard let word = rest.first, word.hasSuffix("'s"),
            let session = Self.session(String(word.dropLast(2)))
        else { return nil }
        _ = take()
        return session
    }

    private static func session(_ word: String) -> UInt32? {
        guard word.utf8.count == 1, let byte = word.utf8.first, (65...90).contains(byte) else {
            return nil
        }
        return UInt32(byte) - 64
    }

    /// The number of the phrase that comes next.
    func choose(_ phrases: [Phrase]) throws(WordError) -> Int {
        /// Whether its words are those that come. What is in its slots is looked at later.
        func fits(_ phrase: Phrase) -> Bool {
            zip(phrase.words, rest).allSatisfy { $0 == .literal($1) || $0.isSlot }
        }
        if let index = phrases.firstIndex(where: fits) { return index }
        let first = rest.first ?? ""
        let begun = phrases.filter { $0.name == first }
        guard !begun.isEmpty else {
            throw WordError(
                message: rest.isEmpty
                    ? "the line ends too early"
                    : "unknown word `\(first)`, known here: \(Self.list(phrases.map(\.name)))")
        }
        let second = rest.dropFirst().first ?? ""
        let known = Self.list(begun.map { $0.pattern.dropFirst(first.count + 1) })
        throw WordError(message: "unknown word `\(second)` after `\(first)`, known here: \(known)")
    }

    private static func list(_ words: [Substring]) -> String {
        Set(words).sorted().joined(separator: ", ")
    }
}

extension Phrase.Word {
    var isSlot: Bool {
        if case .slot = self { true } else { false }
    }
}
