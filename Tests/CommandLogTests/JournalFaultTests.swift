// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

private func hint(_ seed: UInt64) -> String { "SEED=\(String(seed, radix: 16))" }

/// A small log at rest: a closed segment, one that goes on, one that is prepared, and the tail.
private func smallLog(_ seed: UInt64, records: UInt64 = 150) throws -> JournalRig<FaultyStorage> {
    let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
    rig.segmentByteCount = 4096 * 4
    rig.storage.completionEagerness = 8
    try rig.start("small")
    while rig.lastSequence < records {
        rig.publish(upTo: 9)
        rig.poll()
        _ = rig.journal?.maker.poll()
    }
    rig.rest()
    return rig
}

@Suite struct `A damaged journal` {
    @Test func `is recovered whole or refused, whichever bit is flipped`() throws {
        let seed = TestSeed.run
        // Two segments and what is in the tail, in few batches: 80,000 bits that mean something.
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
        rig.segmentByteCount = 4096 * 3
        rig.storage.completionEagerness = 8
        try rig.start("small")
        for end in [50, 100] as [UInt64] {
            while rig.lastSequence < end { rig.publish(upTo: 3) }
            _ = rig.journal?.maker.poll()
            rig.rest()
        }
        let good = try rig.scan("small")
        rig.kill()
        var refused = 0
        for (name, inode) in rig.storage.names.sorted(by: { $0.key < $1.key }) {
            for bit in 0..<inode.live.count * 8 {
                // Every bit of what is written; of what is still zero, one in 61.
                if inode.live[bit / 8] == 0, bit / 8 % 4096 >= 64, bit % 61 != 0 { continue }
                inode.live[bit / 8] ^= 1 << UInt8(bit % 8)
                defer { inode.live[bit / 8] ^= 1 << UInt8(bit % 8) }
                do throws(JournalError) {
                    let log = try rig.quickScan()
                    // The chain is the checksum of all records.
                    if log.lastSequence != good.lastSequence || log.chain != good.chain {
                        Issue.record("\(name), bit \(bit): other records; \(hint(seed))")
                    }
                } catch {
                    refused += 1
                    guard case .damaged(let damage) = error, damage.file == name else {
                        Issue.record("bit \(bit) of \(name): \(error); \(hint(seed))")
                        continue
                    }
                }
            }
        }
        #expect(refused > 20_000, "a flipped record is not passed over: \(refused)")
    }

    @Test func `is recovered or refused with any of its pages gone or of another place`() throws {
        let seed = TestSeed.run
        let rig = try smallLog(seed, records: 400)
        rig.kill()
        for (name, inode) in rig.storage.names.sorted(by: { $0.key < $1.key }) {
            // Files of commit times are not made of pages.
            guard inode.live.count % 4096 == 0 else { continue }
            let good = inode.live
            for page in stride(from: 0, to: good.count, by: 4096) {
                inode.live.replaceSubrange(
                    page..<page + 4096, with: [UInt8](repeating: 0, count: 4096))
                _ = rig.verdict(rig.storage, "\(name), page \(page / 4096) zero \(hint(seed))")
                for other in stride(from: 0, to: good.count, by: 4096) {
                    inode.live.replaceSubrange(
                        page..<page + 4096, with: good[other..<other + 4096])
                    _ = rig.verdict(
                        rig.storage, "\(name), page \(page / 4096) as \(other / 4096) \(hint(seed))"
                    )
                }
                inode.live = good
            }
            rig.storage.names[name] = nil
            let verdict = rig.verdict(rig.storage, "\(name) is gone \(hint(seed))")
            let firstBehind = JournalFormat.firstSequence(ofSegmentNamed: name)
            if name == "tail" || (firstBehind ?? .max) <= rig.lastSequence, firstBehind != 1 {
                #expect(verdict != .recovered, "\(name) is gone")
            }
            rig.storage.names[name] = inode
        }
    }

    @Test func `is refused with a tail that is cut short, wherever`() throws {
        let rig = try smallLog(7)
        rig.kill()
        let tail = try #require(rig.storage.names["tail"])
        let good = tail.live
        for byteCount in [0, 1, 4_096, good.count - 4_096, good.count - 1] {
            tail.live = Array(good.prefix(byteCount))
            let verdict = rig.verdict(rig.storage, "\(byteCount) bytes")
            guard case .refused(let file, _) = verdict else {
                Issue.record("\(byteCount) bytes: \(verdict as Any)")
                continue
            }
            #expect(file == "tail")
        }
    }

    @Test func `names the segment that is missing, not the one behind it`() throws {
        let rig = try smallLog(8, records: 600)
        rig.kill()
        let names = rig.storage.names.keys.filter { $0.hasSuffix(".log") }.sorted()
        rig.storage.names[names[1]] = nil
        let first = try #require(JournalFormat.firstSequence(ofSegmentNamed: names[1]))
        #expect(
            rig.verdict(rig.storage, names[1]) == .refused(file: names[1], sequence: first))
    }

    @Test func `names the file, the offset and the sequence, and says what to do`() throws {
        let rig = try smallLog(5)
        rig.kill()
        let log = try rig.scan("before")
        let name = JournalFormat.segmentName(firstSequence: 1)
        rig.storage.names[name]?.live[4096 + 70 * 64 + 20] ^= 1
        let error = #expect(throws: JournalError.self) {
            try JournalRecovery.scan(rig.storage, shard: rig.shard)
        }
        guard case .damaged(let damage) = error else { return }
        #expect(damage.file == name && damage.offset == 4096 + 70 * 64 && damage.sequence == 70)
        let text = damage.description
        #expect(text.hasPrefix("memory/\(name) (shard 3), offset \(4096 + 70 * 64), sequence 70: "))
        #expect(text.contains("put \(name) back from an archive"))
        #expect(text.hasSuffix("or promote the standby. Nothing was changed."))
        let foreign = #expect(throws: JournalError.self) {
            try JournalRecovery.scan(rig.storage, shard: 9)
        }
        #expect(foreign?.description.contains("of shard 3") == true)
        let late = #expect(throws: JournalError.self) {
            try JournalRecovery.forEachCommand(rig.storage, log, from: 65) { _, _ in }
        }
        #expect(late?.description.hasPrefix("memory/\(name) (shard 3), offset ") == true)
    }
}

@Suite struct `A journal whose last write is torn` {
    /// Tears the last home write and the last tail write at every byte, with and without garbage.
    @Test func `keeps what was acknowledged, wherever it is torn`() throws {
        let seed = TestSeed.run
        for records in [62, 65, 120] as [UInt64] {
            let rig = JournalRig(FaultyStorage(seed: seed), seed: seed &+ records)
            rig.storage.completionEagerness = 8
            rig.segmentByteCount = 4096 * 4
            try rig.start("torn")
            while rig.lastSequence < records { rig.publish(upTo: 1) }
            _ = rig.journal?.maker.poll()
            rig.rest()
            for _ in 0..<5 { rig.publish(upTo: 20) }
            // In flight, and never to complete.
            rig.storage.completionEagerness = 0
            rig.poll()
            #expect(!rig.storage.inFlight.isEmpty)
            let chains = rig.chains
            func check(_ what: String) throws {
                let log = try rig.quickScan()
                if log.lastSequence < rig.acknowledged || chains[log.lastSequence] != log.chain {
                    Issue.record("ends at \(log.lastSequence); \(what); \(hint(seed))")
                }
            }
            for write in rig.storage.inFlight {
                let good = write.inode.live
                let bytes = write.bytes
                for count in 0...bytes.count {
                    write.inode.live.replaceSubrange(
                        write.offset..<write.offset + count, with: bytes.prefix(count))
                    try check("\(count) bytes at \(write.offset)")
                    if count % 512 == 0, count < bytes.count {
                        let sector = write.offset + count..<write.offset + count + 512
                        let before = write.inode.live[sector]
                        write.inode.live.replaceSubrange(
                            sector, with: [UInt8](repeating: 0xA5, count: 512))
                        try check("garbage at \(count) of \(write.offset)")
                        write.inode.live.replaceSubrange(sector, with: before)
                    }
                }
                write.inode.live = good
            }
        }
    }

    @Test func `takes the bytes of an earlier lap for what they are`() throws {
        let seed = TestSeed.run
        let rig = try smallLog(seed, records: 100)
        rig.kill()
        let stale = try #require(
            rig.storage.names[JournalFormat.segmentName(firstSequence: 1)]
        ).live
        // The next life's segments are made of that file, header and footer apart.
        let first = rig.lastSequence + 1
        try rig.start("second life")
        let name = JournalFormat.segmentName(firstSequence: first)
        let inode = try #require(rig.storage.names[name])
        inode.apply(4096, stale[4096..<4096 * 3], toDisk: true)
        let pageOfSlots = try #require(rig.storage.names["tail"]).live
        rig.publish(upTo: 40)
        rig.rest()
        #expect(rig.acknowledged == rig.lastSequence)
        #expect(try rig.scan("stale lap").lastSequence == rig.lastSequence)
        // Slots of the life before, where this one has not written yet, are nothing either.
        #expect(pageOfSlots.count == 65_536)
        rig.crash()
        try rig.start("third life")
    }
}

@Suite struct `A journal whose storage fails` {
    private static let calls = [
        "list", "stat", "read", "create", "open", "write", "sync", "rename", "syncFolder", "flush",
    ]

    /// The k-th call of a kind fails with EIO, for every k that there is.
    @Test(arguments: calls + ["complete", "syncComplete"])
    func `never acknowledges again, and what it has acknowledged stays`(call: String) throws {
        let seed = TestSeed.run
        for count in 1...40 {
            let rig = JournalRig(FaultyStorage(seed: seed &+ UInt64(count)), seed: seed)
            rig.segmentByteCount = 4096 * 3
            rig.storage.fault = .error(EIO)
            rig.storage.faultyCalls = [call]
            rig.storage.faultCountdown = count
            do { try rig.start("start") } catch let error as JournalError {
                #expect(error.description.contains("(shard 3)"), "\(error)")
                #expect(error.description.contains("; keep a copy of the folder, "), "\(error)")
            }
            for _ in 0..<200 where rig.journal?.status.hasFailed == false { rig.step(burst: 10) }
            if let status = rig.journal?.status, status.hasFailed {
                let text = try #require(status.failure).description
                #expect(text.contains("memory/") && text.contains("(shard 3)"), "\(text)")
                #expect(text.contains("; keep a copy of the folder, "), "\(text)")
                let durable = status.durable.load()
                rig.storage.faultCountdown = 0
                for _ in 0..<20 { rig.poll() }
                #expect(status.durable.load() == durable, "\(call) \(count)")
                #expect(!status.hasRoom(for: 1, publishedSequence: durable))
            }
            rig.storage.faultCountdown = 0
            rig.crash()
            try rig.start("\(call) \(count) \(hint(seed))")
        }
    }

    @Test(arguments: 1...40)
    func `fails on a short write, and has recovered what it acknowledged`(count: Int) throws {
        let seed = TestSeed.run &+ UInt64(count)
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
        try rig.start("start")
        rig.storage.fault = .short
        rig.storage.faultyCalls = ["complete"]
        rig.storage.faultCountdown = count
        for _ in 0..<400 where rig.journal?.status.hasFailed == false { rig.step() }
        #expect(rig.journal?.status.hasFailed == true)
        if case .shortWrite(_, let byteCount, let taken) = rig.journal?.status.failure {
            #expect(taken == byteCount / 2)
        } else {
            Issue.record("\(String(describing: rig.journal?.status.failure))")
        }
        rig.crash()
        try rig.start(hint(seed))
    }

    /// The disk says yes and writes elsewhere, or nowhere. At rest, the watermark finds it out.
    @Test(arguments: 1...80)
    func `is whole or refused after a misdirected or lost write`(count: Int) throws {
        let seed = TestSeed.run &+ UInt64(count)
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
        rig.segmentByteCount = 4096 * 8
        try rig.start("start")
        let distance = (Int(rig.random.below(7)) - 3) * 4096
        rig.storage.fault = distance == 0 ? .lost : .misdirected(by: distance)
        rig.storage.faultyCalls = ["complete"]
        rig.storage.faultCountdown = count
        for _ in 0..<100 { rig.step() }
        rig.rest()
        let last = rig.acknowledged
        rig.storage.crash()
        if rig.verdict(rig.storage, "\(distance) at \(count) \(hint(seed))") == .recovered {
            #expect(try rig.scan("again").lastSequence >= last)
        }
    }

    @Test
    func `says beforehand that the disk is full, refuses no record that it took, and goes on`()
        throws
    {
        let rig = JournalRig(FaultyStorage(seed: 3), seed: 3)
        rig.segmentByteCount = 4096 * 4
        rig.storage.spaceByteCount = 65_536 + 3 * rig.segmentByteCount + 8_192
        try rig.start("full")
        var wasAlarmedAt: UInt64?
        for _ in 0..<3_000 {
            rig.step(burst: 3)
            if rig.journal?.status.isShortOfSpace == true, wasAlarmedAt == nil {
                wasAlarmedAt = rig.ring?.publishedSequence
            }
        }
        rig.rest()
        let status = try #require(rig.journal?.status)
        // Three segments of two blocks from sequence 1 on: 127, 255, 383.
        #expect(status.room.load() == 383)
        #expect(!status.hasFailed && status.isShortOfSpace)
        #expect(!status.hasRoom(for: 2, publishedSequence: rig.lastSequence))
        #expect(rig.lastSequence >= 382 && rig.acknowledged == rig.lastSequence)
        #expect(try #require(wasAlarmedAt) < 350, "well before the end")
        let wasDrained = rig.journal?.drain()
        #expect(wasDrained == true)
        // Somebody makes room.
        rig.storage.spaceByteCount = .max
        _ = rig.journal?.maker.poll()
        #expect(!status.isShortOfSpace)
        for _ in 0..<100 { rig.step() }
        rig.rest()
        #expect(rig.lastSequence > 500 && rig.acknowledged == rig.lastSequence)
        _ = try rig.scan("full")
    }
}
