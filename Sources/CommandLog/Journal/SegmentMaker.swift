// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the page lives as long as the maker and only `poll`, on one thread, writes it.
internal import Glibc
internal import Platform
internal import Synchronization

/// Makes the next segment ahead of time, off the journal's path: allocated, headed, named, durable.
/// Beside it writes down when which records were durable.
///
/// Threading: `poll` belongs to one thread of its own (or is called between the journal's polls
/// where nobody waits); the rest is the journal's.
public final class SegmentMaker<Storage: JournalStorage>: @unchecked Sendable {
    private let storage: Storage
    private let status: JournalStatus
    private let page: HugePages
    private let configuration: JournalConfiguration
    /// First sequence of the segment that the journal wants; 0 when it wants none. The journal's.
    private let wanted = Atomic<UInt64>(0)
    /// First sequence of the segment that is there to be taken; 0 when none is. The maker sets it,
    /// the journal clears it: no lock, so that the journal never waits for a maker that sleeps.
    private let ready = Atomic<UInt64>(0)
    /// The maker's while `ready` is 0, or else the journal's.
    private var made: JournalFile?
    /// Belongs to the thread of `poll`.
    private var times: CommitTimesWriter<Storage>

    internal init(
        storage: Storage, status: JournalStatus, notes: CommitNotes, firstSequence: UInt64,
        configuration: JournalConfiguration
    ) throws(JournalError) {
        self.storage = storage
        self.status = status
        self.configuration = configuration
        times = CommitTimesWriter(
            storage: storage, notes: notes, firstSequence: firstSequence,
            configuration: configuration)
        page = try JournalError.pages(1)
    }

    deinit {
        // Nobody took it any more: the next start finds it prepared, and removes it.
        if let made { storage.close(made) }
        times.flush()
    }

    /// Makes what is wanted, if anything is, and writes commit times. True when it made something.
    /// A full disk is tried again by the next call, any other error ends the journal.
    public func poll() -> Bool {
        times.turn()
        // Acquire: pairs with the release in `take`. Asked first: what was taken is not wanted.
        guard ready.load(ordering: .acquiring) == 0 else { return false }
        let first = wanted.load(ordering: .acquiring)
        guard first != 0, !status.hasFailed else { return false }
        let header = SegmentHeader(
            state: SegmentHeader.State.prepared,
            segmentByteCount: UInt64(configuration.segmentByteCount), firstSequence: first,
            epoch: configuration.epoch, shard: configuration.shard,
            rulesVersion: configuration.rulesVersion)
        do throws(StorageError) {
            made = try SegmentFile.make(storage, header: header, page: page)
            status.setShortOfSpace(false)
            // Release: pairs with the acquire in `readyFirst`.
            ready.store(first, ordering: .releasing)
            return true
        } catch  where error.isOutOfSpace {
            status.setShortOfSpace(true)
            return false
        } catch {
            status.fail(
                JournalError.storage(error).located(
                    in: storage.folder, shard: configuration.shard))
            return false
        }
    }

    /// One turn of the maker's thread: polls, and if there was nothing to do sleeps for a while.
    /// Each try on a full disk takes for a moment what space there is, from neighbours too: so it
    /// rests longer then.
    public func turn() {
        if !poll() { usleep(status.isShortOfSpace ? 250_000 : 2_000) }
    }

    /// First sequence of the segment that `take` gives; 0 when there is none.
    internal var readyFirst: UInt64 { ready.load(ordering: .acquiring) }

    internal func request(firstSequence: UInt64) {
        // Release: pairs with the acquire in `poll`.
        wanted.store(firstSequence, ordering: .releasing)
    }

    /// The segment that `readyFirst` told of: from here on the journal's.
    internal func take() -> JournalFile? {
        guard readyFirst != 0 else { return nil }
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
    /// Makes a segment with its header, durable under its name; replaces one of the same name.
    internal static func make<Storage: JournalStorage>(
        _ storage: Storage, header: SegmentHeader, page: borrowing HugePages
    ) throws(StorageError) -> JournalFile {
        let name = JournalFormat.segmentName(firstSequence: header.firstSequence)
        unsafe header.write(page.base)
        return try make(
            storage, name: name, byteCount: Int(header.segmentByteCount), firstPage: page)
    }

    /// Makes a file of zero bytes behind `firstPage`, durable under its name.
    internal static func make<Storage: JournalStorage>(
        _ storage: Storage, name: String, byteCount: Int, firstPage: borrowing HugePages
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
            try storage.sync(file)
            try storage.rename(temporary, to: name)
            try storage.syncFolder()
        } catch {
            storage.close(file)
            throw error
        }
        return file
    }
}
