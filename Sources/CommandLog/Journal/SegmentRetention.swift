// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the copy's buffers are memory of this call, read and written within their size.
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

    /// Does so with those that end at `covered` or before, each when a record of the next one is
    /// `durable`, and when all of it was read and found whole: what is damaged stays where it can
    /// be mended. Adds their names to `retired`, oldest first. Throws when one is damaged, when the
    /// archive has a different file of that name, and when the disk refuses; then it and those
    /// behind it stay, for the next call.
    public func retire<Storage: JournalStorage>(
        _ storage: Storage, shard: UInt32, through covered: UInt64, durable: UInt64,
        retired: inout [String]
    ) throws(JournalError) {
        guard self != .keep else { return }
        let names = try located(storage, shard) { () throws(StorageError) in try storage.list() }
        let firsts = names.compactMap(JournalFormat.firstSequence(ofSegmentNamed:)).sorted()
        // A segment ends where the next one begins. The last may only be made ahead, and then the
        // one before it is being written. Its header is on the disk with its first record; before,
        // a crash leaves nothing of it, and a start needs a segment.
        let old = zip(firsts, firsts.dropFirst()).dropLast().filter {
            $0.1 - 1 <= covered && $0.1 <= durable
        }
        guard !old.isEmpty else { return }
        let audit = try SegmentAudit(storage)
        let archive = try located(storage, shard) { () throws(StorageError) in try openArchive() }
        for (first, next) in old {
            let damage = try located(storage, shard) { () throws(StorageError) in
                try audit.damage(first: first, next: next)
            }
            if let damage {
                throw JournalError.damaged(damage).located(in: storage.folder, shard: shard)
            }
            try located(storage, shard) { () throws(StorageError) in
                let files = Self.files(first, in: names)
                if let archive { for name in files { try Self.copy(name, storage, archive) } }
                // The oldest first, and its times before it: what a crash leaves has no hole, and
                // nothing is left of it.
                for name in files.reversed() { try storage.remove(name) }
                try storage.syncFolder()
            }
            retired.append(JournalFormat.segmentName(firstSequence: first))
        }
    }

    private func located<Storage: JournalStorage, Result>(
        _ storage: Storage, _ shard: UInt32, _ body: () throws(StorageError) -> Result
    ) throws(JournalError) -> Result {
        do { return try body() } catch {
            throw JournalError.storage(error).located(in: storage.folder, shard: shard)
        }
    }

    /// With a lock of its own: two gateways do not share an archive.
    private func openArchive() throws(StorageError) -> FileStorage? {
        guard case .archive(let folder) = self else { return nil }
        return try FileStorage(path: folder, mode: .journalWithoutUring)
    }

    /// A segment and its times, if they are there.
    private static func files(_ first: UInt64, in names: [String]) -> [String] {
        let times = JournalFormat.timesName(firstSequence: first)
        return [JournalFormat.segmentName(firstSequence: first)]
            + (names.contains(times) ? [times] : [])
    }

    /// A whole copy under its name, durable. One that is there already must be the same.
    private static func copy<Storage: JournalStorage>(
        _ name: String, _ source: Storage, _ target: FileStorage
    ) throws(StorageError) {
        if try target.list().contains(name) {
            // Nobody made the times durable: a crash may have left less of them here than there.
            if JournalFormat.firstSequence(ofTimesNamed: name) != nil { return }
            guard try isSame(name, source, target) else {
                throw StorageError(
                    "put a segment over a different file, perhaps of another log,",
                    file: target.folder + "/" + name, errno: EEXIST)
            }
            return
        }
        let from = try source.open(name, forWriting: false)
        defer { source.close(from) }
        let temporary = name + JournalFormat.temporarySuffix
        let to = try target.createPlain(temporary)
        defer { target.close(to) }
        try unsafe forEachPart(from, source) { (memory, count, _) throws(StorageError) in
            try unsafe target.append(to, from: memory, byteCount: count)
        }
        try target.sync(to)
        try target.rename(temporary, to: name)
        try target.syncFolder()
    }

    private static func isSame<Storage: JournalStorage>(
        _ name: String, _ source: Storage, _ target: FileStorage
    ) throws(StorageError) -> Bool {
        let ours = try source.open(name, forWriting: false)
        defer { source.close(ours) }
        let theirs = try target.open(name, forWriting: false)
        defer { target.close(theirs) }
        guard try source.byteCount(of: ours) == target.byteCount(of: theirs) else { return false }
        let other = try memory()
        var isSame = true
        try unsafe forEachPart(ours, source) { (memory, count, offset) throws(StorageError) in
            let read = try unsafe target.read(
                theirs, into: other.base, byteCount: count, offset: offset)
            isSame = unsafe isSame && read == count && memcmp(memory, other.base, count) == 0
        }
        return isSame
    }

    private static func forEachPart<Storage: JournalStorage>(
        _ file: JournalFile, _ storage: Storage,
        _ body: (UnsafeRawPointer, Int, Int) throws(StorageError) -> Void
    ) throws(StorageError) {
        let buffer = try memory()
        let byteCount = try storage.byteCount(of: file)
        var offset = 0
        while offset < byteCount {
            let count = try unsafe storage.read(
                file, into: buffer.base, byteCount: partByteCount, offset: offset)
            guard count > 0 else { throw StorageError("read all of", file: "it", errno: EIO) }
            try unsafe body(buffer.base, count, offset)
            offset += count
        }
    }

    private static func memory() throws(StorageError) -> HugePages {
        do { return try HugePages(byteCount: partByteCount, preferred: .small) } catch {
            throw StorageError("get memory to copy", file: "a segment", errno: ENOMEM)
        }
    }

    /// Read and written at a time.
    private static var partByteCount: Int { 1 << 20 }
}
