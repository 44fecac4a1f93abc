// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

// A scenario is played under each version of its rules: by the engine, in whole slices and in the
// smallest, and by the naive engine. All must do what the file says.
extension Scenario {
    /// What one of them did.
    private struct Played {
        /// Of each command of `given`.
        var given: [[Event]] = []
        var events: [Event] = []
        var book: [BookLine] = []
        /// Of each session the next sequence and the reports so far.
        var sessions: [[UInt64]] = []
        /// What was wrong with it otherwise.
        var broken: [String] = []
    }

    /// What is not as the file says, each in several lines that begin with where it is; empty if
    /// all is.
    func problems() throws -> [String] {
        var problems: [String] = []
        for version in rules {
            let naive = playNaively(version)
            problems += compare(naive, "the naive engine under rules \(version)")
            for sliceEvents in [1, 256] {
                let player = "the engine under rules \(version), slices of \(sliceEvents)"
                let played = try play(version, sliceEvents: sliceEvents)
                problems += compare(played, player)
                if let index = zip(played.events, naive.events).enumerated().first(where: {
                    bytes($0.element.0) != bytes($0.element.1)
                })?.offset {
                    problems.append(
                        head(player, line)
                            + "  not the event of the naive engine: \(played.events[index]) and "
                            + "\(naive.events[index])")
                }
                if played.sessions != naive.sessions {
                    problems.append(
                        head(player, line)
                            + "  sequences and reports of the sessions: \(played.sessions), of the "
                            + "naive engine: \(naive.sessions)")
                }
            }
        }
        return problems
    }

    private func play(_ version: UInt32, sliceEvents: Int) throws -> Played {
        var rig = try Rig(limits, sliceEvents: sliceEvents, bounds: bounds)
        var played = Played()
        for command in opening(rules: version) {
            played.broken += rig.apply(command).filter(\.kind.isReject).map {
                "the opening is refused: \(ExpectedEvent.words(for: $0, like: nil, speech))"
            }
        }
        for step in given { played.given.append(rig.apply(step.command)) }
        for step in when { played.events += rig.apply(step.command) }
        played.book = books { instrument, side, visit in
            rig.engine.forEachRestingOrder(instrument: instrument, side: side) { order in
                visit(
                    order.isAtMarket ? BookLine.atMarket : order.priceTicks,
                    BookLine.Order(
                        session: order.session, orderID: order.orderID,
                        leavesLots: order.totalLots - order.executedLots,
                        shownLots: order.displayedLots))
            }
        }
        for session in 1...limits.sessionCapacity {
            guard let view = rig.engine.session(session) else { continue }
            played.sessions.append([view.expectedSequence, view.reportSequence])
        }
        if let broken = rig.engine.checkInvariants() { played.broken.append(broken) }
        let image = rig.engine.encodeImage()
        do {
            let again = try restore(
                image, limits: limits, sliceEvents: sliceEvents, bounds: bounds)
            if again.encodeImage() != image { played.broken.append("its image's image differs") }
            if let broken = again.checkInvariants() {
                played.broken.append("from its image: \(broken)")
            }
        } catch {
            played.broken.append("its image is refused: \(error)")
        }
        return played
    }

    private func playNaively(_ version: UInt32) -> Played {
        var naive = NaiveEngine(limits: limits, bounds: bounds)
        var sequence: UInt64 = 1
        func apply(_ command: Command) -> [Event] {
            var record = command.record
            record.sequence = sequence
            sequence += command.continuation == nil ? 1 : 2
            return naive.apply(record, command.continuation)
        }
        var played = Played()
        for command in opening(rules: version) { _ = apply(command) }
        for step in given { played.given.append(apply(step.command)) }
        for step in when { played.events += apply(step.command) }
        played.book = books { instrument, side, visit in
            for order in naive.book(instrument: instrument, side: side) {
                visit(
                    order.ranksFirst ? BookLine.atMarket : order.price,
                    BookLine.Order(
                        session: order.session, orderID: order.id, leavesLots: order.leaves,
                        shownLots: order.isHidden || order.ranksFirst
                            ? 0 : order.peak != 0 ? order.displayed : order.leaves))
            }
        }
        for session in 1...limits.sessionCapacity {
            let session = naive.sessions[session] ?? NaiveEngine.Session()
            played.sessions.append([session.expected, session.reports])
        }
        return played
    }

    /// All books, best first, out of a walk through the orders of one side.
    private func books(
        _ walk: (UInt32, Side, _ visit: (Int64, BookLine.Order) -> Void) -> Void
    ) -> [BookLine] {
        var lines: [BookLine] = []
        for instrument in 1...UInt32(instruments.count) {
            for side in [Side.buy, .sell] {
                walk(instrument, side) { price, order in
                    let isNext =
                        lines.last.map {
                            $0.instrument != instrument || $0.side != side
                                || $0.priceTicks != price
                        } ?? true
                    if isNext {
                        lines.append(
                            BookLine(
                                instrument: instrument, side: side, priceTicks: price, orders: []))
                    }
                    lines[lines.count - 1].orders.append(order)
                }
            }
        }
        return lines
    }

    // MARK: Saying what differs

    private func head(_ player: String, _ line: Int) -> String {
        "\(file):\(line): \"\(name)\", \(player):\n"
    }

    private func compare(_ played: Played, _ player: String) -> [String] {
        var problems = played.broken.map { head(player, line) + "  \($0)" }
        for (step, events) in zip(given, played.given)
        where events.contains(where: \.kind.isReject) != step.isRejected {
            let words = events.map { ExpectedEvent.words(for: $0, like: nil, speech) }
            problems.append(
                head(player, step.line.number)
                    + "  given `\(step.line.text)`: \(words.joined(separator: "; "))")
        }
        let found = played.events
        let difference = Difference(then.count, found.count) { then[$0].event.matches(found[$1]) }
        if let first = difference.firstChange {
            let expected = then.map { (line: Int?($0.line.number), text: $0.event.text) }
            let table = difference.table(expected) { index, partner in
                ExpectedEvent.words(
                    for: found[index], like: partner.map { then[$0].event }, speech)
            }
            let place = first < then.count ? then[first].line.number : line
            problems.append(head(player, place) + table)
        }
        if let book {
            let lines = played.book.map { $0.words(speech) }
            let difference = Difference(book.count, lines.count) { book[$0].words == lines[$1] }
            if let first = difference.firstChange {
                let expected = book.map { (line: Int?($0.line.number), text: $0.words) }
                let table = difference.table(expected) { index, _ in lines[index] }
                let place = first < book.count ? book[first].line.number : line
                problems.append(head(player, place) + table)
            }
        }
        return problems
    }
}

extension NaiveEngine {
    /// The orders of one side, best first, at one price in the order in which they would trade.
    func book(instrument: UInt32, side: Side) -> [Order] {
        orders.filter {
            $0.trigger == nil && $0.instrument == instrument && $0.side == side
        }.sorted { left, right in
            if left.ranksFirst != right.ranksFirst { return left.ranksFirst }
            guard left.price == right.price else {
                return side == .buy ? left.price > right.price : left.price < right.price
            }
            if left.isHidden != right.isHidden { return right.isHidden }
            return left.priority < right.priority
        }
    }
}

/// Which of two short lists belong together: rows of an index into either.
struct Difference {
    private let rows: [(expected: Int?, found: Int?, isSame: Bool)]

    /// As few rows as can be that are not the same; unequal neighbours share a row.
    init(_ expectedCount: Int, _ foundCount: Int, isSame: (Int, Int) -> Bool) {
        // The longest common part of what is left from each pair on.
        var common = Array(
            repeating: Array(repeating: 0, count: foundCount + 1), count: expectedCount + 1)
        for left in (0..<expectedCount).reversed() {
            for right in (0..<foundCount).reversed() {
                common[left][right] =
                    isSame(left, right)
                    ? common[left + 1][right + 1] + 1
                    : max(common[left + 1][right], common[left][right + 1])
            }
        }
        var rows: [(expected: Int?, found: Int?, isSame: Bool)] = []
        var (left, right) = (0, 0)
        while left < expectedCount || right < foundCount {
            let hasBoth = left < expectedCount && right < foundCount
            if hasBoth, isSame(left, right) {
                rows.append((left, right, true))
                (left, right) = (left + 1, right + 1)
            } else if hasBoth, common[left + 1][right + 1] == common[left][right] {
                rows.append((left, right, false))
                (left, right) = (left + 1, right + 1)
            } else if right == foundCount
                || left < expectedCount && common[left + 1][right] == common[left][right]
            {
                rows.append((left, nil, false))
                left += 1
            } else {
                rows.append((nil, right, false))
                right += 1
            }
        }
        self.rows = rows
    }

    /// The expected line that is the first not to be found, their count if the first change comes
    /// behind them; nil if all is the same.
    var firstChange: Int? {
        guard let row = rows.firstIndex(where: { !$0.isSame }) else { return nil }
        return rows[row...].lazy.compactMap(\.expected).first ?? rows.compactMap(\.expected).count
    }

    /// Both lists side by side; `!` before what differs. `found` is given what stands beside it.
    func table(
        _ expected: [(line: Int?, text: String)], _ found: (Int, _ beside: Int?) -> String
    ) -> String {
        let texts = rows.map { row in
            (
                left: row.expected.map { expected[$0].text } ?? "",
                right: row.found.map { found($0, row.expected) } ?? ""
            )
        }
        let width = max(8, texts.map(\.left.count).max() ?? 0)
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        var lines = ["    line  \(padded("expected", width))  found"]
        for (row, text) in zip(rows, texts) {
            let number = row.expected.flatMap { expected[$0].line }.map { "\($0)" } ?? ""
            let place = padded("", 5 - number.count) + number
            let left = text.right.isEmpty ? text.left : padded(text.left, width)
            let line = "  \(row.isSame ? " " : "!")\(place)  \(left)  \(text.right)"
            lines.append(text.right.isEmpty ? String(line.dropLast(2)) : line)
        }
        return lines.joined(separator: "\n")
    }
}
