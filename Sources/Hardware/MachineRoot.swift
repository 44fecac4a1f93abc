// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `read` fills at most the array that it is given; paths are lent for one call; an entry
// of a folder is copied before the next one is asked for, and the folder is closed on each way out.
internal import Glibc
internal import Platform

/// The files below a root folder. Every read of this module goes through here.
internal struct MachineRoot: Sendable {
    private let root: String

    init(_ root: String) {
        // "/" becomes "", so that no path begins with two slashes.
        self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    /// A file, its first 64 KB unless told, without the white space around, perhaps empty; nil if
    /// it cannot be read: it is not there, or the device does not know (an interface that is down
    /// has no carrier to read).
    func text(_ path: String, byteCountMax: Int = 65_536) -> String? {
        // Without waiting, should it be a pipe.
        let file = RootedFile.open(
            path, below: root.isEmpty ? "/" : root, flags: O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // The files of /proc come in pieces.
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < byteCountMax {
            let count = unsafe read(file, &piece, piece.count)
            guard count >= 0 else { return nil }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        let kept = bytes.drop { $0 <= 0x20 }
        guard let last = kept.lastIndex(where: { $0 > 0x20 }) else { return "" }
        // Recorded trees come from strangers: nothing in them may steer a terminal.
        let shown = kept[...last].map { byte in
            Self.isShown(byte) || byte == 0x20 || byte == 0x09 || byte == 0x0A ? byte : 0x3F
        }
        return String(decoding: shown, as: UTF8.self)
    }

    /// Whether a byte is an ASCII character that can be seen: "!" to "~".
    private static func isShown(_ byte: UInt8) -> Bool { byte >= 0x21 && byte <= 0x7E }

    /// A file that holds one line; nil if it is empty too.
    func word(_ path: String) -> String? {
        text(path).flatMap { $0.isEmpty || $0.utf8.contains(0x0A) ? nil : $0 }
    }

    /// A file that holds one decimal number; nil if it is anything else.
    func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    /// The same; a negative number is the kernel's "do not know".
    /// Above 2^40 nobody counts anything, and sums stay sums.
    func count(_ path: String) -> Int? {
        number(path).flatMap { (0...1 << 40).contains($0) ? $0 : nil }
    }

    /// A file that holds 0 or 1, N or Y; nil if it is anything else.
    func flag(_ path: String) -> Bool? {
        switch text(path) {
        case "0", "N": false
        case "1", "Y": true
        default: nil
        }
    }

    /// A list of numbers, "0-3,8"; nil if it cannot be read. "(null)" is none.
    func list(_ path: String) -> [Int]? { text(path).map(NumberList.numbers) }

    /// The words of a file; nil if it cannot be read.
    func words(_ path: String) -> [String]? {
        text(path).map { text in
            text.split { $0 == " " || $0 == "\n" || $0 == "\t" }.map(String.init)
        }
    }

    /// The words between the slashes of where a link leads, as the link has them; nil if it is no
    /// link.
    func target(_ path: String) -> [String]? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("\(root)/\(path)", &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let words = text.split(separator: "/").map(String.init)
        return words.allSatisfy { $0.utf8.allSatisfy(Self.isShown) } ? words : nil
    }

    /// One value of a device's `uevent`, lines such as "DRIVER=ice".
    func property(_ name: String, of device: String) -> String? {
        guard let text = text("\(device)/uevent") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("\(name)=") {
            return String(line.dropFirst(name.utf8.count + 1))
        }
        return nil
    }

    /// The names in a folder as people would sort them (eth2 before eth10), hidden ones and those
    /// with other than visible ASCII left out; nil if there is no such folder.
    func names(_ path: String) -> [String]? {
        guard let folder = unsafe opendir("\(root)/\(path)") else { return nil }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                    unsafe String(cString: text)
                }
            }
            if !name.hasPrefix("."), name.utf8.allSatisfy(Self.isShown) { names.append(name) }
        }
        return names.sorted { NaturalOrder.precedes($0, $1) }
    }

    /// The numbers behind a prefix among the names of a folder, ascending: 0 and 1 for "node0",
    /// "node1" and "online".
    func numbers(_ path: String, behind prefix: String) -> [Int]? {
        names(path).map { names in
            names.filter { $0.hasPrefix(prefix) }.compactMap {
                Int($0.dropFirst(prefix.utf8.count))
            }
            .filter { $0 >= 0 }.sorted()
        }
    }
}
