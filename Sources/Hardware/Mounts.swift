// SPDX-License-Identifier: Apache-2.0

/// One line of the kernel's table of mounts.
public struct Mount: Equatable, Sendable {
    /// The folder that it is mounted at.
    public let place: String
    /// Whether the whole file system is there, and not only a folder of it, as a bind mount has it.
    public let isWhole: Bool
    /// Whether files may be written there.
    public let isWritable: Bool

    /// All by device number ("259:2"), each list in the order of mounting; empty if unknown. From
    /// lines such as "36 35 98:0 /from /to rw,noatime shared:1 - ext4 /dev/sda1 rw".
    internal static func readAll(_ root: MachineRoot) -> [String: [Mount]] {
        var mounts: [String: [Mount]] = [:]
        // A host of containers has thousands of lines.
        let text = root.text("proc/self/mountinfo", byteCountMax: 16 << 20) ?? ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 5 else { continue }
            mounts[String(words[2]), default: []].append(
                Mount(
                    place: String(words[4]), isWhole: words[3] == "/",
                    isWritable: words[5].split(separator: ",").contains("rw")))
        }
        return mounts
    }
}
