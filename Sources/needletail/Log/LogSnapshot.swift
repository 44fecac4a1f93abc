// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Wire

struct LogSnapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Fold the log and write the state into a folder of snapshots.",
        discussion: """
            Begins at the newest snapshot that is there, applies what is durable behind it, and \
            writes a new one: to a temporary file, to the disk, and only then under its name; then \
            it is read again. It may run beside the gateway, which knows nothing of it.
            """)

    @OptionGroup var source: LogFolderArgument
    @Option(help: "Folder of snapshots; made if it is missing.") var into: String
    @Option(help: "Last sequence to apply.") var until: UInt64 = .max
    @Option(help: "Snapshots to keep.") var keep = 3

    func validate() throws {
        guard keep > 0 else { throw ValidationError("--keep is 1 or more") }
    }

    func run() throws {
        let found = try source.scan(from: .max)
        let fold = try Self.begin(
            source, snapshots: into, shard: found.shard, until: until, keep: keep)
        let start = fold.position.sequence
        let last = min(until, found.durableSequence)
        let began = MonotonicClock.nowNanos()
        _ = try source.scan(from: start + 1) { record, continuation in
            guard (continuation ?? record).sequence <= last else { return }
            fold.apply(record, continuation) { _ in }
        }
        let seconds = Double(MonotonicClock.nowNanos() - began) / 1e9
        try Self.check(fold, source)
        guard fold.position.sequence > start else {
            print("nothing is durable behind sequence \(start)")
            return
        }
        let store = try Self.store(into, shard: fold.position.shard, keep: keep)
        do throws(SnapshotError) { try store.save(fold, at: fold.position) } catch { throw Self.failed(error) }
        print("\(store.path(sequence: fold.position.sequence))")
        print("state hash \(hex(fold.stateHash)), folded from \(start), ", terminator: "")
        print(rate(fold.commandCount, seconds))
    }

    /// A fold at the newest snapshot there that is not behind `until`; if there is none, at the
    /// beginning of the log.
    static func begin(
        _ source: LogFolderArgument, snapshots: String, shard: UInt32, until: UInt64,
        keep: Int = 3
    ) throws -> LogFold {
        var skipped: [SkippedSnapshot] = []
        let fold: LogFold
        do throws(SnapshotError) {
            let store = try SnapshotStore(path: snapshots, shard: shard, keptCount: keep)
            fold = try LogFold.newest(in: store, until: until, skipped: &skipped)
        } catch { throw failed(error) }
        for one in skipped { StandardError.write("needletail: passed over: \(one.error)\n") }
        try check(fold, source)
        return fold
    }

    static func check(_ fold: LogFold, _ source: LogFolderArgument) throws {
        guard let problem = fold.problem ?? fold.broken else { return }
        StandardError.write("needletail: \(source.folder): \(problem)\n")
        throw Exit.damaged
    }

    private static func store(_ path: String, shard: UInt32, keep: Int) throws -> SnapshotStore {
        do throws(SnapshotError) {
            return try SnapshotStore(path: path, shard: shard, keptCount: keep)
        } catch { throw failed(error) }
    }

    private static func failed(_ error: SnapshotError) -> ExitCode {
        StandardError.write("needletail: \(error)\n")
        return Exit.badInput
    }
}
