// SPDX-License-Identifier: Apache-2.0
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

@Suite struct `A follower of a log` {
    @Test(arguments: 0..<12)
    func `gives every command once, in order, whole, wherever it lies`(run: UInt64) throws {
        let seed = TestSeed.run &+ run
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed &+ 1)
        var random = SeededRandom(seed: seed &+ 2)
        var seen: [Command] = []
        // Over restarts too: it goes on behind what it has seen.
        for life in 0..<3 {
            rig.firstSegmentByteCount = 4_096 * Int(3 + random.below(4))
            try rig.start("life \(life) of \(seed)")
            let chain = RecordChain(
                lastSequence: seen.last?.lastSequence ?? 0, crc32c: lastCRC(seen))
            let ring: LogRing<LogRecord> = try #require(rig.ring)
            let follower = try LogFollower(
                storage: rig.storage, shard: rig.shard, ring: ring, after: chain)
            for _ in 0..<400 {
                rig.step()
                guard random.below(4) == 0 else { continue }
                // Now close behind, now far.
                let most = 1 + Int(random.below(200))
                let count = try follower.read(through: rig.acknowledged, recordCountMax: most) {
                    seen.append(Command($0, $1))
                }
                #expect(count <= most)
            }
            rig.rest()
            while try follower.read(
                through: rig.acknowledged, recordCountMax: 50,
                visit: { seen.append(Command($0, $1)) }) > 0
            {}
            #expect(seen == rig.commands, "life \(life) of \(seed)")
            rig.crash()
        }
        #expect(seen.count > 500)
    }

    /// The first half of a pair that fills a block, its second half torn off: it stays where it is,
    /// with a good checksum, and the next segment begins at its sequence.
    @Test func `passes over half a pair that a start has cut off`() throws {
        for seed in 0..<40 as Range<UInt64> {
            let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
            rig.storage.completionEagerness = 8
            try rig.start("\(seed)")
            while rig.lastSequence < 126 {
                _ = rig.append(record(&rig.random), nil)
                rig.publish(upTo: 0)
            }
            rig.rest()
            #expect(rig.append(record(&rig.random), record(&rig.random, kind: .continuation)))
            rig.publish(upTo: 0)
            // Home, and no slot: the write of the block comes back, and then the power goes.
            for _ in 0..<2 { rig.poll() }
            rig.crash()
            try rig.start("\(seed)")
            for _ in 0..<100 { rig.step() }
            rig.rest()
            let ring: LogRing<LogRecord> = try #require(rig.ring)
            let follower = try LogFollower(
                storage: rig.storage, shard: rig.shard, ring: ring, after: RecordChain())
            var seen: [Command] = []
            while try follower.read(
                through: rig.acknowledged, recordCountMax: 64,
                visit: { seen.append(Command($0, $1)) }) > 0
            {}
            #expect(seen == rig.commands, "\(seed)")
        }
    }

    @Test func `says what is missing of what was durable`() throws {
        let rig = JournalRig(FaultyStorage(seed: 5), seed: 6)
        try rig.start("")
        // Further than the ring reaches back.
        while rig.acknowledged < 600 { rig.step() }
        let ring: LogRing<LogRecord> = try #require(rig.ring)
        let follower = try LogFollower(
            storage: rig.storage, shard: rig.shard, ring: ring, after: RecordChain())
        let first = JournalFormat.segmentName(firstSequence: 1)
        let inode = try #require(rig.storage.names[first])
        inode.live[4_096 + 64 * 6 + 9] ^= 1
        var count = 0
        let error = #expect(throws: JournalError.self) {
            _ = try follower.read(through: rig.acknowledged, recordCountMax: 1_000) { _, _ in
                count += 1
            }
        }
        let text = "\(try #require(error))"
        #expect(text.contains("sequence 6") && text.contains(first))
        #expect(count > 0 && count < 6)
    }

    private func lastCRC(_ commands: [Command]) -> UInt32 {
        guard let last = commands.last else { return 0 }
        let record = last.second ?? last.first
        return unsafe record.withUnsafeBytes { unsafe $0.load(fromByteOffset: 60, as: UInt32.self) }
    }
}
