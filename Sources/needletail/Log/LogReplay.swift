// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Pipeline
internal import Platform

struct LogReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Fold the log through an engine, and print the hash of its state.",
        discussion: """
            It begins at the beginning of the log, or where that was let go at the oldest \
            snapshot. With --from-snapshot it begins at the newest snapshot that is not behind \
            --until. The hash at a sequence is the same on every machine, from wherever the fold \
            began, and the same as in the gateway that wrote the log. With --state-hash only the \
            hash is printed.
            """)

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var start: LogStart
    @Option(help: "Last sequence to apply; default: the last that is here.") var until: UInt64?
    @Flag(help: "Print the hash and nothing else.") var stateHash = false
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard !(stateHash && json) else {
            throw ValidationError("--state-hash and --json: one of them.")
        }
    }

    func run() throws {
        let source = try self.source.open()
        LogRange.noteEnd(until, source.log)
        let fold = try self.start.fold(source, limit: until)
        let from = fold.position.sequence + 1
        if let until, until < from - 1 {
            throw LogSource.refuse(
                "the state at sequence \(until) cannot be had: \(LogStart.why(fold, source)); "
                    + "ask for \(from - 1) or later")
        }
        let start = MonotonicClock.nowNanos()
        try source.forEachCommand(from: from, through: until ?? .max) { record, continuation in
            fold.fold(record, continuation: continuation)
        }
        let seconds = Double(MonotonicClock.nowNanos() - start) / 1e9
        try LogStart.check(fold, source)
        guard fold.lastSequence > 0 else {
            throw LogSource.refuse(
                "no command ends at sequence \(until ?? 0) or before it: \(source.folder) holds "
                    + source.extent)
        }
        show(fold, from: from, seconds: seconds)
    }

    private func show(_ fold: LogFold, from: UInt64, seconds: Double) {
        guard !stateHash else {
            print(hex(fold.stateHash))
            return
        }
        guard !json else {
            var object = JSONObject()
            object.add("shard", fold.position.shard)
            object.add("epoch", fold.position.epoch)
            object.add("firstSequence", from)
            object.add("lastSequence", fold.position.sequence)
            object.add("commands", fold.commandCount)
            object.add("events", fold.eventCount)
            object.add("openOrders", fold.openOrders)
            object.add("stateHash", hex(fold.stateHash))
            object.add("seconds", seconds: seconds)
            print(object.text)
            return
        }
        print("first · last sequence   \(from) · \(fold.position.sequence)")
        print("commands · events       \(fold.commandCount) · \(fold.eventCount)")
        print("open orders             \(fold.openOrders)")
        print("state hash              \(hex(fold.stateHash))")
        print("replayed in             \(rate(fold.commandCount, seconds))")
    }
}
