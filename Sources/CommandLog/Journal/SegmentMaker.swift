// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the page lives as long as the maker and only `poll`, on one thread, writes it.
internal import Glibc
internal import Platform
internal import Synchronization

/// Makes the next segment ahead of time, off the journal's path: allocated, headed, named, durable;
/// then fills it with zeros, for writing over what is written needs no change of the file's map,
/// which would be part of each commit. Beside it writes down when which records were durable.
///
/// Threading: `poll` belongs to one thread of its own (or is called between the journal's polls
/// where nobody waits); the rest is the journal's.
public final class SegmentMaker<Storage: JournalStorage>: @unchecked Sendable {
    private let storage: Storage
    private let status: JournalStatus
    private let page: HugePages
    private let zeros: HugePages
    private let configuration: JournalConfiguration
    /// First sequence of the segment that the journal wants; 0 when it wants none. The journal's.
    private let wanted = Atomic<UInt64>(0)
    /// First sequence of the segment that is there to be taken; 0 when none is; `held` while it
    /// changes hands or is being filled. No lock: the journal never waits for a maker that sleeps.
    private let ready = Atomic<UInt64>(0)
    private static var held: UInt64 { .max }
    /// The maker's while `ready` is 0, and of whoever made it `held`.
    private var made: JournalFile?
    /// All before it in `made` is written.
    private var filledByteCount = 0
    /// Belongs to the thread of `poll`.
    private var times: CommitTimesWriter<Storage>

    internal init(
        storage: Storage, status: JournalStatus, notes: CommitNotes, first: SegmentGeometry,
        configuration: JournalConfiguration
    ) throws(JournalError) {
        self.storage = storage
        self.status = status
        self.configuration = configuration
        times = CommitTimesWriter(
            storage: storage, notes: notes, first: first,
            configuration: configuration)
        page = try JournalError.pages(1)
        zeros = try JournalError.pages(SegmentFile.fillPageCount)
    }

    deinit {
        // Nobody took it any more: the next start finds it prepared, and removes it.
        if let made { storage.close(made) }
        times.flush()
    }

    /// Makes what is wanted, or fills it, and writes commit times. True when it did some of it.
    /// A full disk is tried again by the next call, any other error ends the journal.
    public func poll() -> Bool {
        times.turn()
        // Acquire: pairs with the release in `take`. Asked first: what was taken is not wanted.
        let there = ready.load(ordering: .acquiring)
        guard !status.hasFailed else { return false }
        guard there == 0 else { return fill(there) }
        let first = wanted.load(ordering: .acquiring)
        guard first != 0 else { return false }
        let header = SegmentHeader(
            state: SegmentHeader.State.prepared,
            segmentByteCount: UInt64(configuration.segmentByteCount), firstSequence: first,
            epoch: configuration.epoch, shard: configuration.shard,
            rulesVersion: configuration.rulesVersion)
        do throws(StorageError) {
            made = try SegmentFile.make(
                storage, header: header, page: page, zeros: zeros, isFilled: false)
            filledByteCount = JournalFormat.pageByteCount
            status.setShortOfSpace(false)
            // Release: pairs with the acquire in `readyFirst`.
            ready.store(first, ordering: .releasing)
            return true
        } catch  where error.isOutOfSpace {
            status.setShortOfSpace(true)
            return false
        } catch {
            fail(error)
            return false
        }
    }

    /// Writes zeros to some more of the segment that waits to be taken. Not while the journal needs
    /// all of the disk: it can do without.
    private func fill(_ first: UInt64) -> Bool {
        guard filledByteCount < configuration.segmentByteCount, !status.isBehind,
            // Acquire: pairs with the release below. It may have been taken just now.
            ready.compareExchange(
                expected: first, desired: Self.held, ordering: .acquiring
            ).exchanged, let made
        else { return false }
        // Release: pairs with the acquire in `take`.
        defer { ready.store(first, ordering: .releasing) }
        do throws(StorageError) {
            filledByteCount = try SegmentFile.fill(
                storage, made, from: filledByteCount,
                byteCount: configuration.segmentByteCount, zeros: zeros)
            return true
        } catch {
            fail(error)
            return false
        }
    }

    private func fail(_ error: StorageError) {
        status.fail(
            JournalError.storage(error).located(in: storage.folder, shard: configuration.shard))
    }

    /// One turn of the maker's thread: polls, and if there was nothing to do sleeps for a while.
    /// Each try on a full disk takes for a moment what space there is, from neighbours too: so it
    /// rests longer then.
    public func turn() {
        if !poll() { usleep(status.isShortOfSpace ? 250_000 : 2_000) }
    }

    /// First sequence of the segment that `take` gives; 0 when there is none, or not just now.
    internal var readyFirst: UInt64 {
        let first = ready.load(ordering: .acquiring)
        return first == Self.held ? 0 : first
    }

    internal func request(firstSequence: UInt64) {
        // Release: pairs with the acquire in `poll`.
        wanted.store(firstSequence, ordering: .releasing)
    }

    /// The segment that `readyFirst` told of: from here on the journal's. Nil also when the maker
    /// has just begun to fill it: ask again.
    internal func take() -> JournalFile? {
        let first = readyFirst
        guard first != 0,
            ready.compareExchange(
                expected: first, desired: Self.held, ordering: .acquiring
            ).exchanged
        else { return nil }
        let file = made
        made = nil
        wanted.store(0, ordering: .relaxed)
        // Release: pairs with the acquire in `poll`, which then makes the next one.
        ready.store(0, ordering: .releasing)
        return file
    }
}

/// Steps in the life of a segment's file that wait for the disk.
internal enum SegmentFile {
    /// Pages of zeros that are written at a time: a millisecond or so.
    internal static var fillPageCount: Int { 256 }

    /// Makes a segment with its header, durable under its name; replaces one of the same name. If
    /// `isFilled`, its zeros are written, else they are only promised by the file system.
    internal static func make<Storage: JournalStorage>(
        _ storage: Storage, header: SegmentHeader, page: borrowing HugePages,
        zeros: borrowing HugePages, isFilled: Bool
    ) throws(StorageError) -> JournalFile {
        let name = JournalFormat.segmentName(firstSequence: header.firstSequence)
        unsafe header.write(page.base)
        return try make(
            storage, name: name, byteCount: Int(header.segmentByteCount), firstPage: page,
            zeros: zeros, isFilled: isFilled)
    }

    /// Makes a file of zero bytes behind `firstPage`, durable under its name.
    internal static func make<Storage: JournalStorage>(
        _ storage: Storage, name: String, byteCount: Int, firstPage: borrowing HugePages,
        zeros: borrowing HugePages, isFilled: Bool
    ) throws(StorageError) -> JournalFile {
        let temporary = name + JournalFormat.temporarySuffix
        let file: JournalFile
        do { file = try storage.create(temporary, byteCount: byteCount) } catch {
            // What was allocated of it would keep the disk full.
            do throws(StorageError) { try storage.remove(temporary) } catch {}
            throw error
        }
        do {
            try unsafe storage.write(
                file, from: firstPage.base, byteCount: JournalFormat.pageByteCount, offset: 0)
            var filled = JournalFormat.pageByteCount
            while isFilled, filled < byteCount {
                filled = try fill(storage, file, from: filled, byteCount: byteCount, zeros: zeros)
            }
            try storage.sync(file)
            try storage.rename(temporary, to: name)
            try storage.syncFolder()
        } catch {
            storage.close(file)
            throw error
        }
        return file
    }

    /// Writes and syncs zeros from `start` on, some of them. Gives the end of what is written.
    internal static func fill<Storage: JournalStorage>(
        _ storage: Storage, _ file: JournalFile, from start: Int, byteCount: Int,
        zeros: borrowing HugePages
    ) throws(StorageError) -> Int {
        let count = min(fillPageCount * JournalFormat.pageByteCount, byteCount - start)
        try unsafe storage.write(file, from: zeros.base, byteCount: count, offset: start)
        try storage.sync(file)
        return start + count
    }
}
