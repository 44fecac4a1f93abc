// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Platform
internal import Wire

struct LogDump: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Print commands, as a table or as JSON lines.",
        discussion: """
            A command of two records has the sequence of its first. Fields are called as in \
            docs/formats/log-record.md.
            """)

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var range: LogRange
    @Option(help: "Commands to print, at most; default: all.") var count: UInt64?
    @Flag(help: "One JSON object a line.") var json = false

    func validate() throws {
        guard count != 0 else { throw ValidationError("--count is 1 or more") }
    }

    func run() throws {
        let source = try self.source.open()
        let wanted = try range.within(source)
        var printed: UInt64 = 0
        // One more: the second record of the last command may lie behind the range.
        var from = wanted.lowerBound
        while from <= wanted.upperBound, printed < count ?? .max {
            // In parts, so that few commands of a long log take a moment only.
            let (end, isLast) = from.addingReportingOverflow(65_536)
            let through = isLast ? wanted.upperBound : min(end, wanted.upperBound)
            try source.forEachCommand(from: from, through: through &+ 1) { record, continuation in
                guard record.sequence <= through, printed < count ?? .max else { return }
                if printed == 0, !json { print(CommandText.columns) }
                printed += 1
                print(
                    json
                        ? CommandText.json(record, continuation).text
                        : CommandText.row(record, continuation))
            }
            from = through + 1
        }
        guard printed == 0 else { return }
        throw LogSource.refuse(
            "no command begins \(range.asked): the record there is the second of its command")
    }
}
