// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Platform
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

/// A scan over memory of its own, in a class so that expectations can call it.
private final class Standby {
    let memory: RingMemory
    private var scan: MirrorScan

    init(capacity: Int, after chain: RecordChain = RecordChain()) {
        memory = RingMemory(capacity: capacity)
        unsafe scan = MirrorScan(slots: memory.base, capacity: capacity, after: chain)
    }

    var lastSequence: UInt64 { scan.chain.lastSequence }
    var crc32c: UInt32 { scan.chain.crc32c }
    var standing: MirrorStanding { scan.standing() }
    func poll(limit: Int = .max) -> Int { scan.take(limit: limit) { _, _ in true } }
    func take(limit: Int = .max, into: (LogRecord, LogRecord?) -> Bool) -> Int {
        scan.take(limit: limit, into: into)
    }
}

@Suite struct `The standby's scan` {
    @Test func `takes what was written, lap after lap, and carries the chain`() {
        var random = SeededRandom(seed: TestSeed.run)
        let records = chainedRecords(100, &random)
        let standby = Standby(capacity: 8)
        #expect(standby.poll() == 0 && standby.standing == .whole)
        for record in records {
            standby.memory.place(record)
            #expect(standby.poll() == 1 && standby.standing == .whole)
            #expect(standby.crc32c == record.crc32c)
        }
        #expect(standby.lastSequence == 100)
    }

    @Test func `goes on behind a log that was there before, and not behind another`() {
        var random = SeededRandom(seed: TestSeed.run)
        let behind = RecordChain(lastSequence: 1_000_003, crc32c: 0x1234_5678)
        let records = chainedRecords(3, after: behind, &random)
        let standby = Standby(capacity: 4, after: behind)
        let other = Standby(
            capacity: 4, after: RecordChain(lastSequence: 1_000_003, crc32c: 0x1234_5679))
        for record in records {
            standby.memory.place(record)
            other.memory.place(record)
        }
        #expect(standby.poll() == 3)
        #expect(other.poll() == 0 && other.standing == .damaged(sequence: 1_000_004))
    }

    @Test func `takes no more than it is asked for`() {
        var random = SeededRandom(seed: TestSeed.run)
        let standby = Standby(capacity: 16)
        chainedRecords(10, &random).forEach { standby.memory.place($0) }
        #expect(standby.poll(limit: 4) == 4 && standby.poll(limit: 4) == 4)
        #expect(standby.poll(limit: 4) == 2)
    }

    @Test func `gives whole commands, and keeps what there is no room for`() {
        var random = SeededRandom(seed: TestSeed.run)
        let standby = Standby(capacity: 16)
        let records = chainedRecords(6, pairsAt: [2, 5], &random)
        records.prefix(5).forEach { standby.memory.place($0) }
        var seen: [[UInt64]] = []
        var isFull = true
        func into(_ first: LogRecord, _ second: LogRecord?) -> Bool {
            if isFull, first.sequence == 2 { return false }
            seen.append([first.sequence] + (second.map { [$0.sequence] } ?? []))
            return true
        }
        #expect(standby.take(into: into) == 1 && standby.lastSequence == 1)
        #expect(standby.standing == .whole, "what waits for room is whole")
        isFull = false
        #expect(standby.take(into: into) == 3 && standby.standing == .whole)
        #expect(standby.lastSequence == 4, "half a pair is kept back")
        standby.memory.place(records[5])
        #expect(standby.take(into: into) == 2)
        #expect(seen == [[1], [2, 3], [4], [5, 6]])
    }

    @Test(arguments: [64, 65, 127, 128, 200, 319, 480, 511])
    func `tells of one flipped bit in the body or in the checksum`(bit: Int) {
        var random = SeededRandom(seed: TestSeed.run)
        let standby = Standby(capacity: 8)
        for record in chainedRecords(3, &random) { standby.memory.place(record) }
        standby.memory.flip(bit: bit, of: 2)
        #expect(standby.poll() == 1 && standby.standing == .damaged(sequence: 2))
        standby.memory.flip(bit: bit, of: 2)
        #expect(standby.poll() == 2, "what has arrived after all is taken")
    }

    @Test func `tells of a record that is missing, and of one in another's place`() {
        var random = SeededRandom(seed: TestSeed.run)
        let records = chainedRecords(4, &random)
        let standby = Standby(capacity: 8)
        standby.memory.place(records[0])
        standby.memory.place(records[2])
        #expect(standby.poll() == 1 && standby.standing == .missing(sequence: 2))
        standby.memory.place(records[0], at: 2)
        #expect(standby.standing == .foreign(sequence: 2, foundSequence: 1), "a duplicate")
        standby.memory.place(records[1])
        #expect(standby.poll() == 2 && standby.standing == .whole)
    }

    @Test func `takes a record of an earlier lap for nothing new`() {
        var random = SeededRandom(seed: TestSeed.run)
        let records = chainedRecords(8, &random)
        let standby = Standby(capacity: 4)
        for record in records.prefix(4) { standby.memory.place(record) }
        #expect(standby.poll() == 4 && standby.standing == .whole)
        #expect(standby.poll() == 0, "slot 1 still has record 1, and 5 is next")
    }

    /// Nothing but a record that is there byte for byte counts, whatever else is in the memory; and
    /// what is mended is taken.
    @Test func `finds what a naive look finds, in whatever order bytes arrive`() {
        var random = SeededRandom(seed: TestSeed.run)
        for round in 0..<200 {
            let capacity = 1 << (1 + Int(random.below(5)))
            let records = chainedRecords(4 * capacity, &random)
            let standby = Standby(capacity: capacity)
            for _ in 0..<40 * capacity {
                let last = Int(standby.lastSequence)
                let open = records[last..<min(records.count, last + capacity)]
                guard let record = open.randomElement(using: &random) else { break }
                damageOrPlace(record, in: standby.memory, &random)
                // Naive: the longest run of records that lie there as they were written.
                let expected = open.prefix { standby.memory.content($0.sequence) == bytes($0) }
                    .count
                let found = standby.poll()
                #expect(found == expected, "round \(round), behind \(last)")
                if found != expected { return }
            }
        }
    }

    private func damageOrPlace(
        _ record: LogRecord, in memory: RingMemory, _ random: inout SeededRandom
    ) {
        switch random.below(6) {
        case 0: memory.flip(bit: Int(random.below(512)), of: record.sequence)
        case 1: memory.place(record, bytes: 0..<Int(random.below(64)))
        case 2: memory.place(record, bytes: Int(random.below(64))..<64)
        // Into a slot that is written anew later: never over what is still to be taken again.
        case 3: memory.place(record, at: record.sequence, bytes: 8 * Int(random.below(8))..<64)
        default: memory.place(record)
        }
    }
}
