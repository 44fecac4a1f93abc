// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Hardware

/// Two disks, the first with a part, and where they are mounted.
private func machine(mounts: String) throws -> (MachineTree, MachineFacts) {
    let pci = "sys/devices/pci0000:00/0000:00:02.0"
    let folders = [
        ("nvme0n1", "\(pci)/nvme/nvme0/nvme0n1", "259:0"),
        ("nvme0n1p2", "\(pci)/nvme/nvme0/nvme0n1/nvme0n1p2", "259:2"),
        ("sda", "\(pci)/host0/block/sda", "8:0"), ("sdb", "\(pci)/host0/block/sdb", "8:16"),
    ]
    var files = ["proc/self/mountinfo": mounts, "sys/class/block/.here": ""]
    for (name, folder, number) in folders {
        files["\(folder)/dev"] = number
        files["\(folder)/queue/rotational"] = "0"
        if name.hasSuffix("p2") { files["\(folder)/partition"] = "2" }
    }
    let tree = try MachineTree(files)
    for (name, folder, _) in folders { try tree.link("sys/class/block/\(name)", to: folder) }
    return (tree, MachineFacts.read(root: tree.root))
}

@Suite struct `The table of mounts` {
    private static let mounts = """
        21 1 8:0 / / ro,relatime - ext4 /dev/sda ro
        22 1 259:2 /sub /var/part rw - ext4 /dev/nvme0n1p2 rw
        23 1 259:2 / /var/lib rw,noatime shared:1 - ext4 /dev/nvme0n1p2 rw
        """

    @Test func `finds a disk by itself or by a part of it, where it may be written`() throws {
        let (tree, facts) = try machine(mounts: Self.mounts)
        #expect(facts.folder(ofDisk: "nvme0n1") == "/var/lib")
        #expect(facts.folder(ofDisk: "nvme0n1p2") == "/var/lib")
        for disk in ["sda", "sdb", "nothing", "", "..", "a/b"] {
            #expect(facts.folder(ofDisk: disk) == nil, "\(disk) of \(tree.root)")
        }
    }

    @Test func `finds the disk of a folder below any mount`() throws {
        let (tree, facts) = try machine(mounts: Self.mounts)
        #expect(facts.blockDevice(of: "/var/part/journal")?.name == "nvme0n1p2", "\(tree.root)")
        #expect(facts.blockDevice(of: "/etc")?.name == "sda")
    }

    /// A host of containers has a thousand mounts; the disks may come last.
    @Test func `is read to its end`() throws {
        let others = (0..<2_000).map {
            "\($0) 1 0:\($0) / /run/containers/number-\($0)/rootfs rw - overlay overlay rw\n"
        }
        let (tree, facts) = try machine(mounts: others.joined() + Self.mounts)
        #expect(facts.folder(ofDisk: "nvme0n1") == "/var/lib", "\(tree.root)")
        let part = try #require(facts.blockDevices.first { $0.name == "nvme0n1p2" })
        #expect(part.mountPoints == ["/var/part", "/var/lib"])
    }

    /// LVM on a part of the one, a RAID with a part of its own on the two others.
    @Test func `finds a disk below what was made of it`() throws {
        let mounts = """
            21 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw
            22 1 259:3 / /data rw - xfs /dev/md127p1 rw
            """
        let (tree, _) = try machine(mounts: mounts)
        let pci = "sys/devices/pci0000:00/0000:00:02.0"
        let part = "\(pci)/nvme/nvme0/nvme0n1/nvme0n1p2"
        let raid = "sys/devices/virtual/block/md127"
        for (made, number, parts) in [
            ("sys/devices/virtual/block/dm-0", "253:0", [part]),
            ("sys/devices/virtual/block/dm-1", "253:1", ["sys/devices/virtual/block/dm-0"]),
            (raid, "9:127", ["\(pci)/host0/block/sda", "\(pci)/host0/block/sdb"]),
        ] {
            try tree.write("\(made)/dev", number)
            try tree.link("sys/class/block/\(made.split(separator: "/").last ?? "")", to: made)
            for part in parts {
                try tree.link("\(part)/holders/\(made.split(separator: "/").last ?? "")", to: made)
            }
        }
        try tree.write("\(raid)/md127p1/dev", "259:3")
        try tree.write("\(raid)/md127p1/partition", "1")
        // A stranger's tree may go round in circles.
        try tree.link("sys/devices/virtual/block/dm-1/holders/dm-0", to: part)
        let facts = MachineFacts.read(root: tree.root)
        #expect(facts.blockDevices.count == 4)
        #expect(facts.blockDevice(of: "/etc")?.name == "nvme0n1p2")
        #expect(facts.folder(ofDisk: "nvme0n1") == "/" && facts.isSystemDisk("nvme0n1"))
        #expect(facts.folder(ofDisk: "sda") == "/data" && facts.folder(ofDisk: "sdb") == "/data")
        #expect(!facts.isSystemDisk("sda"))
    }

    @Test func `keeps a journal off the system's own disk, whichever part of it that is on`() throws
    {
        let (tree, facts) = try machine(
            mounts: "21 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n22 1 8:0 / /data rw - ext4 x rw")
        let profile = HardwareProfile.derived(for: facts, name: "x", port: nil, shards: 1)
        #expect(profile.journalDisk == "sda", "\(tree.root)")
    }
}
