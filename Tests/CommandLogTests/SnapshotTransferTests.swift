// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import CommandLog

/// Two stores in a folder that is gone after the test; the first has snapshots.
private func withStores(
    _ sequences: [UInt64] = [5, 12], _ body: (SnapshotStore, SnapshotStore) throws -> Void
) throws {
    let path = "/dev/shm/nt-transfer-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let from = SnapshotStore(path: path + "/from", shard: 4, keptCount: 9)
    try FileManager.default.createDirectory(
        atPath: from.path, withIntermediateDirectories: false)
    for sequence in sequences {
        var place = SnapshotPosition.start(shard: 4)
        place.sequence = sequence
        place.recordCRC32C = UInt32(sequence) &* 17
        let image = (0..<3_000 + Int(sequence)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try from.write(image, stateHash: sequence, at: place)
    }
    try body(from, SnapshotStore(path: path + "/to", shard: 4))
}

private func sender(_ store: SnapshotStore) throws -> SnapshotSender {
    guard let sender = try SnapshotSender.newest(store) else { throw SnapshotError.stopped }
    return sender
}

private func pieces(
    _ store: SnapshotStore, _ byteCountMax: Int, sequenceMax: UInt64 = .max
) throws -> [SnapshotPiece] {
    var pieces: [SnapshotPiece] = []
    guard var sender = try SnapshotSender.newest(store, sequenceMax: sequenceMax) else { return [] }
    while let piece = try sender.next(byteCountMax: byteCountMax) { pieces.append(piece) }
    return pieces
}

@Suite struct `A snapshot in pieces` {
    @Test(arguments: [1_000, 4_096, 4_097, 7_107, 7_108, 7_109, 1 << 20])
    func `is whole on the other side, and there only when it is`(byteCountMax: Int) throws {
        try withStores { from, to in
            var receiver = SnapshotReceiver(to, byteCountMax: 7_108)
            let pieces = try pieces(from, byteCountMax)
            for piece in pieces.dropLast() {
                #expect(try receiver.take(piece) == nil)
                #expect(try to.sequences().isEmpty)
            }
            let header = try receiver.take(try #require(pieces.last))
            #expect(header?.position.sequence == 12)
            #expect(try to.load(sequence: 12) == from.load(sequence: 12))
            #expect(try FileManager.default.contentsOfDirectory(atPath: to.path).count == 1)
        }
    }

    @Test func `is the newest that is whole and not behind the limit`() throws {
        try withStores([5, 12, 20]) { from, _ in
            try Data([1, 2]).write(to: URL(fileURLWithPath: from.path(sequence: 20)))
            #expect(try pieces(from, 5_000).first?.sequence == 12)
            #expect(try pieces(from, 5_000, sequenceMax: 11).first?.sequence == 5)
            #expect(try pieces(from, 5_000, sequenceMax: 4).isEmpty)
            // What the store lets go meanwhile is sent to its end.
            var sender = try sender(from)
            try FileManager.default.removeItem(atPath: from.path(sequence: 12))
            #expect(try sender.next(byteCountMax: 1 << 20)?.bytes.count == 7_108)
        }
    }

    @Test func `goes on where it was, or from the start by whoever comes next`() throws {
        try withStores { from, to in
            let all = try pieces(from, 1_000)
            do {
                var dead = SnapshotReceiver(to, byteCountMax: 1 << 20)
                for piece in all.prefix(3) { _ = try dead.take(piece) }
                var sender = try sender(from)
                try sender.seek(to: dead.byteOffset)
                #expect(try sender.next(byteCountMax: 1_000) == all[3])
            }
            var receiver = SnapshotReceiver(to, byteCountMax: 1 << 20)
            for piece in all.prefix(5) { _ = try receiver.take(piece) }
            // The other one died too, and comes back with an older snapshot.
            for piece in try pieces(from, 900, sequenceMax: 5) { _ = try receiver.take(piece) }
            #expect(try to.sequences() == [5])
            #expect(try FileManager.default.contentsOfDirectory(atPath: to.path).count == 1)
        }
    }

    @Test func `refuses what is not the next piece with a sentence, and takes the right one`()
        throws
    {
        try withStores { from, to in
            let all = try pieces(from, 1_000)
            var receiver = SnapshotReceiver(to, byteCountMax: 7_108)
            for piece in all.prefix(3) { _ = try receiver.take(piece) }
            var bad: [(SnapshotPiece, String)] = []
            func spoil(_ words: String, _ body: (inout SnapshotPiece) -> Void) {
                var piece = all[3]
                body(&piece)
                bad.append((piece, words))
            }
            spoil("wrong checksum") { $0.bytes[7] ^= 1 }
            spoil("the next is byte 3000") { $0.byteOffset += 1 }
            spoil("the next is byte 3000") { $0.sequence = 13 }
            spoil("the next is byte 3000") { $0.byteOffset = -1 }
            spoil("there is none") { $0.sequence = 0 }
            spoil("there is none") { $0.sequence = .max }
            spoil("at most 7108") { $0.totalByteCount = 7_109 }
            spoil("at most 7108") { $0.totalByteCount = .min }
            spoil("does not fit") { $0.bytes = [] }
            spoil("does not fit") { $0.bytes = [UInt8](repeating: 1, count: 9_000) }
            for (piece, words) in bad {
                var cause = ""
                do { _ = try receiver.take(piece) } catch { cause = "\(error)" }
                #expect(cause.contains(words), "\(cause)")
            }
            for piece in all.dropFirst(3) { _ = try receiver.take(piece) }
            #expect(try to.sequences() == [12])
        }
    }

    @Test func `is not taken when the whole is not a snapshot of this shard`() throws {
        try withStores { from, to in
            for offset in [0, 33, 70, 4_000, 4_092, 4_096, 7_000] {
                var receiver = SnapshotReceiver(to, byteCountMax: 1 << 20)
                var whole = try pieces(from, 1 << 20)[0]
                var bytes = whole.bytes
                bytes[offset] ^= 4
                whole = SnapshotPiece(
                    sequence: 12, byteOffset: 0, totalByteCount: bytes.count, bytes: bytes)
                #expect(throws: SnapshotError.self) { _ = try receiver.take(whole) }
                #expect(try FileManager.default.contentsOfDirectory(atPath: to.path).isEmpty)
            }
            let other = SnapshotStore(path: to.path, shard: 5)
            var receiver = SnapshotReceiver(other, byteCountMax: 1 << 20)
            let whole = try pieces(from, 1 << 20)[0]
            #expect(throws: SnapshotError.self) { _ = try receiver.take(whole) }
        }
    }
}

@Suite struct `A journal that begins behind a snapshot` {
    private func place(_ shard: UInt32) -> SnapshotPosition {
        SnapshotPosition(
            shard: shard, epoch: 6, rulesVersion: 1, sequence: 1_000, recordCRC32C: 77,
            timestampNanos: 5_000_000, publicReportCount: 9)
    }

    @Test func `is found to end there, and goes on`() throws {
        let rig = JournalRig(FaultyStorage(seed: 1), seed: 1)
        try JournalRecovery.begin(rig.storage, behind: place(rig.shard))
        try JournalRecovery.begin(rig.storage, behind: place(rig.shard))
        var log = try JournalRecovery.scan(rig.storage, shard: rig.shard)
        #expect(log.lastSequence == 1_000 && log.firstSequence == 1_001 && log.chain == 77)
        #expect(log.lastTimestampNanos == 5_000_000 && log.epoch == 6)
        #expect(try place(rig.shard).belongs(to: log, in: rig.storage))
        try JournalRecovery.seal(rig.storage, &log)
        try rig.begin(log)
        rig.fill(through: 1_150)
        _ = rig.journal?.maker.poll()
        rig.rest()
        rig.crash()
        let after = try JournalRecovery.scan(rig.storage, shard: rig.shard)
        #expect(after.lastSequence == 1_150 && after.firstSequence == 1_001)
        #expect(after.epoch == 7 && after.segments[0].chainBefore == 77)
        #expect(throws: JournalError.self) {
            try JournalRecovery.begin(rig.storage, behind: place(rig.shard))
        }
    }

    @Test func `is begun again after a power cut at any call`() throws {
        var isOver = false
        var count = 1
        while !isOver {
            let storage = FaultyStorage(seed: UInt64(count))
            storage.fault = .error(5)
            storage.faultyCalls = [
                "create", "open", "write", "sync", "rename", "syncFolder", "list",
            ]
            storage.faultCountdown = count
            do { try JournalRecovery.begin(storage, behind: place(3)) } catch { storage.crash() }
            isOver = storage.faultCountdown > 0
            storage.faultCountdown = 0
            try JournalRecovery.begin(storage, behind: place(3))
            let log = try JournalRecovery.scan(storage, shard: 3)
            #expect(log.lastSequence == 1_000 && log.chain == 77, "call \(count)")
            count += 1
        }
        #expect(count > 10)
    }
}
