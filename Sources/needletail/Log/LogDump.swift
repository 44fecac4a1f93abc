// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Wire

struct LogDump: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Print commands, as a table or as JSON lines.")

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var range: LogRange
    @Option(help: "Commands to print, at most.") var count: UInt64 = .max
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        if !json { print(CommandText.columns) }
        var left = count
        _ = try source.scan(from: range.from) { record, continuation in
            guard record.sequence <= range.until, left > 0 else { return }
            left -= 1
            print(json ? CommandText.json(record, continuation) : CommandText.row(record))
        }
    }
}

struct LogReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fold the log through an engine, and print the hash of its state.",
        discussion: """
            With --from-snapshot it begins at the newest snapshot that is not behind --until. The \
            hash at a sequence is the same on every machine, from wherever the fold began, and the \
            same as in the gateway that wrote the log. With --state-hash only the hash is printed.
            """)

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var start: LogStart
    @Option(help: "Last sequence to apply.") var until: UInt64 = .max
    @Flag(help: "Print the hash and nothing else.") var stateHash = false

    func run() throws {
        let fold = try self.start.fold(source, until: until)
        let from = fold.position.sequence + 1
        let start = MonotonicClock.nowNanos()
        _ = try source.scan(from: from) { record, continuation in
            guard (continuation ?? record).sequence <= until else { return }
            fold.fold(record, continuation: continuation)
        }
        let seconds = Double(MonotonicClock.nowNanos() - start) / 1e9
        try LogStart.check(fold, source)
        guard !stateHash else {
            print(hex(fold.stateHash))
            return
        }
        print("first · last sequence   \(from) · \(fold.position.sequence)")
        print("commands · events       \(fold.commandCount) · \(fold.eventCount)")
        print("open orders             \(fold.openOrders)")
        print("state hash              \(hex(fold.stateHash))")
        print("replayed in             \(rate(fold.commandCount, seconds))")
    }
}

struct LogExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Commands and what became of them, as CSV for auditors.",
        discussion: """
            One line for each event: who (session, account), what (the command), when it came in \
            (UTC nanoseconds of its record), when the journal knew it durable (empty where that \
            was not noted), what became of it, and for trades the trade's id: sequence of the \
            command, a dash, and the index in it.
            """)

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var range: LogRange
    @OptionGroup var start: LogStart

    func run() throws {
        let fold = try start.fold(source, until: max(range.from, 1) - 1)
        print(
            "sequence,ingressNanos,durableNanos,session,sessionSequence,command,instrument,"
                + "orderID,reference,outcome,reason,side,priceTicks,quantityLots,leavesLots,"
                + "executedLots,orderSession,account,role,tradeID")
        let times = try CommitTimes(source.storage())
        _ = try source.scan(from: fold.position.sequence + 1) { record, continuation in
            let isWanted = record.sequence >= range.from && record.sequence <= range.until
            let durable =
                isWanted ? times.durableNanos(of: (continuation ?? record).sequence) : nil
            fold.fold(record, continuation: continuation) { event in
                if isWanted { print(Self.line(record, durable, event)) }
            }
        }
        try LogStart.check(fold, source)
    }

    private static func line(
        _ record: LogRecord, _ durableNanos: UInt64?, _ event: Event
    ) -> String {
        let isTrade = event.kind == .traded
        let role = isTrade ? (event.attributes.contains(.aggressor) ? "aggressor" : "resting") : ""
        let reason = isTrade || event.reason == .none ? "" : event.reason.text
        let side = event.kind.rawValue <= 16 ? (event.attributes.side == .buy ? "buy" : "sell") : ""
        let durable = durableNanos.map { "\($0)" } ?? ""
        return "\(record.sequence),\(record.timestampNanos),\(durable),\(record.session),"
            + "\(record.sessionSequence),\(CommandText.name(record.kind)),\(event.instrument),"
            + "\(event.orderID),\(event.reference),\(event.kind.text),\(reason),\(side),"
            + "\(event.priceTicks),\(event.quantityLots),\(event.leavesLots),"
            + "\(event.executedLots),\(event.session),\(event.account),\(role),"
            + (isTrade ? "\(record.sequence)-\(event.detail)" : "")
    }
}
