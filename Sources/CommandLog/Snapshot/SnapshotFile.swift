// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: system calls get buffers with their own counts and strings that live for the call; a
// directory entry is copied before the next is read.
internal import Glibc

/// The calls of the system that snapshots need, with what went wrong as an error that names the
/// file. A descriptor is open from `init` to `deinit`.
struct SnapshotFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    private init(path: String, flags: Int32, mode: mode_t, action: String) throws(SnapshotError) {
        let opened = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
        guard opened >= 0 else { throw .system(path: path, action: action, number: errno) }
        self.path = path
        descriptor = opened
    }

    deinit { _ = close(descriptor) }

    /// A new file that only its owner may read; one of that name must not be there.
    static func create(_ path: String) throws(SnapshotError) -> SnapshotFile {
        try SnapshotFile(
            path: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600,
            action: "create")
    }

    /// A file to read; not what a link points to, and no pipe, which would wait for a writer.
    static func open(_ path: String) throws(SnapshotError) -> SnapshotFile {
        let file = try SnapshotFile(
            path: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK, mode: 0, action: "open")
        var status = stat()
        guard unsafe fstat(file.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .system(path: path, action: "open as a file", number: EINVAL)
        }
        return file
    }

    /// Writes all of it.
    func write(_ bytes: ArraySlice<UInt8>) throws(SnapshotError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
            }
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                let number = count == 0 ? ENOSPC : errno
                throw .system(path: path, action: "write", number: number)
            }
        }
    }

    /// Reads up to `count` bytes; fewer only at the end of the file.
    func read(count: Int) throws(SnapshotError) -> [UInt8] {
        var number: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let got = unsafe Glibc.read(descriptor, buffer.baseAddress! + done, count - done)
                if got > 0 {
                    done += got
                } else if got == 0 || errno != EINTR {
                    number = got == 0 ? 0 : errno
                    return
                }
            }
        }
        guard number == 0 else { throw .system(path: path, action: "read", number: number) }
        return bytes
    }

    /// Reads on from there.
    func seek(to byteOffset: Int) throws(SnapshotError) {
        guard lseek(descriptor, byteOffset, SEEK_SET) == byteOffset else {
            throw .system(path: path, action: "read on in", number: errno)
        }
    }

    /// Its length, bytes.
    func byteCount() throws(SnapshotError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(path: path, action: "examine", number: errno)
        }
        return Int(status.st_size)
    }

    /// Waits until it is on the disk.
    func synchronize() throws(SnapshotError) {
        guard fsync(descriptor) == 0 else {
            throw .system(path: path, action: "fsync", number: errno)
        }
    }

    /// Waits until the names in a folder are on the disk.
    static func synchronizeFolder(_ path: String) throws(SnapshotError) {
        let folder = try SnapshotFile(
            path: path, flags: O_RDONLY | O_DIRECTORY, mode: 0, action: "open")
        try folder.synchronize()
    }

    /// Waits until nobody else has the lock of a folder; it ends with what is returned, and with
    /// the process.
    static func lockFolder(_ path: String) throws(SnapshotError) -> SnapshotFile {
        let folder = try SnapshotFile(
            path: path, flags: O_RDONLY | O_DIRECTORY, mode: 0, action: "open")
        while flock(folder.descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                throw .system(path: path, action: "lock", number: errno)
            }
        }
        return folder
    }

    /// Ends a lock.
    func unlock() { _ = flock(descriptor, LOCK_UN) }

    static func rename(_ path: String, to new: String) throws(SnapshotError) {
        guard unsafe Glibc.rename(path, new) == 0 else {
            throw .system(path: path, action: "rename", number: errno)
        }
    }

    /// Removes a file, if it is there.
    static func remove(_ path: String) throws(SnapshotError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw .system(path: path, action: "remove", number: errno)
        }
    }

    /// Whether there is anything of that name, or it cannot be told.
    static func isThere(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0 || errno != ENOENT
    }

    /// Makes a folder that only its owner may enter, if it is not there.
    static func createFolder(_ path: String) throws(SnapshotError) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .system(path: path, action: "create", number: errno)
        }
    }

    /// The names in a folder.
    static func names(in path: String) throws(SnapshotError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            throw .system(path: path, action: "list", number: errno)
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            names.append(name)
            errno = 0
        }
        guard errno == 0 else { throw .system(path: path, action: "list", number: errno) }
        return names
    }
}
