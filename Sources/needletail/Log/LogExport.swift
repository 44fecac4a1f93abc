// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Pipeline
internal import Platform
internal import Wire

struct LogExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Commands and what became of them, as CSV for auditors.",
        discussion: """
            One line for each event: who (session, account, source), what (the command), when it \
            came in and when the journal knew it durable, what became of it, and for trades the \
            trade's id. docs/formats/export.md tells of each column.

            It begins at the beginning of the log, or where that was let go at the oldest \
            snapshot: what is before it is said to be missing.
            """)

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var range: LogRange
    @OptionGroup var start: LogStart

    func run() throws {
        let source = try self.source.open()
        let asked = try range.within(source, isFolded: true)
        let fold = try start.fold(source, limit: range.from.map { max($0, 1) - 1 } ?? range.until)
        let first = fold.position.sequence + 1
        guard first <= asked.upperBound else {
            throw LogSource.refuse(
                "nothing \(range.asked) can be had: \(LogStart.why(fold, source)); it can be had "
                    + "from sequence \(first) on")
        }
        if first > max(range.from ?? 1, 1) {
            LogSource.note("from sequence \(first) on only: \(LogStart.why(fold, source))")
        }
        let wanted = max(first, asked.lowerBound)...asked.upperBound
        let times: CommitTimes<FileStorage>
        do throws(JournalError) { times = try CommitTimes(source.storage) } catch {
            throw LogSource.refuse("\(error)")
        }
        let printed = try print(source, fold, wanted, times)
        try LogStart.check(fold, source)
        guard printed == 0 else { return }
        throw LogSource.refuse(
            "no command begins \(range.asked): the record there is the second of its command")
    }

    /// How many commands were printed.
    private func print(
        _ source: LogSource, _ fold: LogFold, _ wanted: ClosedRange<UInt64>,
        _ times: CommitTimes<FileStorage>
    ) throws -> UInt64 {
        var printed: UInt64 = 0
        var epoch = fold.position.epoch
        // One more: the second record of the last command may lie behind the range.
        let through = wanted.upperBound &+ 1
        try source.forEachCommand(from: fold.position.sequence + 1, through: through) {
            record, continuation in
            if record.kind == .epochStart { epoch = record.session }
            guard wanted.contains(record.sequence) else {
                return fold.fold(record, continuation: continuation)
            }
            if printed == 0 { Swift.print(AuditLine.header) }
            printed += 1
            let command = AuditLine(
                shard: source.log.shard, epoch: epoch, record: record, continuation: continuation,
                durableNanos: times.durableNanos(of: (continuation ?? record).sequence))
            fold.fold(record, continuation: continuation) { Swift.print(command.text($0)) }
        }
        return printed
    }
}
