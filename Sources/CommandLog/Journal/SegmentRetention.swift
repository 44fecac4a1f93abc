// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the copy's buffer is memory of this call; it is read and written within its size.
internal import Glibc
internal import Platform

/// What becomes of segments that no kept snapshot needs any more.
///
/// Threading: the thread that makes a shard's snapshots. The journal is never in its way: it writes
/// later segments.
public enum SegmentRetention: Equatable, Sendable {
    /// They stay.
    case keep
    /// They are removed.
    case delete
    /// They are copied to a folder, and removed when the copy is durable.
    case archive(folder: String)

    /// Does so with those that end at `covered` or before. Gives their names, oldest first. Throws
    /// when the disk refuses; then the rest stays, for the next call.
    public func retire<Storage: JournalStorage>(
        _ storage: Storage, through covered: UInt64
    ) throws(StorageError) -> [String] {
        guard self != .keep else { return [] }
        let names = try storage.list()
        let firsts = names.compactMap(JournalFormat.firstSequence(ofSegmentNamed:)).sorted()
        // A segment ends where the next one begins. The last may only be made ahead, and then the
        // one before it is being written.
        let old = zip(firsts, firsts.dropFirst()).dropLast().filter { $0.1 - 1 <= covered }
            .map(\.0)
        guard !old.isEmpty else { return [] }
        if case .archive(let folder) = self {
            // Its own lock: two gateways do not share an archive.
            let archive = try FileStorage(path: folder, mode: .journalWithoutUring)
            for first in old {
                for name in Self.names(first, in: names) { try Self.copy(name, storage, archive) }
            }
        }
        // The oldest first, and the segment before what is said of it: what a crash leaves has no
        // hole.
        for first in old {
            for name in Self.names(first, in: names) { try storage.remove(name) }
        }
        try storage.syncFolder()
        return old.map(JournalFormat.segmentName(firstSequence:))
    }

    /// A segment and its times, if they are there.
    private static func names(_ first: UInt64, in names: [String]) -> [String] {
        let times = JournalFormat.timesName(firstSequence: first)
        return [JournalFormat.segmentName(firstSequence: first)]
            + (names.contains(times) ? [times] : [])
    }

    /// A whole copy under its name, durable; one that is there already is made anew.
    private static func copy<Storage: JournalStorage>(
        _ name: String, _ source: Storage, _ target: FileStorage
    ) throws(StorageError) {
        guard let buffer = try? JournalError.pages(pageCount) else {
            throw StorageError("get memory to copy", file: name, errno: ENOMEM)
        }
        let from = try source.open(name, forWriting: false)
        defer { source.close(from) }
        let temporary = name + JournalFormat.temporarySuffix
        let to = try target.createPlain(temporary)
        defer { target.close(to) }
        let byteCount = try source.byteCount(of: from)
        var offset = 0
        while offset < byteCount {
            let count = try unsafe source.read(
                from, into: buffer.base, byteCount: pageCount * JournalFormat.pageByteCount,
                offset: offset)
            guard count > 0 else { throw StorageError("read all of", file: name, errno: EIO) }
            try unsafe target.append(to, from: buffer.base, byteCount: count)
            offset += count
        }
        try target.sync(to)
        try target.rename(temporary, to: name)
        try target.syncFolder()
    }

    /// Read and written at a time.
    private static var pageCount: Int { 256 }
}
