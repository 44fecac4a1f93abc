// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: C strings of the environment are copied at once; structures are locals of their call; a
// folder that was opened is closed, and its entries are read in between.
internal import CPlatform
internal import Glibc

/// Where counters files and control sockets lie.
///
/// A gateway takes the first of these that is memory and that it may write in; a tool looks in all:
/// `$RUNTIME_DIRECTORY` (what systemd gives a service), `/run/needletail` and its folders,
/// `$XDG_RUNTIME_DIR/needletail`, `/dev/shm`.
public enum CountersFolders {
    static let fileSuffix = ".counters"
    static let controlSuffix = ".control"
    private static let common = "/run/needletail"

    /// The folder for a gateway's file; made if need be. Nil: none will do.
    public static func forWriting() -> String? {
        var folders = runtimeFolder.map { [$0] } ?? []
        folders.append(common)
        if let user = userFolder { folders.append(user) }
        folders.append("/dev/shm")
        return folders.first { isFit($0) }
    }

    /// Every counters file that tools may find, with or without a gateway behind it.
    public static func files() -> [String] { found(fileSuffix) }

    /// Every control socket that tools may find, with or without a gateway behind it.
    public static func controlSockets() -> [String] { found(controlSuffix) }

    static func controlSockets(in folder: String) -> [String] {
        names(in: folder).filter { $0.hasPrefix("needletail-") && $0.hasSuffix(controlSuffix) }
            .map { "\(folder)/\($0)" }
    }

    private static func found(_ suffix: String) -> [String] {
        var folders = runtimeFolder.map { [$0] } ?? []
        folders.append(common)
        folders += names(in: common).map { "\(common)/\($0)" }
        if let user = userFolder { folders.append(user) }
        folders.append("/dev/shm")
        var found: [String] = []
        for folder in folders {
            for name in names(in: folder) where name.hasSuffix(suffix) {
                let path = "\(folder)/\(name)"
                if !found.contains(path) { found.append(path) }
            }
        }
        return found
    }

    /// Whether somebody writes a file. True too where that cannot be told.
    public static func isLocked(_ path: String) -> Bool {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return errno != ENOENT }
        defer { close(file) }
        // Shared: two tools that look at the same time do not take each other for a gateway.
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    /// Removes the files that killed gateways left in a folder, as far as that is allowed.
    public static func removeStale(in folder: String) {
        for name in names(in: folder)
        where name.hasPrefix("needletail-") && name.hasSuffix(fileSuffix) {
            let path = "\(folder)/\(name)"
            if !isLocked(path) { unsafe unlink(path) }
        }
    }

    private static var runtimeFolder: String? {
        environment("RUNTIME_DIRECTORY")?.split(separator: ":").first.map(String.init)
    }

    private static var userFolder: String? {
        environment("XDG_RUNTIME_DIR").map { "\($0)/needletail" }
    }

    static func isFit(_ folder: String) -> Bool {
        let parent = folder.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        // On a disk, a store into the file could wait for it.
        if unsafe cplatform_is_in_memory(parent) { unsafe mkdir(folder, 0o755) }
        return unsafe access(folder, W_OK | X_OK) == 0 && cplatform_is_in_memory(folder)
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
