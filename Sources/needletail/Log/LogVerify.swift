// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Platform
internal import Wire

struct LogVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check every record and every snapshot; say whether the log is whole.",
        discussion: """
            A log without its oldest segments is checked from the first record that is here, and \
            that is said: `whole from sequence N on`. Then a snapshot that covers what is gone \
            must be there, or no gateway can start from it; not so in an archive, which has no \
            tail. A broken snapshot is damage too: a start has one less to begin at.
            """)

    @OptionGroup var source: LogFolderArgument
    @Option(help: "Folder of snapshots; default: snapshots, in FOLDER.") var snapshots: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        // Before the log: a gateway may be making one, of records that are not written yet now.
        let surveyed = try source.open()
        let folder = snapshots ?? SnapshotFiles.folder(of: surveyed)
        let found: [SnapshotFiles.Found]
        do throws(SnapshotError) {
            found = try SnapshotFiles.all(in: folder, shard: surveyed.log.shard, checksAll: true)
        } catch { throw LogSource.refuse("\(error)") }
        let start = MonotonicClock.nowNanos()
        var commands: UInt64 = 0
        let source = try LogSource(surveyed.folder, checkedFrom: 1) { _, _ in commands += 1 }
        let seconds = Double(MonotonicClock.nowNanos() - start) / 1e9
        let (usable, problems) = check(found, of: source)
        var notes = source.log.segments.filter { OtherFile.hasBrokenFooter($0, source) }.map {
            "\($0.name): its footer is not valid; all its records are, and the next start writes "
                + "another"
        }
        if source.log.notedSequence > source.log.lastSequence {
            notes.append(
                "the log ends at \(source.log.lastSequence), and its times say that "
                    + "\(source.log.notedSequence) was durable: was an old tail put back?")
        }
        if json {
            showObject(source, commands, seconds, (found.count, usable), problems, notes)
        } else {
            show(source, commands, seconds, (found.count, usable), notes)
        }
        for problem in problems { LogSource.note(problem) }
        guard problems.isEmpty else { throw Exit.damaged }
    }

    /// How many snapshots a start could begin at, and what is wrong with the others or all.
    private func check(
        _ found: [SnapshotFiles.Found], of source: LogSource
    ) -> (usable: Int, problems: [String]) {
        let log = source.log
        var usable = 0
        var problems: [String] = []
        for snapshot in found {
            if let problem = snapshot.problem {
                problems.append("a snapshot that cannot be used: \(problem)")
            } else if snapshot.sequence > log.lastSequence {
                problems.append(
                    "\(snapshot.path): it is of a log that went to \(snapshot.sequence) at least, "
                        + "and this one ends at \(log.lastSequence)")
            } else if snapshot.sequence + 1 >= log.firstSequence {
                if let problem = foreign(snapshot, source) {
                    problems.append("\(snapshot.path): \(problem)")
                } else {
                    usable += 1
                }
            }
        }
        if log.firstSequence > 1, usable == 0, source.files.contains(JournalFormat.tailName) {
            problems.append(
                "the log begins at sequence \(log.firstSequence), and no snapshot of "
                    + "\(log.firstSequence - 1) or later can be used: no gateway can start here. "
                    + "Put a snapshot back, or the segments before it")
        }
        return (usable, problems)
    }

    private func foreign(_ snapshot: SnapshotFiles.Found, _ source: LogSource) -> String? {
        do throws(SnapshotError) {
            let folder = snapshot.path.split(separator: "/", omittingEmptySubsequences: false)
                .dropLast().joined(separator: "/")
            let store = SnapshotStore(path: folder, shard: source.log.shard)
            let place = try store.loadHeader(sequence: snapshot.sequence).position
            return try SnapshotFiles.belongs(place, to: source)
                ? nil : "it is not of this log: the record behind it does not go on from it"
        } catch { return "\(error)" }
    }

    // MARK: What is said

    private func show(
        _ source: LogSource, _ commands: UInt64, _ seconds: Double,
        _ snapshots: (all: Int, usable: Int), _ notes: [String]
    ) {
        let log = source.log
        print(Self.summary(log))
        for note in notes { print("note: \(note)") }
        if snapshots.all > 0 {
            print("snapshots: \(snapshots.all), of which \(snapshots.usable) can be begun at")
        }
        let place =
            log.firstSequence == 1
            ? "whole"
            : "whole from sequence \(log.firstSequence) on; records 1 to "
                + "\(log.firstSequence - 1) are not here, and were not checked"
        print("\(place): \(commands) commands checked, \(rate(commands, seconds))")
    }

    private func showObject(
        _ source: LogSource, _ commands: UInt64, _ seconds: Double,
        _ snapshots: (all: Int, usable: Int), _ problems: [String], _ notes: [String]
    ) {
        var object = Self.object(source.log)
        object.add("whole", problems.isEmpty)
        object.add("commands", commands)
        object.add("seconds", seconds: seconds)
        object.add("snapshots", snapshots.all)
        object.add("snapshotsUsable", snapshots.usable)
        object.add("problems", problems)
        object.add("notes", notes)
        print(object.text)
    }

    static func summary(_ log: RecoveredLog) -> String {
        "shard \(log.shard) · sequences \(log.firstSequence) to \(log.lastSequence) · known "
            + "durable to \(log.durableSequence) · epoch \(log.epoch)"
            + (log.isArchive ? " · an archive: it has no tail, and none starts from it" : "")
    }

    /// The same for programs.
    static func object(_ log: RecoveredLog) -> JSONObject {
        var object = JSONObject()
        object.add("item", "log")
        object.add("shard", log.shard)
        object.add("firstSequence", log.firstSequence)
        object.add("lastSequence", log.lastSequence)
        object.add("durableSequence", log.durableSequence)
        object.add("epoch", log.epoch)
        object.add("isArchive", log.isArchive)
        return object
    }
}
