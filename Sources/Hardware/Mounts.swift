// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel fills a structure of the caller.
internal import Glibc

/// Where disks are mounted.
package enum MountTable {
    /// A folder at which a disk (as in /sys/block) or a part of it is mounted to be written; nil if
    /// there is none.
    package static func folder(ofDisk disk: String, root: String = "/") -> String? {
        guard !disk.isEmpty, !disk.contains("/"), disk != "..", disk != "." else { return nil }
        let root = MachineRoot(root)
        let parts = (root.names("sys/block/\(disk)") ?? []).filter { $0.hasPrefix(disk) }
        let devices = (["sys/block/\(disk)"] + parts.map { "sys/block/\(disk)/\($0)" })
            .compactMap { root.word("\($0)/dev") }
        let mounts = root.text("proc/self/mountinfo", byteCountMax: 1 << 20) ?? ""
        // `36 35 98:0 /from /to rw,noatime master:1 - ext4 /dev/sda1 rw`
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5, devices.contains(String(words[2])), words[3] == "/",
                words[5].split(separator: ",").contains("rw")
            else { continue }
            return String(words[4])
        }
        return nil
    }

    /// Whether a folder is there.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
