// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: memory of a submitted write is read when the write completes, as a disk would: the
// journal keeps it until then, and `settle` forgets what is left.
import Glibc
import Platform

@testable import CommandLog

/// A folder in memory that can lose, tear, misdirect and refuse. One thread.
final class FaultyStorage: JournalStorage, @unchecked Sendable {
    final class Inode {
        /// What is read, and what a crash leaves.
        var live: [UInt8]
        var durable: [UInt8]
        var unsynced: [(offset: Int, bytes: [UInt8])] = []
        init(byteCount: Int) {
            live = [UInt8](repeating: 0, count: byteCount)
            durable = live
        }
        func apply(_ offset: Int, _ bytes: some Collection<UInt8>, toDisk: Bool) {
            // A misdirected write may reach past the end.
            let part = bytes.prefix(max(0, live.count - offset))
            guard !part.isEmpty else { return }
            live.replaceSubrange(offset..<offset + part.count, with: part)
            if toDisk { durable.replaceSubrange(offset..<offset + part.count, with: part) }
        }
    }

    enum NameChange {
        case link(String, Inode)
        case unlink(String)
    }

    @safe struct InFlight {
        var inode: Inode
        var memory: UnsafeRawPointer
        var byteCount: Int
        var offset: Int
        var token: UInt64
        /// Of a sync: what was taken before it was submitted. Nil of a write.
        var synced: [(offset: Int, bytes: [UInt8])]?
        var bytes: [UInt8] {
            unsafe Array(UnsafeRawBufferPointer(start: memory, count: byteCount))
        }
    }

    enum Fault: Equatable { case none, error(Int32), short, misdirected(by: Int), lost }

    var random: SeededRandom
    var names: [String: Inode] = [:]
    var durableNames: [String: Inode] = [:]
    var changes: [NameChange] = []
    var files: [Inode] = []
    var fileNames: [String] = []
    /// What was opened and not closed yet, and what was closed twice.
    var openFiles: Set<JournalFile> = []
    var closedTwice: [String] = []
    var openNames: [String] { openFiles.map { name($0) }.sorted() }
    var inFlight: [InFlight] = []
    /// Of 8: how readily a write completes when asked for; 8 is at once and in order.
    var completionEagerness: UInt64 = 3
    /// What happens to the call that brings this to zero.
    var faultCountdown = 0
    var fault = Fault.none
    /// The calls that count.
    var faultyCalls: Set<String> = []
    var callCount = 0
    var spaceByteCount = Int.max
    var usedByteCount: Int { names.values.map(\.live.count).reduce(0, +) }
    var description: String { "memory" }
    var folder: String { "memory" }

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// The same disk after the process is gone; nothing of it is shared.
    func copy() -> FaultyStorage {
        let other = FaultyStorage(seed: random.next())
        for (name, inode) in names {
            let twin = Inode(byteCount: 0)
            twin.live = inode.live
            twin.durable = inode.durable
            other.names[name] = twin
        }
        other.durableNames = other.names
        return other
    }

    private func check(_ call: String, _ file: String) throws(StorageError) {
        callCount += 1
        guard faultyCalls.contains(call), case .error(let number) = fault else { return }
        if isDue() { throw StorageError(call, file: "memory/" + file, errno: number) }
    }

    private func isDue() -> Bool {
        guard faultCountdown > 0 else { return false }
        faultCountdown -= 1
        return faultCountdown == 0
    }

    private func inode(_ file: JournalFile) -> Inode { files[Int(file.rawValue)] }
    private func name(_ file: JournalFile) -> String { fileNames[Int(file.rawValue)] }
    private func handle(_ inode: Inode, _ name: String) -> JournalFile {
        files.append(inode)
        fileNames.append(name)
        let file = JournalFile(rawValue: Int32(files.count - 1))
        openFiles.insert(file)
        return file
    }

    func list() throws(StorageError) -> [String] {
        try check("list", "")
        return Array(names.keys)
    }

    func create(_ name: String, byteCount: Int) throws(StorageError) -> JournalFile {
        try check("create", name)
        let before = names[name]?.live.count ?? 0
        guard usedByteCount - before + byteCount <= spaceByteCount else {
            throw StorageError("create", file: "memory/" + name, errno: ENOSPC)
        }
        let inode = Inode(byteCount: byteCount)
        names[name] = inode
        changes.append(.link(name, inode))
        return handle(inode, name)
    }

    func open(_ name: String, forWriting: Bool) throws(StorageError) -> JournalFile {
        try check("open", name)
        guard let inode = names[name] else {
            throw StorageError("open", file: "memory/" + name, errno: ENOENT)
        }
        return handle(inode, name)
    }

    func close(_ file: JournalFile) {
        if openFiles.remove(file) == nil { closedTwice.append(name(file)) }
    }

    func byteCount(of file: JournalFile) throws(StorageError) -> Int {
        try check("stat", name(file))
        return inode(file).live.count
    }

    func rename(_ name: String, to newName: String) throws(StorageError) {
        try check("rename", name)
        guard let inode = names.removeValue(forKey: name) else {
            throw StorageError("rename", file: "memory/" + name, errno: ENOENT)
        }
        names[newName] = inode
        changes.append(.link(newName, inode))
        changes.append(.unlink(name))
    }

    func remove(_ name: String) throws(StorageError) {
        try check("remove", name)
        guard names.removeValue(forKey: name) != nil else {
            throw StorageError("remove", file: "memory/" + name, errno: ENOENT)
        }
        changes.append(.unlink(name))
    }

    func read(
        _ file: JournalFile, into memory: UnsafeMutableRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError) -> Int {
        try check("read", name(file))
        let data = inode(file).live
        let count = max(0, min(byteCount, data.count - offset))
        unsafe data.withUnsafeBytes { bytes in
            if count > 0 {
                unsafe memory.copyMemory(
                    from: bytes.baseAddress! + offset, byteCount: count)
            }
        }
        return count
    }

    func write(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError) {
        try check("write", name(file))
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: memory, count: byteCount))
        inode(file).apply(offset, bytes, toDisk: false)
        inode(file).unsynced.append((offset, bytes))
    }

    func sync(_ file: JournalFile) throws(StorageError) {
        try check("sync", name(file))
        let inode = inode(file)
        for (offset, bytes) in inode.unsynced { inode.apply(offset, bytes, toDisk: true) }
        inode.unsynced = []
    }

    func syncFolder() throws(StorageError) {
        try check("syncFolder", "")
        changes = []
        durableNames = names
    }

    func createPlain(_ name: String) throws(StorageError) -> JournalFile {
        try check("createPlain", name)
        let inode = Inode(byteCount: 0)
        names[name] = inode
        changes.append(.link(name, inode))
        return handle(inode, name)
    }

    func append(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int
    ) throws(StorageError) {
        let inode = inode(file)
        var bytes = unsafe Array(UnsafeRawBufferPointer(start: memory, count: byteCount))
        callCount += 1
        var number: Int32?
        if faultyCalls.contains("append"), case .error(let wanted) = fault, isDue() {
            number = wanted
            bytes = Array(bytes.prefix(Int(random.below(UInt64(byteCount)))))
        }
        inode.live += bytes
        // Any part of it may be on the disk.
        inode.durable = Array(inode.live.prefix(inode.live.count - bytes.count / 3))
        if let number {
            throw StorageError("write", file: "memory/" + name(file), errno: number)
        }
    }

    func submitWrite(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int,
        token: UInt64
    ) throws(StorageError) {
        precondition(UInt(bitPattern: memory) % 4096 == 0, "O_DIRECT wants aligned memory")
        precondition(byteCount % 4096 == 0 && offset % 4096 == 0, "O_DIRECT wants whole pages")
        unsafe inFlight.append(
            InFlight(
                inode: inode(file), memory: memory, byteCount: byteCount, offset: offset,
                token: token))
    }

    func submitSync(_ file: JournalFile, token: UInt64) throws(StorageError) {
        let page = unsafe UnsafeRawPointer(bitPattern: 4096)!
        unsafe inFlight.append(
            InFlight(
                inode: inode(file), memory: page, byteCount: 0, offset: 0, token: token,
                synced: inode(file).unsynced))
    }

    func flush() throws(StorageError) { try check("flush", "") }

    func reap() throws(StorageError) -> WriteCompletion? {
        guard !inFlight.isEmpty, random.below(8) < completionEagerness else { return nil }
        let index = completionEagerness >= 8 ? 0 : Int(random.below(UInt64(inFlight.count)))
        let write = inFlight.remove(at: index)
        if let synced = write.synced { return complete(write, synced) }
        var offset = write.offset
        var result = Int32(write.byteCount)
        var bytes = write.bytes
        callCount += 1
        if faultyCalls.contains("complete"), isDue() {
            switch fault {
            case .none: break
            case .error(let number):
                bytes = []
                result = -number
            case .short:
                result /= 2
                bytes = Array(bytes.prefix(Int(result)))
            case .misdirected(let distance):
                offset = max(0, offset + distance)
                lastMisdirected = true
            case .lost: bytes = []
            }
        }
        // Taken, and gone with the power until a sync behind it is through.
        write.inode.apply(offset, bytes, toDisk: false)
        if !bytes.isEmpty { write.inode.unsynced.append((offset, bytes)) }
        return WriteCompletion(token: write.token, result: result)
    }

    private func complete(
        _ sync: InFlight, _ synced: [(offset: Int, bytes: [UInt8])]
    ) -> WriteCompletion {
        callCount += 1
        if faultyCalls.contains("syncComplete"), case .error(let number) = fault, isDue() {
            return WriteCompletion(token: sync.token, result: -number)
        }
        for (offset, bytes) in synced { sync.inode.apply(offset, bytes, toDisk: true) }
        // What was taken since is still to be synced; it lies behind these.
        sync.inode.unsynced.removeFirst(min(synced.count, sync.inode.unsynced.count))
        return WriteCompletion(token: sync.token, result: 0)
    }
    var lastMisdirected = false

    func wait(nanos: UInt64) {}

    func settle() { inFlight = [] }

    /// The power goes: of what was in flight or not synced, any part is there.
    func crash() {
        while !inFlight.isEmpty {
            let write = inFlight.remove(at: Int(random.below(UInt64(inFlight.count))))
            if write.synced == nil { tear(write.inode, write.offset, write.bytes) }
        }
        var inodes = Array(names.values)
        for change in changes { if case .link(_, let inode) = change { inodes.append(inode) } }
        inodes += durableNames.values
        for inode in inodes {
            for (offset, bytes) in inode.unsynced { tear(inode, offset, bytes) }
            inode.unsynced = []
            inode.live = inode.durable
        }
        for change in changes.prefix(Int(random.below(UInt64(changes.count + 1)))) {
            switch change {
            case .link(let name, let inode): durableNames[name] = inode
            case .unlink(let name): durableNames[name] = nil
            }
        }
        changes = []
        names = durableNames
    }

    private func tear(_ inode: Inode, _ offset: Int, _ bytes: [UInt8]) {
        switch random.below(6) {
        case 0: break
        case 1: inode.apply(offset, bytes, toDisk: true)
        case 2:
            inode.apply(
                offset, bytes.prefix(Int(random.below(UInt64(bytes.count + 1)))), toDisk: true)
        default:
            let hasGarbage = random.below(2) == 0
            for sector in stride(from: 0, to: bytes.count, by: 512) {
                switch random.below(3) {
                case 0: inode.apply(offset + sector, bytes[sector..<sector + 512], toDisk: true)
                case 1 where hasGarbage:
                    let garbage = (0..<512).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                    inode.apply(offset + sector, garbage, toDisk: true)
                default: break
                }
            }
        }
    }
}
