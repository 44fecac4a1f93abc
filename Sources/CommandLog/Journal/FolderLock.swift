// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel fills a structure of the caller, of the size that it knows.
internal import Glibc

/// The lock that gives a folder to one journal; the kernel takes it away with the process.
internal enum FolderLock {
    /// Opens a folder. Throws when it cannot be had.
    internal static func open(_ path: String) throws(StorageError) -> Int32 {
        let folder = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw StorageError("open", file: path, errno: errno) }
        return folder
    }

    /// Opens a folder and locks it. Whoever had the lock may have put another folder in its place
    /// meanwhile (`FolderSuccession`), and be gone: then that one is the folder. `willLock` is
    /// called before each attempt.
    internal static func openLocked(
        _ path: String, willLock: () -> Void = {}
    ) throws(StorageError) -> Int32 {
        while true {
            let folder = try open(path)
            do throws(StorageError) {
                willLock()
                try take(folder, path: FileSystem.name(of: folder) ?? path)
            } catch {
                close(folder)
                throw error
            }
            if isStill(folder, at: path) { return folder }
            close(folder)
        }
    }

    private static func isStill(_ folder: Int32, at path: String) -> Bool {
        var own = stat()
        var named = stat()
        return unsafe fstat(folder, &own) == 0 && stat(path, &named) == 0
            && own.st_dev == named.st_dev && own.st_ino == named.st_ino
    }

    /// Locks an open folder. Throws with EWOULDBLOCK, and says by whom, when another has it. Waits
    /// a tenth of a second for who is about to go: a process that was killed, or the child of one
    /// that has not become another program yet, which still shares the lock.
    private static func take(_ folder: Int32, path: String) throws(StorageError) {
        var number: Int32 = 0
        for attempt in 1...50 {
            guard flock(folder, LOCK_EX | LOCK_NB) != 0 else { return }
            number = errno
            guard number == EWOULDBLOCK else { break }
            if attempt < 50 { usleep(2_000) }
        }
        throw StorageError(
            "lock for this process alone", file: path, errno: number,
            cure: number == EWOULDBLOCK
                ? "\(holder(folder)) has it, likely another gateway: stop that one, or use "
                    + "another folder; nothing was changed"
                : nil)
    }

    /// Who holds it, from /proc/locks: `1: FLOCK  ADVISORY  WRITE 4711 fe:00:999431 0 EOF`.
    private static func holder(_ folder: Int32) -> String {
        var status = stat()
        guard unsafe fstat(folder, &status) == 0 else { return "another process" }
        let device = FileSystem.device(status)
        let place = "\(hex(device.major)):\(hex(device.minor)):\(status.st_ino)"
        for line in FileSystem.text(of: "/proc/locks").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 6, words[1] == "FLOCK", words[5] == place,
                let number = Int32(words[4]), number > 0
            else { continue }
            let name = FileSystem.text(of: "/proc/\(number)/comm").split(separator: "\n").first
            return "process \(number)" + (name.map { " (\($0))" } ?? "")
        }
        // Of another container, or where /proc does not say.
        return "another process"
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return digits.utf8.count < 2 ? "0" + digits : digits
    }
}
