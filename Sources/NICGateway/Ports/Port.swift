// SPDX-License-Identifier: Apache-2.0
internal import CDPDK
public import Platform
internal import Synchronization

/// What a port is opened with.
public struct PortConfiguration: Sendable {
    /// Receive queues, each polled by one thread.
    public var receiveQueues: UInt16 = 1
    /// Transmit queues; as many as receive queues, unless a driver has fewer.
    public var transmitQueues: UInt16 = 1
    /// Descriptors of each receive queue; drivers round or cap it.
    public var receiveDescriptors: UInt16 = 1024
    /// Descriptors of each transmit queue; drivers round or cap it.
    public var transmitDescriptors: UInt16 = 1024
    /// Whether the NIC is asked for the checksums that it can do.
    public var offloadsChecksums = true
    /// Packet buffers of 2,048 bytes, for all queues: more than all descriptors and caches hold.
    public var mbufCount: UInt32 = 8191
    /// Largest IP packet in bytes, at most 2,000.
    public var mtu: UInt16 = 1500
    /// The address to answer to instead of the NIC's. On a driver that cannot filter by it, the
    /// port becomes promiscuous: the poll loop must look at the destination itself (it does
    /// anyway).
    public var macAddress: MACAddress?
    /// Whether frames to other addresses are received too.
    public var isPromiscuous = false

    /// The defaults above.
    public init() {}
}

/// What the NIC does by itself. Each is switched on if it is there and wanted.
public struct PortCapabilities: Sendable, Hashable {
    /// Received IPv4 header checksums are verified (`Packet.checksumsMayBeGood`).
    public var verifiesIPv4Checksum = false
    /// Received UDP checksums are verified.
    public var verifiesUDPChecksum = false
    /// `Packet.requestChecksums` works for the IPv4 header.
    public var writesIPv4Checksum = false
    /// `Packet.requestChecksums` works for UDP.
    public var writesUDPChecksum = false
    /// `Port.steer(udpPort:toQueue:)` works.
    public var steersFlows = false

    /// Nothing: what software drivers do.
    public init(
        verifiesIPv4Checksum: Bool = false, verifiesUDPChecksum: Bool = false,
        writesIPv4Checksum: Bool = false, writesUDPChecksum: Bool = false,
        steersFlows: Bool = false
    ) {
        self.verifiesIPv4Checksum = verifiesIPv4Checksum
        self.verifiesUDPChecksum = verifiesUDPChecksum
        self.writesIPv4Checksum = writesIPv4Checksum
        self.writesUDPChecksum = writesUDPChecksum
        self.steersFlows = steersFlows
    }
}

/// Counters of a port since it was opened.
public struct PortStatistics: Sendable, Hashable {
    /// Packets given to the poll loop.
    public var receivedPackets: UInt64 = 0
    /// Their bytes, from the Ethernet header on.
    public var receivedBytes: UInt64 = 0
    /// Packets taken by the driver.
    public var transmittedPackets: UInt64 = 0
    /// Their bytes.
    public var transmittedBytes: UInt64 = 0
    /// Lost because the poll loop was late.
    public var receiveMissed: UInt64 = 0
    /// Lost because they were damaged.
    public var receiveErrors: UInt64 = 0
    /// Lost for want of packet buffers.
    public var receiveNoBuffer: UInt64 = 0
    /// Not sent.
    public var transmitErrors: UInt64 = 0
    /// Whether the cable is in; without one it always is.
    public var isLinkUp = false
}

/// An open port. Opened, asked and closed by one control thread; its queues are polled by their own
/// threads, which must have stopped before `close()`.
///
/// SAFETY: `handle` is valid from `open` to `close`, which the flag makes happen once; strings are
/// lent to C for one call.
@safe public final class Port: @unchecked Sendable {
    /// The string it was opened by.
    public let specification: PortSpecification
    /// What it was opened with.
    public let configuration: PortConfiguration
    let handle: OpaquePointer
    private let claim: Int32  // of a kernel interface, -1 for none
    private let isClosed = Atomic<Bool>(false)
    var frameStores: [Int: FrameStore] = [:]  // kept alive while packets point into them

    private init(
        _ specification: PortSpecification, _ configuration: PortConfiguration,
        _ handle: OpaquePointer, _ claim: Int32
    ) {
        self.claim = claim
        self.specification = specification
        self.configuration = configuration
        unsafe self.handle = handle
    }

    deinit { close() }

    /// Opens a port. The error says the cause and the cure.
    public static func open(
        _ specification: PortSpecification, configuration: PortConfiguration = PortConfiguration()
    ) throws(PortError) -> Port {
        var settings = cdpdk_port_configuration()
        settings.receive_queues = configuration.receiveQueues
        settings.transmit_queues = configuration.transmitQueues
        settings.receive_descriptors = configuration.receiveDescriptors
        settings.transmit_descriptors = configuration.transmitDescriptors
        settings.checksum_offload = configuration.offloadsChecksums
        settings.mbuf_count = configuration.mbufCount
        settings.mtu = configuration.mtu
        settings.promiscuous = configuration.isPromiscuous
        if let mac = configuration.macAddress {
            settings.override_mac = true
            settings.mac = (mac[0], mac[1], mac[2], mac[3], mac[4], mac[5])
        }
        try check(configuration)
        try specification.checkHost()
        var error = cdpdk_error()
        let handle: OpaquePointer?
        var claim: Int32 = -1
        switch specification.kind {
        case .memory: unsafe handle = unsafe cdpdk_open_memory(&settings, &error)
        case .udp(let address, let port):
            unsafe handle = unsafe cdpdk_open_udp(address, port, &settings, &error)
        default:
            claim = try claimInterface(of: specification.kind)
            let device = device(for: specification.kind, configuration)
            unsafe handle = unsafe cdpdk_open_device(device, &settings, &error)
        }
        guard let handle = unsafe handle else {
            cdpdk_link_release(claim)
            throw PortError(error)
        }
        return unsafe Port(specification, configuration, handle, claim)
    }

    /// The queue pair at `index`, below the number of receive queues. Polled by one thread.
    public func queue(_ index: Int) -> PortQueue {
        precondition(
            (0..<Int(max(configuration.receiveQueues, configuration.transmitQueues)))
                .contains(index), "a queue of the port")
        return unsafe PortQueue(cdpdk_port_queue(handle, UInt16(index)))
    }

    /// The address that the port answers to.
    public var macAddress: MACAddress {
        let mac = info.mac
        let octets = [mac.0, mac.1, mac.2, mac.3, mac.4, mac.5]
        return MACAddress(rawValue: octets.reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// What the NIC does by itself.
    public var capabilities: PortCapabilities {
        let info = info
        return PortCapabilities(
            verifiesIPv4Checksum: info.verifies_ip_checksum,
            verifiesUDPChecksum: info.verifies_udp_checksum,
            writesIPv4Checksum: info.writes_ip_checksum,
            writesUDPChecksum: info.writes_udp_checksum,
            steersFlows: info.steers_flows)
    }

    /// DPDK's name of the driver, as `net_af_xdp`; `memory` or `udp` for our own.
    public var driverName: String {
        var info = info
        return unsafe withUnsafeBytes(of: &info.driver) { unsafe text($0) }
    }

    /// Whether the cable is in; true for a port without one. From any thread.
    public var isLinkUp: Bool {
        switch specification.kind {
        // DPDK's drivers for kernel interfaces do not look.
        case .afXDP(let interface), .afPacket(let interface): unsafe cdpdk_link_up(interface)
        default: unsafe cdpdk_port_link_up(handle)
        }
    }

    /// Near which memory the card is; nil when the driver cannot say, as software drivers.
    public var node: NUMANode? {
        let node = info.numa_node
        return node < 0 ? nil : NUMANode(rawValue: Int(node))
    }

    /// The memory of the packet buffers; none when it is not DPDK's.
    public var memory: [MemoryRegion] {
        var regions: [MemoryRegion] = []
        var base: UnsafeRawPointer?
        var (byteCount, pageByteCount) = (UInt64(0), UInt64(0))
        while unsafe cdpdk_port_memory(
            handle, UInt32(regions.count), &base, &byteCount, &pageByteCount),
            let base = unsafe base
        {
            let pages = pageByteCount >> 20
            unsafe regions.append(
                MemoryRegion(
                    name: "packets", base: base, byteCount: Int(byteCount),
                    pages: pages > 0 ? "\(pages) MB" : "4 KB",
                    pageByteCount: max(4_096, Int(pageByteCount))))
        }
        return regions
    }

    /// Counters.
    public var statistics: PortStatistics {
        var counted = cdpdk_port_statistics()
        unsafe cdpdk_port_count(handle, &counted)
        return PortStatistics(
            receivedPackets: counted.received_packets, receivedBytes: counted.received_bytes,
            transmittedPackets: counted.transmitted_packets,
            transmittedBytes: counted.transmitted_bytes, receiveMissed: counted.receive_missed,
            receiveErrors: counted.receive_errors, receiveNoBuffer: counted.receive_no_buffer,
            transmitErrors: counted.transmit_errors, isLinkUp: isLinkUp)
    }

    /// What the driver calls its own counters; none for ports that are not of DPDK.
    public var extendedStatisticNames: [String] {
        let nameByteCount = Int(CDPDK_EXTENDED_NAME)
        let count = unsafe cdpdk_port_extended_names(handle, nil, 0)
        var bytes = [UInt8](repeating: 0, count: Int(count) * nameByteCount)
        return unsafe bytes.withUnsafeMutableBytes { raw in
            guard let start = unsafe raw.bindMemory(to: CChar.self).baseAddress,
                unsafe cdpdk_port_extended_names(handle, start, count) == count
            else { return [] }
            return (0..<Int(count)).map { index in
                let from = index * nameByteCount
                return unsafe text(
                    UnsafeRawBufferPointer(rebasing: raw[from..<from + nameByteCount]))
            }
        }
    }

    /// Their values, in the order of the names; none when there are not so many any more.
    public func extendedStatistics(_ count: Int) -> [UInt64] {
        var values = [UInt64](repeating: 0, count: count)
        let isThere = unsafe values.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe cdpdk_port_extended_count(handle, start, UInt32(count))
        }
        return isThere ? values : []
    }

    /// Has the NIC send UDP datagrams to a port to one queue. False where it cannot: the poll loop
    /// then hands them over by software.
    public func steer(udpPort: UInt16, toQueue queue: Int) -> Bool {
        var error = cdpdk_error()
        return unsafe cdpdk_port_steer(handle, udpPort, UInt16(queue), &error)
    }

    /// Stops the port and frees its buffers; a second call does nothing.
    public func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        unsafe cdpdk_port_close(handle)
        cdpdk_link_release(claim)
    }

    private var info: cdpdk_port_info {
        var info = cdpdk_port_info()
        unsafe cdpdk_port_describe(handle, &info)
        return info
    }

    private static func check(_ configuration: PortConfiguration) throws(PortError) {
        guard configuration.mtu <= 2000 else {
            throw PortError(
                code: 22, description: "an MTU of \(configuration.mtu): 2000 is the most")
        }
        guard configuration.receiveQueues > 0, configuration.transmitQueues > 0 else {
            throw PortError(code: 22, description: "a port has at least one queue each way")
        }
    }

    /// Makes a kernel interface ours alone, and frees it from what a killed process left on it: two
    /// gateways would answer every frame twice. -1: the kind of port has no interface to claim.
    private static func claimInterface(of kind: PortKind) throws(PortError) -> Int32 {
        var error = cdpdk_error()
        switch kind {
        case .afXDP(let interface):
            let claim = unsafe cdpdk_link_claim(interface, true, &error)
            guard claim >= 0 else { throw PortError(error) }
            return claim
        case .afPacket(let interface):
            let claim = unsafe cdpdk_link_claim(interface, false, &error)
            // Somebody else's XDP program (EBUSY) may well let frames through to a packet socket.
            guard claim >= 0 || error.code == 16 else { throw PortError(error) }
            return claim
        default: return -1
        }
    }

    private static let serial = Atomic<Int>(0)

    /// DPDK's name of the device, with its arguments.
    private static func device(
        for kind: PortKind, _ configuration: PortConfiguration
    ) -> String {
        let number = serial.wrappingAdd(1, ordering: .relaxed).oldValue
        let queues = max(configuration.receiveQueues, configuration.transmitQueues)
        switch kind {
        case .pci(let address): return address
        case .afXDP(let interface):
            // No busy polling by the kernel: the poll loop does that, and it halves the latency.
            return "net_af_xdp\(number),iface=\(interface),start_queue=0,queue_count=\(queues)"
                + ",busy_budget=0"
        case .afPacket(let interface):
            return "net_af_packet\(number),iface=\(interface),qpairs=\(queues)"
                + ",blocksz=4096,framesz=2048,framecnt=1024,qdisc_bypass=1"
        case .pcap(let file, let loops, let transmitFile):
            return "net_pcap\(number),rx_pcap=\(file)" + (loops ? ",infinite_rx=1" : "")
                + (transmitFile.map { ",tx_pcap=\($0)" } ?? "")
        case .memif(let socket, let isServer):
            return "net_memif\(number),role=\(isServer ? "server" : "client")"
                + ",socket=\(socket),socket-abstract=no"
        case .memory, .udp: return ""
        }
    }
}
