// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
public import Platform

/// A packet buffer on its way to another core: one cache line, so that it fits a ring.
@safe struct SteeredFrame: BitwiseCopyable {
    var packet: Packet?
    var reserved: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
}

/// Hands frames between the cores of one port where the driver cannot steer by UDP port: a ring
/// from each shard to each other, with one writer and one reader.
///
/// Threading: `hand` by the core of `from`, `take` by the core of `to`.
/// SAFETY: each ring has exactly one writing and one reading thread, by the indices; the buffer
/// belongs to the writer until `hand` says true and to the reader once `take` has given it out.
@safe public final class Steering: @unchecked Sendable {
    private final class Lane {
        var writer: RingWriter<SteeredFrame>
        var reader: RingReader<SteeredFrame>
        init(_ ring: LogRing<SteeredFrame>) {
            reader = ring.gatingReader("steering")
            writer = ring.writer()
        }
    }
    private let shardCount: Int
    private let lanes: [Lane?]

    /// Lanes of 1,024 frames for `shardCount` shards.
    public init(shardCount: Int) throws(PlatformError) {
        self.shardCount = shardCount
        var lanes: [Lane?] = []
        for from in 0..<shardCount {
            for to in 0..<shardCount {
                lanes.append(
                    from == to ? nil : Lane(try LogRing<SteeredFrame>(capacity: 1_024)))
            }
        }
        self.lanes = lanes
    }

    func hand(_ packet: Packet, from: UInt32, to: UInt32) -> Bool {
        guard let lane = lanes[Int(from) * shardCount + Int(to)] else { return false }
        return lane.writer.append(SteeredFrame(packet: packet))
    }

    func take(from: UInt32, to: UInt32) -> Packet? {
        guard let lane = lanes[Int(from) * shardCount + Int(to)], lane.reader.available() > 0
        else { return nil }
        let packet = lane.reader[0].packet
        lane.reader.consume(1)
        lane.reader.release()
        return packet
    }
}

// SAFETY: a packet that another core has handed over is ours until it is freed or held.
extension GatewayCore {
    /// Takes frames that other cores of the port found to be ours: at most a burst from each.
    mutating func takeSteered() -> Bool {
        guard let steering else { return false }
        let start = clock.nowCycles
        let before = counters[.commands]
        var hasTaken = false
        for from in 0..<UInt32(configuration.shardCount) where from != configuration.shard {
            var count = 0
            while count < configuration.burstFrames,
                sequencer.hasRoom(for: GatewayLimits.recordsPerDatagram),
                let packet = steering.take(from: from, to: configuration.shard)
            {
                let frame = unsafe FrameView(packet.start, byteCount: packet.byteCount)
                var fate = BufferFate.free
                if case .datagram(let datagram) = frame.content(
                    address: configuration.ipv4Address, verifyingChecksums: false)
                {
                    fate = takeDatagram(packet, datagram)
                }
                if fate == .free { queue.free(packet) }
                count += 1
                hasTaken = true
            }
        }
        guard hasTaken else { return false }
        let decoded = clock.nowCycles
        sequencer.publish()
        let end = clock.nowCycles
        let count = Int(truncatingIfNeeded: counters[.commands] &- before)
        note(stages.decode, from: start, to: decoded, count)
        note(stages.sequence, from: decoded, to: end, count)
        takenCycles = end
        return true
    }
}
