// SPDX-License-Identifier: Apache-2.0
import Foundation
import Hardware
import Platform
import Testing

private func recorded(_ name: String) -> MachineFacts {
    MachineFacts.read(root: recordedTree(name))
}

private func node(_ number: Int) -> NUMANode { NUMANode(rawValue: number) }

@Suite struct `Recorded machines` {
    @Test func `give the tables and the JSON beside them`() throws {
        let names = try recordedNames()
        try #require(names.count >= 5)
        for name in names {
            let facts = recorded(name)
            let cure: Comment = "if \(name) should differ: needletail hw probe --root"
            for (text, ending) in [(facts.table, "table"), (facts.json, "json")] {
                let golden = recordedMachines.appendingPathComponent("\(name).\(ending)")
                #expect(text == (try String(contentsOf: golden, encoding: .utf8)), cure)
            }
        }
    }

    /// The virtual card's address and interrupts are those of its parent, found through links.
    @Test func `lead through their links as the kernel's do`() throws {
        let card = try #require(recorded("vm-2cpu-virtio").networkDevices.first)
        #expect(card.interface == "eth0" && card.driver == "virtio_net")
        #expect(card.pciAddress == "0000:00:03.0" && card.hasLink == true && card.node == nil)
    }

    @Test func `tell the sockets, cores, threads and distances of each other`() {
        let two = recorded("vm-two-sockets")
        #expect(two.cpus.packageCount == 2 && two.cpus.coreCount == 4)
        #expect(two.cpus.isSMTActive == true && two.cpus.processors[5].siblings == [4, 5])
        #expect(two.cpus.isolated == [4, 5, 6, 7] && two.nodes[1].cpus == [4, 5, 6, 7])
        #expect(two.nodes.map { $0.hugePages.first?.total } == [64, 256])
        let four = recorded("vm-four-nodes")
        #expect(four.nodes.map(\.distances)[1] == [16, 10, 32, 32] && four.nodes.count == 4)
        #expect(four.nodes[3].hugePages.map(\.total) == [0, 1])
        let one = recorded("vm-one-socket")
        #expect(one.nodes.map(\.node) == [node(0)] && one.cpus.coreCount == 2)
        #expect(one.kernel.transparentHugePages == "always" && one.kernel.iommuGroupCount == 0)
    }

    @Test func `tell where cards and disks are`() throws {
        let two = recorded("vm-two-sockets")
        let card = try #require(two.pciDevices.first { $0.driver == "e1000e" })
        #expect(card.node == node(1) && card.iommuGroup != nil)
        #expect(card.link?.speed == "2.5 GT/s PCIe" && card.link?.width == 1)
        let disk = try #require(two.blockDevices.first)
        #expect(disk.name == "nvme0n1" && disk.node == node(1) && disk.disk == nil)
        #expect(disk.isRotational == false && disk.hasWriteCache == true)
        let here = recorded("vm-2cpu-virtio")
        #expect(here.blockDevice(of: "/var/lib/needletail")?.name == "vda")
        #expect(here.blockDevices.first?.pciAddress == "0000:00:02.0")
        let setting = here.kernel.settings.first { $0.name == "kernel.numa_balancing" }
        #expect(setting?.value == 0)
    }

    @Test func `tell what vfio-pci has, and the addresses of an RDMA device`() throws {
        let facts = recorded("vm-vfio-rdma")
        let card = try #require(facts.networkDevices.first { $0.driver == "vfio-pci" })
        #expect(card.interface == nil && card.pciAddress == "0000:00:08.0")
        let port = try #require(facts.rdmaDevices.first?.ports.first)
        #expect(port.isActive == true && port.interface == "eth1")
        let address = try #require(port.addresses.first)
        #expect(address.index == 0 && address.kind == "RoCE v2" && address.interface == "eth1")
        #expect(recorded("vm-four-nodes").rdmaDevices.first?.ports.first?.isActive == false)
    }

    @Test func `hold no hardware address and no release with a builder's name`() throws {
        for name in try recordedNames() {
            let file = recordedMachines.appendingPathComponent("\(name).machine")
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(!hasHardwareAddress(text), "\(name)")
            for line in text.split(separator: "\n") {
                let path = line.prefix { $0 != " " }
                for secret in ["/address:", "/serial:", "/hostname:", "/version:"] {
                    #expect(!path.hasSuffix(secret), "\(name): \(line)")
                }
            }
        }
    }
}

/// Six pairs of hexadecimal digits with colons between them. (A regular expression takes half a
/// minute for all files, without optimisation.)
private func hasHardwareAddress(_ text: String) -> Bool {
    text.split { !$0.isHexDigit && $0 != ":" }.contains { word in
        word.utf8.count >= 17
            && word.split(separator: ":").map(\.count).contains([2, 2, 2, 2, 2, 2])
    }
}

@Suite struct `A machine of two sockets with SMT` {
    private let tree: MachineTree
    private let facts: MachineFacts

    init() throws {
        tree = try MachineTree(twoSockets())
        facts = MachineFacts.read(root: tree.root)
    }

    @Test func `has eight threads on four cores in two packages`() {
        #expect(facts.cpus.online == Array(0..<8) && facts.cpus.isSMTActive == true)
        #expect(facts.cpus.coreCount == 4 && facts.cpus.packageCount == 2)
        #expect(facts.cpus.model == "Two: of them")
        #expect(facts.cpus.isolated == [3, 7] && facts.cpus.nohzFull == [])
    }

    @Test func `knows neighbours, caches, governor and idle states of a processor`() throws {
        let cpu = facts.cpus.processors[3]
        #expect(cpu.number == 3 && cpu.package == 1 && cpu.core == 1 && cpu.node == node(1))
        #expect(cpu.siblings == [3, 7])
        #expect(cpu.caches.map(\.level) == [1, 1, 2, 3])
        #expect(cpu.caches.map(\.sizeKiB) == [32, 48, 2048, 36864])
        #expect(cpu.caches[3].sharedBy == [1, 3, 5, 7])
        #expect(cpu.governor == "performance")
        #expect(cpu.idleLatencyMicrosMax == 2, "state 2 is off there")
        #expect(facts.cpus.processors[4].idleLatencyMicrosMax == 170)
    }

    @Test func `has huge pages of both sizes by node`() {
        #expect(facts.nodes.map(\.distances) == [[10, 21], [21, 10]])
        #expect(facts.nodes.map(\.cpus) == [[0, 2, 4, 6], [1, 3, 5, 7]])
        #expect(facts.nodes.map(\.memoryKiB) == [65_536_000, 65_536_000])
        #expect(facts.nodes.map(\.memoryFreeKiB) == [24, 1024])
        #expect(facts.nodes[1].hugePages.map(\.pageKiB) == [2048, 1_048_576])
        #expect(facts.nodes[1].hugePages.map(\.total) == [512, 4])
        #expect(facts.nodes[1].hugePages.map(\.free) == [501, 0])
    }

    @Test func `has its card on node 1, and the one that vfio has too`() throws {
        #expect(facts.networkDevices.map(\.interface) == ["eth2", "eth10", nil])
        let card = facts.networkDevices[0]
        #expect(card.driver == "ice" && card.pciAddress == "0000:3b:00.0" && card.node == node(1))
        #expect(card.speedMbps == 100_000 && card.hasLink == true && card.mtuBytes == 9000)
        #expect(card.receiveQueueCount == 4 && card.transmitQueueCount == 2)
        let usb = facts.networkDevices[1]
        #expect(usb.pciAddress == nil && usb.hasLink == false && usb.speedMbps == nil)
        let taken = facts.networkDevices[2]
        #expect(taken.pciAddress == "0000:3b:00.1" && taken.driver == "vfio-pci")
        #expect(taken.node == node(1) && taken.hasLink == nil)
    }

    @Test func `tells where the interrupts of disk and card go`() {
        #expect(
            facts.pciDevices.map(\.address) == ["0000:02:00.0", "0000:3b:00.0", "0000:3b:00.1"])
        #expect(facts.pciDevices.map(\.kind) == [.storage, .network, .network])
        let disk = facts.pciDevices[0].interrupts
        #expect(disk.map(\.number) == [16] && disk[0].name == "nvme0q0")
        #expect(disk[0].allowed == Array(0..<8) && disk[0].effective == [3])
        let card = facts.pciDevices[1].interrupts
        #expect(card.map(\.number) == [99, 101], "messages, not the line")
        #expect(card[0].allowed == [1, 5] && card[0].effective == nil && card[1].name == nil)
        #expect(facts.pciDevices[2].interrupts.isEmpty)
        #expect(facts.kernel.defaultInterruptCPUs == Array(0..<8))
    }

    @Test func `has an RDMA device with one port that works`() throws {
        let device = try #require(facts.rdmaDevices.first)
        #expect(device.name == "mlx5_0" && device.driver == "mlx5_core" && device.node == nil)
        #expect(device.ports.map(\.number) == [1, 2] && device.pciAddress == "0000:5e:00.0")
        #expect(device.ports.map(\.isActive) == [true, false])
        #expect(
            device.ports[0].rate == "100 Gb/sec (4X EDR)" && device.ports[0].interface == "eth3")
    }

    @Test func `was started with an IOMMU and has VFIO`() {
        let kernel = facts.kernel
        #expect(kernel.commandLine == ["isolcpus=3,7", "intel_iommu=on"])
        #expect(kernel.iommuGroupCount == 2 && kernel.vfioModules == ["vfio", "vfio_pci"])
        #expect(kernel.isNoIOMMUAllowed == false && kernel.transparentHugePages == "always")
        #expect(kernel.clockSource == nil && kernel.isAutogroupOn == nil)
    }

    @Test func `is JSON that another reader reads`() throws {
        let object = try JSONSerialization.jsonObject(with: Data(facts.json.utf8))
        let top = try #require(object as? [String: Any])
        let cards = try #require(top["networkDevices"] as? [[String: Any]])
        #expect(cards[0]["node"] as? Int == 1 && cards[0]["interface"] as? String == "eth2")
        #expect(cards[2]["interface"] is NSNull, "unknown is null, not left out")
        let keys = Set(cards[0].keys)
        #expect(cards.allSatisfy { Set($0.keys) == keys })
    }
}

@Suite struct `A tree where something is missing` {
    @Test func `is unknown everywhere when it is empty`() throws {
        let tree = try MachineTree([:])
        let facts = MachineFacts.read(root: tree.root)
        #expect(facts == MachineFacts.read(root: tree.root + "/not-there"))
        #expect(facts.cpus.processors.isEmpty && facts.cpus.coreCount == nil)
        #expect(facts.nodes.isEmpty && facts.pciDevices.isEmpty && facts.networkDevices.isEmpty)
        #expect(facts.rdmaDevices.isEmpty && facts.kernel.vfioModules == nil)
        let titles = [
            "Kernel", "Processors", "Memory", "Network", "RDMA", "Disks", "Interrupts of",
        ]
        for line in facts.table.split(separator: "\n") {
            #expect(line.hasSuffix("unknown") || titles.contains { line.hasPrefix($0) }, "\(line)")
        }
        _ = try JSONSerialization.jsonObject(with: Data(facts.json.utf8))
    }

    @Test func `has one node where the kernel has no NUMA`() throws {
        let tree = try MachineTree([
            "sys/devices/system/cpu/online": "0-1", "proc/meminfo": "MemTotal: 2048 kB",
            "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "7",
        ])
        let facts = MachineFacts.read(root: tree.root + "/")
        #expect(facts.nodes.map(\.node) == [node(0)] && facts.nodes[0].cpus == [0, 1])
        #expect(facts.nodes[0].memoryKiB == 2048 && facts.nodes[0].memoryFreeKiB == nil)
        #expect(facts.nodes[0].hugePages.map(\.total) == [7])
        #expect(facts.nodes[0].hugePages.map(\.free) == [nil])
        #expect(facts.cpus.processors.map(\.node) == [node(0), node(0)])
    }

    /// Each file in turn is emptied, filled with what makes no sense, or replaced by a folder.
    @Test(arguments: [
        "", "-1", "99999999999999999999", "0-99999999999", "7-3,,-", "=:[]", "\u{1B}[2J\0", "K",
        nil,
    ])
    func `is read without a trap, whatever is in a file`(garbage: String?) throws {
        let files = twoSockets()
        let tree = try MachineTree(files)
        for path in files.keys.sorted() {
            let file = tree.root + "/" + path
            try FileManager.default.removeItem(atPath: file)
            if let garbage {
                try Data(garbage.utf8).write(to: URL(fileURLWithPath: file))
            } else {
                try FileManager.default.createDirectory(
                    atPath: file, withIntermediateDirectories: true)
            }
        }
        let facts = MachineFacts.read(root: tree.root)
        #expect(!facts.table.contains("\u{1B}"))
        _ = try JSONSerialization.jsonObject(with: Data(facts.json.utf8))
    }
}
