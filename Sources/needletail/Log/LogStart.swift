// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Foundation
internal import Pipeline
internal import Platform
internal import Wire

/// Where a fold of the log begins.
struct LogStart: ParsableArguments {
    @Flag(help: "Begin at the newest snapshot that is not behind --from, or --until: faster.")
    var fromSnapshot = false
    @Option(help: "Folder of snapshots; default: snapshots, in FOLDER.") var snapshots: String?

    /// At the beginning of the log, or where that is gone at the oldest snapshot that can be used;
    /// if a snapshot is asked for, at the newest that is not behind `limit`. Ends the program when
    /// there is nothing to begin at.
    func fold(_ source: LogSource, limit: UInt64?) throws -> LogFold {
        let folder = snapshots ?? SnapshotFiles.folder(of: source)
        if let snapshots, !FileManager.default.fileExists(atPath: snapshots) {
            throw LogSource.refuse("there is no folder \(snapshots)")
        }
        return try Self.fold(source, in: [folder], limit: limit, fromSnapshot: fromSnapshot)
    }

    static func fold(
        _ source: LogSource, in folders: [String], limit: UInt64?, fromSnapshot: Bool
    ) throws -> LogFold {
        let begin = source.log.firstSequence
        guard fromSnapshot || begin > 1 else { return LogFold(shard: source.log.shard) }
        let stores = folders.map { SnapshotStore(path: $0, shard: source.log.shard) }
        var places: [(store: SnapshotStore, sequence: UInt64)] = []
        do throws(SnapshotError) {
            for store in stores {
                places += try store.sequences().map { (store, $0) }
            }
        } catch { throw LogSource.refuse("\(error)") }
        places.sort { $0.sequence > $1.sequence }
        let isAny = !places.isEmpty
        places.removeAll { $0.sequence + 1 < begin || $0.sequence > source.log.lastSequence }
        if fromSnapshot {
            for place in places where place.sequence <= limit ?? .max {
                if let fold = restore(place.store, place.sequence, source) { return fold }
            }
        }
        if begin == 1 {
            LogSource.note("no snapshot fits: it is folded from the beginning of the log")
            return LogFold(shard: source.log.shard)
        }
        for place in places.reversed() {
            if let fold = restore(place.store, place.sequence, source) { return fold }
        }
        let lack =
            !isAny
            ? "there is no snapshot in \(folders.joined(separator: " or "))"
            : places.isEmpty
                ? "no snapshot in \(folders.joined(separator: " or ")) is of sequence "
                    + "\(begin - 1) to \(source.log.lastSequence)"
                : "no snapshot can be used"
        throw LogSource.refuse(
            "\(source.folder): the log begins at sequence \(begin), and \(lack): name a folder "
                + "with --snapshots, or copy the log and put the segments before it back from "
                + "the archive")
    }

    private static func restore(
        _ store: SnapshotStore, _ sequence: UInt64, _ source: LogSource
    ) -> LogFold? {
        do throws(SnapshotError) {
            let fold = try LogFold.restore(store, sequence: sequence)
            if try SnapshotFiles.belongs(fold.position, to: source) { return fold }
            LogSource.note(
                "passed over: \(store.path(sequence: sequence)) is not of this log")
        } catch { LogSource.note("passed over: \(error)") }
        return nil
    }

    /// Ends the program when the fold has gone wrong.
    static func check(_ fold: LogFold, _ source: LogSource) throws {
        guard let problem = fold.problem ?? fold.broken else { return }
        LogSource.note("\(source.folder): \(problem)")
        throw Exit.damaged
    }

    /// Why a state or the events behind it cannot be had from further back.
    static func why(_ fold: LogFold, _ source: LogSource) -> String {
        "the log here begins at sequence \(source.log.firstSequence), and it is folded from the "
            + "snapshot of \(fold.position.sequence) on"
    }
}
