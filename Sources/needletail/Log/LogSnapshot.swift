// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Wire

/// Where a fold of the log begins.
struct LogStart: ParsableArguments {
    @Flag(help: "Begin at the newest snapshot that is not behind --until.") var fromSnapshot = false
    @Option(help: "Folder of snapshots; default: snapshots, in FOLDER.") var snapshots: String?

    /// At the beginning of the log, or where that is gone at the oldest snapshot; at the newest if
    /// that is asked for. Ends the program when there is nothing to begin at.
    func fold(_ source: LogFolderArgument, until: UInt64 = .max) throws -> LogFold {
        let found = try source.scan(from: .max)
        guard fromSnapshot || found.firstSequence > 1 else { return LogFold(shard: found.shard) }
        do throws(SnapshotError) {
            let store = SnapshotStore(
                path: snapshots ?? source.folder + "/snapshots", shard: found.shard)
            let usable = try store.sequences().filter {
                $0 <= until && $0 >= found.firstSequence - 1
            }
            for sequence in fromSnapshot ? usable : usable.reversed() {
                do throws(SnapshotError) {
                    return try LogFold.restore(store, sequence: sequence)
                } catch { StandardError.write("needletail: passed over: \(error)\n") }
            }
        } catch { throw Self.failed(error) }
        guard found.firstSequence > 1 else { return LogFold(shard: found.shard) }
        StandardError.write(
            "needletail: \(source.folder): the log begins at sequence \(found.firstSequence), and "
                + "no snapshot of \(found.firstSequence - 1) or later is there: put the segments "
                + "before it back from the archive, or name a folder with --snapshots\n")
        throw Exit.badInput
    }

    static func failed(_ error: SnapshotError) -> ExitCode {
        StandardError.write("needletail: \(error)\n")
        return Exit.badInput
    }

    /// Ends the program when the fold has gone wrong.
    static func check(_ fold: LogFold, _ source: LogFolderArgument) throws {
        guard let problem = fold.problem ?? fold.broken else { return }
        StandardError.write("needletail: \(source.folder): \(problem)\n")
        throw Exit.damaged
    }
}

struct LogSnapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Fold the log and write the state into a folder of snapshots.",
        discussion: """
            Begins at the newest snapshot that is there, applies what is durable behind it, and \
            writes a new one: to a temporary file, to the disk, and only then under its name; then \
            it is read again, and old ones are dropped. It may run beside the gateway, which goes \
            by what is in FOLDER/snapshots when it starts.
            """)

    @OptionGroup var source: LogFolderArgument
    @Option(help: "Folder of snapshots, made if it is missing; default: snapshots, in FOLDER.")
    var into: String?
    @Option(help: "Last sequence to apply.") var until: UInt64 = .max
    @Option(help: "Write one every so many records too.") var every: UInt64 = .max
    @Option(help: "Snapshots to keep.") var keep = 3

    func validate() throws {
        guard keep > 0 else { throw ValidationError("--keep is 1 or more") }
        guard every > 0 else { throw ValidationError("--every is 1 or more") }
    }

    func run() throws {
        let found = try source.scan(from: .max)
        let store = SnapshotStore(
            path: into ?? source.folder + "/snapshots", shard: found.shard, keptCount: keep)
        var start = LogStart()
        start.fromSnapshot = true
        start.snapshots = store.path
        let fold = try start.fold(source, until: until)
        let from = fold.position.sequence
        let last = min(until, found.durableSequence)
        guard last > from else {
            print("nothing is durable behind sequence \(from)")
            return
        }
        let began = MonotonicClock.nowNanos()
        var next = from.addingReportingOverflow(every).partialValue
        if next < from { next = .max }
        var failure: SnapshotError?
        _ = try source.scan(from: from + 1) { record, continuation in
            guard (continuation ?? record).sequence <= last, failure == nil else { return }
            fold.fold(record, continuation: continuation)
            guard fold.lastSequence >= next, fold.problem == nil else { return }
            next += every
            failure = save(fold, in: store)
        }
        let seconds = Double(MonotonicClock.nowNanos() - began) / 1e9
        try LogStart.check(fold, source)
        let isSaved = try failure == nil && store.sequences().first == fold.position.sequence
        if !isSaved, failure == nil { failure = save(fold, in: store) }
        if let failure { throw LogStart.failed(failure) }
        print("folded from \(from), \(rate(fold.commandCount, seconds))")
    }

    private func save(_ fold: LogFold, in store: SnapshotStore) -> SnapshotError? {
        do throws(SnapshotError) {
            try store.save(fold, at: fold.position)
            print(
                "\(store.path(sequence: fold.position.sequence))  state hash \(hex(fold.stateHash))"
            )
            return nil
        } catch { return error }
    }
}
