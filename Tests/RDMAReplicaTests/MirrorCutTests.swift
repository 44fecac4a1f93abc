// SPDX-License-Identifier: Apache-2.0
import CommandLog
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

@Suite struct `A standby whose log is another` {
    @Test func `is told an earlier record each time it comes as it was`() throws {
        let rig = try MirrorRig(capacity: 1_024)
        try rig.publish(300)
        let log = rig.published
        let carried = log[199]
        rig.sender.carried = RecordChain(
            lastSequence: carried.sequence, crc32c: carried.crc32c)
        let place = RecordChain(lastSequence: 280, crc32c: ~log[279].crc32c)
        var told: [UInt64] = []
        for _ in 0..<6 {
            let cut = try #require(try rig.sender.nextCut(of: place))
            #expect(cut.crc32c == log[Int(cut.lastSequence) - 1].crc32c)
            told.append(cut.lastSequence)
        }
        #expect(told == [200, 196, 184, 136, 2, 2], "seed \(TestSeed.run)")
        // Once it has been cut, another end counts anew.
        let other = RecordChain(lastSequence: 250, crc32c: 0)
        #expect(try rig.sender.nextCut(of: other)?.lastSequence == 200)
        // One that ends before what was carried over is told of a record before its end.
        let short = RecordChain(lastSequence: 90, crc32c: 0)
        #expect(try rig.sender.nextCut(of: short)?.lastSequence == 88)
    }

    @Test func `is left to a person when it has no record in common`() throws {
        let rig = try MirrorRig(capacity: 1_024)
        try rig.publish(300)
        rig.sender.carried = RecordChain(
            lastSequence: 200, crc32c: rig.published[199].crc32c)
        let place = RecordChain(lastSequence: 4, crc32c: 0)
        var told: [UInt64] = []
        while let cut = try rig.sender.nextCut(of: place), told.count < 1_000 {
            told.append(cut.lastSequence)
        }
        // Over and over, for what is told may be lost; and not for ever.
        #expect(told == Array(repeating: 2, count: 30), "seed \(TestSeed.run)")
        #expect(try rig.sender.nextCut(of: place) == nil)
        // It was set aside, and what is there now is another log.
        let other = RecordChain(lastSequence: 90, crc32c: 0)
        #expect(try rig.sender.nextCut(of: other)?.lastSequence == 88)
    }

    @Test func `is told nothing by a host that has carried nothing over`() throws {
        let rig = try MirrorRig()
        try rig.publish(20)
        #expect(try rig.sender.nextCut(of: RecordChain(lastSequence: 10, crc32c: 0)) == nil)
    }
}
