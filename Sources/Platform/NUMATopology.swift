// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `read` fills at most the array that it is given; paths are lent for one call.
internal import Glibc

/// Which processors and devices are near which memory, as the kernel tells it under `/sys`.
public struct NUMATopology: Sendable {
    /// All nodes, ascending; node 0 alone where the kernel has no NUMA.
    public let nodes: [NUMANode]
    private let cpusByNode: [NUMANode: [Int]]
    private let nodeByCPU: [Int: NUMANode]
    private let root: String

    /// Reads the machine once. `root` is another directory in tests.
    public init(root: String = "/sys") {
        self.root = root
        let online = Self.text("\(root)/devices/system/node/online").map(Self.numbers) ?? []
        nodes = (online.isEmpty ? [0] : online).map(NUMANode.init(rawValue:))
        var cpusByNode: [NUMANode: [Int]] = [:]
        var nodeByCPU: [Int: NUMANode] = [:]
        for node in nodes {
            let list =
                Self.text("\(root)/devices/system/node/node\(node.rawValue)/cpulist")
                ?? (nodes.count == 1 ? Self.text("\(root)/devices/system/cpu/online") : nil)
            let cpus = list.map(Self.numbers) ?? []
            cpusByNode[node] = cpus
            for cpu in cpus { nodeByCPU[cpu] = node }
        }
        self.cpusByNode = cpusByNode
        self.nodeByCPU = nodeByCPU
    }

    /// The processors near a node, ascending; none for a node of memory only.
    public func cpus(of node: NUMANode) -> [Int] { cpusByNode[node] ?? [] }

    /// The node of a processor; nil if there is no such processor.
    public func node(ofCPU cpu: Int) -> NUMANode? { nodeByCPU[cpu] }

    /// The node of a network interface's device; nil for a virtual one, or if the kernel cannot
    /// say.
    public func node(ofInterface name: String) -> NUMANode? {
        isName(name) ? device("\(root)/class/net/\(name)/device/numa_node") : nil
    }

    /// The node of a PCI device ("0000:3b:00.0"); nil if there is none, or the kernel cannot say.
    public func node(ofPCI address: String) -> NUMANode? {
        isName(address) ? device("\(root)/bus/pci/devices/\(address)/numa_node") : nil
    }

    /// Which of a processor's neighbours share its core (with itself), ascending.
    public func siblings(ofCPU cpu: Int) -> [Int] {
        let path = "\(root)/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"
        return Self.text(path).map(Self.numbers) ?? [cpu]
    }

    private func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && name != "." && name != ".."
    }

    private func device(_ path: String) -> NUMANode? {
        // -1 is the kernel's "do not know".
        guard let number = Self.text(path).flatMap({ Int($0) }), number >= 0 else { return nil }
        return NUMANode(rawValue: number)
    }

    /// "0-3,8" is 0, 1, 2, 3, 8. What is not understood is left out.
    internal static func numbers(_ list: String) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let ends = part.split(separator: "-").map { Int($0) }
            switch ends.count {
            case 1: return ends[0].map { [$0] } ?? []
            case 2:
                guard let low = ends[0], let high = ends[1], low <= high else { return [] }
                return Array(low...high)
            default: return []
            }
        }
    }

    /// The first 4 KB of a file, without the spaces around; nil if it cannot be read.
    private static func text(_ path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let kept = bytes[..<count].filter { $0 > 0x20 }
        return String(decoding: kept, as: UTF8.self)
    }
}
