// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing
import Wire

@testable @_spi(Testing) import CommandLog

/// A shard whose log ends with record 5, and a snapshot of 12 that comes from elsewhere.
private final class SuccessorRig {
    let parent = "/dev/shm/nt-successor-\(UUID().uuidString.prefix(8))"
    var shard: String { parent + "/shard-3" }
    let source: SnapshotStore

    init() throws {
        try FileManager.default.createDirectory(
            atPath: parent + "/from", withIntermediateDirectories: true)
        source = SnapshotStore(path: parent + "/from", shard: 3)
        try source.write([7, 8, 9], stateHash: 1, at: Self.place(12))
        try JournalRecovery.begin(try open(), behind: Self.place(5))
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    static func place(_ sequence: UInt64) -> SnapshotPosition {
        var place = SnapshotPosition.start(shard: 3)
        place.sequence = sequence
        place.recordCRC32C = UInt32(sequence) * 11
        place.epoch = 2
        return place
    }

    func open() throws -> FileStorage {
        try FileStorage(path: shard, mode: .journalWithoutUring)
    }

    /// As a start does: what was interrupted is ended, then the log's end is found.
    func start() throws -> UInt64 {
        let storage = try open()
        try JournalCut.finish(storage)
        let log = try JournalRecovery.scan(storage, shard: 3, from: .max)
        #expect(log.chain == UInt32(log.lastSequence) * 11)
        return log.lastSequence
    }

    /// Folders of the shard.
    var folders: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted()
            .filter { $0 != "from" }
    }

    func sender() throws -> SnapshotSender {
        guard let sender = try SnapshotSender.newest(source) else { throw SnapshotError.stopped }
        return sender
    }

    /// All pieces, and the exchange.
    func run(_ successor: JournalSuccessor) throws -> String {
        var receiver = try successor.begin(sequence: 12)
        var sender = try sender()
        while let piece = try sender.next(byteCountMax: 1_000) { _ = try receiver.take(piece) }
        return try successor.takePlace(sequence: 12)
    }
}

@Suite struct `A snapshot that takes the place of a log` {
    @Test func `is what the next start begins from, and keeps the old log beside`() throws {
        let rig = try SuccessorRig()
        let kept = try rig.run(JournalSuccessor(folder: rig.shard, shard: 3))
        #expect(kept == rig.shard + ".before-snapshot-12-1")
        #expect(rig.folders == ["shard-3", "shard-3.before-snapshot-12-1"])
        #expect(try rig.start() == 12)
        let store = SnapshotStore(path: rig.shard + "/snapshots", shard: 3)
        #expect(try store.load(sequence: 12) == rig.source.load(sequence: 12))
    }

    @Test func `is the old or the new one after a stop at any change, and the next start ends it`()
        throws
    {
        var count = 0
        var isOver = false
        var found: Set<UInt64> = []
        while !isOver {
            let rig = try SuccessorRig()
            var successor = JournalSuccessor(folder: rig.shard, shard: 3)
            let left = Atomic<Int>(count)
            successor.willChange = { _ throws(JournalCutError) in
                if left.subtract(1, ordering: .relaxed).oldValue == 0 { throw .stopped }
            }
            do {
                _ = try rig.run(successor)
                isOver = true
            } catch { #expect(error as? JournalCutError == .stopped, "change \(count)") }
            let last = try rig.start()
            found.insert(last)
            #expect(rig.folders.count == (last == 12 ? 2 : 1), "change \(count): \(rig.folders)")
            #expect(!rig.folders.contains("shard-3.incoming"), "change \(count)")
            let names = try FileManager.default.contentsOfDirectory(atPath: rig.shard)
            #expect(names.allSatisfy { !$0.hasSuffix(".replacing") }, "change \(count)")
            count += 1
        }
        #expect(found == [5, 12] && count > 7)
    }

    @Test func `begins anew over what another attempt has left, and over nobody else's folder`()
        throws
    {
        let rig = try SuccessorRig()
        let successor = JournalSuccessor(folder: rig.shard, shard: 3)
        var receiver = try successor.begin(sequence: 99)
        var sender = try rig.sender()
        let first = try #require(try sender.next(byteCountMax: 1_000))
        _ = try receiver.take(first)
        #expect(throws: JournalCutError.self) { _ = try successor.takePlace(sequence: 12) }
        #expect(try rig.run(successor) == rig.shard + ".before-snapshot-12-1")
        try FileManager.default.createDirectory(
            atPath: rig.shard + ".incoming/mine", withIntermediateDirectories: true)
        let error = #expect(throws: JournalCutError.self) {
            _ = try successor.begin(sequence: 12)
        }
        #expect(error?.description.contains("is in the way") == true)
        #expect(FileManager.default.fileExists(atPath: rig.shard + ".incoming/mine"))
    }
}
