// SPDX-License-Identifier: Apache-2.0
import CDPDK
import Engine
import NICGateway
import Pipeline
import ShardRig
import Testing
import Wire

/// Adds an empty second segment to each packet.
///
/// SAFETY: the second segment is the first one's from here on, and is freed with it.
private final class AddsSegments: ReceiveHook {
    func received(
        _ burst: UnsafeMutablePointer<PacketPointer>, count: Int, queue: PortQueue
    ) -> Int {
        for index in 0..<count {
            guard let second = queue.allocate() else { continue }
            unsafe burst[index].pointee.next = second.mbuf
            unsafe burst[index].pointee.segment_count = 2
        }
        return count
    }
}

/// Sets a flag of the driver on each packet.
private final class SetsFlag: ReceiveHook {
    private let flag: UInt64
    init(_ flag: UInt64) { self.flag = flag }
    func received(
        _ burst: UnsafeMutablePointer<PacketPointer>, count: Int, queue: PortQueue
    ) -> Int {
        for index in 0..<count { unsafe burst[index].pointee.flags |= flag }
        return count
    }
}

@Suite struct `What a driver says of a frame` {
    @Test func `is heeded when it comes in several segments, which are all given back`() throws {
        let rig = try ShardRig(buffers: 64)
        var client = TestClient(1)
        client.logOn(rig)
        let logged = rig.logged
        rig.port.queue(0).hookReceive(AddsSegments())
        // More than the pool has, if only the first segments came back.
        for _ in 0..<200 { _ = rig.exchange(client.frame([bytes(order(1))], at: 1)) }
        #expect(rig[.severalSegments] == 200)
        #expect(rig.logged == logged)
    }

    @Test(arguments: [UInt64(1) << 4, 1 << 3])
    func `is heeded when it found a checksum wrong`(flag: UInt64) throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let logged = rig.logged
        rig.port.queue(0).hookReceive(SetsFlag(flag))
        _ = rig.exchange(client.frame([bytes(order(1))], at: 1))
        #expect(rig[.wrongChecksum] == 1)
        #expect(rig.logged == logged)
    }

    @Test func `does not matter for a frame larger than Ethernet's that is in one piece`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        // 45 orders: 1,848 bytes of payload.
        let sent = rig.exchange(client.frame((1...45).map { bytes(order($0)) }))
        #expect(sent.flatMap(\.reports).count == 45)
        #expect(sent.allSatisfy { $0.frame.count <= 1_514 })
    }
}
