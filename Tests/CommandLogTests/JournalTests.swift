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
            for _ in 0..<steps { rig.step(burst: burst) }
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
