// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the error is a local that the call fills; its text is read inside the closure.
import CDPDK
import Foundation
import Testing

@testable import NICGateway

/// A machine with three network cards on PCI, a disk, and 3 free huge pages on each of two nodes.
private final class Host {
    let root = FileManager.default.temporaryDirectory
        .appendingPathComponent("needletail-host-\(UUID().uuidString)")

    init() throws {
        try card("0000:3b:00.0", class: "0x020000", driver: "ice", group: "7")
        try write("sys/bus/pci/devices/0000:3b:00.0/net/eth2/mtu", "1500")
        try card("0000:3b:00.1", class: "0x020000", driver: "vfio-pci", group: "8")
        try card("0000:5e:00.0", class: "0x020000", driver: nil, group: nil)
        try card("0000:02:00.0", class: "0x010802", driver: "nvme", group: "3")
        try write("dev/vfio/vfio", "")
        try write("dev/vfio/8", "")
        for node in 0...1 {
            let pool = "sys/devices/system/node/node\(node)/hugepages/hugepages-2048kB"
            try write("\(pool)/free_hugepages", "3")
            try write("\(pool)/nr_hugepages", "10")
        }
        try write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "6")
        try write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "20")
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func write(_ path: String, _ text: String) throws {
        let file = root.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data((text + "\n").utf8).write(to: file)
    }

    func card(_ address: String, class code: String, driver: String?, group: String?) throws {
        let folder = "sys/bus/pci/devices/\(address)"
        try write("\(folder)/class", code)
        try write("\(folder)/numa_node", "1")
        try link("\(folder)/driver", to: driver.map { "../../drivers/\($0)" })
        guard let group else { return }
        let members = "sys/kernel/iommu_groups/\(group)/devices/\(address)"
        try write(members, "")
        try link("\(folder)/iommu_group", to: "../../../../kernel/iommu_groups/\(group)")
    }

    func link(_ path: String, to target: String?) throws {
        guard let target else { return }
        try FileManager.default.createSymbolicLink(
            atPath: root.appendingPathComponent(path).path, withDestinationPath: target)
    }

    /// What is said against a card; nil for nothing.
    func complaint(_ address: String) -> String? {
        var error = cdpdk_error()
        let fine = unsafe cdpdk_pci_check(root.path, address, &error)
        return fine ? nil : PortError(error).description
    }

    func complaint(mebibytes: UInt32, node: Int32) -> String? {
        var error = cdpdk_error()
        let fine = unsafe cdpdk_huge_pages_check(root.path, mebibytes, node, &error)
        return fine
            ? nil
            : PortError(error).description
                .replacingOccurrences(of: root.path, with: "")
    }
}

@Suite struct `A PCI card` {
    private let host: Host

    init() throws { host = try Host() }

    @Test func `that vfio-pci has and nobody uses is taken`() {
        #expect(host.complaint("0000:3b:00.1") == nil)
        #expect(unsafe cdpdk_device_node(host.root.path, "bus/pci/devices/0000:3b:00.1") == 1)
        #expect(unsafe cdpdk_device_node(host.root.path, "class/net/eth1/device") == -1)
    }

    @Test func `that is not there is refused with those that are`() {
        #expect(
            host.complaint("0000:99:00.0") == """
                there is no PCI device 0000:99:00.0 in this machine; the network cards are \
                0000:3b:00.0 (ice), 0000:3b:00.1 (vfio-pci), 0000:5e:00.0 (no driver)
                """)
    }

    @Test func `that is a disk is refused`() throws {
        let text = try #require(host.complaint("0000:02:00.0"))
        #expect(text.hasPrefix("0000:02:00.0 is no network card; the network cards are"))
    }

    @Test func `that the kernel has is refused with its driver and the command`() {
        #expect(
            host.complaint("0000:3b:00.0") == """
                0000:3b:00.0 is bound to the kernel's driver ice (interface eth2); bind it to \
                vfio-pci by `modprobe vfio-pci && dpdk-devbind.py -b vfio-pci 0000:3b:00.0`, or \
                leave it there and use af_xdp:eth2
                """)
    }

    @Test func `without a driver and an IOMMU is told about the IOMMU`() throws {
        let text = try #require(host.complaint("0000:5e:00.0"))
        #expect(text.hasPrefix("0000:5e:00.0 has no driver, and there is no IOMMU here"))
        #expect(text.contains("intel_iommu=on"))
    }

    @Test func `whose group another driver has a part of is refused with that part`() throws {
        try host.card("0000:3b:00.2", class: "0x020000", driver: "ice", group: nil)
        try host.write("sys/kernel/iommu_groups/8/devices/0000:3b:00.2", "")
        let text = try #require(host.complaint("0000:3b:00.1"))
        #expect(text.contains("shares IOMMU group 8 with 0000:3b:00.2, which the driver ice has"))
    }

    @Test func `is refused where VFIO is not there`() throws {
        try FileManager.default.removeItem(at: host.root.appendingPathComponent("dev/vfio"))
        let text = try #require(host.complaint("0000:3b:00.1"))
        #expect(text.contains("modprobe -a vfio vfio-pci"))
    }

    @Test func `is taken without a group when its driver shares it with DPDK`() throws {
        try host.card("0000:af:00.0", class: "0x020000", driver: "mlx5_core", group: nil)
        #expect(host.complaint("0000:af:00.0") == nil)
    }
}

@Suite struct `Huge pages for packets` {
    private let host: Host

    init() throws { host = try Host() }

    @Test func `that are free are enough`() {
        #expect(host.complaint(mebibytes: 6, node: 1) == nil)
        #expect(host.complaint(mebibytes: 12, node: -1) == nil)
    }

    @Test func `that are missing on a node are counted, with the command for that node`() {
        #expect(
            host.complaint(mebibytes: 64, node: 1) == """
                64 MiB of huge pages for packets are wanted on node 1, and 6 MiB are free: 29 \
                pages of 2 MiB are missing; reserve them by `echo 39 > \
                /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages` (and more \
                for the log), or do without (packetMemoryMB: 0)
                """)
    }

    @Test func `that are missing anywhere are asked for by sysctl`() throws {
        let text = try #require(host.complaint(mebibytes: 64, node: -1))
        #expect(text.contains("26 pages of 2 MiB are missing"))
        #expect(text.contains("`sysctl -w vm.nr_hugepages=46`"))
    }

    @Test func `of 1 GiB count too, and a kernel that tells nothing is not refused`() throws {
        let pool = "sys/devices/system/node/node1/hugepages/hugepages-1048576kB"
        try host.write("\(pool)/free_hugepages", "1")
        #expect(host.complaint(mebibytes: 64, node: 1) == nil)
        #expect(host.complaint(mebibytes: 64, node: 5) == nil)
    }
}
