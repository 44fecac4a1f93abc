// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: system calls get strings that live for the call, and buffers of their own type.
internal import ArgumentParser
internal import CommandLog
internal import Glibc
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Wire

struct LogSnapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Fold the log and write the state into a folder of snapshots.",
        discussion: """
            The one subcommand that writes. It begins at the newest snapshot that is there, \
            applies what is durable behind it, and writes a new one: to a temporary file, to the \
            disk, and only then under its name; then it is read again. None is removed, unless \
            --keep says how many stay. It may run beside the gateway, which goes by what is in \
            FOLDER/snapshots when it starts, and removes all but `journal.snapshotsKept` when it \
            makes its next one.
            """)

    @OptionGroup var source: LogFolderArgument
    @Option(help: "Folder of snapshots, made if it is missing; default: snapshots, in FOLDER.")
    var into: String?
    @Option(help: "Last sequence to apply; default: the last durable one.") var until: UInt64?
    @Option(help: "Write one every so many records too; default: only the last.")
    var every: UInt64?
    @Option(help: "Snapshots to keep in that folder, the gateway's too; default: all.")
    var keep: Int?

    func validate() throws {
        guard keep ?? 1 > 0 else { throw ValidationError("--keep is 1 or more") }
        guard every ?? 1 > 0 else { throw ValidationError("--every is 1 or more") }
    }

    func run() throws {
        let source = try self.source.open()
        LogRange.noteEnd(until, source.log)
        let own = SnapshotFiles.folder(of: source)
        let store = SnapshotStore(
            path: into ?? own, shard: source.log.shard, keptCount: keep ?? .max)
        try refuseOthers(store, source)
        let fold = try LogStart.fold(
            source, in: store.path == own ? [own] : [store.path, own], limit: until,
            fromSnapshot: true)
        let from = fold.position.sequence
        if let until, until < from {
            throw LogSource.refuse(
                "the state at sequence \(until) cannot be had: \(LogStart.why(fold, source))")
        }
        let last = min(until ?? .max, source.log.durableSequence)
        let began = MonotonicClock.nowNanos()
        let written = try advance(fold, source, through: last, store)
        guard written > 0 else {
            print("nothing to write: the newest snapshot is of \(from), and no whole command that")
            print("is durable ends behind it, up to sequence \(last)")
            return
        }
        let seconds = Double(MonotonicClock.nowNanos() - began) / 1e9
        print("folded from \(from), \(rate(fold.commandCount, seconds))")
    }

    /// A folder with snapshots of another log, or inside another journal: that log could not be
    /// started any more.
    private func refuseOthers(_ store: SnapshotStore, _ source: LogSource) throws {
        for place in [store.path, store.path + "/.."]
        where Self.isThere(place + "/tail") && !Self.isSame(place, source.folder) {
            throw LogSource.refuse(
                "\(store.path) is in the folder of another journal: name a folder of its own")
        }
        let sequences = (try? store.sequences()) ?? []
        for sequence in sequences where sequence >= source.log.firstSequence - 1 {
            let place = (try? store.loadHeader(sequence: sequence))?.position
            guard let place, (try? SnapshotFiles.belongs(place, to: source)) ?? false else {
                throw LogSource.refuse(
                    "\(store.path(sequence: sequence)) is no snapshot of this log: name another "
                        + "folder, or remove it")
            }
        }
    }

    private static func isThere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    private static func isSame(_ path: String, _ other: String) -> Bool {
        var ours = stat()
        var theirs = stat()
        return unsafe stat(path, &ours) == 0 && stat(other, &theirs) == 0
            && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino
    }

    /// How many were written.
    private func advance(
        _ fold: LogFold, _ source: LogSource, through last: UInt64, _ store: SnapshotStore
    ) throws -> Int {
        let from = fold.position.sequence
        guard last > from else { return 0 }
        var next = every.map { from.addingReportingOverflow($0) }.flatMap { $1 ? nil : $0 } ?? .max
        var saved: [UInt64] = []
        var failure: SnapshotError?
        func save() {
            do throws(SnapshotError) {
                try store.save(fold, at: fold.position)
                saved.append(fold.position.sequence)
                let path = store.path(sequence: fold.position.sequence)
                print("\(path)  state hash \(hex(fold.stateHash))")
            } catch { failure = error }
        }
        try source.forEachCommand(from: from + 1, through: last) { record, continuation in
            guard failure == nil else { return }
            fold.fold(record, continuation: continuation)
            guard fold.lastSequence >= next, fold.problem == nil else { return }
            next = next.addingReportingOverflow(every ?? 0).overflow ? .max : next + (every ?? 0)
            save()
        }
        try LogStart.check(fold, source)
        if failure == nil, fold.lastSequence > from, saved.last != fold.lastSequence { save() }
        if let failure {
            LogSource.note("\(failure)")
            throw Exit.inputOutput
        }
        return saved.count
    }
}
