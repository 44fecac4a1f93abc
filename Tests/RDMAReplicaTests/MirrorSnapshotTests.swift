// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import CommandLog
@testable import RDMAReplica

/// A mirror of a log whose first records are gone or damaged, and that has a snapshot, to a standby
/// without a record.
private final class SnapshotRig {
    let rig: MirrorRig
    let store: SnapshotStore
    let successor: JournalSuccessor
    /// The last record in the snapshot.
    private(set) var last: LogRecord
    /// How often one was asked for.
    private(set) var requestCount = 0
    private let parent = "/dev/shm/nt-bring-up-\(UUID().uuidString.prefix(8))"

    init(wire: MemoryWire? = nil, isThere: Bool = true, isDamaged: Bool = false) throws {
        try FileManager.default.createDirectory(
            atPath: parent + "/from", withIntermediateDirectories: true)
        store = SnapshotStore(path: parent + "/from", shard: 0)
        successor = JournalSuccessor(folder: parent + "/shard-0", shard: 0)
        let rig = try MirrorRig(capacity: 256, hasJournal: true, wire: wire)
        self.rig = rig
        try rig.publish(3_000)
        try rig.wait("for the journal") { !rig.pollJournal() }
        // The last record of a command: no pair begins with it.
        last = try #require(rig.published[..<2_000].last { !$0.isPair })
        rig.sender.snapshots = MirrorSnapshots(store: store, windowRecordCount: 100) {
            [unowned self] in requestCount += 1
        }
        rig.makePlace = { [successor] (sequence) throws(MirrorError) in
            do throws(JournalCutError) { return try successor.begin(sequence: sequence) } catch {
                throw MirrorError(code: EIO, error.description)
            }
        }
        if isThere { try save(last.sequence, crc32c: last.crc32c) }
        if isDamaged { try damage() } else { try dropSegments() }
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    func save(_ sequence: UInt64, crc32c: UInt32) throws {
        var place = SnapshotPosition.start(shard: 0)
        place.sequence = sequence
        place.recordCRC32C = crc32c
        let image = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try store.write(image, stateHash: 1, at: place)
    }

    /// A byte of the third record.
    private func damage() throws {
        let first = rig.folder.appending(path: JournalFormat.segmentName(firstSequence: 1))
        let file = try FileHandle(forUpdating: first)
        try file.seek(toOffset: 4_096 + 2 * 64 + 40)
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: 4_096 + 2 * 64 + 40)
        try file.write(contentsOf: Data([~byte]))
        try file.close()
    }

    /// All that end before the snapshot.
    private func dropSegments() throws {
        let firsts = try FileManager.default.contentsOfDirectory(atPath: rig.folder.path)
            .compactMap { UInt64($0.replacing(".log", with: "")) }.sorted()
        let kept = try #require(firsts.last { $0 <= last.sequence })
        try #require(kept > 1)
        for first in firsts where first < kept {
            try FileManager.default.removeItem(
                at: rig.folder.appending(path: JournalFormat.segmentName(firstSequence: first)))
        }
    }

    /// Until so many pieces were taken, or the snapshot is whole.
    func take(pieces: UInt64) throws {
        try rig.wait("for piece \(pieces)") {
            rig.step()
            #expect(rig.taken.isEmpty)
            let isWhole = rig.receiver?.landed != nil
            return isWhole || (rig.receiver?.wantedPiece ?? 0) > pieces
        }
    }

    /// The snapshot is there; what follows comes as records.
    func finish() throws {
        try take(pieces: .max)
        let landed = try #require(rig.receiver?.landed)
        #expect(landed.sequence == last.sequence && landed.recordCRC32C == last.crc32c)
        let there = try successor.store.load(sequence: last.sequence)
        #expect(try there == store.load(sequence: last.sequence))
        rig.receiver?.close()
        rig.receiver = nil
        rig.standby = landed.chain
        try rig.connect()
        try rig.settle()
        rig.checkTaken(from: Int(last.sequence))
    }

    /// The primary waits for a snapshot, and the standby for its first piece: what a bad primary
    /// says then is taken as the piece.
    func feed(_ pieces: [SnapshotPiece]) throws -> MirrorError? {
        try rig.connect()
        for (index, piece) in pieces.enumerated() {
            try take(pieces: UInt64(index))
            guard rig.receiver?.ended == nil, let link = rig.sender.link else { break }
            try link.write(piece, number: UInt64(index + 1))
        }
        try rig.wait("for the end") {
            rig.step()
            return rig.receiver?.ended != nil
        }
        #expect(rig.receiver?.landed == nil)
        #expect(try successor.store.sequences().isEmpty)
        return rig.receiver?.ended
    }
}

@Suite struct `A standby that records cannot bring up` {
    @Test(arguments: 0..<8)
    func `gets the snapshot and goes on behind it, whatever order a NIC places bytes in`(
        round: Int
    ) throws {
        let rig = try SnapshotRig(wire: MemoryWire(seed: TestSeed.run &+ UInt64(round)))
        try rig.rig.connect()
        #expect(rig.rig.sender.status.phase == .bringingUp)
        try rig.finish()
        #expect(rig.requestCount == 0)
    }

    @Test func `gets it over TCP too, and both sides say how far it is`() throws {
        let rig = try SnapshotRig()
        try rig.rig.connect()
        try rig.take(pieces: 3)
        let share = try #require(rig.rig.receiver?.snapshot)
        #expect(share.sequence == rig.last.sequence && share.totalByteCount == 104_096)
        #expect(share.description == "the snapshot of \(rig.last.sequence): 40 %")
        #expect(rig.rig.receiver?.lastBeat?.hasCheckpoint == false)
        try rig.finish()
    }

    @Test(arguments: [true, false])
    func `begins anew when the connection is lost at any piece`(isOverTCP: Bool) throws {
        let rig = try SnapshotRig(wire: isOverTCP ? nil : MemoryWire(seed: TestSeed.run))
        for piece in 0..<7 {
            try rig.rig.connect()
            try rig.take(pieces: UInt64(piece))
            if piece % 2 == 0 { rig.rig.sender.close() } else { rig.rig.receiver?.close() }
            try rig.rig.wait("for the end") {
                rig.rig.step()
                return rig.rig.receiver?.ended != nil && rig.rig.sender.status.phase == .idle
            }
            #expect(try rig.successor.store.sequences().isEmpty, "piece \(piece)")
        }
        try rig.rig.connect()
        try rig.finish()
    }

    @Test func `gets it after it was told that the primary's journal is damaged`() throws {
        let rig = try SnapshotRig(isDamaged: true)
        try rig.rig.connect()
        try rig.rig.wait("for the end") {
            rig.rig.step()
            return rig.rig.sender.status.failure != nil
        }
        let cause = try #require(rig.rig.sender.status.failure).description
        #expect(cause.contains("00000000000000000001.log"))
        rig.rig.receiver?.close()
        rig.rig.receiver = nil
        try rig.rig.connect()
        #expect(rig.rig.sender.status.phase == .bringingUp)
        try rig.finish()
    }

    @Test func `waits while one is made, and gets none of another log`() throws {
        let rig = try SnapshotRig(isThere: false)
        try rig.save(rig.last.sequence, crc32c: rig.last.crc32c ^ 1)
        try rig.save(2_999_999, crc32c: 7)
        try rig.rig.connect()
        try rig.rig.wait("for the request") {
            rig.rig.step()
            return rig.requestCount > 0 && rig.rig.receiver?.snapshot != nil
        }
        #expect(rig.rig.sender.status.phase == .bringingUp)
        #expect(rig.rig.receiver?.snapshot?.description == "a snapshot that is being made")
        try rig.save(rig.last.sequence, crc32c: rig.last.crc32c)
        try rig.finish()
    }

    @Test func `takes no piece that is not right, and says why`() throws {
        let rig = try SnapshotRig(wire: MemoryWire(seed: TestSeed.run), isThere: false)
        func piece(_ byteOffset: Int, _ total: Int = 9_000) -> SnapshotPiece {
            SnapshotPiece(
                sequence: 2_000, byteOffset: byteOffset, totalByteCount: total,
                bytes: [UInt8](repeating: 9, count: 3_000))
        }
        var wrong = piece(0)
        wrong.crc32c ^= 1
        #expect(try rig.feed([wrong])?.description.contains("wrong checksum") == true)
        #expect(try rig.feed([piece(3_000)])?.description.contains("begins at byte") == true)
        #expect(
            try rig.feed([piece(0), piece(3_000), piece(6_000)])?.description
                .contains("magic") == true)
        #expect(try rig.feed([piece(0, 1 << 40)])?.description.contains("at most") == true)
    }

    @Test func `takes none of another shard, and none where it has no place for one`() throws {
        let rig = try SnapshotRig(wire: MemoryWire(seed: TestSeed.run), isThere: false)
        let path = "/dev/shm/nt-other-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let other = SnapshotStore(path: path, shard: 4)
        var place = SnapshotPosition.start(shard: 4)
        place.sequence = 12
        try other.write([1, 2, 3], stateHash: 1, at: place)
        var pieces: [SnapshotPiece] = []
        guard var sender = try SnapshotSender.newest(other) else { throw SnapshotError.stopped }
        while let piece = try sender.next(byteCountMax: 2_000) { pieces.append(piece) }
        #expect(try rig.feed(pieces)?.description.contains("shard 4") == true)
        rig.rig.makePlace = nil
        #expect(try rig.feed([])?.code == ENOTSUP)
    }

    @Test func `gets one although all records are there where that is much less to send`() throws {
        let path = "/dev/shm/nt-rule-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let store = SnapshotStore(path: path, shard: 0)
        func needs(_ sequence: UInt64, byteCount: UInt64, from: UInt64 = 0) throws -> Bool {
            let chain = RecordChain(lastSequence: sequence, crc32c: 5)
            var place = SnapshotPosition.start(shard: 0)
            place.sequence = sequence
            place.recordCRC32C = 5
            let image: [UInt8] = [1]
            var header = SnapshotHeader(position: place, stateHash: 1, image: image.span.rawBytes)
            header.imageByteCount = byteCount - 4_096
            let file = store.path(sequence: sequence)
            try Data(header.encoded()).write(to: URL(fileURLWithPath: file))
            try #require(unsafe truncate(file, Int(byteCount)) == 0)
            defer { try? FileManager.default.removeItem(atPath: file) }
            let sender = MirrorSender(
                ring: try LogRing(capacity: 64, firstSequence: sequence + 1), shard: 0,
                after: chain, settings: MirrorSettings(peerAddress: 1, peerPort: 1),
                clock: .calibrated())
            sender.snapshots = MirrorSnapshots(store: store, windowRecordCount: 0) {}
            return try sender.needsSnapshot(RecordChain(lastSequence: from, crc32c: 0))
        }
        #expect(try needs(1 << 20, byteCount: 16 << 20))
        #expect(try !needs(1 << 20, byteCount: 16 << 20 + 16))
        #expect(try !needs(1 << 20 - 1, byteCount: 8_192))
        #expect(try !needs(1 << 20, byteCount: 8_192, from: 1))
    }
}
