// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: memory of a submitted write is read when it completes, as a disk would: the journal keeps
// it until then, and `crash` comes before the journal goes. Buffers are arrays of their own.
internal import CommandLog
internal import Glibc
internal import Platform

/// The disk of a host: files on a tmpfs, and beside them what a loss of power would take away.
///
/// It outlives the processes that use it. What is written and not synced is undone piece by piece,
/// sector by sector; snapshots, which are written past it, are durable at once.
final class SimulatedDisk {
    /// What a caller is told when its time has come.
    enum Fault: Equatable { case none, write(Int32), sync(Int32), short, full }

    /// A write that no sync has covered.
    struct Piece {
        var offset: Int
        var before: [UInt8]
        var after: [UInt8]
    }

    /// A file by whatever name it has now.
    final class File {
        var name: String
        var pieces: [Piece] = []
        /// Below the product.
        fileprivate let handle: Int32

        init(_ name: String, folder: String) {
            self.name = name
            handle = unsafe Glibc.open(folder + "/" + name, O_RDWR)
        }

        deinit { close(handle) }

        func bytes(at offset: Int, count: Int) -> [UInt8] {
            unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
                done = max(0, unsafe pread(handle, buffer.baseAddress, count, off_t(offset)))
            }
        }

        func write(_ bytes: some RandomAccessCollection<UInt8>, at offset: Int) {
            let bytes = Array(bytes)
            unsafe pwrite(handle, bytes, bytes.count, off_t(offset))
        }
    }

    /// A name that no sync of the folder has covered, and what it was before; nil = new.
    struct NameChange {
        var name: String
        var before: String?
    }

    let folder: String
    var shardFolder: String { folder + "/shard-0" }
    var random: SeededRandom
    var fault = Fault.none
    /// Nothing completes before.
    var stalledUntilNanos: UInt64 = 0
    var nowNanos: UInt64 = 0
    /// Faults that the product was told of.
    private(set) var faultCount = 0
    private var files: [String: File] = [:]
    private var changes: [NameChange] = []
    private weak var storage: SimulatedStorage?

    init(folder: String, seed: UInt64) {
        self.folder = folder
        random = SeededRandom(seed: seed)
        unsafe mkdir(folder, 0o700)
    }

    /// As a journal's folder is opened.
    func open(_ path: String, _ mode: FileStorage.Mode) throws(StorageError) -> FileStorage {
        guard mode == .journal else { return try FileStorage(path: path, mode: mode) }
        let opened = try SimulatedStorage(path, self)
        storage = opened
        return opened
    }

    // MARK: What storage tells

    func file(_ name: String) -> File {
        if let known = files[name] { return known }
        let file = File(name, folder: shardFolder)
        files[name] = file
        return file
    }

    func created(_ name: String) {
        files[name] = File(name, folder: shardFolder)
        changes.append(NameChange(name: name))
    }

    func renamed(_ name: String, to newName: String, hasReplaced: Bool) {
        let file = file(name)
        files[name] = nil
        file.name = newName
        files[newName] = file
        changes.removeAll { $0.name == name }
        // What was there before is gone with the name: a rename over it is taken as durable.
        if !hasReplaced { changes.append(NameChange(name: newName, before: name)) }
    }

    func removed(_ name: String) {
        files[name] = nil
        changes.removeAll { $0.name == name }
    }

    func syncedFolder() { changes = [] }

    /// Whether the next call of such a kind fails, once.
    func take(_ kinds: [Fault]) -> Fault {
        guard kinds.contains(fault) else { return .none }
        defer { fault = .none }
        faultCount += 1
        return fault
    }

    /// A sync that fails marks pages clean: any of them may be gone.
    func dropSome(_ file: File) {
        let lost = file.pieces.indices.filter { _ in random.below(2) == 0 }
        for index in lost.reversed() {
            file.write(file.pieces[index].before, at: file.pieces[index].offset)
        }
        file.pieces = []
    }

    // MARK: Ends

    /// The process is gone; with `power`, the page cache too.
    func crash(power: Bool) {
        storage?.die(tears: power)
        storage = nil
        fault = .none
        guard power else { return }
        for name in files.keys.sorted() {
            guard let file = files[name], !file.pieces.isEmpty else { continue }
            for piece in file.pieces.reversed() { file.write(piece.before, at: piece.offset) }
            for piece in file.pieces { tear(file, piece) }
        }
        let kept = Int(random.below(UInt64(changes.count + 1)))
        for change in changes[kept...].reversed() {
            if let before = change.before {
                unsafe rename(path(change.name), path(before))
            } else {
                unsafe unlink(path(change.name))
            }
        }
        forget()
    }

    /// The folder is as it is: of a new process, or after a cut.
    func forget() {
        files = [:]
        changes = []
    }

    /// An operator gives the host an empty disk.
    func wipe() {
        forget()
        FolderTree.remove(shardFolder)
    }

    /// Flips a bit of what is durable, in a segment, if there is one that is not empty.
    func flipBit() -> Bool {
        let names = FolderTree.names(shardFolder).filter { $0.hasSuffix(".log") }.sorted()
        guard let name = names.first else { return false }
        let file = File(name, folder: shardFolder)
        for _ in 0..<16 {
            let offset = 4_096 + Int(random.below(8_192))
            guard let byte = file.bytes(at: offset, count: 1).first, byte != 0 else { continue }
            file.write([byte ^ 1 << UInt8(random.below(8))], at: offset)
            return true
        }
        return false
    }

    /// Any part of it reached the platter.
    private func tear(_ file: File, _ piece: Piece) {
        switch random.below(5) {
        case 0: break
        case 1: file.write(piece.after, at: piece.offset)
        default:
            let hasGarbage = random.below(3) == 0
            for sector in stride(from: 0, to: piece.after.count, by: 512) {
                let end = min(sector + 512, piece.after.count)
                switch random.below(3) {
                case 0: file.write(piece.after[sector..<end], at: piece.offset + sector)
                case 1 where hasGarbage:
                    let garbage = (sector..<end).map { _ in UInt8(truncatingIfNeeded: random.next())
                    }
                    file.write(garbage, at: piece.offset + sector)
                default: break
                }
            }
        }
    }

    private func path(_ name: String) -> String { shardFolder + "/" + name }
}

/// The storage of one process over such a disk.
final class SimulatedStorage: FileStorage, @unchecked Sendable {
    @safe private struct InFlight {
        var file: SimulatedDisk.File
        var handle: JournalFile
        var memory: UnsafeRawPointer
        var byteCount: Int
        var offset: Int
        var token: UInt64
        /// Of a sync: the pieces that it covers. Nil of a write.
        var syncedCount: Int?
    }

    private let disk: SimulatedDisk
    private var handles: [Int32: SimulatedDisk.File] = [:]
    private var inFlight: [InFlight] = []
    private var isDead = false

    init(_ path: String, _ disk: SimulatedDisk) throws(StorageError) {
        self.disk = disk
        try super.init(path: path, mode: .journalWithoutUring)
    }

    override func create(_ name: String, byteCount: Int) throws(StorageError) -> JournalFile {
        if disk.take([.full]) != .none {
            throw StorageError("create", file: name, errno: ENOSPC)
        }
        let file = try super.create(name, byteCount: byteCount)
        disk.created(name)
        handles[file.rawValue] = disk.file(name)
        return file
    }

    override func createPlain(_ name: String) throws(StorageError) -> JournalFile {
        let file = try super.createPlain(name)
        disk.created(name)
        return file
    }

    override func open(_ name: String, forWriting: Bool) throws(StorageError) -> JournalFile {
        let file = try super.open(name, forWriting: forWriting)
        handles[file.rawValue] = disk.file(name)
        return file
    }

    override func close(_ file: JournalFile) {
        handles[file.rawValue] = nil
        super.close(file)
    }

    override func rename(_ name: String, to newName: String) throws(StorageError) {
        let hasReplaced = try super.list().contains(newName)
        try super.rename(name, to: newName)
        disk.renamed(name, to: newName, hasReplaced: hasReplaced)
    }

    override func remove(_ name: String) throws(StorageError) {
        try super.remove(name)
        disk.removed(name)
    }

    override func syncFolder() throws(StorageError) {
        try super.syncFolder()
        disk.syncedFolder()
    }

    override func write(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError) {
        guard let known = handles[file.rawValue] else {
            return try unsafe super.write(file, from: memory, byteCount: byteCount, offset: offset)
        }
        unsafe note(known, memory, byteCount, offset)
        try unsafe super.write(file, from: memory, byteCount: byteCount, offset: offset)
    }

    override func sync(_ file: JournalFile) throws(StorageError) {
        guard let known = handles[file.rawValue] else { return try super.sync(file) }
        if case .sync(let number) = disk.take([.sync(EIO)]) {
            disk.dropSome(known)
            throw StorageError("sync", file: known.name, errno: number)
        }
        known.pieces = []
    }

    override func submitWrite(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int,
        token: UInt64
    ) throws(StorageError) {
        guard let known = handles[file.rawValue] else {
            preconditionFailure("the journal writes to files that it has opened")
        }
        unsafe inFlight.append(
            InFlight(
                file: known, handle: file, memory: memory, byteCount: byteCount, offset: offset,
                token: token))
    }

    override func submitSync(_ file: JournalFile, token: UInt64) throws(StorageError) {
        guard let known = handles[file.rawValue] else {
            preconditionFailure("the journal syncs files that it has opened")
        }
        let page = unsafe UnsafeRawPointer(bitPattern: 4_096).unsafelyUnwrapped
        unsafe inFlight.append(
            InFlight(
                file: known, handle: file, memory: page, byteCount: 0, offset: 0, token: token,
                syncedCount: known.pieces.count))
    }

    override func reap() throws(StorageError) -> WriteCompletion? {
        guard !inFlight.isEmpty, disk.nowNanos >= disk.stalledUntilNanos,
            disk.random.below(3) > 0
        else { return nil }
        let index = Int(disk.random.below(UInt64(inFlight.count)))
        let one = inFlight.remove(at: index)
        if let count = one.syncedCount {
            if case .sync(let number) = disk.take([.sync(EIO)]) {
                disk.dropSome(one.file)
                return WriteCompletion(token: one.token, result: -number)
            }
            one.file.pieces.removeFirst(min(count, one.file.pieces.count))
            return WriteCompletion(token: one.token, result: 0)
        }
        switch disk.take([.write(EIO), .short]) {
        case .write(let number): return WriteCompletion(token: one.token, result: -number)
        case .short:
            try apply(one, byteCount: one.byteCount / 2)
            return WriteCompletion(token: one.token, result: Int32(one.byteCount / 2))
        default:
            try apply(one, byteCount: one.byteCount)
            return WriteCompletion(token: one.token, result: Int32(one.byteCount))
        }
    }

    override func wait(nanos: UInt64) {}

    override func settle() {
        guard !isDead else { return }
        for one in inFlight where one.syncedCount == nil {
            do { try apply(one, byteCount: one.byteCount) } catch {}
        }
        inFlight = []
    }

    /// What is in flight reaches the disk or not.
    func die(tears: Bool) {
        while !inFlight.isEmpty {
            let index = Int(disk.random.below(UInt64(inFlight.count)))
            let one = inFlight.remove(at: index)
            guard one.syncedCount == nil, disk.random.below(2) == 0 else { continue }
            do { try apply(one, byteCount: one.byteCount) } catch {}
        }
        isDead = true
    }

    private func apply(_ one: InFlight, byteCount: Int) throws(StorageError) {
        unsafe note(one.file, one.memory, byteCount, one.offset)
        try unsafe super.write(
            one.handle, from: one.memory, byteCount: byteCount, offset: one.offset)
    }

    private func note(
        _ file: SimulatedDisk.File, _ memory: UnsafeRawPointer, _ byteCount: Int, _ offset: Int
    ) {
        let after = unsafe Array(UnsafeRawBufferPointer(start: memory, count: byteCount))
        let before = file.bytes(at: offset, count: byteCount)
        file.pieces.append(SimulatedDisk.Piece(offset: offset, before: before, after: after))
    }
}
