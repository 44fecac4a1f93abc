// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
public import Platform
internal import Wire

/// What tells that the standby has a record.
public enum MirrorAcknowledgement: String, CaseIterable, Sendable {
    /// The completion of the RDMA write: the standby's device has placed it.
    case completion
    /// The standby's processor has validated it, and its counter is here: what is committed by.
    case validated
}

/// A primary without a gateway: measures what a mirror to a standby would cost.
///
/// Threading: one thread, which polls busily while it measures.
public final class MirrorProbe {
    private let sender: MirrorSender
    private let clock: CycleClock
    private var sequencer: Sequencer

    /// What it runs over and to whom.
    public let description: String

    /// Connects to a standby that waits for one. Throws what a person can mend.
    public init(_ settings: MirrorSettings, clock: CycleClock) throws(MirrorError) {
        let ring: LogRing<LogRecord>
        do throws(PlatformError) {
            ring = try LogRing(capacity: 65_536)
        } catch {
            throw MirrorError(code: ENOMEM, error.description)
        }
        self.clock = clock
        sender = MirrorSender(ring: ring, shard: 0, settings: settings, clock: clock)
        sequencer = Sequencer(ring: ring)
        try sender.connect()
        try sender.waitUntilConnected()
        description = sender.description ?? ""
    }

    /// How long single records take, one behind the other, until they are acknowledged. Throws when
    /// the standby goes or falls silent, and when completions are asked for where they say nothing.
    public func writeLatency(
        samples: Int, acknowledgement: MirrorAcknowledgement = .validated,
        isStopping: () -> Bool = { false }
    ) throws(MirrorError) -> LatencyDistribution {
        let histogram = LatencyHistogram()
        guard let link = sender.link else { throw failure }
        if acknowledgement == .completion {
            guard link.channel.transport == .rdma else {
                throw MirrorError(
                    code: EOPNOTSUPP,
                    "over TCP a completion says nothing of the standby: measure `validated`, or "
                        + "over RDMA")
            }
            link.signalInterval = 1
        }
        defer { link.signalInterval = MirrorWrites.signalInterval }
        for _ in 0..<samples where !isStopping() {
            let start = clock.nowCycles
            let sequence = append()
            try wait(link) {
                (acknowledgement == .completion ? link.completedSequence : link.validatedSequence)
                    >= sequence
            }
            histogram.record(nanos: clock.nanos(clock.nowCycles &- start))
            // The next one finds an idle standby, as this one did.
            try wait(link) { link.isCaughtUp }
        }
        return histogram.distribution
    }

    /// Records at a rate (a second; 0 = as fast as the standby takes them): how long until it had
    /// validated them all, and in how many writes they went. Throws as `writeLatency`.
    public func bandwidth(
        recordCount: Int, rate: UInt64 = 0
    ) throws(MirrorError) -> (nanos: UInt64, writeCount: UInt64) {
        let start = clock.nowCycles
        let writes = sender.status.writeCount
        var idle = IdleStrategy(spins: 1_000, sleepNanosMax: 2_000)
        var done = 0
        var last: UInt64 = 0
        while done < recordCount || sender.status.validatedSequence < last {
            var due = min(recordCount, done + 64)
            if rate > 0 {
                let seconds = Double(clock.nanos(clock.nowCycles &- start)) / 1e9
                due = min(recordCount, max(done, Int(seconds * Double(rate))))
            }
            while done < due, sequencer.hasRoom(for: 1) {
                last = append()
                done += 1
            }
            idle.idle(worked: sender.poll())
            if sender.link == nil { throw failure }
        }
        return (
            clock.nanos(clock.nowCycles &- start), sender.status.writeCount &- writes
        )
    }

    /// Asks the standby to take the right to write away, and writes on until a write fails: the
    /// nanoseconds from the asking, and what the first failed write said. The probe is over then.
    public func fencingTime(
        _ method: Fence
    ) throws(MirrorError) -> (nanos: UInt64, refusal: MirrorError) {
        guard let link = sender.link else { throw failure }
        let start = clock.nowCycles
        try link.ask(for: method)
        var lastNanos: UInt64 = 0
        var idle = IdleStrategy(spins: 1_000, sleepNanosMax: 2_000)
        while sender.link != nil {
            // A steady trickle: a flood would wait in the send queue.
            let nanos = clock.nanos(clock.nowCycles &- start)
            if nanos &- lastNanos > 20_000, sequencer.hasRoom(for: 1) {
                lastNanos = nanos
                _ = append()
            }
            idle.idle(worked: sender.poll())
        }
        return (clock.nanos(clock.nowCycles &- start), failure)
    }

    /// Ends the connection in order.
    public func close() { sender.close() }

    /// Busily. Without even a pause over RDMA, as the device's own tools wait; over TCP a core is
    /// shared, perhaps with the very thread that is waited for.
    private func wait(_ link: MirrorLink, until isDone: () -> Bool) throws(MirrorError) {
        let isBare = link.channel.transport == .rdma
        var idle = IdleStrategy(spins: 1_000, sleepNanosMax: 2_000)
        while !isDone() {
            let hasWorked = sender.poll()
            if sender.link == nil { throw failure }
            if !isBare { idle.idle(worked: hasWorked) }
        }
    }

    private var failure: MirrorError {
        sender.status.failure ?? MirrorError(code: ENOTCONN, "the probe is not connected any more")
    }

    private func append() -> UInt64 {
        _ = sequencer.hasRoom(for: 1)
        sequencer.begin(nowNanos: 0)
        let sequence = sequencer.append(LogRecord(kind: .filler))
        sequencer.publish()
        return sequence
    }
}
