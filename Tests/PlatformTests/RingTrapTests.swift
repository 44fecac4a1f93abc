// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Testing

@Suite struct `A ring traps` {
    @Test func `when asked for a second writer`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            _ = ring.writer()
            _ = ring.writer()
        }
        expectTrap("a ring has exactly one writer", result)
    }

    @Test func `when a gating reader comes too late`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            var writer = ring.writer()
            _ = writer.available()
            _ = ring.gatingReader("late")
        }
        expectTrap("gating readers are registered before the writer starts", result)
    }

    @Test func `when there are too many gating readers`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            for _ in 0...LogRing<TestRecord>.gatingReaderLimit { _ = ring.gatingReader("r") }
        }
        expectTrap("at most 16 gating readers", result)
    }

    @Test func `when more is claimed than is free`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            let reader = ring.gatingReader("reader")
            var writer = ring.writer()
            writer.claim(writer.available() + 1)
            reader.leave()
        }
        expectTrap("a claim is at most the room", result)
    }

    @Test func `when a slot is written before it is claimed`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            var writer = ring.writer()
            if writer.available() > 1 { writer.claim(1) }
            writer[1] = TestRecord(2)
        }
        expectTrap("a slot is claimed before it is written", result)
    }

    @Test func `when more is published than was claimed`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            var writer = ring.writer()
            if writer.available() > 1 { writer.claim(1) }
            writer.publish(count: 2)
        }
        expectTrap("what is published was claimed", result)
    }

    @Test func `when a record is read that was not announced`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            let reader = ring.gatingReader("reader")
            var writer = ring.writer()
            _ = writer.append(TestRecord(1))
            _ = reader[0]
        }
        expectTrap("a record is read after available() has told of it", result)
    }

    @Test func `when a record is read after its release`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            var reader = ring.gatingReader("reader")
            var writer = ring.writer()
            _ = writer.append(TestRecord(1))
            _ = readBurst(&reader, atMost: 1)
            _ = unsafe reader.read(1)
        }
        expectTrap("a record is read between its publication and its release", result)
    }

    @Test func `when a reader would retain the whole ring`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let ring = try LogRing<TestRecord>(capacity: 8)
            var reader = ring.gatingReader("reader")
            reader.release(retaining: 8)
        }
        expectTrap("a reader retains less than the ring", result)
    }

    @Test func `when its records are not cache lines`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = try LogRing<UInt64>(capacity: 8)
        }
        expectTrap("a record of a ring is one cache line", result)
    }
}
