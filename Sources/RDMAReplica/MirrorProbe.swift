// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
public import Platform
internal import Wire

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

    /// Round trips of single records: written, validated by the standby's processor, and its
    /// counter seen here. Throws when the standby goes or falls silent.
    public func writeLatency(
        samples: Int, isStopping: () -> Bool = { false }
    ) throws(MirrorError) -> LatencyDistribution {
        let histogram = LatencyHistogram()
        for _ in 0..<samples where !isStopping() {
            let start = clock.nowCycles
            let sequence = append()
            // Busily while an RDMA device may take. Behind that a core is shared, perhaps with the
            // very thread that is waited for.
            var idle = IdleStrategy(spins: 1_000, yields: .max)
            while sender.status.validatedSequence < sequence {
                idle.idle(worked: sender.poll())
                if sender.link == nil { throw failure }
            }
            histogram.record(nanos: clock.nanos(clock.nowCycles &- start))
        }
        return histogram.distribution
    }

    /// Records one behind the other, as fast as the standby takes them: how long until it had
    /// validated them all, and in how many writes they went. Throws as `writeLatency`.
    public func bandwidth(
        recordCount: Int
    ) throws(MirrorError) -> (nanos: UInt64, writeCount: UInt64) {
        let start = clock.nowCycles
        let writes = sender.status.writeCount
        var idle = IdleStrategy(spins: 1_000, yields: .max)
        var left = recordCount
        var last: UInt64 = 0
        while left > 0 || sender.status.validatedSequence < last {
            var burst = min(left, 64)
            left -= burst
            while burst > 0, sequencer.hasRoom(for: 1) {
                last = append()
                burst -= 1
            }
            left += burst
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
        var idle = IdleStrategy(spins: 1_000, yields: .max)
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
