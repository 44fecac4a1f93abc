// SPDX-License-Identifier: Apache-2.0
public import Platform

/// A device that writes into another machine's memory.
public struct RDMADevice: Equatable, Sendable {
    /// Such as "mlx5_0".
    public let name: String
    /// The driver that has it; nil for none, as with Soft-RoCE.
    public let driver: String?
    /// Nil for a device that is not on PCI.
    public let pciAddress: String?
    /// Near which memory it is; nil if the kernel cannot say.
    public let node: NUMANode?
    /// Its ports, ascending.
    public let ports: [RDMAPort]

    internal static func readAll(_ root: MachineRoot) -> [RDMADevice] {
        (root.names("sys/class/infiniband") ?? []).map { name in
            let folder = "sys/class/infiniband/\(name)"
            return RDMADevice(
                name: name, driver: root.property("DRIVER", of: "\(folder)/device"),
                pciAddress: root.pciAddress(of: "\(folder)/device"),
                node: root.node("\(folder)/device/numa_node"),
                ports: (root.numbers("\(folder)/ports", behind: "") ?? [])
                    .map { RDMAPort.read(root, number: $0, "\(folder)/ports/\($0)") })
        }
    }
}

/// One port of an RDMA device.
public struct RDMAPort: Equatable, Sendable {
    /// From 1.
    public let number: Int
    /// Whether its logical state is ACTIVE; nil if unknown.
    public let isActive: Bool?
    /// "Ethernet" (RoCE) or "InfiniBand".
    public let linkLayer: String?
    /// As the kernel writes it, such as "100 Gb/sec (4X EDR)".
    public let rate: String?
    /// The interface of its first address; nil if unknown.
    public let interface: String?
    /// Its addresses, ascending by index; empty if there are none or nobody knows.
    public let addresses: [RDMAAddress]

    internal static func read(_ root: MachineRoot, number: Int, _ folder: String) -> RDMAPort {
        RDMAPort(
            number: number,
            isActive: root.word("\(folder)/state").map { $0.hasSuffix(": ACTIVE") },
            linkLayer: root.word("\(folder)/link_layer"), rate: root.word("\(folder)/rate"),
            interface: root.word("\(folder)/gid_attrs/ndevs/0"),
            addresses: (root.numbers("\(folder)/gid_attrs/types", behind: "") ?? [])
                .compactMap { index in
                    // Of an index without an address the kernel tells no type.
                    root.word("\(folder)/gid_attrs/types/\(index)").map { kind in
                        RDMAAddress(
                            index: index, kind: kind,
                            interface: root.word("\(folder)/gid_attrs/ndevs/\(index)"))
                    }
                })
    }
}

/// One address (GID) of a port; the address itself is not read.
public struct RDMAAddress: Equatable, Sendable {
    /// By which a connection names it.
    public let index: Int
    /// "RoCE v2", or "IB/RoCE v1".
    public let kind: String
    /// Whose address it is; nil if unknown, as with InfiniBand.
    public let interface: String?
}
