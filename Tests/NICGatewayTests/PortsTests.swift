// SPDX-License-Identifier: Apache-2.0
import CDPDK
import Testing

@testable import NICGateway

@Suite struct `A port string` {
    @Test(arguments: [
        ("pci:0000:3b:00.0", PortKind.pci(address: "0000:3b:00.0")),
        ("af_xdp:eth1", .afXDP(interface: "eth1")),
        ("af_packet:nt-gw", .afPacket(interface: "nt-gw")),
        ("pcap:/tmp/a.pcap", .pcap(file: "/tmp/a.pcap", loops: false, transmitFile: nil)),
        ("pcap:a?loop&tx=b", .pcap(file: "a", loops: true, transmitFile: "b")),
        ("memif:/run/x.sock", .memif(socket: "/run/x.sock", isServer: true)),
        ("memif:/run/x.sock?client", .memif(socket: "/run/x.sock", isServer: false)),
        ("memory", .memory),
        ("udp:10.1.2.3:9000", .udp(address: 0x0a01_0203, port: 9000)),
    ]) func `names a driver and what it is attached to`(text: String, kind: PortKind) throws {
        #expect(try PortSpecification(text).kind == kind)
    }

    @Test(arguments: [
        ("", "unknown kind"), ("eth1", "unknown kind \"eth1\""), ("memory:1", "takes nothing"),
        ("pci:3b:00.0", "not a PCI address"), ("pci:0000:3b:0g.0", "\"g\""),
        ("pci:0000.3b.00.0", "not a PCI address"),
        ("af_xdp:", "no interface"), ("af_packet:an-interface-too-long", "cannot be"),
        ("pcap:", "no path"), ("pcap:a?lop", "unknown option \"lop\""), ("memif:a,b", "comma"),
        ("udp:10.1.2.3", "no ADDRESS:PORT"), ("udp:10.1.2.256:1", "not an address"),
        ("udp:0.0.0.0:1", "not an address"), ("udp:10.1.2.3:70000", "not a UDP port"),
    ]) func `that is wrong is refused with what is wrong and what is right`(
        text: String, problem: String
    ) {
        let error = #expect(throws: PortSpecificationError.self) {
            try PortSpecification(text)
        }
        #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
        #expect(error?.expected.isEmpty == false)
    }
}

@Suite struct `A MAC address` {
    @Test func `reads what it prints`() throws {
        let mac = try #require(MACAddress("02:4e:54:00:0a:ff"))
        #expect(mac.rawValue == 0x024e_5400_0aff)
        #expect(mac.description == "02:4e:54:00:0a:ff")
        #expect(MACAddress("02:4e:54:00:0a") == nil)
        #expect(MACAddress("02:4e:54:00:0a:fff") == nil)
    }
}

/// A burst array of its own, freed with it.
@safe struct Burst: ~Copyable {
    let packets = UnsafeMutablePointer<PacketPointer>.allocate(capacity: 256)
    deinit { unsafe packets.deallocate() }

    func bytes(_ index: Int) -> [UInt8] {
        unsafe Array(Packet(packets[index]).bytes)
    }
}

@Suite struct `A memory port` {
    static func open(queues: UInt16 = 1, mbufCount: UInt32 = 1023) throws -> Port {
        var configuration = PortConfiguration()
        configuration.receiveQueues = queues
        configuration.transmitQueues = queues
        configuration.mbufCount = mbufCount
        return try Port.open(PortSpecification("memory"), configuration: configuration)
    }

    static func frames(_ count: Int) -> [[UInt8]] {
        (0..<count).map { index in
            [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 60 + index % 200)
        }
    }

    @Test(arguments: [false, true])
    func `receives its frames in order, lap by lap, and then nothing`(inPlace: Bool) throws {
        let port = try Self.open()
        defer { port.close() }
        let frames = Self.frames(100)
        port.load(FrameStore(frames), laps: 2, inPlace: inPlace)
        let queue = port.queue(0)
        let burst = Burst()
        var received: [[UInt8]] = []
        while true {
            let count = unsafe queue.receive(into: burst.packets, max: 32)
            if count == 0 { break }
            for index in 0..<count { received.append(burst.bytes(index)) }
            unsafe queue.free(burst.packets, count: count)
        }
        #expect(received == frames + frames)
        #expect(port.statistics.receivedPackets == 200)
        #expect(
            port.statistics.receivedBytes == UInt64(received.reduce(0) { $0 + $1.count }))
    }

    @Test func `never runs out of buffers while they are freed`() throws {
        let port = try Self.open(mbufCount: 300)
        defer { port.close() }
        port.load(FrameStore(Self.frames(7)), laps: nil, inPlace: true)
        let queue = port.queue(0)
        let burst = Burst()
        var total = 0
        for _ in 0..<10_000 {
            let count = unsafe queue.receive(into: burst.packets, max: 32)
            #expect(count > 0)
            total += count
            #expect(unsafe queue.transmit(from: burst.packets, count: count) == count)
        }
        #expect(port.statistics.transmittedPackets == UInt64(total))
        #expect(queue.allocationFailures == 0)
    }

    @Test func `loses nothing when its buffers are all taken, and counts`() throws {
        let port = try Self.open(mbufCount: 64)
        defer { port.close() }
        let queue = port.queue(0)
        let burst = Burst()
        #expect(unsafe queue.allocate(into: burst.packets, count: 64))
        #expect(queue.allocate() == nil)
        port.inject([1, 2, 3])
        let second = Burst()
        #expect(unsafe queue.receive(into: second.packets, max: 8) == 0)
        #expect(port.statistics.receiveNoBuffer == 1)
        unsafe queue.free(burst.packets, count: 64)
        #expect(unsafe queue.receive(into: second.packets, max: 8) == 1)
        #expect(second.bytes(0) == [1, 2, 3])
        unsafe queue.free(second.packets, count: 1)
        #expect(queue.allocationFailures == 2)
    }

    @Test func `gives the frames that were sent to a test`() throws {
        let port = try Self.open(queues: 2)
        defer { port.close() }
        port.captureTransmitted(queue: 1)
        let queue = port.queue(1)
        guard let packet = queue.allocate(), let tail = unsafe packet.append(3) else {
            Issue.record("no packet")
            return
        }
        for index in 0..<3 { unsafe tail[index] = UInt8(index + 7) }
        #expect(unsafe packet.append(2048) == nil)
        var pointer = unsafe packet.mbuf
        #expect(unsafe queue.transmitOrDrop(from: &pointer, count: 1) == 1)
        #expect(port.takeTransmitted(queue: 1) == [[7, 8, 9]])
        #expect(port.takeTransmitted(queue: 1).isEmpty)
        #expect(port.takeTransmitted(queue: 0).isEmpty)
    }

    @Test func `frees a shared packet and a chain once each`() throws {
        let port = try Self.open(mbufCount: 8)
        defer { port.close() }
        let queue = port.queue(0)
        let burst = Burst()
        for _ in 0..<100 {
            #expect(unsafe queue.allocate(into: burst.packets, count: 8))
            unsafe burst.packets[0].pointee.segment_count = 2
            unsafe burst.packets[0].pointee.next = burst.packets[1]
            unsafe burst.packets[2].pointee.reference_count = 2
            unsafe queue.free(Packet(burst.packets[0]))
            unsafe queue.free(Packet(burst.packets[2]))
            unsafe queue.free(burst.packets + 2, count: 6)
        }
        #expect(queue.allocationFailures == 0)
    }

    /// Bad and good together is the driver's word for "not in the bytes, but whole": virtio says it of
    /// what another machine on the same host sent, and says nothing of the header's.
    @Test func `takes a checksum for wrong only when the driver has found it so`() throws {
        let port = try Self.open()
        defer { port.close() }
        let queue = port.queue(0)
        let packet = try #require(queue.allocate())
        for address: UInt64 in [0, 1 << 4, 1 << 7, 1 << 4 | 1 << 7] {
            for datagram: UInt64 in [0, 1 << 3, 1 << 8, 1 << 3 | 1 << 8] {
                unsafe packet.mbuf.pointee.flags = address | datagram
                let isWrong = address == 1 << 4 || datagram == 1 << 3
                #expect(packet.checksumsMayBeGood == !isWrong, "\(address) \(datagram)")
            }
        }
        queue.free(packet)
    }

    @Test func `shows received bursts to a hook`() throws {
        let port = try Self.open()
        defer { port.close() }
        port.load(FrameStore(Self.frames(64)))
        let queue = port.queue(0)
        queue.hookReceive(DropsEveryOther())
        let burst = Burst()
        #expect(unsafe queue.receive(into: burst.packets, max: 32) == 16)
        #expect(burst.bytes(1) == Self.frames(3)[2])
        unsafe queue.free(burst.packets, count: 16)
    }
}

/// A hook that lets the first, third, … packet of a burst through.
private final class DropsEveryOther: ReceiveHook {
    func received(
        _ burst: UnsafeMutablePointer<PacketPointer>, count: Int, queue: PortQueue
    ) -> Int {
        var kept = 0
        for index in 0..<count {
            if index % 2 == 0 {
                unsafe burst[kept] = unsafe burst[index]
                kept += 1
            } else {
                unsafe queue.free(Packet(burst[index]))
            }
        }
        return kept
    }
}
