// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Foundation
internal import Platform
internal import Wire

/// The snapshots beside a log, as files.
enum SnapshotFiles {
    /// A file that is named as a snapshot.
    struct Found {
        let sequence: UInt64
        let path: String
        let byteCount: UInt64
        /// What is wrong with it; nil when it is whole as far as it was looked at.
        let problem: String?
    }

    /// Where a gateway keeps them.
    static func folder(of source: LogSource) -> String { source.folder + "/snapshots" }

    /// Newest first, with their headers checked, or all of them. Those that a gateway removes
    /// meanwhile are left out. Throws when the folder cannot be listed.
    static func all(
        in folder: String, shard: UInt32, checksAll: Bool
    ) throws(SnapshotError) -> [Found] {
        let store = SnapshotStore(path: folder, shard: shard)
        var found: [Found] = []
        for sequence in try store.sequences() {
            let path = store.path(sequence: sequence)
            var problem: String?
            do throws(SnapshotError) {
                if checksAll {
                    _ = try store.load(sequence: sequence)
                } else {
                    _ = try store.loadHeader(sequence: sequence)
                }
            } catch { problem = "\(error)" }
            guard FileManager.default.fileExists(atPath: path) else { continue }
            found.append(
                Found(
                    sequence: sequence, path: path, byteCount: byteCount(path), problem: problem))
        }
        return found
    }

    /// Bytes of a file; 0 when it is not there.
    static func byteCount(_ path: String) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
    }

    /// Whether the log goes on where a snapshot stands.
    static func belongs(
        _ place: SnapshotPosition, to source: LogSource
    ) throws(SnapshotError) -> Bool {
        do throws(JournalError) {
            return try place.belongs(to: source.log, in: source.storage)
        } catch { throw .refused(path: source.folder, cause: "\(error)") }
    }
}
