// SPDX-License-Identifier: Apache-2.0
//
//  The log on disk, written by one thread straight from the ring.
//
//    ring ──▶ batch n+2 ─┐            whole blocks ──▶ segment   (home, written once)
//             batch n+1 ─┼─ in flight ┤
//             batch n   ─┘            incomplete block + watermark ──▶ tail slot n mod 16
//                 │
//                 └─ written ──▶ synced, with all that is written by then
//                                    └──▶ status.durable ──▶ commit gate
//
//  Each batch takes all that is published. It is durable when its writes and those of all batches
//  before it are back, and a sync behind them is. While nobody waits for that, batches are few and
//  large, for each costs the host's cores more than its bytes do. The ring gets records back when
//  the block they are in is written. A full segment gets its footer once all of it is durable.
//  Nothing of segment n+1 is written before the header of segment n and the footer of segment n-1
//  are durable: recovery relies on it.
//
//  Nothing allocates after `init`. After an error nothing is ever acknowledged again.
//
// SAFETY: writes in flight read the ring, whose records are released only when they are home, and
// `pages`, each page of which is written again only when nothing of it is in flight. `deinit`
// waits for what is in flight before either goes.
internal import Glibc
public import Platform
public import Wire

/// The journal of one shard. Made by `init` behind `JournalRecovery`, then `poll`ed.
///
/// Threading: one thread. `status` is for all, `maker` for a thread of its own.
public final class Journal<Storage: JournalStorage>: @unchecked Sendable {
    internal struct Segment {
        var file: JournalFile
        var geometry: SegmentGeometry
        /// The batch that carries the header.
        var headerBatch: UInt64
    }

    /// A full segment on its way to its footer.
    internal struct Sealing {
        var segment: Segment
        var chain: UInt32
        var lastTimestampNanos: UInt64
        /// The batch that carries the footer; 0 when none does yet.
        var footerBatch: UInt64 = 0
    }

    internal struct Batch {
        var pendingWrites = 0
        /// First sequences of the segments whose blocks or header, and whose footer, it wrote; 0 =
        /// none.
        var homeSegment: UInt64 = 0
        var footerSegment: UInt64 = 0
        /// Durable, in whole commands, when the batch is.
        var durableSequence: UInt64 = 0
        /// All before it is home when the batch is.
        var homeEnd: UInt64 = 0
        /// The watermark that its slot carries.
        var watermark: UInt64 = 0
    }

    /// What other threads may know.
    public let status: JournalStatus
    /// Makes the next segment: somebody has to poll it.
    public let maker: SegmentMaker<Storage>

    /// Whether anybody waits for what is published to be durable. Asked by the thread that polls;
    /// set before it does.
    public var isAwaited: @Sendable () -> Bool = { true }

    internal let storage: Storage
    internal let configuration: JournalConfiguration
    internal let ring: LogRing<LogRecord>
    internal let pages: HugePages
    internal let notes: CommitNotes
    internal var reader: RingReader<LogRecord>
    internal let tail: JournalFile
    internal var segment: Segment
    internal var sealing: Sealing?

    /// By number modulo 8.
    internal var batches: [8 of Batch] = [8 of Batch](repeating: Batch())
    ///
    ///     oldestBatch <= syncEnd <= writtenBatch <= nextBatch
    ///
    /// Those before `oldestBatch` are durable, those before `syncEnd` are being synced, of those
    /// before `writtenBatch` all writes are back.
    internal var oldestBatch: UInt64
    internal var syncEnd: UInt64
    internal var writtenBatch: UInt64
    internal var nextBatch: UInt64
    internal var pendingSyncs = 0
    /// The last record that is in a batch, its CRC, and the log's time there.
    internal var takenSequence: UInt64
    internal var takenChain: UInt32
    internal var takenTimestampNanos: UInt64
    /// The first sequence, a block's, that is in no home write yet; and the CRC before it (or
    /// before the segment's first record).
    internal var homeNext: UInt64
    internal var blockChain: UInt32
    internal var durableSequence: UInt64
    /// What the newest durable slot carries.
    internal var restedWatermark: UInt64
    internal var idlePollCount = 0
    /// Records wait for more, for nobody waits for them; when the last batch went that was not
    /// waited for, UTC nanoseconds.
    internal var isGathering = false
    internal var lastGatheredNanos: UInt64 = 0

    /// So long such records wait at most, nanoseconds.
    internal static var gatherNanos: UInt64 { 2_000_000 }
    /// How long the thread sleeps while nobody waits, nanoseconds: a batch takes it few wake-ups.
    private static var unhurriedRestNanos: UInt64 { 500_000 }

    /// Begins a new segment behind what was recovered and sealed. `reader` is a gating reader of
    /// the ring that has let go of just that. Throws when the folder refuses it.
    public init(
        ring: LogRing<LogRecord>, reader: consuming RingReader<LogRecord>, storage: Storage,
        after log: RecoveredLog,
        configuration: JournalConfiguration
    ) throws(JournalError) {
        precondition(
            reader.releasedSequence == log.lastSequence
                && reader.nextSequence == log.lastSequence + 1,
            "a journal goes on behind the log")
        precondition(ring.capacity >= 128, "a ring holds all but a record of a block, and a pair")
        precondition(log.isSealed, "what was recovered is sealed before it is gone on with")
        self.ring = ring
        self.storage = storage
        self.configuration = configuration
        pages = try JournalError.pages(Page.count)
        status = try JournalStatus(lastSequence: log.lastSequence)
        let first = SegmentGeometry(
            firstSequence: log.lastSequence + 1, byteCount: configuration.firstSegmentByteCount)
        notes = try CommitNotes()
        maker = try SegmentMaker(
            storage: storage, status: status, notes: notes, first: first,
            configuration: configuration)
        (tail, segment) = try Self.begin(storage, after: log, first, configuration)
        self.reader = reader
        oldestBatch = log.nextBatchNumber
        syncEnd = log.nextBatchNumber
        writtenBatch = log.nextBatchNumber
        nextBatch = log.nextBatchNumber
        takenSequence = log.lastSequence
        takenChain = log.chain
        takenTimestampNanos = log.lastTimestampNanos
        homeNext = segment.geometry.base
        blockChain = log.chain
        durableSequence = log.lastSequence
        restedWatermark = log.lastSequence
        publishRoom()
        maker.request(firstSequence: segment.geometry.lastSequence + 1)
    }

    /// Opens the tail and makes the first segment.
    private static func begin(
        _ storage: Storage, after log: RecoveredLog, _ first: SegmentGeometry,
        _ configuration: JournalConfiguration
    ) throws(JournalError) -> (tail: JournalFile, segment: Segment) {
        let scratch = try JournalError.pages(1)
        let zeros = try JournalError.pages(SegmentFile.fillPageCount)
        let header = SegmentHeader(
            state: SegmentHeader.State.begun,
            segmentByteCount: UInt64(first.byteCount), firstSequence: first.firstSequence,
            timestampNanosBefore: log.lastTimestampNanos,
            epoch: configuration.epoch, shard: configuration.shard,
            rulesVersion: configuration.rulesVersion, chainBefore: log.chain)
        do throws(StorageError) {
            let tail = try TailFile.open(
                storage, after: log, configuration, page: scratch, zeros: zeros)
            do throws(StorageError) {
                let file = try SegmentFile.make(
                    storage, header: header, page: scratch, zeros: zeros, isFilled: true)
                return (tail, Segment(file: file, geometry: first, headerBatch: 0))
            } catch {
                // A journal that was never made has no `deinit`.
                storage.close(tail)
                throw error
            }
        } catch {
            throw JournalError.storage(error).located(
                in: storage.folder, shard: configuration.shard)
        }
    }

    deinit {
        storage.settle()
        storage.close(segment.file)
        storage.close(tail)
        if let sealing { storage.close(sealing.segment.file) }
    }

    /// Takes what has become durable, and writes what is published. False when there was nothing
    /// to do: then wait as the thread's idle strategy says.
    public func poll() -> Bool {
        guard !status.hasFailed else { return false }
        do throws(JournalError) {
            var worked = try reap()
            if status.room.load() < reachableRoom { publishRoom() }
            if try submit() { worked = true }
            idlePollCount = worked || isGathering ? 0 : idlePollCount &+ 1
            return worked
        } catch {
            status.fail(error.located(in: storage.folder, shard: configuration.shard))
            return false
        }
    }

    /// One turn of the journal's thread: polls, and if there was nothing to do waits: for the disk
    /// while something is in flight, or else as `idle` says. A sleep would keep an acknowledgement
    /// waiting that the disk has already given; where nobody waits, it spares wake-ups. Whether
    /// there was anything to do.
    @discardableResult
    public func turn(_ idle: inout IdleStrategy) -> Bool {
        let hasWorked = poll()
        if hasWorked || (oldestBatch == nextBatch && !isGathering) {
            idle.idle(worked: hasWorked)
        } else if isAwaited() {
            storage.wait(nanos: 100_000)
        } else {
            IdleStrategy.rest(nanos: Self.unhurriedRestNanos)
        }
        return hasWorked
    }

    /// For an orderly stop: from here on nothing waits for more.
    public func hurry() { isAwaited = { true } }

    /// Whether all that is published is durable and the tail says so twice.
    public var isAtRest: Bool {
        oldestBatch == nextBatch && takenSequence == ring.publishedSequence
            && restedWatermark == durableSequence && sealing == nil
    }

    /// For an orderly stop, when nobody publishes any more: waits until all that is published is
    /// durable. False when that cannot be: the journal has failed, or the disk is full. The maker
    /// is polled on until it is done.
    public func drain() -> Bool {
        hurry()
        while !isAtRest {
            idlePollCount = configuration.restPollCount
            if poll() { continue }
            let isFull =
                takenSequence == segment.geometry.lastSequence && status.isShortOfSpace
                && oldestBatch == nextBatch && maker.madeFirst == 0
            if status.hasFailed || isFull { return false }
            usleep(50)
        }
        return true
    }

    // MARK: Room

    private var reachableRoom: UInt64 {
        let next = maker.madeFirst
        return next == 0
            ? segment.geometry.lastSequence
            : SegmentGeometry(firstSequence: next, byteCount: configuration.segmentByteCount)
                .lastSequence
    }

    internal func publishRoom() { status.setRoom(through: reachableRoom) }
}

/// What a completion brings back: of a write the low bits of its batch's number and the bytes that
/// were given; in the highest bit whether it was of the tail, in the next whether it was a sync.
internal struct WriteToken {
    internal let rawValue: UInt64

    internal init(rawValue: UInt64) { self.rawValue = rawValue }
    internal init(batch: UInt64, byteCount: Int, isTail: Bool) {
        rawValue = batch & 7 | UInt64(byteCount) << 3 | (isTail ? 1 << 63 : 0)
    }
    internal static func sync(isTail: Bool) -> WriteToken {
        WriteToken(rawValue: 1 << 62 | (isTail ? 1 << 63 : 0))
    }

    internal var batchIndex: Int { Int(truncatingIfNeeded: rawValue & 7) }
    internal var byteCount: Int { Int(truncatingIfNeeded: (rawValue << 2) >> 5) }
    internal var isTail: Bool { rawValue >> 63 != 0 }
    internal var isSync: Bool { rawValue >> 62 & 1 != 0 }
}
