// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel fills structures and arrays of the caller, with the sizes that it is told.
internal import Glibc

/// What a journal has to know of the file system that it lies on.
internal enum FileSystem {
    /// The name of a file system that is nothing but memory; nil for all others.
    internal static func memoryKind(_ folder: Int32) -> String? {
        var status = stat()
        guard unsafe fstat(folder, &status) == 0 else { return nil }
        let device = device(status)
        // `36 35 98:0 /from /to rw,noatime master:1 - tmpfs tmpfs rw,size=…`
        for line in text(of: "/proc/self/mountinfo").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 3, words[2] == "\(device.major):\(device.minor)",
                let dash = words.firstIndex(of: "-"), dash + 1 < words.count
            else { continue }
            return ["tmpfs", "ramfs"].first { words[dash + 1] == $0 }
        }
        return nil
    }

    /// The name that the kernel knows an open file by: made for messages only.
    internal static func name(of handle: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/fd/\(handle)", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    /// Bytes that are free for users.
    internal static func freeByteCount(_ folder: Int32) -> Int? {
        var found = statvfs()
        guard unsafe fstatvfs(folder, &found) == 0 else { return nil }
        return Int(found.f_bavail) * Int(found.f_frsize)
    }

    /// The two numbers by which the kernel writes of a device.
    internal static func device(_ status: stat) -> (major: UInt64, minor: UInt64) {
        let device = UInt64(status.st_dev)
        return (device >> 8 & 0xFFF | device >> 32 & ~0xFFF, device & 0xFF | device >> 12 & ~0xFF)
    }

    /// What a file of /proc says, up to a megabyte; nothing when it cannot be read.
    internal static func text(of path: String) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while result.count < 1 << 20 {
            let count = unsafe read(file, &buffer, buffer.count)
            guard count > 0 else { break }
            result += buffer.prefix(count)
        }
        return String(decoding: result, as: UTF8.self)
    }
}
