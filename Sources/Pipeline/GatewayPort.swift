// SPDX-License-Identifier: Apache-2.0
internal import Hardware
public import NICGateway
internal import Platform

/// Opens the port that a configuration names, with everything that it needs around it.
public enum GatewayPort {
    /// DPDK's environment if the kind of port needs it, then the port, with a queue for each shard,
    /// and the NIC's own steering where it has one. `notes` says what a person should know.
    public static func open(
        _ configuration: Configuration, notes: inout [String]
    ) throws -> Port {
        let host = configuration.host
        let specification = try PortSpecification(configuration.port)
        if specification.needsEAL {
            try specification.checkHost()
            try startDPDK(configuration, for: specification)
        }
        var port = PortConfiguration()
        port.receiveQueues = UInt16(configuration.shards)
        port.transmitQueues = UInt16(configuration.shards)
        port.receiveDescriptors = host.queues.receiveDescriptors
        port.transmitDescriptors = host.queues.transmitDescriptors
        port.offloadsChecksums = host.queues.checksumOffload
        port.mbufCount = UInt32(host.packetBuffers)
        // Locally administered, "NT" and the address: two gateways on one wire differ.
        let derived = 0x024E_0000_0000 | UInt64(configuration.ipv4Address)
        port.macAddress = MACAddress(rawValue: configuration.macAddress ?? derived)
        let opened = try Port.open(specification, configuration: port)
        if configuration.shards > 1 { try steer(opened, configuration, notes: &notes) }
        return opened
    }

    /// Starts DPDK with memory for that port, and so much more, on the node of its card. Its own
    /// threads run where housekeeping is done. Nothing to do when it runs already.
    public static func startDPDK(
        _ configuration: Configuration, for specification: PortSpecification, moreMB: Int = 0
    ) throws(PortError) {
        let host = configuration.host
        var eal = EALConfiguration()
        eal.memoryNode = specification.numaNode
        eal.usesHugePages = host.packetMemoryMB > 0
        // Without huge pages memory is taken as needed: the buffers, and as much for the rest.
        let buffersMB = host.packetBuffers * 2_560 / 1_048_576
        eal.memoryMebibytes = UInt32(
            eal.usesHugePages ? host.packetMemoryMB + moreMB : 256 + 2 * (buffersMB + moreMB))
        if !host.cpus.housekeeping.isEmpty {
            eal.cpuList = CPUList.text(host.cpus.housekeeping.sorted())
        }
        eal.filePrefix =
            "needletail-\(IPv4Text.format(configuration.ipv4Address))-\(configuration.udpPort)"
        try EAL.start(eal)
    }

    /// Has the NIC sort frames by the shards' UDP ports, as the profile says.
    private static func steer(
        _ port: Port, _ configuration: Configuration, notes: inout [String]
    ) throws(PortError) {
        let steering = configuration.host.queues.steering
        guard steering != .software else { return }
        for shard in 0..<configuration.shards {
            let udpPort = configuration.udpPort + UInt16(shard)
            if port.steer(udpPort: udpPort, toQueue: shard) { continue }
            let cause = "\(port.driverName) cannot steer UDP port \(udpPort) to queue \(shard)"
            guard steering == .auto else {
                port.close()
                throw PortError(
                    code: 95,
                    description: "\(cause), and queues.steering is flow: use another NIC, or "
                        + "`steering: software`")
            }
            notes.append("\(cause): frames are handed over in software")
        }
    }
}
