// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the bytes are an array's own while they are written.
internal import Glibc
internal import Platform

/// The kernel's files below a root folder, to be written.
internal struct TuningFiles: Sendable {
    private let root: String
    private let reader: MachineRoot

    init(_ root: String) {
        self.root = root
        reader = MachineRoot(root)
    }

    /// What a file holds; of several words the chosen one. Nil if it cannot be read.
    func value(_ path: String) -> String? {
        guard let text = reader.text(path) else { return nil }
        return reader.words(path).flatMap(chosenWord) ?? text
    }

    /// Whether two texts say the same in a file.
    func isSame(_ path: String, _ left: String, _ right: String) -> Bool {
        if left == right { return true }
        if path.hasSuffix("/smp_affinity_list") {
            return NumberList.numbers(left) == NumberList.numbers(right)
        }
        if path == TuningPath.defaultInterrupts {
            let mask = NumberList.mask(left)
            return mask != nil && mask == NumberList.mask(right)
        }
        return false
    }

    /// Writes a line into a file that is there; why not, or nil. Links in a tree lead to nothing
    /// outside: it may have come from a stranger.
    func write(_ path: String, _ value: String) -> String? {
        let file = RootedFile.open(
            path, below: root, flags: O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return "/\(path) cannot be written: \(SystemText.of(errno))" }
        defer { close(file) }
        let bytes = Array("\(value)\n".utf8)
        // In one piece: the kernel takes each write for an order.
        let count = unsafe Glibc.write(file, bytes, bytes.count)
        return count == bytes.count
            ? nil : "/\(path) does not take \(value): \(SystemText.of(errno))"
    }
}
