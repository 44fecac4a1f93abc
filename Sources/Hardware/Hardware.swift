// SPDX-License-Identifier: Apache-2.0
//
//                    ┌▶ CPUTopology     processors, cores, caches, isolation, idle states
//                    ├▶ NUMANodes       memory, distances, huge pages
//  "/", or the       ├▶ PCIDevices      disks and NICs: driver, node, interrupts
//  recorded tree ─▶ MachineRoot ─┤
//  of a machine      ├▶ NetworkDevices  link, speed, queues
//                    ├▶ BlockDevices    disks: node, write cache, where they are mounted
//                    ├▶ RDMADevices     ports
//                    └▶ KernelFacts     command line, clocks, IOMMU
//                                │
//                          MachineFacts ─▶ table for people, JSON for programs
//
// What this machine is, as the kernel tells it in /proc and /sys. Read once, on any thread, when
// somebody asks; nothing is written, nothing is cached, and nobody on the order path comes here.
// Everything is read below a root folder, so that a recorded machine is as good as this one. What
// is not there is nil ("unknown"), which is not the same as none; what is there and makes no sense
// is unknown too. Nothing here reads a serial number, a hardware address or a host's name.

public import Platform

/// All that is known of one machine.
public struct MachineFacts: Equatable, Sendable {
    /// Its processors.
    public let cpus: CPUTopology
    /// Its memory, by node, ascending; empty if unknown.
    public let nodes: [NUMANodeFacts]
    /// Disks and network cards on PCI, by address; empty if there are none or nobody knows.
    public let pciDevices: [PCIDevice]
    /// All other devices on PCI, by address.
    public let otherPCIDevices: [OtherPCIDevice]
    /// Network devices, those that have an interface first; virtual ones are left out.
    public let networkDevices: [NetworkDevice]
    /// The kernel's interfaces by name, virtual ones too, the loopback left out.
    public let interfaces: [NetworkInterface]
    /// Disks and their partitions, by name.
    public let blockDevices: [BlockDevice]
    /// RDMA devices by name.
    public let rdmaDevices: [RDMADevice]
    /// Kernel and boot settings.
    public let kernel: KernelFacts

    /// Reads the machine below `root`; any thread. Never fails: what is missing is nil or empty.
    public static func read(root: String = "/") -> MachineFacts {
        let root = MachineRoot(root)
        let nodes = NUMANodeFacts.readAll(root)
        let pciDevices = PCIDevice.readAll(root)
        return MachineFacts(
            cpus: CPUTopology.read(root, nodes: nodes), nodes: nodes, pciDevices: pciDevices,
            otherPCIDevices: OtherPCIDevice.readAll(root, besides: pciDevices),
            networkDevices: NetworkDevice.readAll(root, pciDevices: pciDevices),
            interfaces: NetworkInterface.readAll(root),
            blockDevices: BlockDevice.readAll(root, pciDevices: pciDevices),
            rdmaDevices: RDMADevice.readAll(root), kernel: KernelFacts.read(root))
    }

    /// Near which memory a processor is; nil if there is no such processor, or nobody knows.
    public func node(ofCPU cpu: Int) -> NUMANode? {
        cpus.processors.first { $0.number == cpu }?.node
    }
}
