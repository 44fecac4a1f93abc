// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

private func hint(_ seed: UInt64) -> String { "SEED=\(String(seed, radix: 16))" }

@Suite struct `Commit times` {
    /// The time of each command is one between two looks of which only the second saw it durable.
    @Test(arguments: 0..<20)
    func `are right or unknown, through any crash`(run: UInt64) throws {
        let seed = TestSeed.run &+ run
        let rig = JournalRig(FaultyStorage(seed: seed &* 31), seed: seed)
        rig.segmentByteCount = 4096 * (3 + Int(rig.random.below(4)))
        var seen: [(from: UInt64, durable: UInt64, after: UInt64, until: UInt64)] = []
        for life in 0..<6 {
            rig.storage.completionEagerness = 1 + rig.random.below(8)
            rig.firstSegmentByteCount = 4_096 * (3 + Int(rig.random.below(6)))
            try rig.start(hint(seed))
            let first = (rig.recovered?.lastSequence ?? 0) + 1
            for _ in 0..<rig.random.below(120) { rig.step(burst: 20) }
            if life % 2 == 0 { rig.rest() }
            seen += rig.seen.map { (first, $0.durable, $0.after, $0.until) }
            let ofThisLife = rig.seen.last?.durable ?? 0
            if life % 2 == 0 {
                // An orderly end leaves no time unknown.
                rig.kill()
                let times = try CommitTimes(rig.storage)
                for command in rig.commands where command.sequence >= first {
                    guard command.lastSequence <= ofThisLife else { continue }
                    #expect(times.durableNanos(of: command.lastSequence) != nil, "\(hint(seed))")
                }
            }
            rig.crash()
        }
        let log = try rig.scan(hint(seed))
        let times = try CommitTimes(rig.storage)
        for command in rig.commands where command.lastSequence <= log.lastSequence {
            guard let nanos = times.durableNanos(of: command.lastSequence) else { continue }
            // Records of an earlier life are seen in it or never.
            let life = seen.last { $0.from <= command.sequence }?.from
            let look = seen.first { $0.from == life && $0.durable >= command.lastSequence }
            guard let look else {
                Issue.record("a time for \(command.sequence), never durable; \(hint(seed))")
                continue
            }
            // Later than that only when notes at the end of a segment were lost.
            #expect(nanos > look.after, "\(command.sequence) \(hint(seed))")
            if nanos > look.until {
                let own =
                    rig.storage.names.keys.compactMap {
                        JournalFormat.firstSequence(ofTimesNamed: $0)
                    }.filter { $0 <= command.lastSequence }.max() ?? 0
                let next = log.segments.first { $0.geometry.firstSequence > own }
                #expect(next != nil, "\(command.sequence) \(hint(seed))")
            }
        }
    }

    @Test(arguments: ["createPlain", "append"])
    func `never stop the journal when they cannot be written`(call: String) throws {
        let seed = TestSeed.run
        for count in 1...12 {
            let rig = JournalRig(FaultyStorage(seed: seed &+ UInt64(count)), seed: seed)
            rig.segmentByteCount = 4096 * 3
            rig.storage.fault = .error(ENOSPC)
            rig.storage.faultyCalls = [call]
            rig.storage.faultCountdown = count
            try rig.start("start")
            for _ in 0..<10 {
                for _ in 0..<60 { rig.step(burst: 10) }
                rig.rest()
            }
            #expect(rig.journal?.status.hasFailed == false)
            #expect(rig.acknowledged == rig.lastSequence && rig.lastSequence > 300)
            #expect(rig.storage.faultCountdown == 0, "the fault came: \(call) \(count)")
            rig.kill()
            #expect(rig.storage.openNames == [] && rig.storage.closedTwice == [])
            let times = try CommitTimes(rig.storage)
            var last: UInt64 = 0
            for command in rig.commands {
                guard let nanos = times.durableNanos(of: command.lastSequence) else { continue }
                #expect(nanos >= last, "\(call) \(count) \(hint(seed))")
                last = nanos
            }
            #expect(last > 0)
        }
    }

    @Test func `are read as far as they are whole, whatever byte is wrong`() throws {
        let rig = JournalRig(FaultyStorage(seed: 2), seed: 2)
        try rig.start("start")
        for _ in 0..<8 {
            rig.publish(upTo: 4)
            rig.rest()
        }
        rig.kill()
        let name = JournalFormat.timesName(firstSequence: 1)
        let inode = try #require(rig.storage.names[name])
        let good = inode.live
        let right = try CommitTimes(rig.storage).durableNanos(of: 1)
        #expect(right != nil)
        for byte in 0..<64 {
            inode.live[byte] ^= 0x10
            #expect(try CommitTimes(rig.storage).durableNanos(of: 1) == nil, "\(byte)")
            inode.live = good
        }
        for count in 0...good.count {
            inode.live = Array(good.prefix(count))
            let times = try CommitTimes(rig.storage)
            #expect(times.durableNanos(of: 1) == (count < 80 ? nil : right), "\(count)")
            #expect((times.durableNanos(of: rig.lastSequence) != nil) == (count == good.count))
        }
        inode.live = good + [UInt8](repeating: 0, count: 4_096)
        let times = try CommitTimes(rig.storage)
        #expect(times.durableNanos(of: rig.lastSequence) != nil)
        #expect(times.durableNanos(of: rig.lastSequence + 1) == nil)
        // Recovery wants nothing of it.
        rig.storage.names[name] = nil
        #expect(try rig.scan("without").lastSequence == rig.lastSequence)
        #expect(try CommitTimes(rig.storage).durableNanos(of: 1) == nil)
    }

    @Test func `are dropped, not waited for, when nobody takes them`() throws {
        let notes = try CommitNotes(capacity: 8)
        func taken() -> [UInt64] {
            var result: [UInt64] = []
            while case let count = notes.rowCount, count > 0 {
                result += (0..<count).map { notes[$0].sequence }
                notes.release(count)
            }
            return result
        }
        for sequence in 1...5 as ClosedRange<UInt64> {
            notes.note(CommitNote(sequence: sequence, nanos: 1))
        }
        #expect(taken() == [1, 2, 3, 4, 5])
        for sequence in 11...30 as ClosedRange<UInt64> {
            notes.note(CommitNote(sequence: sequence, nanos: 1))
        }
        #expect(notes.waitingCount == 8)
        #expect(taken() == Array(11...18))
        notes.note(CommitNote(sequence: 31, nanos: 1))
        #expect(taken() == [31])
    }
}
