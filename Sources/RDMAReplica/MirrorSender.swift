// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a slot is written out of between `available` and `release`, and is released only when the
// local NIC has done with it.
public import CommandLog
internal import Glibc
public import Platform
public import Wire

/// The primary's side of a mirror: a gating reader of the log's ring that writes each record into
/// the standby's memory. Made, connected, then `poll`ed.
///
/// When the mirror ends, for whatever reason, it lets go of the ring at once: the log goes on
/// without it, and `status.failure` says why.
/// Threading: one thread at a time; `status` is for all.
public final class MirrorSender: @unchecked Sendable {
    /// What other threads may know.
    public let status: MirrorStatus
    /// The connection, for the start-up report; nil before it stands and after its end.
    public var description: String? { link?.description }

    private let ring: LogRing<LogRecord>
    private let shard: UInt32
    private let settings: MirrorSettings
    private let clock: CycleClock
    private var reader: RingReader<LogRecord>?
    private(set) var link: MirrorLink?
    /// Records in one write: small enough that the standby has something to do meanwhile, and that
    /// what awaits a completion leaves the ring its room.
    private let recordsPerWriteMax: Int
    private var lastProgressCycles: UInt64 = 0
    private var lastLookCycles: UInt64 = 0

    /// Takes its place among the ring's gating readers: before the writer starts.
    public init(
        ring: LogRing<LogRecord>, shard: UInt32, settings: MirrorSettings, clock: CycleClock
    ) {
        self.ring = ring
        self.shard = shard
        self.settings = settings
        self.clock = clock
        reader = ring.gatingReader("mirror")
        status = MirrorStatus(lastSequence: ring.firstSequence - 1)
        recordsPerWriteMax = min(1_024, max(1, ring.capacity / 64))
    }

    /// Passes over what is published: what a start recovers is not mirrored.
    public func skip() {
        let count = reader?.available(atLeast: .max) ?? 0
        reader?.consume(count)
        reader?.release()
    }

    /// Connects to the standby: the mirror begins behind the record that `chain` names, which is
    /// the last one passed over. Throws what a person can mend.
    public func connect(after chain: RecordChain) throws(VerbsError) {
        precondition(
            ring.publishedSequence == chain.lastSequence, "the chain ends where the mirror begins")
        link = try MirrorLink(settings, ring: ring, shard: shard, after: chain)
        status.setValidated(chain.lastSequence)
        lastProgressCycles = clock.nowCycles
        lastLookCycles = lastProgressCycles
    }

    /// Writes what is published, and takes what has come back. False when there was nothing to do.
    public func poll() -> Bool {
        guard let link else { return false }
        do throws(VerbsError) {
            let hasMoved = try link.reap()
            if hasMoved { release(link) }
            let hasSent = try send(link)
            try watch(link, hasMoved: hasMoved)
            return hasMoved || hasSent
        } catch {
            detach(error)
            return false
        }
    }

    /// For an orderly stop, when nobody publishes any more: waits until the standby has validated
    /// all, or the mirror has ended. False then.
    public func drain() -> Bool {
        var idle = IdleStrategy.adaptive
        while let link, link.validatedSequence < ring.publishedSequence {
            idle.idle(worked: poll())
        }
        return link != nil
    }

    /// Ends the mirror in order. Nothing is written after it.
    public func close() { leave() }

    private func send(_ link: MirrorLink) throws(VerbsError) -> Bool {
        var hasSent = false
        // Reads the published cursor anew.
        var pending = reader?.available(atLeast: .max) ?? 0
        while pending > 0, link.room > 0 {
            let span = RingSpan(
                sequence: link.writtenSequence &+ 1, count: pending, capacity: ring.capacity,
                limit: recordsPerWriteMax)
            // The standby's time runs from here.
            if link.isCaughtUp { lastProgressCycles = clock.nowCycles }
            try link.write(span)
            reader?.consume(span.count)
            status.count(records: span.count)
            pending -= span.count
            hasSent = true
        }
        return hasSent
    }

    private func release(_ link: MirrorLink) {
        status.setValidated(link.validatedSequence)
        let done = min(link.validatedSequence, link.completedSequence)
        let kept = link.writtenSequence &- done
        // A whole ring is kept when nothing of it is done.
        if kept < UInt64(ring.capacity) { reader?.release(retaining: kept) }
    }

    /// Ends the mirror when the standby has kept everybody waiting for the time-out, or is gone.
    private func watch(_ link: MirrorLink, hasMoved: Bool) throws(VerbsError) {
        let now = clock.nowCycles
        if hasMoved || link.isCaughtUp { lastProgressCycles = now }
        // A system call, so only now and then.
        guard clock.nanos(now &- lastLookCycles) > 1_000_000 else { return }
        lastLookCycles = now
        try link.checkPeer()
        guard clock.nanos(now &- lastProgressCycles) > UInt64(settings.timeoutMillis) * 1_000_000
        else { return }
        throw VerbsError(
            code: ETIMEDOUT,
            "the standby has validated nothing for \(settings.timeoutMillis) ms "
                + "(mirror.timeoutMillis)")
    }

    private func detach(_ error: VerbsError) {
        status.fail(error)
        leave()
    }

    private func leave() {
        // First of all: the NIC reads the ring no more.
        link?.close()
        link = nil
        if let reader = reader.take() { reader.leave() }
    }
}
