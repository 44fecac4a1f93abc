// SPDX-License-Identifier: Apache-2.0
public import Platform

/// A disk, or a partition of one.
public struct BlockDevice: Equatable, Sendable {
    /// Such as "nvme0n1", or "nvme0n1p2".
    public let name: String
    /// The disk that a partition is of; nil for a disk.
    public let disk: String?
    /// Nil for a device that is not on PCI.
    public let pciAddress: String?
    /// Near which memory it is; nil if the kernel cannot say.
    public let node: NUMANode?
    /// Whether it says that it has moving parts; nil if unknown.
    public let isRotational: Bool?
    /// Whether it keeps what was written in a memory that a power cut may empty, until it is told
    /// to flush: "write back" in the kernel's words. Nil if unknown.
    public let hasWriteCache: Bool?
    /// Who orders its requests, such as "none"; nil if unknown.
    public let scheduler: String?
    /// The mounts of it, in their order, and then of what LVM, encryption or a RAID made of it.
    public let mounts: [Mount]

    /// Where it is mounted, in the order of mounting.
    public var mountPoints: [String] { mounts.map(\.place) }

    internal static func readAll(_ root: MachineRoot, pciDevices: [PCIDevice]) -> [BlockDevice] {
        let mounts = Mount.readAll(root)
        return (root.names("sys/class/block") ?? []).compactMap { name in
            let folder = "sys/class/block/\(name)"
            // Loops and the like lead to no device.
            guard let target = root.target(folder),
                !target.contains("virtual")
                    || root.names("\(folder)/device") != nil
            else { return nil }
            let isPartition = root.count("\(folder)/partition") != nil
            let disk = isPartition ? target.dropLast().last : nil
            let whole = disk.map { "sys/class/block/\($0)" } ?? folder
            let address = pciAddress(root, target, whole)
            return BlockDevice(
                name: name, disk: disk, pciAddress: address,
                node: pciDevices.first { $0.address == address }?.node,
                isRotational: root.flag("\(whole)/queue/rotational"),
                hasWriteCache: root.text("\(whole)/queue/write_cache").flatMap {
                    ["write back": true, "write through": false][$0]
                },
                scheduler: root.words("\(whole)/queue/scheduler").flatMap(chosenWord),
                mounts: all(mounts, of: folder, root))
        }
    }

    /// The mounts of a device, then of its holders and their parts, and of what was made of these.
    private static func all(
        _ mounts: [String: [Mount]], of first: String, _ root: MachineRoot
    ) -> [Mount] {
        var found: [Mount] = []
        var folders = [first]
        // A device may hold two parts of a disk, and a stranger's tree may go round in circles.
        var seen: Set<String> = []
        while let folder = folders.popLast() {
            guard let number = root.word("\(folder)/dev"), seen.insert(number).inserted else {
                continue
            }
            found += mounts[number] ?? []
            for name in root.names("\(folder)/holders") ?? [] {
                let holder = "sys/class/block/\(name)"
                let parts = (root.names(holder) ?? []).map { "\(holder)/\($0)" }
                folders += [holder] + parts.filter { root.count("\($0)/partition") != nil }
            }
        }
        return found
    }

    /// The last PCI address on the way to it. A disk that several controllers reach lies below none
    /// of them, and names them.
    private static func pciAddress(
        _ root: MachineRoot, _ target: [String], _ disk: String
    ) -> String? {
        if let address = target.last(where: isPCIAddress) { return address }
        for name in root.names("\(disk)/device") ?? [] where name.hasPrefix("nvme") {
            let controller = root.target("\(disk)/device/\(name)") ?? []
            if let address = controller.last(where: isPCIAddress) { return address }
        }
        return nil
    }

    /// "0000:3b:00.0".
    private static func isPCIAddress(_ word: String) -> Bool {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [4, 2, 4] && parts[2].dropFirst(2).first == "."
            && word.utf8.allSatisfy { $0 == 0x3A || $0 == 0x2E || Character(.init($0)).isHexDigit }
    }
}

extension MachineFacts {
    /// The device that a folder's files are on, by the longest place above it; nil if none of the
    /// devices is mounted above. `folder` begins with "/".
    public func blockDevice(of folder: String) -> BlockDevice? {
        var found: (length: Int, device: BlockDevice)?
        for device in blockDevices {
            for place in device.mountPoints
            where place == "/" || folder == place || folder.hasPrefix("\(place)/") {
                if place.utf8.count >= found?.length ?? 0 { found = (place.utf8.count, device) }
            }
        }
        return found?.device
    }

    /// A folder at which a disk or a part of it is mounted as a whole, to be written; nil if there
    /// is none.
    public func folder(ofDisk disk: String) -> String? {
        blockDevices.filter { $0.name == disk || $0.disk == disk }.flatMap(\.mounts)
            .first { $0.isWhole && $0.isWritable }?.place
    }

    /// Whether the system itself is on a disk or on a part of it.
    internal func isSystemDisk(_ disk: String) -> Bool {
        blockDevices.contains {
            ($0.name == disk || $0.disk == disk) && $0.mountPoints.contains("/")
        }
    }
}
