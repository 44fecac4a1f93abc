// SPDX-License-Identifier: Apache-2.0
public import NICGateway

/// Opens the port that a configuration names, with everything that it needs around it.
public enum GatewayPort {
    /// DPDK's environment if the kind of port needs it, then the port, with a queue for each shard,
    /// and the NIC's own steering where it has one. `notes` says what a person should know.
    public static func open(
        _ configuration: Configuration, notes: inout [String]
    ) throws -> Port {
        let specification = try PortSpecification(configuration.port)
        if specification.needsEAL {
            var eal = EALConfiguration()
            eal.usesHugePages = configuration.packetMemoryMB > 0
            // Without huge pages memory is taken as needed: the buffers, and as much for the rest.
            let buffersMB = configuration.packetBuffers * 2_560 / 1_048_576
            eal.memoryMebibytes = UInt32(
                eal.usesHugePages ? configuration.packetMemoryMB : 256 + 2 * buffersMB)
            try EAL.start(eal)
        }
        var port = PortConfiguration()
        port.receiveQueues = UInt16(configuration.shards)
        port.transmitQueues = UInt16(configuration.shards)
        port.mbufCount = UInt32(configuration.packetBuffers)
        // Locally administered, "NT" and the address: two gateways on one wire differ.
        let derived = 0x024E_0000_0000 | UInt64(configuration.ipv4Address)
        port.macAddress = MACAddress(rawValue: configuration.macAddress ?? derived)
        let opened = try Port.open(specification, configuration: port)
        if configuration.shards > 1 {
            for shard in 0..<configuration.shards
            where !opened.steer(
                udpPort: configuration.udpPort + UInt16(shard), toQueue: shard)
            {
                notes.append(
                    "the driver cannot steer UDP port \(configuration.udpPort + UInt16(shard)) to "
                        + "queue \(shard): frames are handed over in software")
            }
        }
        return opened
    }
}
