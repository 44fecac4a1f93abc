// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

private func hint(_ seed: UInt64) -> String { "SEED=\(String(seed, radix: 16))" }

/// Everything that a start asks of a storage.
private let everyCall: Set<String> = [
    "list", "stat", "read", "create", "open", "write", "sync", "rename", "remove", "syncFolder",
]

@Suite struct `A tail that holds no slot` {
    @Test(arguments: [1, 30, 150] as [UInt64])
    func `is damage once the log has begun`(records: UInt64) throws {
        let rig = JournalRig(FaultyStorage(seed: 5), seed: 5)
        try rig.start("first")
        while rig.lastSequence < records { rig.publish(upTo: 9) }
        rig.rest()
        rig.kill()
        let tail = try #require(rig.storage.names["tail"])
        tail.live = [UInt8](repeating: 0, count: tail.live.count)
        let error = #expect(throws: JournalError.self) { try rig.scan("zeroed tail") }
        guard case .damaged(let damage) = error else { return }
        #expect(damage.file == "tail")
        #expect(damage.what.contains("no valid slot"))
    }

    @Test func `is what a start that was cut off may leave, and is mended by the next`() throws {
        let rig = JournalRig(FaultyStorage(seed: 5), seed: 5)
        rig.storage.names["tail"] = FaultyStorage.Inode(byteCount: 65_536)
        rig.storage.durableNames = rig.storage.names
        try rig.start("over an empty tail")
        rig.crash()
        try rig.start("once more")
        rig.rest()
        #expect(rig.acknowledged == rig.lastSequence && rig.lastSequence > 0)
    }
}

@Suite struct `A start that is cut off` {
    /// The k-th call of a start fails, and then the power goes; twice in a row.
    @Test(arguments: 0..<4)
    func `can be repeated, after whichever of its steps`(lives: Int) throws {
        let seed = TestSeed.run &+ UInt64(lives)
        for count in 1...60 {
            let rig = JournalRig(FaultyStorage(seed: seed &+ UInt64(count)), seed: seed)
            rig.segmentByteCount = 4096 * 3
            for _ in 0..<lives {
                try rig.start(hint(seed))
                for _ in 0..<30 { rig.step(burst: 20) }
                if rig.random.below(2) == 0 { rig.rest() }
                rig.crash()
            }
            let before = try rig.scan(hint(seed))
            for again in 0..<2 {
                rig.storage.fault = .error(EIO)
                rig.storage.faultyCalls = everyCall
                rig.storage.faultCountdown = count - again
                do { try rig.start("cut off") } catch is JournalError {
                    // What is not there any more holds no file of the process that goes on.
                    rig.kill()
                    #expect(rig.storage.openNames == [], "\(count) \(hint(seed))")
                }
                rig.storage.faultCountdown = 0
                rig.crash()
                let after = try rig.scan("\(count) \(hint(seed))")
                #expect(after.lastSequence >= before.lastSequence, "\(count) \(hint(seed))")
            }
            try rig.start("\(count) \(hint(seed))")
            rig.rest()
            #expect(rig.acknowledged == rig.lastSequence, "\(count) \(hint(seed))")
        }
    }
}

@Suite struct `A journal's files` {
    @Test func `are all let go of once, whenever it ends`() throws {
        let seed = TestSeed.run
        for steps in 0..<60 {
            let rig = JournalRig(FaultyStorage(seed: seed &+ UInt64(steps)), seed: seed)
            rig.segmentByteCount = 4096 * 3
            try rig.start(hint(seed))
            for _ in 0..<steps { rig.step(burst: 30) }
            rig.kill()
            #expect(rig.storage.openNames == [], "\(steps) \(hint(seed))")
            #expect(rig.storage.closedTwice == [], "\(steps) \(hint(seed))")
        }
    }
}
