// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

/// The folder of the files, from this one.
private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Scenarios")

private let files: [String] = {
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (names ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
}()

@Suite struct `The scenarios` {
    private static func read(_ file: String) throws -> [Scenario] {
        let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
        return try Scenario.read(text, file: "Scenarios/\(file)")
    }

    @Test(arguments: files) func `hold`(file: String) throws {
        for scenario in try Self.read(file) {
            for problem in try scenario.problems() { Issue.record("\(problem)") }
        }
    }

    @Test func `meet every event and every reason that order entry can have`() throws {
        let events = try files.flatMap(Self.read).flatMap(\.then).map(\.event)
        let kinds = Set(events.map(\.kind.rawValue))
        let expectedKinds = WireNames.eventKinds.values.filter {
            $0 <= 18 || $0 >= EventKind.displayed.rawValue
        }
        #expect(
            kinds.isSuperset(of: expectedKinds), "missing \(Set(expectedKinds).subtracting(kinds))")
        let reasons = Set(events.compactMap(\.reason?.rawValue))
        // Given by the gateway only, to operators only, by nobody yet, or to 16,384 trades.
        let others: Set<Reason> = [
            .none, .invalidSide, .invalidControl, .replaced, .stepLimit,
        ]
        let missing = WireNames.reasons.filter {
            $0.value < 96 && !others.contains(Reason(rawValue: $0.value))
                && !reasons.contains($0.value)
        }
        #expect(missing.isEmpty, "missing \(missing.keys.sorted())")
    }

    @Test func `have a page that names every word`() throws {
        let page = try String(
            contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
        for phrase in Language.verbs.map(\.phrase) + Language.phrases {
            let isThere = page.contains("`\(phrase.pattern)`")
            #expect(isThere, "\(phrase.pattern)")
        }
        let example = try #require(page.firstMatch(of: #/```yaml\n(title: (?s:.)*?)```/#)?.1)
        for scenario in try Scenario.read(String(example), file: "README.md") {
            #expect(try scenario.problems().isEmpty)
        }
    }
}

@Suite struct `A scenario` {
    /// The one scenario of a small file.
    private func read(
        given: [String] = [], when: [String], then: [String], book: String? = nil,
        top: String = "", more: String = ""
    ) throws(ScenarioError) -> Scenario {
        func list(_ name: String, _ lines: [String]) -> String {
            lines.isEmpty
                ? "" : "    \(name):\n" + lines.map { "      - \($0)\n" }.joined()
        }
        let yaml =
            "title: a test\n\(top)scenarios:\n  - name: one\n\(more)" + list("given", given)
            + list("when", when) + list("then", then)
            + (book.map { "    book:\n      \($0)\n" } ?? "")
        return try Scenario.read(yaml, file: "test.yaml")[0]
    }

    private let trade = [
        "b1 accepted 9 @ 120", "a1 traded 7 @ 100 leaves 0",
        "b1 traded 7 @ 100 leaves 2 aggressor", "b1 rested 9 @ 120 leaves 2",
    ]

    private func trading(
        then: [String], book: String = "buy 120: b1 2"
    ) throws -> [String] {
        try read(
            given: ["A sells 7 @ 100 as a1"], when: ["B buys 9 @ 120 as b1"], then: then, book: book
        ).problems()
    }

    @Test func `is played by the naive engine and by the engine at both sizes of slices`() throws {
        #expect(try trading(then: trade).isEmpty)
        let problems = try trading(then: trade, book: "buy 120: b1 3")
        #expect(problems.count == 3 * Int(RulesRange.build.newest - RulesRange.build.oldest + 1))
    }

    @Test func `shows what it expected and what was found side by side, with the place`() throws {
        var wrong = trade
        wrong[2] = "b1 traded 7 @ 120 leaves 2 aggressor"
        let problem = try #require(try trading(then: wrong).first)
        #expect(
            problem == """
                test.yaml:11: "one", the naive engine under rules 1:
                    line  expected                              found
                       9  b1 accepted 9 @ 120                   b1 accepted 9 @ 120
                      10  a1 traded 7 @ 100 leaves 0            a1 traded 7 @ 100 leaves 0
                  !   11  b1 traded 7 @ 120 leaves 2 aggressor  b1 traded 7 @ 100 leaves 2 aggressor
                      12  b1 rested 9 @ 120 leaves 2            b1 rested 9 @ 120 leaves 2
                """)
    }

    @Test func `shows lines that are missing, and lines that are too many`() throws {
        let few = try #require(try trading(then: [trade[0], trade[1], trade[3]]).first)
        #expect(few.contains("\n  !" + String(repeating: " ", count: 35) + trade[2]), "\(few)")
        let many = try #require(try trading(then: trade + ["a1 cancelled 1 byClient"]).first)
        #expect(many.hasSuffix("\n  !   13  a1 cancelled 1 byClient"), "\(many)")
    }

    @Test(arguments: [
        (0, "b1 accepted 9 @ 120 resting"), (0, "b1 accepted 9 @ 120 replacement"),
        (0, "b1 accepted 9 @ 120 leaves 2"), (0, "b1 accepted 8 @ 120"), (0, "a1 accepted 9 @ 120"),
        (0, "b1 accepted 9 @ 120 account 1"), (0, "b1 accepted 9 @ 120 in 2"),
        (0, "b1 accepted 9 @ 120 sell"), (0, "b1 accepted 9 @ 120 undisclosed"),
        (0, "b1 rested 9 @ 120"), (0, "b1 rejected throttled"),
        (1, "a1 traded 7 @ 100 leaves 0 aggressor"), (1, "a1 traded 7 @ 100 leaves 0 executed 6"),
        (2, "b1 traded 7 @ 100 leaves 2"), (3, "b1 rested 9 @ 120"),
        (3, "b1 rested 9 @ 120 leaves 3"),
    ])
    func `finds every word that is not so`(index: Int, line: String) throws {
        var wrong = trade
        wrong[index] = line
        #expect(try !trading(then: wrong).isEmpty)
    }

    @Test(arguments: [
        "buy 120: b1 1", "buy 119: b1 2", "sell 120: b1 2", "buy 120: a1 2", "{}",
        "buy 120: b1 2 hidden", "buy 120: b1 2 shows 1",
    ])
    func `finds a book that is not so`(book: String) throws {
        #expect(try !trading(then: trade, book: book).isEmpty)
    }

    @Test func `finds a reject where none was meant, and none where one was`() throws {
        for line in ["A buys 0 @ 100 as a1", "A buys 1 @ 100 as a1 (rejected)"] {
            let scenario = try read(
                given: [line], when: ["B buys 1 @ 90 as b1"], then: ["b1 accepted 1 @ 90 resting"])
            let problem = try #require(try scenario.problems().first)
            #expect(problem.hasPrefix("test.yaml:5: \"one\", "), "\(problem)")
            #expect(problem.contains("given `A buys"), "\(problem)")
        }
    }

    @Test(arguments: [
        (
            "A buyz 1 @ 100 as a1",
            "unknown word `buyz`, known here: buys, cancels, is, logs, mass, "
        ),
        ("A buys 1 @ 100 iok as a1", "unknown word `iok`, known here: @, account, "),
        (
            "A buys 1 @ 100 stp cancel-all as a1",
            "unknown word `cancel-all` after `stp`, known here: "
                + "cancel-both, cancel-newest, cancel-oldest"
        ),
        ("A buys one @ 100 as a1", "`one` is no number"),
        ("A buys -1 @ 100 as a1", "a number is out of range in `buys <number>`"),
        ("A buys 1 as a1", "there is no `@` or `market` or `stop`"),
        ("A buys 1 @ 100", "there is no `as`"),
        ("A buys 1 @", "the line ends within `@ <number>`"),
        ("A buys 1 @ 100 ioc fok as a1", "`ioc` contradicts another word of the line"),
        ("A buys 1 @ 100 @ 101 as a1", "`@` is said twice"),
        ("A buys 1 @ 100 flags 1 as a1", "`flags` contradicts another word of the line"),
        ("A buys 1 @ 100 in OIL as a1", "unknown instrument `OIL`"),
        ("A cancels a1 ioc", "unknown word `ioc`, known here: flags, in, sequence"),
        ("A is refused throtled as a1", "unknown reason `throtled`"),
        ("buys 1 @ 100 as a1", "unknown word `buys`, known here: activate, "),
    ])
    func `names the word of a command that it does not know`(line: String, message: String) {
        let error = #expect(throws: ScenarioError.self) {
            try read(when: [line], then: ["controlApplied"])
        }
        #expect(
            error?.description.hasPrefix("test.yaml:5: \"one\": \(message)") == true, "\(error!)")
    }

    @Test(arguments: [
        ("a1 acepted 1 @ 100 resting", "unknown kind of event `acepted`"),
        ("a1 accepted 1 @ 100 rests", "unknown word `rests` in `a1 accepted 1 @ 100 rests`"),
        ("a1 accepted 1 @ 100 aggressor", "unknown word `aggressor` in "),
        ("a1 cancelled 1 byClint", "unknown reason `byClint`"),
        ("a1 cancelled 1", "a1 cancelled 1: there is no reason"),
        ("a1 accepted @ 100", "a1 accepted @ 100: there is no quantity"),
        ("a1 traded 1 @ 100", "a1 traded 1 @ 100: there is no leaves"),
        ("a2 accepted 1 @ 100", "no command before this names an order `a2`"),
        ("A accepted", "A accepted: there is no quantity"),
        ("A controlApplied", "`controlApplied` is not said of a session"),
        ("loggedOut", "`loggedOut` is not said of nobody"),
        ("a1 accepted x @ 100", "unknown word `x` in "),
        ("a1 accepted 1 @ high", "`high` is no number"),
    ])
    func `names the word of an event that it does not know`(line: String, message: String) {
        let error = #expect(throws: ScenarioError.self) {
            try read(when: ["A buys 1 @ 100 as a1"], then: [line])
        }
        #expect(
            error?.description.hasPrefix("test.yaml:7: \"one\": \(message)") == true, "\(error!)")
    }

    @Test(arguments: [
        ("buy: b1 2", "`buy` is no place in a book, such as `buy 100`"),
        ("bid 120: b1 2", "`bid 120` is no place in a book"),
        ("OIL buy 120: b1 2", "unknown instrument `OIL`"),
        ("buy 120: b1", "`b1` is no order in a book, such as `a1 10`"),
        ("buy 120: b1 2 shown", "`b1 2 shown` is no order in a book"),
        ("buy 120: c1 2", "no command before this names an order `c1`"),
        ("nothing", "a book is `empty`, or lines such as"),
    ])
    func `names the word of a book that it does not know`(book: String, message: String) {
        let error = #expect(throws: ScenarioError.self) { try trading(then: trade, book: book) }
        #expect(error?.message.hasPrefix(message) == true, "\(error!)")
    }

    @Test func `asks whose order is meant when two sessions use one name`() {
        let error = #expect(throws: ScenarioError.self) {
            try read(
                given: ["A buys 1 @ 100 as x", "B buys 1 @ 100 as x"], when: ["A cancels x"],
                then: ["x cancelled 1 byClient"])
        }
        #expect(error?.message == "`x` is said by more than one: write A's x or B's x")
        #expect(error?.line == 10)
    }

    @Test(arguments: [
        ("lowest: 1\n", "", "unknown key `lowest`, known here: title, about, rules, "),
        ("rules: 1..2\n", "", "`1..2` is no range of rules"),
        ("rules: 900+\n", "", "rules 900+: this build folds "),
        ("instruments: {OIL: {min: 1}}\n", "", "unknown key `min`, known here: lowest, highest"),
        ("instruments: [OIL]\n", "", "instruments are named here"),
        ("limits: {orders: many}\n", "", "`many` is no number"),
        ("", "    then: []\n    until: 4\n", "unknown key `until`, known here: name, about, "),
        ("", "    rules: 7-2\n", "`7-2` is no range of rules"),
    ])
    func `names the key that it does not know`(top: String, more: String, message: String) {
        let error = #expect(throws: ScenarioError.self) {
            try read(when: ["A logs on"], then: [], top: top, more: more)
        }
        #expect(error?.message.hasPrefix(message) == true, "\(error!)")
    }

    @Test func `is played under the rules that it names`() throws {
        let newest = RulesRange.build.newest
        func rules(_ text: String) throws -> ClosedRange<UInt32> {
            try read(when: ["A logs on"], then: ["A sessionOpened"], top: "rules: \(text)\n").rules
        }
        #expect(try rules("\(newest)") == newest...newest)
        #expect(try rules("1+") == RulesRange.build.oldest...newest)
        #expect(try rules("\(newest)-9") == newest...newest)
        #expect(try rules("1-\(newest)") == RulesRange.build.oldest...newest)
        let reduced = try read(
            given: ["A buys 1 @ 100 as a1"], when: ["A reduces a1 to 0"],
            then: ["a1 cancelled 1 totalExecuted"], more: "    rules: 1\n")
        #expect(try reduced.problems().isEmpty)
    }
}
