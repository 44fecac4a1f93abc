// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

/// A folder of its own on the disk that tests run on, removed at the end.
final class TemporaryFolder {
    let path: String
    init() throws {
        var template = Array("/var/tmp/nt-journal-XXXXXX".utf8CString)
        path = try unsafe template.withUnsafeMutableBufferPointer { buffer in
            let made = unsafe mkdtemp(buffer.baseAddress!)
            return unsafe String(cString: try #require(unsafe made))
        }
    }
    deinit {
        if let stream = unsafe opendir(path) {
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                unsafe unlink(path + "/" + name)
            }
            unsafe closedir(stream)
        }
        unsafe rmdir(path)
    }
}

@Suite struct `A journal on disk` {
    @Test(arguments: [FileStorage.Mode.journal, .journalWithoutUring])
    func `keeps a log over restarts, killed or drained`(mode: FileStorage.Mode) throws {
        let seed = TestSeed.run
        let folder = try TemporaryFolder()
        let rig = JournalRig(try FileStorage(path: folder.path, mode: mode), seed: seed)
        rig.segmentByteCount = 64 << 10
        for life in 0..<4 {
            try rig.start("life \(life)")
            for _ in 0..<200 { rig.step() }
            if life % 2 == 0 {
                rig.rest()
                #expect(rig.acknowledged == rig.lastSequence)
            }
            // A tool may look on.
            _ = try JournalRecovery.scan(
                try FileStorage(path: folder.path, mode: .reading), shard: rig.shard)
            rig.kill()
        }
        let log = try rig.scan("end")
        #expect(log.segments.count > 3)
        #expect(rig.storage.description.contains("fdatasync"))
        print("    \(rig.storage.description), \(log.lastSequence) records")
    }

    @Test func `gives its files mode 0600 and its folder to one journal`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/shard-3"
        do {
            let rig = JournalRig(try FileStorage(path: path), seed: 1)
            try rig.start("first")
            _ = rig.journal?.maker.poll()
            rig.rest()
            for _ in 0..<50 { _ = rig.journal?.maker.poll() }
            let names = try rig.storage.list()
            #expect(
                names.sorted() == [
                    "00000000000000000001.log", "00000000000000000001.times",
                    "00000000000000000256.log", "tail",
                ])
            for name in names {
                var status = stat()
                #expect(unsafe stat("\(path)/\(name)", &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600, "\(name)")
                guard !name.hasSuffix(".times") else { continue }
                #expect(status.st_size == (name == "tail" ? 65_536 : rig.segmentByteCount))
                #expect(Int(status.st_blocks) * 512 >= Int(status.st_size), "\(name) is allocated")
            }
            let second = #expect(throws: StorageError.self) { try FileStorage(path: path) }
            #expect(second?.errno == EWOULDBLOCK)
            let text = second?.description ?? ""
            #expect(text.hasPrefix("cannot lock for this process alone \(path): "), "\(text)")
            #expect(text.contains("; process \(getpid()) ("), "\(text)")
            #expect(text.contains("stop that one, or use another folder"), "\(text)")
            for name in names { unsafe unlink("\(path)/\(name)") }
        }
        unsafe rmdir(path)
    }

    @Test func `locks the folder that has the name, though another was put there meanwhile`() throws
    {
        let folder = try TemporaryFolder()
        let (path, other) = (folder.path + "/shard-0", folder.path + "/shard-0.incoming")
        for name in [path, other] { #expect(unsafe mkdir(name, 0o700) == 0) }
        var attempts = 0
        let handle = try FolderLock.openLocked(path) {
            attempts += 1
            if attempts == 1 { #expect(FolderExchange.exchange(path, other) == 0) }
        }
        #expect(attempts == 2 && FileSystem.name(of: handle) == path)
        // The one that has gone from there is nobody's.
        close(try FolderLock.openLocked(other))
        close(handle)
        for name in [path, other] { unsafe rmdir(name) }
    }

    @Test func `says what the system answered to a write, and of which file`() throws {
        // /dev/full answers ENOSPC to every write.
        let storage = try FileStorage(path: "/dev", mode: .reading)
        let page = try HugePages(byteCount: 4096, preferred: .small)
        let file = try storage.open("full", forWriting: true)
        #expect(throws: StorageError("write", file: "/dev/full", errno: ENOSPC)) {
            try unsafe storage.write(file, from: page.base, byteCount: 4096, offset: 0)
        }
        storage.close(file)
    }

    @Test func `warns of a folder that is memory, and of one that is nearly full`() throws {
        let folder = try TemporaryFolder()
        let disk = try FileStorage(path: folder.path)
        #expect(!disk.isInMemory)
        #expect(!disk.warnings(segmentByteCount: 4096).contains { $0.contains("tmpfs") })
        let tight = disk.warnings(segmentByteCount: 1 << 50)
        #expect(tight.contains { $0.contains(" MB free, and a segment takes 1073741824") })
        #expect(tight.allSatisfy { $0.contains(folder.path) })
        let isDirect = disk.description.contains("O_DIRECT")
        #expect(tight.contains { $0.contains("no O_DIRECT") } != isDirect)
        let path = "/dev/shm/nt-journal-\(getpid())"
        let memory = try FileStorage(path: path)
        defer { unsafe rmdir(path) }
        #expect(memory.isInMemory)
        #expect(
            memory.warnings(segmentByteCount: 4096).contains { $0.hasPrefix("\(path) is on tmpfs") }
        )
    }

    @Test func `names its folder in full, however it was given`() throws {
        let folder = try TemporaryFolder()
        let storage = try FileStorage(path: folder.path + "/.././/..", mode: .reading)
        #expect(storage.folder == "/var")
    }

    @Test func `waits for no pipe under the name of a file`() throws {
        let folder = try TemporaryFolder()
        for name in ["tail", "00000000000000000009.log"] {
            #expect(unsafe mkfifo(folder.path + "/" + name, 0o600) == 0)
            let storage = try FileStorage(path: folder.path, mode: .journalWithoutUring)
            #expect(throws: JournalError.self) { try JournalRecovery.scan(storage, shard: 0) }
            #expect(unsafe unlink(folder.path + "/" + name) == 0)
        }
    }
}
