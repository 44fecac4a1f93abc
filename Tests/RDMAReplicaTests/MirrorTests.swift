// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

@Suite struct `A mirror over memory that is written in pieces` {
    @Test(arguments: 0..<8)
    func `gives the standby every command once, whole and in order`(run: UInt64) throws {
        let rig = try MirrorRig(wire: MemoryWire(seed: TestSeed.run &+ run))
        try rig.connect()
        while rig.published.count < 2_000 {
            if rig.random.below(3) > 0 { _ = rig.publish() }
            rig.step()
        }
        try rig.settle("run \(run)")
        rig.checkTaken()
        #expect(rig.sender.status.phase == .live)
    }

    @Test func `holds back what has no room at the standby, and loses none of it`() throws {
        let rig = try MirrorRig(wire: MemoryWire(seed: TestSeed.run))
        try rig.connect()
        let receiver = try #require(rig.receiver)
        var taken: [LogRecord] = []
        while taken.count < 1_000 {
            _ = rig.publish()
            _ = rig.sender.poll()
            _ = receiver.poll()
            // Now it has room, now it has none.
            var room = Int(rig.random.below(3))
            _ = receiver.take { record, continuation in
                guard room > 0 else { return false }
                room -= 1
                taken += [record] + (continuation.map { [$0] } ?? [])
                return true
            }
        }
        #expect(taken.map { bytes($0) } == rig.published.prefix(taken.count).map { bytes($0) })
    }
}

@Suite struct `A mirror whose time is given` {
    @Test func `beats and lets go by that time alone`() throws {
        let clock = CycleClock.ofNanoseconds()
        let wire = MemoryWire(seed: TestSeed.run)
        let ring = try LogRing<LogRecord>(capacity: 64)
        let sender = MirrorSender(
            ring: ring, shard: 0,
            settings: MirrorSettings(peerAddress: 1, peerPort: 1, timeoutMillis: 100),
            clock: clock, connector: { (_) throws(MirrorError) in wire.primaryEnd() })
        var now: UInt64 = 1_000_000_000
        try sender.connect(epoch: 1, nowCycles: now)
        let (channel, hello) = try #require(try wire.takeRequest())
        let receiver = try MirrorRequest(channel, hello).accept(clock: clock, nowCycles: now)
        for _ in 0..<2_000 {
            now += 50_000
            _ = sender.poll(nowCycles: now)
            _ = receiver.poll(nowCycles: now)
        }
        #expect(sender.status.phase == .live && now - receiver.beatCycles < 10_000_000)
        #expect(receiver.progressCycles < receiver.beatCycles, "it beats, and does not move")
        // A record that the standby does not take: then its time runs.
        var writer = ring.writer()
        let isAppended = writer.append(LogRecord(kind: .filler))
        #expect(isAppended)
        _ = sender.poll(nowCycles: now)
        for _ in 0..<1_000 { _ = sender.poll(nowCycles: now) }
        #expect(sender.status.phase == .live, "no time has gone by")
        now += 102_000_000
        _ = sender.poll(nowCycles: now)
        #expect(sender.status.failure?.code == ETIMEDOUT)
        let text = sender.status.failure?.description ?? ""
        #expect(text.contains("see whether it hangs") && !text.contains("mirror."), "\(text)")
    }

    @Test func `gathers what comes while much is on its way, where a write is dear`() throws {
        let clock = CycleClock.ofNanoseconds()
        let wire = MemoryWire(seed: TestSeed.run)
        wire.gatherNanos = 100_000
        let ring = try LogRing<LogRecord>(capacity: 65_536)
        let sender = MirrorSender(
            ring: ring, shard: 0, settings: MirrorSettings(peerAddress: 1, peerPort: 1),
            clock: clock, connector: { (_) throws(MirrorError) in wire.primaryEnd() })
        var now: UInt64 = 1_000_000_000
        try sender.connect(epoch: 1, nowCycles: now)
        let (channel, hello) = try #require(try wire.takeRequest())
        let receiver = try MirrorRequest(channel, hello).accept(clock: clock, nowCycles: now)
        while sender.status.phase != .live {
            _ = sender.poll(nowCycles: now)
            _ = receiver.poll(nowCycles: now)
        }
        var writer = ring.writer()
        /// How many writes of records follow when so many records come, the standby standing still.
        func writes(after count: Int, waitingNanos: UInt64 = 0) -> UInt64 {
            let before = sender.status.writeCount
            for _ in 0..<count {
                let isAppended = writer.append(LogRecord(kind: .filler))
                #expect(isAppended)
            }
            now += waitingNanos
            _ = sender.poll(nowCycles: now)
            return sender.status.writeCount - before
        }
        #expect(writes(after: 1) == 1 && writes(after: 1) == 1, "a record alone goes at once")
        #expect(writes(after: 62) == 1)
        #expect(writes(after: 1) == 0 && sender.restNanos == 100_000, "64 are on their way")
        #expect(writes(after: 200, waitingNanos: 99_000) == 0)
        #expect(writes(after: 1, waitingNanos: 1_000) == 1, "long enough")
        #expect(writes(after: 255) == 0)
        #expect(writes(after: 1) == 1 && sender.restNanos == 0, "256 are worth a write")
        #expect(sender.status.recordCount == 522)
        #expect(writes(after: 4_000) == 4, "each as large as it may be")
        #expect(writes(after: 1_129) == 0 && sender.restNanos > 400_000, "4,522 are on their way")
        #expect(writes(after: 1) == 2, "a quarter of that is worth a write")
        #expect(writes(after: 6_000) == 6)
        #expect(writes(after: 2_047) == 0 && sender.restNanos == 800_000)
        #expect(writes(after: 1) == 2, "it grows no further")
    }
}

@Suite struct `A mirror over TCP` {
    @Test func `gives the standby every command, lap after lap`() throws {
        let rig = try MirrorRig()
        try rig.connect()
        #expect(rig.sender.status.description?.contains("unauthenticated") == true)
        for _ in 0..<100 {
            try rig.publish(Int(1 + rig.random.below(30)))
            try rig.settle()
        }
        rig.checkTaken()
        #expect(rig.sender.status.phase == .live && rig.sender.status.failure == nil)
        #expect(rig.sender.status.byteCount == UInt64(rig.published.count * 64))
    }

    @Test func `tells each side what the other says of itself`() throws {
        let rig = try MirrorRig()
        rig.sender.vitals = {
            MirrorVitals(
                progress: 77, toldSequence: 5, hashSequence: 4, stateHash: 0xABCD, flags: 17)
        }
        try rig.connect(epoch: 3)
        let receiver = try #require(rig.receiver)
        try rig.publish(6)
        try rig.settle()
        receiver.durableSequence = 2
        receiver.mismatchSequence = 4
        receiver.epoch = 8
        receiver.flags = 6
        let status = rig.sender.status
        try rig.wait("for beat and counter") {
            rig.step()
            return status.mismatchSequence == 4
                && receiver.lastBeat?.publishedSequence == rig.lastSequence
        }
        #expect(status.durableSequence == 2 && status.standbyEpoch == 8)
        #expect(status.standbyFlags == 6)
        let beat = try #require(receiver.lastBeat)
        #expect(beat.progress == 77 && beat.toldSequence == 5 && beat.hashSequence == 4)
        #expect(beat.stateHash == 0xABCD && beat.flags == 17 && beat.epoch == 3)
        // Both live on without news.
        let numbers = (beat.number, status.standbyBeat)
        try rig.wait("for signs of life") {
            rig.step()
            return receiver.lastBeat!.number > numbers.0 && status.standbyBeat > numbers.1
        }
    }

    @Test func `brings a standby up from the journal's segments while the log goes on`() throws {
        let rig = try MirrorRig(capacity: 256, hasJournal: true)
        // A dozen laps of the ring, and a few segments.
        try rig.publish(3_000)
        try rig.connect()
        #expect(rig.sender.status.phase == .catchingUp)
        while rig.sender.status.phase != .live {
            if rig.random.below(8) == 0 { _ = rig.publish() }
            rig.step()
            try #require(rig.sender.status.failure == nil)
        }
        try rig.publish(500)
        try rig.settle()
        rig.checkTaken()
        #expect(rig.sender.status.recordsLeft == 0)
    }

    @Test func `goes on where the standby is when it comes back, on the same sender`() throws {
        let rig = try MirrorRig(capacity: 256, hasJournal: true)
        for life in 0..<25 {
            try rig.connect()
            try rig.publish(Int(rig.random.below(200)), "life \(life)")
            if rig.random.below(2) == 0 { try rig.settle("life \(life)") }
            rig.receiver?.close()
            try rig.wait("for the end of life \(life)") {
                _ = rig.sender.poll()
                _ = rig.pollJournal()
                return rig.sender.status.phase == .idle
            }
            #expect(rig.sender.status.failure != nil)
            // What was placed before the end is there.
            rig.take()
            // Without a mirror nothing holds the log up.
            try rig.publish(Int(rig.random.below(200)), "behind life \(life)")
        }
        try rig.connect()
        try rig.settle()
        rig.checkTaken()
        #expect(rig.ring.gatingReaders.count == 2, "a reader that has left is taken again")
    }

    @Test func `says when the standby's log is not on ours, or ours has not kept what follows`()
        throws
    {
        let rig = try MirrorRig()
        try rig.publish(40)
        func code(_ place: RecordChain) throws -> Int32? {
            rig.standby = place
            try rig.connect()
            let failure = rig.sender.status.failure
            #expect(failure == nil || failure!.description.contains("127.0.0.1:"))
            return failure?.code
        }
        #expect(try code(RecordChain(lastSequence: 999, crc32c: 1)) == ESTALE)
        #expect(try code(RecordChain(lastSequence: 30, crc32c: 1)) == ESTALE)
        #expect(try code(RecordChain(lastSequence: 0, crc32c: 1)) == ESTALE)
        let at30 = RecordChain(lastSequence: 30, crc32c: rig.published[29].crc32c)
        try #require(try code(at30) == nil)
        try rig.settle()
        rig.checkTaken(from: 30)
        rig.sender.close()
        try rig.publish(100)
        #expect(try code(at30) == ENODATA, "no journal, and the ring has gone on")
    }

    @Test func `says that what follows is gone to a standby that ends where this log began`()
        throws
    {
        let rig = try MirrorRig(behind: RecordChain(lastSequence: 1_000, crc32c: 7))
        try rig.publish(40)
        try rig.connect()
        #expect(rig.sender.status.failure == nil, "it is in the ring still")
        rig.sender.close()
        try rig.publish(100)
        rig.standby = RecordChain(lastSequence: 1_000, crc32c: 7)
        try rig.connect()
        #expect(rig.sender.status.failure?.code == ENODATA)
        #expect(rig.sender.status.isStandbyShorter, "who waits to compare needs to know")
    }

    @Test func `is refused with a reason by another cluster, host or epoch`() throws {
        let us = MirrorIdentity(cluster: "venue", host: 1, peerHost: 2)
        let rig = try MirrorRig(identity: us)
        func reason(_ identity: MirrorIdentity, knownEpoch: UInt32 = 5) throws -> String {
            rig.identity = identity
            rig.knownEpoch = knownEpoch
            try rig.connect(epoch: 5)
            return rig.sender.status.failure?.description ?? "none"
        }
        let them = MirrorIdentity(cluster: "venue", host: 2, peerHost: 1)
        #expect(try reason(them) == "none")
        #expect(try reason(them, knownEpoch: 6).contains("epoch 6"))
        #expect(
            try reason(MirrorIdentity(cluster: "other", host: 2, peerHost: 1)).contains("cluster"))
        #expect(
            try reason(MirrorIdentity(cluster: "venue", host: 3, peerHost: 1)).contains("host 3"))
        #expect(rig.listener?.refusals.refusedCount == 3)
    }
}
