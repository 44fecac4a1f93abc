// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the bytes are an array's own while they are read and written, the status is the caller's;
// a path is lent for one call.
internal import Glibc
internal import Platform

/// What takes a tuning back: a line `# root /…` with the machine's folder, then a line `path=value`
/// for each step, the first step first. Steps of a later tuning go behind, so that all of it
/// together leads back to the beginning.
public struct UndoFile: Sendable {
    /// One line.
    public struct Entry: Equatable, Sendable {
        /// Below the root, without a slash in front.
        public let path: String
        /// What is to be written there; nothing is an empty line.
        public let value: String
    }

    private let path: String
    /// Of which machine it is, as it stands in the file.
    private let root: String
    private let file: Int32
    /// Some hundred thousand lines; no tuning writes so much.
    private static let byteCountMax = 16 << 20

    /// For a tuning: makes the file and its folder if they are not there. Throws if it is of
    /// another machine. `root` has no links in it.
    internal static func made(
        at path: String, below root: String
    ) throws(TuningError) -> UndoFile {
        try makeFolder(of: path, below: root)
        let flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let file = unsafe Glibc.open(path, flags, 0o600)
        guard file >= 0 else {
            throw TuningError(
                "nothing was changed: \(path), which would take it back, cannot be written "
                    + "(\(SystemText.of(errno))); name another by --undo-file")
        }
        let undo = UndoFile(path: path, root: shown(Array(root.utf8)), file: file)
        try undo.requireRoot()
        return undo
    }

    /// To take a tuning back; nil if there is no such file. Throws if it is of another machine.
    internal static func found(
        at path: String, below root: String
    ) throws(TuningError) -> UndoFile? {
        let file = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw TuningError("\(path) cannot be read: \(SystemText.of(errno))")
        }
        let undo = UndoFile(path: path, root: shown(Array(root.utf8)), file: file)
        try undo.requireRoot()
        return undo
    }

    /// Below a tree no folder on the way is a link: it could lead to this machine's own.
    private static func makeFolder(of path: String, below root: String) throws(TuningError) {
        guard root != "/", path.hasPrefix("\(root)/") else {
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                _ = unsafe mkdir(String(path[..<slash]), 0o755)
            }
            return
        }
        var folder = root
        for name in path.dropFirst(root.count).split(separator: "/").dropLast() {
            folder += "/\(name)"
            var status = stat()
            if unsafe lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
                throw TuningError(
                    "nothing was changed: \(folder) is a link, so the undo file would not be in "
                        + "the tree; name another by --undo-file")
            }
            _ = unsafe mkdir(folder, 0o755)
        }
    }

    /// Throws, and closes it, if it is of another machine.
    private func requireRoot() throws(TuningError) {
        do throws(TuningError) {
            guard byteCount > 0 else { return }
            let line = try text().split(separator: "\n", omittingEmptySubsequences: false)[0]
            guard line.hasPrefix(Self.rootMark) else {
                throw TuningError("\(path):1: not a line of an undo file, nothing was changed")
            }
            let other = line.dropFirst(Self.rootMark.count)
            guard other == root else {
                throw TuningError(
                    "nothing was changed: \(path) is of the machine at \(other), not of the one at "
                        + "\(root); name the right one by --root")
            }
        } catch {
            close()
            throw error
        }
    }

    /// Ends the use of it.
    internal func close() { _ = Glibc.close(file) }

    /// The first lines of the file of a machine. `root` has no links in it.
    internal static func head(_ root: String) -> String {
        "\(rootMark)\(shown(Array(root.utf8)))\n"
            + "# What takes `needletail hw apply` back, from the last line.\n"
    }

    private static let rootMark = "# root "

    /// Writes one line behind; why not, or nil.
    internal func append(_ entry: Entry) -> String? {
        let head = byteCount == 0 ? Self.head(root) : ""
        let bytes = Array("\(head)/\(entry.path)=\(entry.value)\n".utf8)
        let count = unsafe write(file, bytes, bytes.count)
        return count == bytes.count ? nil : "\(path) cannot be written: \(SystemText.of(errno))"
    }

    /// How long it is.
    internal var byteCount: Int {
        var status = stat()
        return unsafe fstat(file, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Forgets what was written behind; the file stays, so that more can be written.
    internal func forget(behind byteCount: Int) { _ = ftruncate(file, byteCount) }

    /// Forgets what was written behind; the file too, if nothing was before.
    internal func cut(to byteCount: Int) {
        if byteCount == 0 { remove() } else { forget(behind: byteCount) }
    }

    internal func remove() { _ = unsafe unlink(path) }

    /// All lines. Throws if it cannot be read, or names a file that no tuning writes.
    internal func read() throws(TuningError) -> [Entry] {
        var entries: [Entry] = []
        for (index, line) in try text().split(separator: "\n").enumerated()
        where !line.hasPrefix("#") {
            guard let equals = line.firstIndex(of: "="), Self.isTunable(line[..<equals]) else {
                throw TuningError(
                    "\(path):\(index + 1): not a line of an undo file, nothing was changed")
            }
            entries.append(
                Entry(
                    path: String(line[..<equals].dropFirst()),
                    value: String(line[line.index(after: equals)...])))
        }
        return entries
    }

    /// By halves nothing is taken back.
    private func text() throws(TuningError) -> String {
        let size = byteCount
        guard size <= Self.byteCountMax else {
            throw TuningError(
                "\(path) is longer than any that a tuning writes, nothing was changed; is it "
                    + "another file?")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        var count = 0
        while count < size {
            let more = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe pread(file, bytes.baseAddress! + count, size - count, count)
            }
            guard more > 0 else {
                throw TuningError("\(path) cannot be read: \(SystemText.of(errno))")
            }
            count += more
        }
        return Self.shown(bytes)
    }

    /// It may have come from a stranger: nothing in it may steer a terminal.
    private static func shown(_ bytes: [UInt8]) -> String {
        String(
            decoding: bytes.map { (0x20...0x7E).contains($0) || $0 == 0x0A ? $0 : 0x3F },
            as: UTF8.self)
    }

    private static func isTunable(_ path: Substring) -> Bool {
        ["/sys/", "/proc/sys/", "/proc/irq/"].contains { path.hasPrefix($0) }
            && !path.split(separator: "/").contains("..")
    }
}
