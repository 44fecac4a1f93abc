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
    /// First sequence of the segment that is there, to be taken now or in a moment; 0 when none is.
    /// The maker sets it, the journal clears it.
    private let made = Atomic<UInt64>(0)
    /// Whether one of the two has `file` in hand: the maker to fill it, the journal to take it. No
    /// lock: the journal never waits for a maker that sleeps.
    private let isHeld = Atomic<Bool>(false)
    /// The maker's while `made` is 0, then of whoever holds it.
    private var file: JournalFile?
    /// All before it in `file` is written. The maker's.
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
        if let file { storage.close(file) }
        times.flush()
    }

    /// Makes what is wanted, or fills it, and writes commit times. True when it did some of it.
    /// A full disk is tried again by the next call, any other error ends the journal.
    public func poll() -> Bool {
        times.turn()
        guard !status.hasFailed else { return false }
        // Acquire: pairs with the release in `take`. Asked first: what was taken is not wanted.
        guard made.load(ordering: .acquiring) == 0 else { return fill() }
        let first = wanted.load(ordering: .acquiring)
        guard first != 0 else { return false }
        let header = SegmentHeader(
            state: SegmentHeader.State.prepared,
            segmentByteCount: UInt64(configuration.segmentByteCount), firstSequence: first,
            epoch: configuration.epoch, shard: configuration.shard,
            rulesVersion: configuration.rulesVersion)
        do throws(StorageError) {
            file = try SegmentFile.make(
                storage, header: header, page: page, zeros: zeros, isFilled: false)
            filledByteCount = JournalFormat.pageByteCount
            status.setShortOfSpace(false)
            // Release: pairs with the acquire in `madeFirst`.
            made.store(first, ordering: .releasing)
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
    private func fill() -> Bool {
        guard filledByteCount < configuration.segmentByteCount, !status.needsDisk,
            // Acquire: pairs with the release below. It may be being taken just now.
            isHeld.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
        else { return false }
        // Release: pairs with the acquire in `take`.
        defer { isHeld.store(false, ordering: .releasing) }
        guard let file else { return false }
        do throws(StorageError) {
            filledByteCount = try SegmentFile.fill(
                storage, file, from: filledByteCount,
                byteCount: configuration.segmentByteCount, zeros: zeros)
        } catch  where error.isOutOfSpace {
            // A file system that copies on write. The place is promised all the same.
            filledByteCount = configuration.segmentByteCount
        } catch {
            fail(error)
        }
        return true
    }

    private func fail(_ error: StorageError) {
        status.fail(
            JournalError.storage(error).located(in: storage.folder, shard: configuration.shard))
    }

    /// One turn of the maker's thread: polls, and sleeps for a while; shortly behind some filling,
    /// so that the journal finds the segment free. Each try on a full disk takes for a moment what
    /// space there is, from neighbours too: so it rests longer then.
    public func turn() {
        usleep(poll() ? 200 : status.isShortOfSpace ? 250_000 : 2_000)
    }

    /// First sequence of the segment that `take` gives, now or in a moment; 0 when there is none.
    internal var madeFirst: UInt64 { made.load(ordering: .acquiring) }

    internal func request(firstSequence: UInt64) {
        // Release: pairs with the acquire in `poll`.
        wanted.store(firstSequence, ordering: .releasing)
    }

    /// The segment that `madeFirst` told of: from here on the journal's. Nil while the maker fills
    /// it: ask again.
    internal func take() -> JournalFile? {
        guard madeFirst != 0,
            isHeld.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
        else { return nil }
        let taken = file
        file = nil
        wanted.store(0, ordering: .relaxed)
        // Release, both: pair with the acquires in `poll` and `fill`.
        made.store(0, ordering: .releasing)
        isHeld.store(false, ordering: .releasing)
        return taken
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

    /// The header of an open segment that begins with `first`; nil when it is none. `buffer` has a
    /// page or more.
    internal static func header<Storage: JournalStorage>(
        _ storage: Storage, _ file: JournalFile, first: UInt64, buffer: borrowing HugePages
    ) throws(StorageError) -> SegmentHeader? {
        let size = JournalFormat.pageByteCount
        guard
            try unsafe storage.read(file, into: buffer.base, byteCount: size, offset: 0) == size,
            let header = unsafe SegmentHeader.read(buffer.base), header.firstSequence == first
        else { return nil }
        return header
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
            // Of a full disk nothing may stay that keeps it full.
            if error.isOutOfSpace {
                do throws(StorageError) { try storage.remove(temporary) } catch {}
            }
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
