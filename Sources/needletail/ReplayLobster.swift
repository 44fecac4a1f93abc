// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Platform
internal import Wire

/// `replay --lobster`: all ten levels after every row, from the session's private reports.
struct LobsterReplay {
    let options: Replay
    let path: String

    func run() throws {
        let files: LobsterFiles
        do throws(ClientError) { files = try LobsterFiles(path) } catch {
            throw failure(error, Exit.badInput)
        }
        var mapping = LobsterMapping(instrument: options.instrument)
        var check = LobsterCheck()
        let deliver: (SessionReport) -> Void = { check.apply($0) }
        var link = try ReplayLink.open(options, deliver: deliver)
        var progress = ProgressLine()
        var orders: [LobsterMapping.Order] = []
        while let row = try next(files, mapping.counts.rows) {
            orders.removeAll(keepingCapacity: true)
            mapping.row(row.message, row.book) { orders.append($0) }
            for order in orders {
                try link.send(deliver: deliver) { link in
                    switch order {
                    case .new(let order): link.submit(order)
                    case .cancel(let cancel): link.submit(cancel)
                    case .reduce(let reduce): link.submit(reduce)
                    }
                }
            }
            check.expect(row.book, afterCommand: Int(link.sent))
            let rows = mapping.counts.rows
            let matching = check.matching
            progress.show("\(rows) rows sent · \(matching) match")
        }
        try link.finish(deliver: deliver) { check.book.commandCount }
        check.finish()
        progress.clear()
        try report(mapping.counts, check, link.sent, link.seconds, link.counters)
    }

    private func next(
        _ files: LobsterFiles, _ rowCount: Int
    ) throws -> (message: LobsterMessage, book: LobsterRow)? {
        if let limit = options.rows, rowCount >= limit { return nil }
        do throws(ClientError) { return try files.next() } catch {
            throw failure(error, Exit.badInput)
        }
    }

    private func report(
        _ counts: LobsterMapping.Counts, _ check: LobsterCheck, _ sent: UInt64, _ seconds: Double,
        _ counters: SessionCounters
    ) throws {
        let rejects = check.book.rejects.values.reduce(0, +)
        let isMatch =
            check.matching == counts.rows && counts.rows > 0 && rejects == 0
            && counts.unmappable == 0 && check.book.contradictions == 0
            && counters.reportsLost == 0
        print(
            "\(check.matching)/\(counts.rows) rows: ten levels, price and size · "
                + (isMatch ? "match OK" : "MISMATCH"))
        print(
            "sent: \(sent) messages for \(counts.rows) rows in \(seconds.text(2)) s "
                + "(\((Double(sent) / seconds).text(0)) messages/s) · "
                + "\(check.book.tradeCount) trades")
        print(
            "cannot map: \(counts.levelsEntering) levels entering, \(counts.levelsLeaving) "
                + "leaving without a message · \(counts.unknownIDs) messages name unknown ids, "
                + "\(counts.departedIDs) ids that left with their level · "
                + "\(counts.executionsNotAtFront) executions not at the front · "
                + "\(counts.hiddenExecutions) hidden executions · \(counts.halts) halts")
        printNetwork(counters)
        if let first = check.firstMismatch { print(first) }
        for (reason, count) in check.book.rejects.sorted(by: { $0.key < $1.key }) {
            print("rejected: \(count) × \(Reason(rawValue: reason).text)")
        }
        if !isMatch { throw Exit.mismatch }
    }
}

/// Compares the book from the reports with the recorded rows, each at the moment when the answer
/// to its last message is complete.
struct LobsterCheck {
    private(set) var book = ReportBook()
    private(set) var matching = 0
    private(set) var firstMismatch: String?
    private var checked = 0
    private var waiting: [(row: LobsterRow, afterCommand: Int)] = []
    private var waitingStart = 0

    mutating func apply(_ report: SessionReport) {
        // A report of a new command: those before it are complete.
        if book.beginsCommand(report) { settle(completeCommands: book.commandCount) }
        _ = book.apply(report)
    }

    mutating func expect(_ row: LobsterRow, afterCommand: Int) {
        waiting.append((row, afterCommand))
    }

    /// No report is missing: all commands are complete.
    mutating func finish() { settle(completeCommands: book.commandCount) }

    private mutating func settle(completeCommands: Int) {
        while waitingStart < waiting.count,
            waiting[waitingStart].afterCommand <= completeCommands
        {
            compare(waiting[waitingStart].row)
            waitingStart += 1
        }
        if waitingStart > 4_096 {
            waiting.removeFirst(waitingStart)
            waitingStart = 0
        }
    }

    private mutating func compare(_ row: LobsterRow) {
        checked += 1
        let bids = book.top(.buy, depth: 10)
        let asks = book.top(.sell, depth: 10)
        if bids == row.bids && asks == row.asks {
            matching += 1
        } else if firstMismatch == nil {
            firstMismatch =
                "row \(checked): bids \(text(bids)) and asks \(text(asks)) came, "
                + "bids \(text(row.bids)) and asks \(text(row.asks)) are recorded"
        }
    }

    private func text(_ levels: [ReportBook.Level]) -> String {
        levels.map { "\($0.lots)@\($0.priceTicks)" }.joined(separator: " ")
    }
}
