// SPDX-License-Identifier: Apache-2.0
import Platform
import TestSeed
import Testing
import Wire

@testable import CommandLog

/// Where a pair lies whose halves a crash may part.
struct PairPlace: Sendable, CustomTestStringConvertible {
    var what: String
    /// Sequence of the first half.
    var first: UInt64
    var ringCapacity = 256
    var pageCount = 8
    var batchByteCountMax = 1 << 20
    /// Records before and behind the pair that are written with it.
    var before: UInt64 = 0
    var following: UInt64 = 40

    var testDescription: String { what }

    static let all = [
        PairPlace(what: "across two blocks of a segment", first: 63),
        PairPlace(what: "with its second half alone in the tail", first: 63, following: 0),
        PairPlace(what: "within the tail", first: 70, following: 0),
        PairPlace(what: "at the tail's last place", first: 125, following: 0),
        PairPlace(what: "across the end of a segment", first: 127, pageCount: 4),
        PairPlace(
            what: "as the last of a segment, and no more", first: 127, pageCount: 4, following: 0),
        PairPlace(what: "across the end of the ring", first: 255),
        PairPlace(
            what: "across the ends of ring and segment", first: 127, ringCapacity: 128,
            pageCount: 4),
        PairPlace(
            what: "across the end of the smallest ring", first: 127, ringCapacity: 128),
        PairPlace(
            what: "across two batches", first: 191, batchByteCountMax: 8192, before: 90),
    ]
}

@Suite struct `A pair that a crash parts` {
    private func hint(_ seed: UInt64) -> String { "SEED=\(String(seed, radix: 16))" }

    /// A log with all before the pair at rest, and the pair and what follows it in flight.
    private func prepared(_ place: PairPlace, _ seed: UInt64) throws -> JournalRig<FaultyStorage> {
        let rig = JournalRig(FaultyStorage(seed: seed), seed: seed)
        rig.ringCapacity = place.ringCapacity
        rig.segmentByteCount = 4096 * place.pageCount
        rig.batchByteCountMax = place.batchByteCountMax
        rig.storage.completionEagerness = 8
        try rig.start(place.what)
        let atRest = place.first - 1 - place.before
        while rig.lastSequence < atRest {
            rig.fill(through: min(atRest, rig.lastSequence + 30))
            _ = rig.journal?.maker.poll()
            rig.rest()
        }
        #expect(rig.acknowledged == atRest)
        rig.storage.completionEagerness = 0
        rig.fill(through: place.first - 1)
        rig.publishPair()
        if place.following > 0 { rig.fill(through: place.first + 1 + place.following) }
        #expect(rig.commands.contains { $0.sequence == place.first && $0.second != nil })
        // Enough for the batches that fit beside each other.
        for _ in 0..<4 { rig.poll() }
        #expect(!rig.storage.inFlight.isEmpty)
        return rig
    }

    /// What each write in flight changes, and the file's bytes before it.
    private func writes(
        _ rig: JournalRig<FaultyStorage>
    ) -> [(inode: FaultyStorage.Inode, offset: Int, bytes: [UInt8])] {
        rig.storage.inFlight.map { ($0.inode, $0.offset, $0.bytes) }
    }

    @Test(arguments: PairPlace.all)
    func `is there whole or not at all, whatever of it was written`(place: PairPlace) throws {
        let seed = TestSeed.run
        let rig = try prepared(place, seed)
        let chains = rig.chains
        let writes = writes(rig)
        let before = writes.map { Array($0.inode.live[$0.offset..<$0.offset + $0.bytes.count]) }
        var without = 0
        var with = 0
        func check(_ what: String) throws {
            let log = try rig.quickScan()
            if log.lastSequence < rig.acknowledged || chains[log.lastSequence] != log.chain {
                Issue.record("ends at \(log.lastSequence); \(what); \(hint(seed))")
            }
            if log.lastSequence < place.first { without += 1 } else { with += 1 }
        }
        func put(_ index: Int, _ bytes: ArraySlice<UInt8>) {
            writes[index].inode.live.replaceSubrange(
                writes[index].offset..<writes[index].offset + bytes.count, with: bytes)
        }
        // Any of the writes done, and one more torn at any record and in the middle of it.
        for done in 0..<1 << writes.count {
            for index in writes.indices {
                put(index, done >> index & 1 == 1 ? writes[index].bytes[...] : before[index][...])
            }
            try check("writes \(String(done, radix: 2))")
            for torn in writes.indices where done >> torn & 1 == 0 {
                let bytes = writes[torn].bytes
                for count in stride(from: 32, to: bytes.count, by: 32) {
                    put(torn, bytes[..<count])
                    try check("writes \(String(done, radix: 2)), \(count) bytes of \(torn)")
                }
                put(torn, before[torn][...])
            }
        }
        // A second half alone waits for the batch before it.
        let isInFlight = try #require(rig.journal?.takenSequence) > place.first
        #expect(without > 0 && (with > 0) == isInFlight, "\(without) without, \(with) with")
    }

    @Test(arguments: PairPlace.all)
    func `is committed as one`(place: PairPlace) throws {
        for run in 0..<24 as Range<UInt64> {
            let rig = try prepared(place, TestSeed.run &+ run)
            rig.storage.completionEagerness = run == 0 ? 8 : 1 + run % 3
            // Each poll holds the gate's place against the commands' ends.
            rig.rest()
            #expect(rig.acknowledged == rig.lastSequence)
        }
    }

    /// Each half alone on the disk, in a life that goes on: the sequences are used again.
    @Test(arguments: PairPlace.all)
    func `leaves no half in the lives that follow`(place: PairPlace) throws {
        let seed = TestSeed.run
        for done in 0..<1 << (try writes(prepared(place, seed)).count) {
            let rig = try prepared(place, seed)
            for (index, write) in writes(rig).enumerated() where done >> index & 1 == 1 {
                write.inode.apply(write.offset, write.bytes, toDisk: true)
            }
            rig.storage.inFlight = []
            rig.kill()
            rig.storage.completionEagerness = 8
            let what = "writes \(String(done, radix: 2)) \(hint(seed))"
            for life in 0..<3 {
                try rig.start("life \(life), \(what)")
                rig.fill(through: rig.lastSequence + 20 * UInt64(life))
                rig.publishPair()
                _ = rig.journal?.maker.poll()
                rig.rest()
                #expect(rig.acknowledged == rig.lastSequence, "\(what)")
                rig.crash()
            }
            try rig.scan(what)
        }
    }
}
