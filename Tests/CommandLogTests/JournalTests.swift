// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

private func hint(_ seed: UInt64) -> String { "SEED=\(String(seed, radix: 16))" }

@Suite struct `A journal` {
    @Test func `keeps a log and gives it back`() throws {
        let rig = JournalRig(FaultyStorage(seed: 1), seed: 1)
        try rig.start("first")
        for _ in 0..<300 { rig.step() }
        rig.rest()
        #expect(rig.acknowledged == rig.lastSequence)
        #expect(rig.lastSequence > 1_000, "\(rig.lastSequence)")
        let log = try rig.scan("at rest")
        #expect(log.lastSequence == rig.lastSequence)
        #expect(log.durableSequence == log.lastSequence, "at rest the watermark is exact")
        #expect(log.segments.count > 3)
    }

    @Test func `takes few batches while nobody waits, and hurries when somebody does`() throws {
        let storage = FaultyStorage(seed: 2)
        storage.completionEagerness = 8
        let rig = JournalRig(storage, seed: 2)
        try rig.start("first")
        rig.rest()
        rig.isAwaited = false
        /// How often it was polled until all was durable that was published.
        func pollsUntilDurable(hurried: Bool = false) -> Int {
            let last = rig.lastSequence
            for count in 0..<10_000 {
                if rig.acknowledged >= last { return count }
                if hurried, count == 100 { rig.isAwaited = true }
                rig.poll()
            }
            return .max
        }
        rig.fill(through: rig.lastSequence + 1)
        #expect(pollsUntilDurable() < 10, "the first goes at once")
        rig.fill(through: rig.lastSequence + 1)
        // Two milliseconds, of which each look takes one microsecond.
        let polls = pollsUntilDurable()
        #expect((1_900...2_100).contains(polls), "\(polls)")
        rig.fill(through: rig.lastSequence + 32)
        #expect(pollsUntilDurable() < 10, "an eighth of the ring is enough")
        rig.fill(through: rig.lastSequence + 1)
        #expect((100..<110).contains(pollsUntilDurable(hurried: true)))
        rig.isAwaited = false
        rig.fill(through: rig.lastSequence + 1)
        let isDrained = rig.journal?.drain()
        #expect(isDrained == true && rig.journal?.status.durable.load() == rig.lastSequence)
    }

    @Test(arguments: 0..<60)
    func `recovers everything acknowledged from any crash, life after life`(run: UInt64) throws {
        let seed = TestSeed.run &+ run
        let rig = JournalRig(FaultyStorage(seed: seed &* 31), seed: seed)
        rig.ringCapacity = 128 << Int(rig.random.below(3))
        rig.segmentByteCount = 4096 * (3 + Int(rig.random.below(6)))
        rig.batchesInFlight = 1 + Int(rig.random.below(8))
        rig.batchByteCountMax = 8192 << Int(rig.random.below(4))
        for _ in 0..<12 {
            rig.storage.completionEagerness = 1 + rig.random.below(8)
            // Crashes in the middle of recovery and of its sealing: the same log each time.
            while rig.random.below(2) == 0 {
                let before = try rig.scan(hint(seed))
                rig.storage.fault = .error(EIO)
                rig.storage.faultyCalls = ["open", "write", "sync", "remove", "syncFolder"]
                rig.storage.faultCountdown = 1 + Int(rig.random.below(12))
                var log = before
                try? JournalRecovery.seal(rig.storage, &log)
                rig.storage.faultCountdown = 0
                rig.storage.crash()
                let after = try rig.scan(hint(seed))
                // All that was found was given on: it may not change any more once it is sealed.
                #expect(after.lastSequence == before.lastSequence, "\(hint(seed))")
                #expect(after.chain == before.chain, "\(hint(seed))")
            }
            rig.firstSegmentByteCount = 4_096 * (3 + Int(rig.random.below(6)))
            try rig.start(hint(seed))
            let steps = rig.random.below(120)
            let burst = 1 + rig.random.below(80)
            for _ in 0..<steps {
                if rig.random.below(16) == 0 {
                    rig.isAwaited = rig.random.below(2) == 0
                }
                rig.step(burst: burst)
            }
            rig.isAwaited = true
            if rig.random.below(4) == 0 { rig.rest() }
            if rig.journal?.status.hasFailed == true {
                Issue.record("\(rig.journal!.status.failure!) \(hint(seed))")
            }
            rig.crash()
        }
        let log = try rig.scan(hint(seed))
        // Any part of it can be read, from any place.
        for _ in 0..<4 where log.lastSequence > 0 {
            let from = 1 + rig.random.below(log.lastSequence)
            try rig.scan(hint(seed), from: from)
            var found: [Command] = []
            try JournalRecovery.forEachCommand(rig.storage, log, from: from) {
                found.append(Command($0, $1))
            }
            let wanted = rig.commands.filter {
                $0.sequence >= from && $0.lastSequence <= log.lastSequence
            }
            #expect(found == wanted, "from \(from) \(hint(seed))")
        }
    }
}
