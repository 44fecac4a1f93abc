// SPDX-License-Identifier: Apache-2.0
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
