// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: memory goes to the kernel with the size that its owner gave; `submitWrite`'s stays until
// its completion. `completions` is read and written by the journal's thread only.
internal import Glibc
internal import Platform

/// A folder on disk. Written by io_uring past the page cache (O_DIRECT) where the kernel and the
/// file system have them, by plain writes where not. Nothing is opened with O_DSYNC: the kernel
/// would end each write on a worker thread of the processor that took the disk's interrupt, and
/// where that one polls without a pause an acknowledgement waits for milliseconds.
///
/// A simulation puts a disk with faults in its place, by a subclass.
open class FileStorage: JournalStorage, @unchecked Sendable {
    /// How a folder is opened.
    public enum Mode: Sendable {
        /// For one journal: a second one is refused. io_uring if the kernel lets us.
        case journal
        /// The same without io_uring.
        case journalWithoutUring
        /// For tools, beside a journal that may be running.
        case reading
    }

    /// Where it lies and how it is written.
    public let description: String
    /// The folder's full path.
    public let folder: String
    private let handle: Int32
    private let isDirect: Bool
    private let queue: WriteQueue?
    /// Why the kernel gives no io_uring; nil when it does, or was not asked.
    private let uringRefusal: String?
    /// Of plain writes, which are over when they are submitted; a ring of 64.
    private var completions: [WriteCompletion] = []
    private var firstCompletion = 0
    private var completionCount = 0

    private static var queueCapacity: Int { 64 }

    /// Opens the folder, which is made if it is missing (mode 0700). Throws when it cannot be had,
    /// with EWOULDBLOCK when another journal has it.
    public init(path: String, mode: Mode = .journal) throws(StorageError) {
        if mode != .reading { unsafe mkdir(path, 0o700) }
        handle = try mode == .reading ? FolderLock.open(path) : FolderLock.openLocked(path)
        folder = FileSystem.name(of: handle) ?? path
        guard mode != .reading else {
            queue = nil
            isDirect = false
            uringRefusal = nil
            description = "\(folder): read only"
            return
        }
        isDirect = Self.hasDirect(handle)
        queue = mode == .journal ? WriteQueue(capacity: UInt32(Self.queueCapacity)) : nil
        var way = "io_uring"
        var refusal: String?
        if queue == nil {
            way = "pwrite"
            if mode == .journal {
                refusal = SystemText.of(Glibc.errno)
                way += " (io_uring is refused: \(refusal ?? ""))"
            }
        }
        uringRefusal = refusal
        description = "\(folder): \(way), \(isDirect ? "O_DIRECT" : "page cache"), fdatasync"
        completions = Array(
            repeating: WriteCompletion(token: 0, result: 0), count: Self.queueCapacity)
    }

    deinit {
        queue?.settle()
        Glibc.close(handle)
    }

    private static func hasDirect(_ folder: Int32) -> Bool {
        // A name of ours: somebody else's file is never opened to be written.
        let name = JournalFormat.tailName + JournalFormat.temporarySuffix
        let file = WriteQueue.open(folder: folder, name: name, create: true, direct: true)
        unsafe unlinkat(folder, name, 0)
        guard file >= 0 else { return false }
        Glibc.close(file)
        return true
    }

    /// Whether the folder is nothing but memory: what is "durable" there dies with the machine.
    public var isInMemory: Bool { FileSystem.memoryKind(handle) != nil }

    /// What the operator should know before relying on a journal here with segments of that size.
    public func warnings(segmentByteCount: Int) -> [String] {
        var warnings: [String] = []
        if let kind = FileSystem.memoryKind(handle) {
            warnings.append(
                "\(folder) is on \(kind): what is \"durable\" there dies with the machine; put the "
                    + "journal on a disk")
        }
        if let free = FileSystem.freeByteCount(handle), segmentByteCount > free / 10 {
            warnings.append(
                "\(folder) has \(free >> 20) MB free, and a segment takes "
                    + "\(segmentByteCount >> 20): "
                    + "make room, or make segments smaller (journal.segmentMB)")
        }
        if !isDirect {
            warnings.append(
                "\(folder) has no O_DIRECT: the journal goes through the page cache, which is "
                    + "slower"
            )
        }
        if let uringRefusal {
            warnings.append(
                "the kernel refuses io_uring (\(uringRefusal)): each write to \(folder) waits for "
                    + "the one before it, which is slower")
        }
        return warnings
    }

    // MARK: The folder

    /// As `JournalStorage` says.
    open func list() throws(StorageError) -> [String] {
        // A place in the folder of its own: others may be listing it too.
        let own = unsafe openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw failed("list", "") }
        guard let stream = unsafe fdopendir(own) else {
            let error = failed("list", "")
            Glibc.close(own)
            throw error
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            Glibc.errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard Glibc.errno == 0 else { throw failed("list", "") }
                return names
            }
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if unsafe !isFolder(name, entry.pointee.d_type) { names.append(name) }
        }
    }

    private func isFolder(_ name: String, _ type: UInt8) -> Bool {
        guard Int(type) == Int(DT_UNKNOWN) else { return Int(type) == Int(DT_DIR) }
        // Some file systems do not say it in the list.
        var status = stat()
        return unsafe fstatat(handle, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            && status.st_mode & S_IFMT == S_IFDIR
    }

    /// As `JournalStorage` says.
    open func create(_ name: String, byteCount: Int) throws(StorageError) -> JournalFile {
        let file = WriteQueue.open(folder: handle, name: name, create: true, direct: isDirect)
        guard file >= 0 else { throw failed("create", name) }
        let number = posix_fallocate(file, 0, byteCount)
        guard number == 0 else {
            Glibc.close(file)
            throw StorageError("allocate \(byteCount) bytes for", file: path(name), errno: number)
        }
        return JournalFile(rawValue: file)
    }

    /// As `JournalStorage` says.
    open func open(_ name: String, forWriting: Bool) throws(StorageError) -> JournalFile {
        let file =
            forWriting
            ? WriteQueue.open(folder: handle, name: name, create: false, direct: isDirect)
            : unsafe openat(handle, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failed("open", name) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0,
            ![S_IFIFO, S_IFSOCK, S_IFDIR].contains(status.st_mode & S_IFMT)
        else {
            Glibc.close(file)
            throw StorageError("open as a file", file: path(name), errno: EINVAL)
        }
        return JournalFile(rawValue: file)
    }

    /// As `JournalStorage` says.
    open func close(_ file: JournalFile) { Glibc.close(file.rawValue) }

    /// As `JournalStorage` says.
    open func byteCount(of file: JournalFile) throws(StorageError) -> Int {
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw failed("stat", file) }
        return Int(status.st_size)
    }

    /// As `JournalStorage` says.
    open func rename(_ name: String, to newName: String) throws(StorageError) {
        guard unsafe renameat(handle, name, handle, newName) == 0 else {
            throw failed("rename", name)
        }
    }

    /// As `JournalStorage` says.
    open func remove(_ name: String) throws(StorageError) {
        guard unsafe unlinkat(handle, name, 0) == 0 else { throw failed("remove", name) }
    }

    /// As `JournalStorage` says.
    open func read(
        _ file: JournalFile, into memory: UnsafeMutableRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError) -> Int {
        var done = 0
        while done < byteCount {
            let count = unsafe pread(
                file.rawValue, memory + done, byteCount - done, off_t(offset + done))
            if count == 0 { break }
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else { throw failed("read", file) }
            done += count
        }
        return done
    }

    /// As `JournalStorage` says.
    open func write(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError) {
        let number = unsafe writeAll(file, memory, byteCount, offset)
        guard number == 0 else { throw StorageError("write", file: path(file), errno: number) }
    }

    /// As `JournalStorage` says.
    open func sync(_ file: JournalFile) throws(StorageError) {
        guard fsync(file.rawValue) == 0 else { throw failed("sync", file) }
    }

    /// As `JournalStorage` says.
    open func syncFolder() throws(StorageError) {
        guard fsync(handle) == 0 else { throw failed("sync", "") }
    }

    /// As `JournalStorage` says.
    open func createPlain(_ name: String) throws(StorageError) -> JournalFile {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC
        let file = unsafe openat(handle, name, flags, 0o600)
        guard file >= 0 else { throw failed("create", name) }
        return JournalFile(rawValue: file)
    }

    /// As `JournalStorage` says.
    open func append(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int
    ) throws(StorageError) {
        var done = 0
        while done < byteCount {
            let count = unsafe Glibc.write(file.rawValue, memory + done, byteCount - done)
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else { throw failed("write", file) }
            done += count
        }
    }

    // MARK: The queue

    /// As `JournalStorage` says.
    open func submitWrite(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int,
        token: UInt64
    ) throws(StorageError) {
        if let queue {
            guard
                unsafe queue.write(
                    file: file.rawValue, from: memory, byteCount: byteCount, offset: offset,
                    token: token)
            else { throw StorageError("queue a write to", file: path(file), errno: EBUSY) }
            return
        }
        let number = unsafe writeAll(file, memory, byteCount, offset)
        try complete(file, token, result: number == 0 ? Int32(byteCount) : -number)
    }

    /// As `JournalStorage` says.
    open func submitSync(_ file: JournalFile, token: UInt64) throws(StorageError) {
        if let queue {
            guard queue.sync(file: file.rawValue, token: token) else {
                throw StorageError("queue a sync of", file: path(file), errno: EBUSY)
            }
            return
        }
        try complete(file, token, result: fdatasync(file.rawValue) == 0 ? 0 : -Glibc.errno)
    }

    /// Plain calls are over when they are submitted.
    private func complete(
        _ file: JournalFile, _ token: UInt64, result: Int32
    ) throws(StorageError) {
        guard completionCount < Self.queueCapacity else {
            throw StorageError("queue a write to", file: path(file), errno: EBUSY)
        }
        completions[(firstCompletion + completionCount) % Self.queueCapacity] = WriteCompletion(
            token: token, result: result)
        completionCount += 1
    }

    /// As `JournalStorage` says.
    open func flush() throws(StorageError) {
        guard let number = queue?.submit(), number != 0 else { return }
        throw StorageError("submit writes to", file: folder, errno: number)
    }

    /// As `JournalStorage` says.
    open func reap() throws(StorageError) -> WriteCompletion? {
        if let queue {
            guard let found = queue.reap() else { return nil }
            return WriteCompletion(token: found.token, result: found.result)
        }
        guard completionCount > 0 else { return nil }
        defer {
            firstCompletion = (firstCompletion + 1) % Self.queueCapacity
            completionCount -= 1
        }
        return completions[firstCompletion]
    }

    /// As `JournalStorage` says.
    open func wait(nanos: UInt64) { queue?.wait(nanos: nanos) }

    /// As `JournalStorage` says.
    open func settle() {
        queue?.settle()
        completionCount = 0
    }

    // MARK: Errors

    /// 0 or an errno.
    private func writeAll(
        _ file: JournalFile, _ memory: UnsafeRawPointer, _ byteCount: Int, _ offset: Int
    ) -> Int32 {
        var done = 0
        while done < byteCount {
            let count = unsafe pwrite(
                file.rawValue, memory + done, byteCount - done, off_t(offset + done))
            if count < 0, Glibc.errno == EINTR { continue }
            if count <= 0 { return count == 0 ? EIO : Glibc.errno }
            done += count
        }
        return 0
    }

    private func path(_ name: String) -> String { name.isEmpty ? folder : folder + "/" + name }

    private func path(_ file: JournalFile) -> String {
        FileSystem.name(of: file.rawValue) ?? folder
    }

    private func failed(_ operation: String, _ name: String) -> StorageError {
        let number = Glibc.errno
        return StorageError(operation, file: path(name), errno: number)
    }

    private func failed(_ operation: String, _ file: JournalFile) -> StorageError {
        let number = Glibc.errno
        return StorageError(operation, file: path(file), errno: number)
    }
}
