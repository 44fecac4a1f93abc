// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import TestSeed
internal import Testing

/// A record whose words all follow from its sequence: a torn copy shows.
struct TestRecord: BitwiseCopyable, Equatable, Sendable {
    var sequence: UInt64
    var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    init(_ sequence: UInt64) {
        self.sequence = sequence
        let mixed = sequence &* 0x9E37_79B9_7F4A_7C15
        words = (mixed, ~mixed, mixed &+ 1, mixed &+ 2, mixed &+ 3, mixed &+ 4, mixed &+ 5)
    }

    /// Word by word: the thread sanitizer follows these, and not the copy of a whole value.
    @_noLocks static func fill(_ slot: UnsafeMutablePointer<TestRecord>, _ sequence: UInt64) {
        let mixed = sequence &* 0x9E37_79B9_7F4A_7C15
        unsafe slot.pointee.sequence = sequence
        unsafe slot.pointee.words.0 = mixed
        unsafe slot.pointee.words.1 = ~mixed
        unsafe slot.pointee.words.2 = mixed &+ 1
        unsafe slot.pointee.words.3 = mixed &+ 2
        unsafe slot.pointee.words.4 = mixed &+ 3
        unsafe slot.pointee.words.5 = mixed &+ 4
        unsafe slot.pointee.words.6 = mixed &+ 5
    }

    @_noLocks static func isWhole(
        _ slot: UnsafePointer<TestRecord>, _ sequence: UInt64
    ) -> Bool {
        let mixed = sequence &* 0x9E37_79B9_7F4A_7C15
        return unsafe slot.pointee.sequence == sequence && slot.pointee.words.0 == mixed
            && slot.pointee.words.1 == ~mixed && slot.pointee.words.6 == mixed &+ 5
    }

    static func == (left: TestRecord, right: TestRecord) -> Bool {
        left.sequence == right.sequence && left.words.0 == right.words.0
            && left.words.1 == right.words.1 && left.words.2 == right.words.2
            && left.words.3 == right.words.3 && left.words.4 == right.words.4
            && left.words.5 == right.words.5 && left.words.6 == right.words.6
    }
}

/// The hot path as users write it: that this compiles proves that it takes no lock, counts no
/// reference and allocates nothing, in debug builds too.
@_noLocks func writeBurst(_ writer: inout RingWriter<TestRecord>, atMost: Int) -> Int {
    let count = min(writer.available(atLeast: atMost), atMost)
    writer.claim(count)
    for offset in 0..<count {
        let slot = unsafe writer.slot(offset: offset)
        unsafe TestRecord.fill(slot, writer.nextSequence &+ UInt64(offset))
    }
    writer.publish(count: count)
    return count
}

@_noLocks func readBurst(
    _ reader: inout RingReader<TestRecord>, atMost: Int, retaining: UInt64 = 0
) -> (count: Int, mismatches: Int) {
    let count = min(reader.available(), atMost)
    var mismatches = 0
    for offset in 0..<count {
        let expected = reader.nextSequence &+ UInt64(offset)
        if unsafe !TestRecord.isWhole(reader.slot(offset), expected) { mismatches &+= 1 }
    }
    reader.consume(count)
    reader.release(retaining: retaining)
    return (count, mismatches)
}

@Suite struct `A log ring` {
    @Test(arguments: TestSeed.runs(20))
    func `moves the same records as a queue, in any bursts`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let capacity = 1 << (1 + Int(random.below(7)))
        let ring = try LogRing<TestRecord>(capacity: capacity)
        var fast = ring.gatingReader("fast"), slow = ring.gatingReader("slow")
        var writer = ring.writer()
        // The oracle: what was published and not yet consumed by each, and what each still retains.
        var fastQueue: [UInt64] = [], slowQueue: [UInt64] = []
        var published: UInt64 = 0, mismatches = 0
        let retained = random.below(UInt64(capacity))
        for _ in 0..<2_000 {
            switch random.below(3) {
            case 0:
                let fastGate = min(published - UInt64(fastQueue.count), published)
                let slowConsumed = published - UInt64(slowQueue.count)
                let slowGate = slowConsumed > retained ? slowConsumed - retained : 0
                let room = capacity - Int(published - min(fastGate, slowGate))
                let wanted = Int(random.below(UInt64(capacity) + 3))
                let count = writeBurst(&writer, atMost: wanted)
                #expect(count == min(wanted, room), TestSeed.hint(seed))
                for _ in 0..<count {
                    published += 1
                    fastQueue.append(published)
                    slowQueue.append(published)
                }
            case 1:
                mismatches += drain(&fast, &fastQueue, atMost: random.below(90), 0, seed)
            default:
                mismatches += drain(&slow, &slowQueue, atMost: random.below(40), retained, seed)
            }
            #expect(writer.published == published, TestSeed.hint(seed))
        }
        #expect(mismatches == 0, TestSeed.hint(seed))
    }

    private func drain(
        _ reader: inout RingReader<TestRecord>, _ queue: inout [UInt64], atMost: UInt64,
        _ retained: UInt64, _ seed: UInt64
    ) -> Int {
        #expect(reader.nextSequence == queue.first ?? reader.nextSequence, TestSeed.hint(seed))
        // All that was published is there, once it is asked for.
        #expect(reader.available(atLeast: queue.count) == queue.count, TestSeed.hint(seed))
        let burst = readBurst(&reader, atMost: Int(atMost), retaining: retained)
        #expect(burst.count == min(Int(atMost), queue.count), TestSeed.hint(seed))
        queue.removeFirst(burst.count)
        return burst.mismatches
    }

    @Test func `stops the writer when it is full and lets it go on by what is released`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        var reader = ring.gatingReader("reader")
        var writer = ring.writer()
        #expect(writeBurst(&writer, atMost: 100) == 8)
        #expect(writer.available() == 0)
        let isAppended = writer.append(TestRecord(9))
        #expect(!isAppended)
        #expect(reader.available() == 8)
        reader.consume(5)
        #expect(writer.available() == 0, "consumed is not released")
        reader.release(retaining: 3)
        #expect(writer.available() == 2)
        reader.release()
        #expect(writer.available() == 2, "known room is used up before the cursors are read again")
        #expect(writer.available(atLeast: 3) == 5)
        #expect(ring.gatingReaders.map(\.releasedSequence) == [5])
    }

    @Test func `goes on when a reader leaves`() throws {
        let ring = try LogRing<TestRecord>(capacity: 4)
        let reader = ring.gatingReader("reader")
        var writer = ring.writer()
        #expect(writeBurst(&writer, atMost: 9) == 4)
        #expect(writeBurst(&writer, atMost: 9) == 0)
        reader.leave()
        #expect(writeBurst(&writer, atMost: 9) == 4)
    }

    @Test func `never waits without gating readers`() throws {
        let ring = try LogRing<TestRecord>(capacity: 4)
        var writer = ring.writer()
        for _ in 0..<10 { #expect(writeBurst(&writer, atMost: 9) == 4) }
        #expect(ring.publishedSequence == 40)
    }

    @Test func `lets a reader look back at what it retains, and the writer at its last lap`() throws
    {
        let ring = try LogRing<TestRecord>(capacity: 16)
        var reader = ring.gatingReader("reader")
        var writer = ring.writer()
        for _ in 0..<50 {
            let count = writeBurst(&writer, atMost: 5)
            let burst = readBurst(&reader, atMost: count, retaining: 7)
            #expect(burst.count == count && burst.mismatches == 0)
            for sequence in reader.releasedSequence + 1..<reader.nextSequence {
                let record = unsafe reader.read(sequence).pointee
                #expect(record == TestRecord(sequence))
            }
            for sequence in max(writer.published, 16) - 15..<writer.nextSequence {
                let record = unsafe writer.read(sequence).pointee
                #expect(record == TestRecord(sequence))
            }
        }
        #expect(reader.nextSequence - 1 - reader.releasedSequence == 7)
    }

    @Test func `continues a log from a later sequence`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8, firstSequence: 1_000_001)
        var reader = ring.gatingReader("reader")
        var observer = ring.observer()
        var writer = ring.writer()
        #expect(writer.published == 1_000_000)
        #expect(writeBurst(&writer, atMost: 3) == 3)
        let burst = readBurst(&reader, atMost: 9)
        #expect(burst.count == 3 && burst.mismatches == 0)
        guard case .record(let record) = observer.next() else {
            Issue.record("the observer starts where the ring does")
            return
        }
        #expect(record == TestRecord(1_000_001))
    }

    @Test func `reads and writes whole values by offset`() throws {
        let ring = try LogRing<TestRecord>(capacity: 4)
        var reader = ring.gatingReader("reader")
        var writer = ring.writer()
        #expect(writer.available() == 4)
        writer.claim(2)
        writer[0] = TestRecord(1)
        writer[1] = TestRecord(2)
        #expect(writer[1] == TestRecord(2))
        #expect(reader.available() == 0, "nothing is seen before it is published")
        writer.publish(count: 2)
        writer.prefetch(offset: 1)
        reader.prefetch(1)
        #expect(reader.available() == 2)
        #expect(reader[0] == TestRecord(1) && reader[1] == TestRecord(2))
    }
}
