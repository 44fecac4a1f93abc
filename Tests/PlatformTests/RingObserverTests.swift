// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Synchronization
internal import TestSeed
internal import Testing

@Suite struct `An observer` {
    @Test func `sees every record of a writer that waits for it`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        var observer = ring.observer()
        var writer = ring.writer()
        for sequence in UInt64(1)...100 {
            guard case .empty = observer.next() else {
                Issue.record("there is nothing before \(sequence)")
                return
            }
            let isAppended = writer.append(TestRecord(sequence))
            #expect(isAppended)
            guard case .record(let record) = observer.next() else {
                Issue.record("there is \(sequence)")
                return
            }
            #expect(record == TestRecord(sequence))
        }
    }

    @Test func `is lapped by the claim of its slot, before anything is published`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        var early = ring.observer(), late = ring.observer()
        var writer = ring.writer()
        #expect(writeBurst(&writer, atMost: 8) == 8)
        guard case .record(let first) = early.next() else {
            Issue.record("a full ring is whole")
            return
        }
        #expect(first == TestRecord(1))
        #expect(writer.available() == 8)
        writer.claim(3)
        var third = ring.observer(from: 3)
        guard case .lapped(resumeAt: 5) = third.next() else {
            Issue.record("record 3 may be overwritten at any moment now")
            return
        }
        // Scribbled on and never published.
        writer[2] = TestRecord(77)
        writer[0] = TestRecord(9)
        writer.publish(count: 1)
        guard case .lapped(let resumeAt) = late.next() else {
            Issue.record("records 1 to 3 may be overwritten")
            return
        }
        // Half a ring behind the published 9, which is past the claimed slots' old 1 to 3.
        #expect(resumeAt == 6 && late.nextSequence == 6)
        guard case .lapped = early.next() else {
            Issue.record("record 2 may be overwritten")
            return
        }
        // A smaller claim does not take the larger one back: slot of record 3 holds 77.
        writer.claim(1)
        var fourth = ring.observer(from: 3)
        guard case .lapped = fourth.next() else {
            Issue.record("record 3 was scribbled on")
            return
        }
        for sequence in UInt64(6)...9 {
            guard case .record(let record) = late.next() else {
                Issue.record("record \(sequence) is whole")
                return
            }
            #expect(record == TestRecord(sequence))
        }
    }

    @Test func `passes over a copy that its caller finds invalid`() throws {
        let ring = try LogRing<TestRecord>(capacity: 8)
        var observer = ring.observer()
        var writer = ring.writer()
        #expect(writeBurst(&writer, atMost: 2) == 2)
        let refused = observer.next { record, sequence in
            #expect(record == TestRecord(1) && sequence == 1)
            return false
        }
        guard case .lapped(resumeAt: 2) = refused else {
            Issue.record("an invalid copy is lost")
            return
        }
        guard case .record(let second) = observer.next(where: { $0.sequence == $1 }) else {
            Issue.record("the second is valid")
            return
        }
        #expect(second == TestRecord(2))
    }
}

@Suite(.serialized) struct `A ring between threads` {
    struct Watched {
        var records = 0, laps = 0, errors = 0
    }

    /// What the threads found. Atomics: the sanitizer cannot see into the library's Mutex.
    final class Totals: Sendable {
        let mismatches = Atomic(0), records = Atomic(0), errors = Atomic(0)

        func add(_ watched: Watched) {
            records.add(watched.records, ordering: .relaxed)
            errors.add(watched.errors, ordering: .relaxed)
        }
    }

    @Test(arguments: [2, 64, 1024])
    func `gives gating readers everything, and observers nothing torn`(capacity: Int) throws {
        let total: UInt64 = 30_000
        let seed = TestSeed.run
        let ring = try LogRing<TestRecord>(capacity: capacity)
        let totals = Totals()
        try withThreads { threads in
            for _ in 0..<2 {
                try threads.start("observer", ring.observer()) { observer in
                    totals.add(Self.watch(&observer, upTo: total))
                }
            }
            try threads.start("fast", ring.gatingReader("fast")) { reader in
                let count = Self.read(&reader, upTo: total, seed: seed, retaining: 0)
                totals.mismatches.add(count, ordering: .relaxed)
            }
            try threads.start("slow", ring.gatingReader("slow")) { reader in
                let count = Self.read(&reader, upTo: total, seed: ~seed, retaining: 1)
                totals.mismatches.add(count, ordering: .relaxed)
            }
            try threads.start("writer", ring.writer()) { writer in
                var random = SeededRandom(seed: seed)
                var idle = IdleStrategy.adaptive
                while writer.published < total {
                    let left = Int(total - writer.published)
                    let count = writeBurst(&writer, atMost: min(left, 1 + Int(random.below(40))))
                    idle.idle(worked: count > 0)
                }
            }
        }
        #expect(totals.mismatches.load(ordering: .relaxed) == 0, TestSeed.hint(seed))
        #expect(totals.errors.load(ordering: .relaxed) == 0, TestSeed.hint(seed))
        #expect(totals.records.load(ordering: .relaxed) > 0, "the last records stay in the ring")
    }

    /// A writer that waits for nobody and an observer that dawdles: laps must happen, tears must not.
    @Test func `tells a slow observer that it was lapped, and goes on`() throws {
        let ring = try LogRing<TestRecord>(capacity: 16)
        let isDone = Atomic(false)
        let totals = Totals()
        try withThreads { threads in
            try threads.start("writer", ring.writer()) { writer in
                while !isDone.load(ordering: .acquiring) { _ = writeBurst(&writer, atMost: 3) }
            }
            try threads.start("observer", ring.observer()) { observer in
                var result = Watched()
                while result.laps < 200 || result.records < 200 {
                    Self.observe(&observer, &result)
                    if result.records % 7 == 0 { pauseALittle() }
                }
                isDone.store(true, ordering: .releasing)
                totals.add(result)
            }
        }
        #expect(totals.errors.load(ordering: .relaxed) == 0)
    }

    private static func read(
        _ reader: inout RingReader<TestRecord>, upTo total: UInt64, seed: UInt64,
        retaining: UInt64
    ) -> Int {
        var random = SeededRandom(seed: seed)
        var idle = IdleStrategy.adaptive
        var mismatches = 0
        while reader.nextSequence <= total {
            let burst = readBurst(
                &reader, atMost: 1 + Int(random.below(64)), retaining: retaining)
            mismatches += burst.mismatches
            idle.idle(worked: burst.count > 0)
        }
        return mismatches
    }

    private static func watch(
        _ observer: inout RingObserver<TestRecord>, upTo total: UInt64
    ) -> Watched {
        var result = Watched()
        var idle = IdleStrategy.adaptive
        while observer.nextSequence <= total {
            idle.idle(worked: observe(&observer, &result))
        }
        return result
    }

    @discardableResult private static func observe(
        _ observer: inout RingObserver<TestRecord>, _ result: inout Watched
    ) -> Bool {
        let expected = observer.nextSequence
        switch observer.next() {
        case .record(let record):
            result.records += 1
            if record != TestRecord(expected) { result.errors += 1 }
        case .lapped(let resumeAt):
            result.laps += 1
            if resumeAt <= expected || resumeAt != observer.nextSequence { result.errors += 1 }
        case .empty:
            return false
        }
        return true
    }
}

/// Threads that are joined at the end of a scope.
final class ThreadScope {
    private var threads: [PinnedThread] = []

    func start<State: ~Copyable & Sendable>(
        _ name: String, _ state: consuming State,
        _ body: @escaping @Sendable (inout State) -> Void
    ) throws {
        threads.append(try PinnedThread(name: name, owning: state, body: body))
    }

    func joinAll() { for thread in threads { thread.join() } }
}

func withThreads(_ body: (ThreadScope) throws -> Void) throws {
    let scope = ThreadScope()
    defer { scope.joinAll() }
    try body(scope)
}

/// A few hundred nanoseconds of nothing.
func pauseALittle() {
    var idle = IdleStrategy.busy
    for _ in 0..<20 { idle.idle(worked: false) }
}
