// SPDX-License-Identifier: Apache-2.0
public import Platform

/// A disk controller or a network card.
public struct PCIDevice: Equatable, Sendable {
    /// What it is for, by its class.
    public enum Kind: String, Equatable, Sendable {
        /// Class 01: disks.
        case storage
        /// Class 02: network.
        case network
    }

    /// Such as "0000:3b:00.0".
    public let address: String
    /// What it is for.
    public let kind: Kind
    /// The driver that has it, such as "ice" or "vfio-pci"; nil for none.
    public let driver: String?
    /// Near which memory it is; nil if the kernel cannot say.
    public let node: NUMANode?
    /// Those that share a group go to vfio-pci together; nil without an IOMMU.
    public let iommuGroup: Int?
    /// What it has of the bus at present; nil if the kernel does not tell.
    public let link: PCILink?
    /// What it could have; nil if the kernel does not tell.
    public let linkMax: PCILink?
    /// Its interrupts, ascending; empty if it has none or nobody knows.
    public let interrupts: [Interrupt]

    internal static func readAll(_ root: MachineRoot) -> [PCIDevice] {
        let devices = "sys/bus/pci/devices"
        return (root.names(devices) ?? []).compactMap { address in
            let folder = "\(devices)/\(address)"
            guard let kind = kind(root.text("\(folder)/class") ?? "") else { return nil }
            var numbers = root.numbers("\(folder)/msi_irqs", behind: "") ?? []
            // Without messages it has one line, and 0 says that it has none.
            if numbers.isEmpty, let line = root.count("\(folder)/irq"), line > 0 {
                numbers = [line]
            }
            return PCIDevice(
                address: address, kind: kind, driver: root.property("DRIVER", of: folder),
                node: root.node("\(folder)/numa_node"),
                iommuGroup: root.iommuGroup(folder),
                link: PCILink.read(root, folder, "current"),
                linkMax: PCILink.read(root, folder, "max"),
                interrupts: numbers.map { Interrupt.read(root, number: $0) })
        }
    }

    private static func kind(_ code: String) -> Kind? {
        if code.hasPrefix("0x01") { return .storage }
        return code.hasPrefix("0x02") ? .network : nil
    }
}

/// A device on PCI that is neither a disk controller nor a network card.
public struct OtherPCIDevice: Equatable, Sendable {
    /// Such as "0000:00:1f.0".
    public let address: String
    /// The driver that has it; nil for none.
    public let driver: String?
    /// Those that share a group go to vfio-pci together; nil without an IOMMU.
    public let iommuGroup: Int?

    internal static func readAll(
        _ root: MachineRoot, besides known: [PCIDevice]
    ) -> [OtherPCIDevice] {
        let known = Set(known.map(\.address))
        let devices = "sys/bus/pci/devices"
        return (root.names(devices) ?? []).filter { !known.contains($0) }.map { address in
            let folder = "\(devices)/\(address)"
            return OtherPCIDevice(
                address: address, driver: root.property("DRIVER", of: folder),
                iommuGroup: root.iommuGroup(folder))
        }
    }
}

/// How a device is connected to its bus.
public struct PCILink: Equatable, Sendable {
    /// As the kernel writes it, such as "16.0 GT/s PCIe".
    public let speed: String
    /// Lanes.
    public let width: Int

    /// For people, such as "x8 16.0 GT/s PCIe".
    internal var text: String { "x\(width) \(speed)" }

    internal static func read(_ root: MachineRoot, _ folder: String, _ which: String) -> PCILink? {
        guard let speed = root.word("\(folder)/\(which)_link_speed"),
            let width = root.count("\(folder)/\(which)_link_width"), width > 0, width < 255
        else { return nil }
        return PCILink(speed: speed, width: width)
    }
}

/// One interrupt, and which processors may be disturbed by it.
public struct Interrupt: Equatable, Sendable {
    /// Its number in /proc/irq.
    public let number: Int
    /// Who asked for it, such as "ice-eth0-TxRx-3"; nil if nobody has.
    public let name: String?
    /// Where it may go, ascending; nil if unknown.
    public let allowed: [Int]?
    /// Where it goes at present, ascending; nil if unknown.
    public let effective: [Int]?

    internal static func read(_ root: MachineRoot, number: Int) -> Interrupt {
        Interrupt(
            number: number, name: root.word("sys/kernel/irq/\(number)/actions"),
            allowed: root.list("proc/irq/\(number)/smp_affinity_list"),
            effective: root.list("proc/irq/\(number)/effective_affinity_list"))
    }
}

extension MachineFacts {
    /// The devices whose interrupts matter beside a port: not those without a driver, and not the
    /// port's own card, which has none once DPDK drives it.
    internal func interrupting(beside port: HardwareProfile) -> [PCIDevice] {
        let isShared = if case .shared = card(of: port) { true } else { false }
        return pciDevices.filter { device in
            device.driver != nil && (device.address != port.pciAddress || isShared)
        }
    }

    /// Whether an interrupt can be left alone though it may go to processors that are kept free:
    /// the kernel manages those of disks itself, one queue for each processor, and with
    /// `managed_irq` a queue of a processor that is kept free works only for what begins there.
    internal func isQuiet(_ interrupt: Interrupt, of device: PCIDevice, on kept: [Int]) -> Bool {
        guard device.kind == .storage, let allowed = interrupt.allowed, !allowed.isEmpty,
            allowed.allSatisfy(kept.contains)
        else { return false }
        return (kernel.commandLine ?? []).contains { word in
            word.hasPrefix("isolcpus=")
                && word.dropFirst(9).split(separator: ",")
                    .contains("managed_irq")
                && kept.allSatisfy((BootWord.cpus("isolcpus", in: [word]) ?? []).contains)
        }
    }
}

extension MachineRoot {
    /// A device's node; -1 is the kernel's "do not know".
    internal func node(_ path: String) -> NUMANode? { count(path).map(NUMANode.init(rawValue:)) }

    /// The number of a device's group; nil without an IOMMU.
    internal func iommuGroup(_ folder: String) -> Int? {
        target("\(folder)/iommu_group")?.last.flatMap { Int($0) }
    }

    /// The PCI device that a device is, or is a part of, as virtio's are; nil for neither.
    internal func pciAddress(of device: String) -> String? {
        property("PCI_SLOT_NAME", of: device) ?? property("PCI_SLOT_NAME", of: "\(device)/..")
    }
}
