// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the bytes are an array's own while they are read and written, the status is the caller's;
// a path is lent for one call.
internal import Glibc
internal import Platform

/// What takes a tuning back: a line `path=value` for each step, the first step first. Steps of a
/// later tuning go behind, so that all of it together leads back to the beginning.
public struct UndoFile: Sendable {
    /// One line.
    public struct Entry: Equatable, Sendable {
        /// Below the root, without a slash in front.
        public let path: String
        /// What is to be written there; nothing is an empty line.
        public let value: String
    }

    private let path: String
    /// Some hundred thousand lines; no tuning writes so much.
    private static let byteCountMax = 16 << 20
    private static let head = "# What takes `needletail hw apply` back, from the last line.\n"

    internal init(_ path: String) { self.path = path }

    /// Makes the file and its folder if they are not there. Returns how long it is.
    internal func open() throws(TuningError) -> Int {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            _ = unsafe mkdir(String(path[..<slash]), 0o755)
        }
        let file = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw TuningError(
                "nothing was changed: \(path), which would take it back, cannot be written "
                    + "(\(SystemText.of(errno))); name another by --undo-file")
        }
        defer { close(file) }
        return Int(lseek(file, 0, SEEK_END))
    }

    /// Writes one line behind; why not, or nil.
    internal func append(_ entry: Entry) -> String? {
        let file = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return "\(path) cannot be written: \(SystemText.of(errno))" }
        defer { close(file) }
        let isNew = lseek(file, 0, SEEK_END) == 0
        let bytes = Array("\(isNew ? Self.head : "")/\(entry.path)=\(entry.value)\n".utf8)
        let count = unsafe write(file, bytes, bytes.count)
        return count == bytes.count ? nil : "\(path) cannot be written: \(SystemText.of(errno))"
    }

    /// How long it is; nil if it is not there.
    internal func byteCount() -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Forgets what was written behind; the file stays, so that more can be written.
    internal func forget(behind byteCount: Int) { _ = unsafe truncate(path, byteCount) }

    /// Forgets what was written behind; the file too, if nothing was before.
    internal func cut(to byteCount: Int) {
        if byteCount == 0 { remove() } else { forget(behind: byteCount) }
    }

    internal func remove() { _ = unsafe unlink(path) }

    /// All lines. Throws if it cannot be read, or names a file that no tuning writes.
    internal func read() throws(TuningError) -> [Entry] {
        let text = try wholeText()
        var entries: [Entry] = []
        for (index, line) in text.split(separator: "\n").enumerated() where !line.hasPrefix("#") {
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

    /// Relative paths are those of the process, not of a root. By halves nothing is taken back.
    private func wholeText() throws(TuningError) -> String {
        if byteCount() ?? 0 > Self.byteCountMax {
            throw TuningError(
                "\(path) is longer than any that a tuning writes, nothing was changed; is it "
                    + "another file?")
        }
        let isAbsolute = path.hasPrefix("/")
        let root = MachineRoot(isAbsolute ? "/" : ".")
        guard
            let text = root.text(
                isAbsolute ? String(path.dropFirst()) : path, byteCountMax: Self.byteCountMax)
        else { throw TuningError("\(path) cannot be read: is there anything to take back?") }
        return text
    }

    private static func isTunable(_ path: Substring) -> Bool {
        ["/sys/", "/proc/sys/", "/proc/irq/"].contains { path.hasPrefix($0) }
            && !path.split(separator: "/").contains("..")
    }
}
