// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Platform
internal import Wire

/// `needletail log`: what operators and auditors ask of a log on disk.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Look into a log on disk: inspect, verify, dump, replay, compare, export.",
        discussion: """
            FOLDER is the folder of one shard, such as /var/lib/needletail/shard-0. Nothing here \
            changes a file in it. Every record is checked: sequence and chained CRC-32C. A log \
            that a gateway is writing can be read too; its end is then wherever the disk was.

            EXAMPLES
              needletail log inspect /var/lib/needletail/shard-0
              needletail log verify /var/lib/needletail/shard-0
              needletail log dump shard-0 --from 1000 --count 20
              needletail log replay shard-0 --until 50000
              needletail log snapshot shard-0 --into snapshots
              needletail log export shard-0 > orders.csv

            EXIT CODES
              0   whole (from a later sequence on, if older segments are elsewhere), or equal
              1   `diff`: the logs differ
              65  damage: something that was durable is missing or wrong
              66  the folder is missing or cannot be read
            """,
        subcommands: [
            LogInspect.self, LogVerify.self, LogDump.self, LogReplay.self, LogSnapshot.self,
            LogDiff.self, LogExport.self,
        ])
}

/// The folder that every subcommand takes, and how its errors end the program.
struct LogFolderArgument: ParsableArguments {
    @Argument(help: "Folder of one shard.") var folder: String

    func storage() throws -> FileStorage { try Self.open(folder) }

    static func open(_ folder: String) throws -> FileStorage {
        do { return try FileStorage(path: folder, mode: .reading) } catch {
            StandardError.write("needletail: \(error)\n")
            throw Exit.badInput
        }
    }

    /// Reads the log; `visit` gets each command from `from` on.
    func scan(
        from: UInt64 = 1, visit: (LogRecord, LogRecord?) -> Void = { _, _ in }
    ) throws -> RecoveredLog {
        try Self.scan(storage(), folder, from: from, visit: visit)
    }

    static func scan(
        _ storage: FileStorage, _ folder: String, from: UInt64 = 1,
        visit: (LogRecord, LogRecord?) -> Void
    ) throws -> RecoveredLog {
        do throws(JournalError) {
            let log = try JournalRecovery.scan(storage, shard: nil, from: from, visit: visit)
            if !log.segments.isEmpty { return log }
        } catch {
            StandardError.write("needletail: \(error)\n")
            if case .damaged = error { throw Exit.damaged }
            throw Exit.badInput
        }
        StandardError.write(
            "needletail: \(folder) holds no log: expected files such as "
                + "00000000000000000001.log; is it the folder of one shard?\n")
        throw Exit.badInput
    }
}

/// Which commands of a log.
struct LogRange: ParsableArguments {
    @Option(help: "First sequence.") var from: UInt64 = 1
    @Option(help: "Last sequence.") var until: UInt64 = .max

    func validate() throws {
        guard from <= until else {
            throw ValidationError("--from \(from) is behind --until \(until): exchange them.")
        }
    }
}

struct LogInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "A table of the segments, and where the log ends.")

    @OptionGroup var source: LogFolderArgument

    func run() throws {
        let log = try source.scan()
        print("segment                       first sequence        last sequence  epoch  sealed")
        for segment in log.segments {
            print(
                pad(segment.name, 24) + right("\(segment.geometry.firstSequence)", 20)
                    + right("\(segment.lastSequence)", 21) + right("\(segment.epoch)", 7)
                    + right(segment.hasFooter ? "yes" : "no", 8))
        }
        print(LogVerify.summary(log))
        for file in log.cutFiles {
            print("behind the end, to be removed at the next start: \(file)")
        }
        for file in try source.storage().list().sorted() where JournalFormat.isSetAside(file) {
            print("set aside by an earlier start, not of this log: \(file)")
        }
        for file in log.asideFiles {
            print(
                "behind the end without a valid header, to be set aside at the next start: \(file)")
        }
    }
}

struct LogVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every record; say whether the log is whole.",
        discussion: """
            A log without its oldest segments is checked from the first record that is here, and \
            that is said: `whole from sequence N on`.
            """)

    @OptionGroup var source: LogFolderArgument

    func run() throws {
        let start = MonotonicClock.nowNanos()
        var commands: UInt64 = 0
        let log = try source.scan { _, _ in commands += 1 }
        let seconds = Double(MonotonicClock.nowNanos() - start) / 1e9
        print(Self.summary(log))
        let place =
            log.firstSequence == 1
            ? "whole"
            : "whole from sequence \(log.firstSequence) on; records 1 to "
                + "\(log.firstSequence - 1) are not here, and were not checked"
        print("\(place): \(commands) commands checked, \(rate(commands, seconds))")
    }

    static func summary(_ log: RecoveredLog) -> String {
        "shard \(log.shard) · sequences \(log.firstSequence) to \(log.lastSequence) · known "
            + "durable to \(log.durableSequence) · epoch \(log.epoch)"
    }
}

struct LogDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Find the first record in which two logs differ.",
        discussion: "Records are compared byte for byte; a log that is only shorter is said so.")

    @Argument(help: "Folder of one shard.") var left: String
    @Argument(help: "The other folder.") var right: String

    func run() throws {
        var records: [LogRecord] = []
        _ = try LogFolderArgument.scan(LogFolderArgument.open(left), left) { record, continuation in
            records.append(record)
            if let continuation { records.append(continuation) }
        }
        var index = 0
        var difference: (ours: LogRecord, theirs: LogRecord)?
        let other = try LogFolderArgument.scan(LogFolderArgument.open(right), right) {
            first, second in
            for record in [first, second].compactMap({ $0 }) where difference == nil {
                defer { index += 1 }
                guard index < records.count else { continue }
                if !same(records[index], record) { difference = (records[index], record) }
            }
        }
        if let difference {
            print("differ at sequence \(difference.ours.sequence)")
            print("< \(CommandText.json(difference.ours, nil))")
            print("> \(CommandText.json(difference.theirs, nil))")
            throw Exit.mismatch
        }
        let last = records.last?.sequence ?? 0
        guard last == other.lastSequence else {
            print("equal to sequence \(min(last, other.lastSequence)); then only one goes on:")
            print("< ends at \(last)\n> ends at \(other.lastSequence)")
            throw Exit.mismatch
        }
        print("equal: sequences to \(last)")
    }

    private func same(_ left: LogRecord, _ right: LogRecord) -> Bool {
        let words = (left.bodyWords, right.bodyWords)
        return words.0.indices.allSatisfy { words.0[$0] == words.1[$0] }
            && left.lastBodyWord == right.lastBodyWord && left.crc32c == right.crc32c
    }
}

func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, 0))
}

func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 0)) + text
}

func hex(_ number: UInt64) -> String { String(number, radix: 16) }

/// So many commands in so many seconds, as people read it.
func rate(_ commands: UInt64, _ seconds: Double) -> String {
    let millions = Double(commands) / max(seconds, 1e-9) / 1e6
    return "\((seconds * 1000).text(0)) ms, \(millions.text(2)) M commands/s"
}
