// SPDX-License-Identifier: Apache-2.0
@testable internal import Platform
internal import Synchronization
internal import TestSeed
internal import Testing

@Suite(.serialized) struct `A reader that joins a running ring` {
    @Test func `begins behind what is published, and holds the writer from there`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        var writer = ring.writer()
        for _ in 1...20 { append(&writer) }
        var reader = ring.joiningReader("late")
        #expect(reader.nextSequence == 21 && reader.available() == 0)
        var count = 0
        while writer.append(TestRecord(writer.nextSequence)) { count += 1 }
        #expect(count == 8, "a whole ring, also where the writer knew of more room")
        let found = readBurst(&reader, atMost: 8)
        #expect(found.count == 8 && found.mismatches == 0)
        append(&writer)
        #expect(writer.published == 29)
    }

    private func append(_ writer: inout RingWriter<TestRecord>) {
        let isAppended = writer.append(TestRecord(writer.nextSequence))
        #expect(isAppended)
    }

    @Test func `takes the place that one of its name has left, and no other`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        let engine = ring.gatingReader("engine")
        engine.leave()
        var writer = ring.writer()
        for _ in 0..<100 {
            let reader = ring.joiningReader("mirror")
            for _ in 0..<5 { append(&writer) }
            reader.leave()
            for _ in 0..<20 { append(&writer) }
        }
        let one = ring.joiningReader("mirror")
        let other = ring.joiningReader("mirror")
        #expect(ring.gatingReaders.map(\.name) == ["engine", "mirror", "mirror"])
        #expect(one.nextSequence == 2_501 && other.nextSequence == 2_501)
    }

    @Test func `that is put aside between its two steps stops the writer, and no more`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        var writer = ring.writer()
        for _ in 1...20 { append(&writer) }
        let (gate, joined) = ring.control.joinGate("late")
        // Where it read `published` first, laps ago.
        gate.store(joined - 15)
        for _ in 0..<10 where writer.available() > 0 { append(&writer) }
        #expect(writer.available() == 0 && writer.published <= joined + 8)
        gate.store(writer.published)
        #expect(writer.available() == 8)
    }

    /// Under the thread sanitizer this is the proof of `RingControl.joinGate`: a slot that the
    /// writer takes too early is a race, and a record that is not whole.
    @Test(arguments: [2, 16, 1_024])
    func `finds every record whole however often it comes and goes`(capacity: Int) throws {
        let seed = TestSeed.run
        let ring = try LogRing<TestRecord>(capacity: capacity)
        let isOver = Atomic(false)
        let totals = `A ring between threads`.Totals()
        try withThreads { threads in
            // One: the sanitizer cannot see into the library's Mutex, which keeps two apart.
            try threads.start("joiner", ()) { _ in
                var random = SeededRandom(seed: seed)
                var mismatches = 0
                for _ in 0..<4_000 {
                    var reader = ring.joiningReader("joiner")
                    for _ in 0..<random.below(4) {
                        mismatches += readBurst(&reader, atMost: 8).mismatches
                        if random.below(3) == 0 { pauseALittle() }
                    }
                    reader.leave()
                }
                totals.mismatches.add(mismatches, ordering: .relaxed)
                isOver.store(true, ordering: .relaxed)
            }
            try threads.start("writer", ring.writer()) { writer in
                var random = SeededRandom(seed: ~seed)
                var idle = IdleStrategy(spins: 64, sleepNanosMax: 10_000)
                while !isOver.load(ordering: .relaxed) {
                    let count = writeBurst(&writer, atMost: 1 + Int(random.below(40)))
                    idle.idle(worked: count > 0)
                }
            }
        }
        #expect(totals.mismatches.load(ordering: .relaxed) == 0, TestSeed.hint(seed))
    }
}
