// SPDX-License-Identifier: Apache-2.0
public import Platform

/// A network card, or what a hypervisor gives for one.
public struct NetworkDevice: Equatable, Sendable {
    /// The kernel's interface; nil if the kernel does not drive it: vfio-pci may have it.
    public let interface: String?
    /// The driver that has it; nil for none.
    public let driver: String?
    /// Nil for a device that is not on PCI.
    public let pciAddress: String?
    /// Near which memory it is; nil if the kernel cannot say.
    public let node: NUMANode?
    /// In megabits a second; nil if unknown, as without a link.
    public let speedMbps: Int?
    /// Whether it has a link; nil if the kernel does not drive it.
    public let hasLink: Bool?
    /// The largest packet, in bytes.
    public let mtuBytes: Int?
    /// Queues that the interface has for receiving.
    public let receiveQueueCount: Int?
    /// Queues that the interface has for sending.
    public let transmitQueueCount: Int?

    internal static func readAll(_ root: MachineRoot, pciDevices: [PCIDevice]) -> [NetworkDevice] {
        let interfaces = (root.names("sys/class/net") ?? []).compactMap {
            read(root, $0, pciDevices)
        }
        let known = Set(interfaces.compactMap(\.pciAddress))
        let others = pciDevices.filter { $0.kind == .network && !known.contains($0.address) }
        return interfaces
            + others.map {
                NetworkDevice(
                    interface: nil, driver: $0.driver, pciAddress: $0.address, node: $0.node,
                    speedMbps: nil, hasLink: nil, mtuBytes: nil, receiveQueueCount: nil,
                    transmitQueueCount: nil)
            }
    }

    private static func read(
        _ root: MachineRoot, _ name: String, _ pciDevices: [PCIDevice]
    ) -> NetworkDevice? {
        let folder = "sys/class/net/\(name)"
        let device = "\(folder)/device"
        // Only a device has such a file: loopback, bridges, veth and the like have none.
        guard root.text("\(device)/uevent") != nil else { return nil }
        let address = root.pciAddress(of: device)
        let queues = root.names("\(folder)/queues")
        return NetworkDevice(
            interface: name, driver: root.property("DRIVER", of: device), pciAddress: address,
            node: root.node("\(device)/numa_node")
                ?? pciDevices.first { $0.address == address }?.node,
            speedMbps: root.count("\(folder)/speed"), hasLink: hasLink(root, folder),
            mtuBytes: root.count("\(folder)/mtu"),
            receiveQueueCount: queues.map { $0.count { $0.hasPrefix("rx-") } },
            transmitQueueCount: queues.map { $0.count { $0.hasPrefix("tx-") } })
    }

    /// Of an interface that is down the kernel does not tell the carrier.
    private static func hasLink(_ root: MachineRoot, _ folder: String) -> Bool? {
        root.flag("\(folder)/carrier") ?? (root.text("\(folder)/operstate") == "down" ? false : nil)
    }
}
