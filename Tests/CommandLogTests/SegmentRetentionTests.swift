// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

/// A folder on disk for an archive.
private final class ArchiveFolder {
    let path = NSTemporaryDirectory() + "needletail-archive-\(UUID().uuidString.prefix(8))"
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func names() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

@Suite struct `Old segments` {
    /// A log of several segments at rest; the first sequences of its segments.
    private func log(_ seed: UInt64) throws -> (rig: JournalRig<FaultyStorage>, firsts: [UInt64]) {
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed &+ 1)
        try rig.start("")
        while rig.acknowledged < 1_500 { rig.step() }
        rig.rest()
        let firsts = try rig.storage.list().compactMap(
            JournalFormat.firstSequence(ofSegmentNamed:)
        ).sorted()
        #expect(firsts.count > 5)
        return (rig, firsts)
    }

    private func retire(
        _ retention: SegmentRetention, _ rig: JournalRig<FaultyStorage>, through covered: UInt64
    ) throws(JournalError) -> [String] {
        var retired: [String] = []
        try retention.retire(
            rig.storage, shard: rig.shard, through: covered, durable: rig.acknowledged,
            retired: &retired)
        return retired
    }

    @Test func `go when they end before what is covered, and never the one being written`() throws {
        let (rig, firsts) = try log(1)
        #expect(try retire(.keep, rig, through: .max) == [])
        #expect(try retire(.delete, rig, through: firsts[2] - 2).count == 1)
        #expect(try retire(.delete, rig, through: firsts[2] - 1).count == 1)
        let left = try rig.storage.list()
        #expect(!left.contains { $0.hasPrefix(SequenceName.name(firsts[1], ending: "")) })
        #expect(left.contains(JournalFormat.segmentName(firstSequence: firsts[2])))
        // All is covered, even what is only made ahead: the journal goes on, and so does a restart.
        _ = try retire(.delete, rig, through: .max - 1)
        for _ in 0..<200 { rig.step() }
        rig.rest()
        rig.crash()
        let log = try JournalRecovery.scan(rig.storage, shard: rig.shard)
        #expect(log.lastSequence >= rig.acknowledged && log.firstSequence > firsts[2])
    }

    @Test func `stay until what goes on behind them is begun on the disk`() throws {
        var boundaries = 0
        for seed in 1...60 as ClosedRange<UInt64> {
            let rig = JournalRig(FaultyStorage(seed: seed), seed: seed &+ 1)
            try rig.start("")
            // All of a segment is durable and covered, and nothing of the next one is.
            for _ in 0..<3_000 {
                rig.step()
                let firsts = try rig.storage.list().compactMap(
                    JournalFormat.firstSequence(ofSegmentNamed:))
                guard firsts.contains(rig.acknowledged + 1), firsts.count > 2 else { continue }
                boundaries += 1
                _ = try retire(.delete, rig, through: rig.acknowledged)
                break
            }
            rig.crash()
            let log = try JournalRecovery.scan(rig.storage, shard: rig.shard)
            #expect(log.lastSequence >= rig.acknowledged, "seed \(seed)")
        }
        #expect(boundaries > 5)
    }

    @Test func `stay when anything in them is damaged, and say where`() throws {
        let (rig, firsts) = try log(2)
        let name = JournalFormat.segmentName(firstSequence: firsts[1])
        let inode = try #require(rig.storage.names[name])
        for byte in [0, 40, 4_096 + 64 * 3 + 17, 4_096 + 64 * 100] {
            inode.live[byte] ^= 2
            let error = #expect(throws: JournalError.self) {
                _ = try retire(.delete, rig, through: firsts[4])
            }
            #expect("\(try #require(error))".contains(name), "byte \(byte)")
            #expect("\(try #require(error))".contains("shard 3"))
            #expect(try rig.storage.list().contains(name))
            inode.live[byte] ^= 2
        }
        #expect(try retire(.delete, rig, through: firsts[4]).count == 3)
    }

    @Test func `are whole in the archive, which is read like a log without a tail`() throws {
        let (rig, firsts) = try log(3)
        let archive = ArchiveFolder()
        let commands = rig.commands
        let retired = try retire(.archive(folder: archive.path), rig, through: firsts[4])
        #expect(retired.count == 4)
        #expect(archive.names().filter { $0.hasSuffix(".log") } == retired)
        let storage = try FileStorage(path: archive.path, mode: .reading)
        var found: [Command] = []
        let log = try JournalRecovery.scan(storage, shard: nil) { found.append(Command($0, $1)) }
        // A pair may go on in the segment that is still in use.
        #expect(log.isArchive && log.lastSequence >= firsts[4] - 2)
        #expect(found == commands.filter { $0.lastSequence < firsts[4] })
        // It is no log to start from.
        #expect(throws: JournalError.self) { try JournalRecovery.scan(storage, shard: 3) }
    }

    @Test func `are never put over a different file, and the same one does no harm`() throws {
        let (rig, firsts) = try log(4)
        let archive = ArchiveFolder()
        try FileManager.default.createDirectory(
            atPath: archive.path, withIntermediateDirectories: false)
        let name = JournalFormat.segmentName(firstSequence: firsts[1])
        let path = archive.path + "/" + name
        let bytes = try #require(rig.storage.names[name]).live
        var other = bytes
        other[bytes.count - 1] ^= 1
        try Data(other).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: JournalError.self) {
            _ = try retire(.archive(folder: archive.path), rig, through: firsts[3])
        }
        #expect("\(try #require(error))".contains("a different file"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(other))
        #expect(try rig.storage.list().contains(name))
        // The one before it had gone.
        #expect(
            try !rig.storage.list().contains(JournalFormat.segmentName(firstSequence: firsts[0])))
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try retire(.archive(folder: archive.path), rig, through: firsts[3]).count == 2)
    }

    @Test(arguments: 1..<40)
    func `are in one of both places after any refusal and crash`(call: Int) throws {
        let (rig, firsts) = try log(UInt64(call))
        let archive = ArchiveFolder()
        rig.storage.fault = .error(EIO)
        rig.storage.faultyCalls = ["list", "open", "read", "stat", "remove", "syncFolder"]
        rig.storage.faultCountdown = call
        _ = try? retire(.archive(folder: archive.path), rig, through: firsts[4])
        rig.storage.faultCountdown = 0
        rig.crash()
        let left = try rig.storage.list()
        for first in firsts.prefix(4) {
            let name = JournalFormat.segmentName(firstSequence: first)
            #expect(left.contains(name) || archive.names().contains(name), "\(name)")
        }
        // The log has no hole, and the rest goes the next time.
        let log = try JournalRecovery.scan(rig.storage, shard: rig.shard)
        #expect(log.lastSequence >= rig.acknowledged)
        let rest = try retire(.archive(folder: archive.path), rig, through: firsts[4])
        #expect(
            rest.count
                == left.count { name in
                    JournalFormat.firstSequence(ofSegmentNamed: name).map { $0 < firsts[4] }
                        ?? false
                })
    }
}
