// SPDX-License-Identifier: Apache-2.0
public import Platform

extension HardwareProfile {
    /// What a gateway takes at least in pages of 2 MB on one node.
    public struct MemoryNeed: Equatable, Sendable {
        /// Where; nil while no thread has a place.
        public let node: NUMANode?
        /// Packets, where there are no pages of 1 GB for them, and the rings; the engine's memory
        /// depends on the configuration and comes on top.
        public let pages2MB: Int
    }

    /// Whether the port takes huge pages for packets: all of DPDK's do.
    public var needsPacketMemory: Bool {
        guard packetMemoryMB > 0 else { return false }
        guard let port else { return true }
        return port != "memory" && !port.hasPrefix("udp:")
    }

    /// What packets and rings take, by node in ascending order. A shard's rings lie near its
    /// gateway thread; packets near the port, else near the first gateway thread.
    public func memoryNeeds(_ machine: MachineFacts, shards: Int) -> [MemoryNeed] {
        var nodeByCPU: [Int: NUMANode] = [:]
        for cpu in machine.cpus.processors { nodeByCPU[cpu.number] = cpu.node }
        let homes = (0..<shards).map { shard in
            shard < cpus.gateway.count ? nodeByCPU[cpus.gateway[shard]] : nil
        }
        let pageBytes = 2 << 20
        // Both hold 64 bytes each.
        let ringPages =
            (rings.logRecords * 64 + pageBytes - 1) / pageBytes
            + (rings.events * 64 + pageBytes - 1) / pageBytes
        var pages: [NUMANode?: Int] = [:]
        for home in homes { pages[home, default: 0] += ringPages }
        // DPDK takes no page that is larger than all that it may have.
        let hasGigantic =
            packetMemoryMB >= 1_024 && hugePages.contains { $0.pageMB == 1_024 && $0.count > 0 }
        if needsPacketMemory, !hasGigantic {
            let near = homes[0] == nil ? nil : portNode(machine) ?? homes[0]
            pages[near, default: 0] += (packetMemoryMB + 1) / 2
        }
        return pages.map { MemoryNeed(node: $0.key, pages2MB: $0.value) }
            .sorted { ($0.node?.rawValue ?? -1) < ($1.node?.rawValue ?? -1) }
    }
}

extension HardwareProfile.HugePageReserve {
    /// The file with the number of pages, below the root. A kernel without NUMA has one for all.
    internal func path(_ machine: MachineFacts) -> String {
        let file = "hugepages/hugepages-\(pageMB << 10)kB/nr_hugepages"
        // Only nodes that the kernel knows have distances.
        let hasNodes = machine.nodes.contains { !$0.distances.isEmpty }
        return hasNodes
            ? "sys/devices/system/node/node\(node.rawValue)/\(file)" : "sys/kernel/mm/\(file)"
    }
}
