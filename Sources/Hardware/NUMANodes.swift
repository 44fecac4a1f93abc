// SPDX-License-Identifier: Apache-2.0
public import Platform

/// One node: memory, and what is near to it.
public struct NUMANodeFacts: Equatable, Sendable {
    /// Which.
    public let node: NUMANode
    /// Its processors, ascending; none for a node of memory only.
    public let cpus: [Int]
    /// All its memory, in KiB.
    public let memoryKiB: Int?
    /// What nobody uses of it, in KiB.
    public let memoryFreeKiB: Int?
    /// To each node in ascending order, itself (usually 10) included; empty if unknown.
    public let distances: [Int]
    /// The pools of huge pages, the smallest size first; empty if there are none or nobody knows.
    public let hugePages: [HugePagePool]

    /// A kernel without NUMA has node 0; a tree without processors and memory has none.
    internal static func readAll(_ root: MachineRoot) -> [NUMANodeFacts] {
        let folder = "sys/devices/system/node"
        if let online = root.list("\(folder)/online"), !online.isEmpty {
            return online.map { read(root, number: $0, "\(folder)/node\($0)") }
        }
        let cpus = root.list("\(cpuFolder)/online") ?? []
        let memory = root.text("proc/meminfo") ?? ""
        let node = NUMANodeFacts(
            node: NUMANode(rawValue: 0), cpus: cpus, memoryKiB: kibibytes("MemTotal:", in: memory),
            memoryFreeKiB: kibibytes("MemFree:", in: memory), distances: [],
            hugePages: HugePagePool.readAll(root, "sys/kernel/mm/hugepages"))
        return cpus.isEmpty && node.memoryKiB == nil && node.hugePages.isEmpty ? [] : [node]
    }

    private static func read(_ root: MachineRoot, number: Int, _ folder: String) -> NUMANodeFacts {
        let memory = root.text("\(folder)/meminfo") ?? ""
        return NUMANodeFacts(
            node: NUMANode(rawValue: number), cpus: root.list("\(folder)/cpulist") ?? [],
            memoryKiB: kibibytes("MemTotal:", in: memory),
            memoryFreeKiB: kibibytes("MemFree:", in: memory),
            distances: (root.words("\(folder)/distance") ?? []).compactMap { Int($0) },
            hugePages: HugePagePool.readAll(root, "\(folder)/hugepages"))
    }

    /// From a line such as "Node 0 MemTotal:  24689032 kB".
    private static func kibibytes(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if let index = words.firstIndex(where: { $0 == name }), index + 1 < words.count {
                return Int(words[index + 1]).flatMap { $0 >= 0 ? $0 : nil }
            }
        }
        return nil
    }
}

/// The huge pages of one size on one node.
public struct HugePagePool: Equatable, Sendable {
    /// The size of a page, in KiB.
    public let pageKiB: Int
    /// How many pages there are.
    public let total: Int?
    /// How many of them nobody has taken.
    public let free: Int?

    internal static func readAll(_ root: MachineRoot, _ folder: String) -> [HugePagePool] {
        (root.names(folder) ?? []).compactMap { name in
            guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"),
                let pageKiB = Int(name.dropFirst(10).dropLast(2)), pageKiB > 0
            else { return nil }
            return HugePagePool(
                pageKiB: pageKiB, total: root.count("\(folder)/\(name)/nr_hugepages"),
                free: root.count("\(folder)/\(name)/free_hugepages"))
        }.sorted { $0.pageKiB < $1.pageKiB }
    }
}
