// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A machine written by hand: a folder that is gone with its owner.
final class MachineTree {
    let root: String

    /// Paths below the root, and what is in the files.
    init(_ files: [String: String]) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-machine-\(UUID().uuidString)")
        root = folder.path
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (path, text) in files { try write(path, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A file with one text.
    func write(_ path: String, _ text: String) throws {
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: place(path)))
    }

    /// A link to another path of the tree, from the one to the other as the kernel has them.
    func link(_ path: String, to target: String) throws {
        let up = path.split(separator: "/").dropLast().map { _ in "../" }.joined()
        try FileManager.default.createSymbolicLink(
            atPath: place(path), withDestinationPath: up + target)
    }

    /// Where a path is, its folder made.
    private func place(_ path: String) throws -> String {
        let place = URL(fileURLWithPath: root).appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        return place.path
    }
}

/// Two sockets of two cores with two threads each, numbered as Intel does: the second threads come
/// last. Odd processors are on node 1, and so is the card; half of node 1 is isolated.
func twoSockets() -> [String: String] {
    let cpu = "sys/devices/system/cpu"
    let node = "sys/devices/system/node"
    var files = [
        "\(cpu)/online": "0-7", "\(cpu)/isolated": "3,7", "\(cpu)/nohz_full": "(null)",
        "\(cpu)/smt/active": "1", "\(node)/online": "0-1",
        "proc/cpuinfo": "processor\t: 0\nmodel name\t: Two: of them\nmodel name\t: other",
        "proc/cmdline": "isolcpus=3,7 intel_iommu=on", "proc/sys/kernel/osrelease": "6.1.0",
        "proc/irq/default_smp_affinity": "00000000,000000ff",
        "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never",
        "sys/kernel/iommu_groups/0/devices/x": "", "sys/kernel/iommu_groups/1/devices/y": "",
        "sys/module/vfio/parameters/enable_unsafe_noiommu_mode": "N",
        "sys/module/vfio_pci/x": "", "sys/module/ice/x": "",
    ]
    for number in 0..<8 {
        let folder = "\(cpu)/cpu\(number)"
        let first = number % 4
        files["\(folder)/topology/physical_package_id"] = "\(number % 2)"
        files["\(folder)/topology/core_id"] = "\(first / 2)"
        files["\(folder)/topology/thread_siblings_list"] = "\(first),\(first + 4)"
        files["\(folder)/cpufreq/scaling_governor"] = number == 3 ? "performance" : "powersave"
        for (index, kind) in ["Instruction", "Data", "Unified", "Unified"].enumerated() {
            let cache = "\(folder)/cache/index\(index)"
            files["\(cache)/level"] = "\(max(index, 1))"
            files["\(cache)/type"] = kind
            files["\(cache)/size"] = ["32K", "48K", "2048K", "36M"][index]
            files["\(cache)/shared_cpu_list"] =
                index == 3 ? (number % 2 == 0 ? "0,2,4,6" : "1,3,5,7") : "\(first),\(first + 4)"
        }
        for (state, latency) in [0, 2, 170].enumerated() {
            files["\(folder)/cpuidle/state\(state)/latency"] = "\(latency)"
            // The deepest is off on processor 3.
            files["\(folder)/cpuidle/state\(state)/disable"] =
                number == 3 && state == 2 ? "1" : "0"
        }
    }
    for number in 0...1 {
        let folder = "\(node)/node\(number)"
        files["\(folder)/cpulist"] = number == 0 ? "0,2,4,6" : "1,3,5,7"
        files["\(folder)/distance"] = number == 0 ? "10 21" : "21 10"
        files["\(folder)/meminfo"] =
            "Node \(number) MemTotal:  65536000 kB\nNode \(number) MemFree:  \(number)024 kB"
        files["\(folder)/hugepages/hugepages-2048kB/nr_hugepages"] = "512"
        files["\(folder)/hugepages/hugepages-2048kB/free_hugepages"] = "\(500 + number)"
        files["\(folder)/hugepages/hugepages-1048576kB/nr_hugepages"] = "\(number * 4)"
        files["\(folder)/hugepages/hugepages-1048576kB/free_hugepages"] = "0"
    }
    return files.merging(devices()) { $1 }
}

/// A disk on node 0, a card of the kernel's on node 1, another that vfio-pci has, and RDMA.
private func devices() -> [String: String] {
    let pci = "sys/bus/pci/devices"
    var files = [
        "\(pci)/0000:02:00.0/class": "0x010802", "\(pci)/0000:02:00.0/numa_node": "0",
        "\(pci)/0000:02:00.0/uevent": "DRIVER=nvme\nPCI_SLOT_NAME=0000:02:00.0",
        "\(pci)/0000:02:00.0/irq": "16",
        "proc/irq/16/smp_affinity_list": "0-7", "proc/irq/16/effective_affinity_list": "3",
        "sys/kernel/irq/16/actions": "nvme0q0",
        "\(pci)/0000:03:00.0/class": "0x030000",
        "\(pci)/0000:3b:00.1/class": "0x020000", "\(pci)/0000:3b:00.1/numa_node": "1",
        "\(pci)/0000:3b:00.1/uevent": "DRIVER=vfio-pci\nPCI_SLOT_NAME=0000:3b:00.1",
        "\(pci)/0000:3b:00.0/class": "0x020000", "\(pci)/0000:3b:00.0/numa_node": "1",
        "\(pci)/0000:3b:00.0/uevent": "DRIVER=ice\nPCI_SLOT_NAME=0000:3b:00.0",
        "\(pci)/0000:3b:00.0/irq": "17",
        "\(pci)/0000:3b:00.0/msi_irqs/101": "msix", "\(pci)/0000:3b:00.0/msi_irqs/99": "msix",
        "proc/irq/99/smp_affinity_list": "1,5", "sys/kernel/irq/99/actions": "ice-eth2-TxRx-0",
        "sys/class/net/eth2/device/uevent": "DRIVER=ice\nPCI_SLOT_NAME=0000:3b:00.0",
        "sys/class/net/eth2/device/numa_node": "1", "sys/class/net/eth2/mtu": "9000",
        "sys/class/net/eth2/speed": "100000", "sys/class/net/eth2/carrier": "1",
        "sys/class/net/lo/mtu": "65536", "proc/sys/vm/stat_interval": "1",
        "sys/devices/system/cpu/cpu2/thermal_throttle/core_throttle_count": "3",
        "sys/class/net/eth10/device/uevent": "DRIVER=r8152",
        "sys/class/net/eth10/operstate": "down", "sys/class/net/eth10/speed": "-1",
    ]
    // The one card has half of its lanes, the other all.
    for (card, width) in [("0000:3b:00.0", "8"), ("0000:3b:00.1", "16")] {
        for (which, lanes) in [("current", width), ("max", "16")] {
            files["\(pci)/\(card)/\(which)_link_speed"] = "16.0 GT/s PCIe"
            files["\(pci)/\(card)/\(which)_link_width"] = lanes
        }
    }
    for queue in 0..<4 { files["sys/class/net/eth2/queues/rx-\(queue)/rps_cpus"] = "0" }
    for queue in 0..<2 { files["sys/class/net/eth2/queues/tx-\(queue)/xps_cpus"] = "0" }
    let rdma = "sys/class/infiniband/mlx5_0"
    files["\(rdma)/device/uevent"] = "DRIVER=mlx5_core\nPCI_SLOT_NAME=0000:5e:00.0"
    files["\(rdma)/device/numa_node"] = "-1"
    files["\(rdma)/ports/1/state"] = "4: ACTIVE"
    files["\(rdma)/ports/1/link_layer"] = "Ethernet"
    files["\(rdma)/ports/1/rate"] = "100 Gb/sec (4X EDR)"
    files["\(rdma)/ports/1/gid_attrs/ndevs/0"] = "eth3"
    files["\(rdma)/ports/2/state"] = "1: DOWN"
    return files
}
