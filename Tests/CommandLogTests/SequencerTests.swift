// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Synchronization
import TestSeed
import Testing
import Wire

@testable import CommandLog

/// CRC32C bit by bit, as RFC 3720 gives the polynomial, going on from an earlier value.
func naiveCRC32C(_ bytes: some Sequence<UInt8>, from seed: UInt32 = 0) -> UInt32 {
    var crc = ~seed
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~crc
}

/// The bytes of a record.
func bytes(_ record: LogRecord) -> [UInt8] {
    unsafe withUnsafeBytes(of: record) { unsafe Array($0) }
}

/// A record of random content; a pair's second has the continuation's kind.
func record(_ random: inout SeededRandom, kind: CommandKind = .newOrder) -> LogRecord {
    LogRecord(
        kind: kind, session: UInt32(truncatingIfNeeded: random.next()),
        sessionSequence: UInt32(truncatingIfNeeded: random.next()), orderID: random.next(),
        priceTicks: Int64(bitPattern: random.next()), quantityLots: random.next(),
        account: UInt32(truncatingIfNeeded: random.next()),
        instrument: UInt32(truncatingIfNeeded: random.next()),
        attributes: OrderAttributes(rawValue: UInt8(random.below(256))),
        flags: UInt16(random.below(1 << 15)), timestampNanos: random.next())
}

/// A sequencer with a gating reader behind it, in a class so that expectations can call it.
final class TestLog {
    private let ring: LogRing<LogRecord>
    private var reader: RingReader<LogRecord>
    private var sequencer: Sequencer

    init(_ ring: LogRing<LogRecord>, chain: UInt32 = 0, lastTimestampNanos: UInt64 = 0) {
        self.ring = ring
        reader = ring.gatingReader("test")
        sequencer = Sequencer(
            ring: ring, chain: chain, lastTimestampNanos: lastTimestampNanos)
    }

    var available: Int { reader.available() }
    var publishedSequence: UInt64 { ring.publishedSequence }
    var nextSequence: UInt64 { sequencer.nextSequence }
    subscript(offset: Int) -> LogRecord { reader[offset] }
    func begin(_ nowNanos: UInt64) { sequencer.begin(nowNanos: nowNanos) }
    func hasRoom(_ count: Int) -> Bool { sequencer.hasRoom(for: count) }
    @discardableResult func append(_ record: LogRecord) -> UInt64 { sequencer.append(record) }
    @discardableResult func append(_ record: LogRecord, continuation: LogRecord) -> UInt64 {
        sequencer.append(record, continuation: continuation)
    }
    func publish() { sequencer.publish() }
    func release(_ count: Int) {
        reader.consume(count)
        reader.release()
    }
}

@Suite struct `A sequencer` {
    @Test func `agrees with the check value of CRC32C`() {
        #expect(naiveCRC32C("123456789".utf8) == 0xE306_9283)
    }

    @Test(arguments: 0..<4)
    func `chains singles and pairs over many laps of a small ring`(run: UInt64) throws {
        let seed = TestSeed.run &+ run
        var random = SeededRandom(seed: seed)
        let ring = try LogRing<LogRecord>(capacity: 16)
        var reader = ring.gatingReader("test")
        var sequencer = Sequencer(ring: ring)
        var chain = RecordChain()
        var crc: UInt32 = 0
        var all: [UInt8] = []
        var expected: [LogRecord] = []
        var clock: UInt64 = 1_000
        var last: UInt64 = 0
        for _ in 0..<600 {
            // The clock goes back now and then; the log's time does not.
            clock = clock &+ random.below(50) &- random.below(4) &* 10
            sequencer.begin(nowNanos: clock)
            last = max(last, clock)
            while random.below(4) != 0 {
                let isPair = random.below(3) == 0
                guard sequencer.hasRoom(for: 2) else { break }
                let first = record(&random)
                let sequence: UInt64
                if isPair {
                    let second = record(&random, kind: .continuation)
                    sequence = sequencer.append(first, continuation: second)
                    expected.append(first)
                    expected.append(second)
                } else {
                    sequence = sequencer.append(first)
                    expected.append(first)
                }
                #expect(sequence == UInt64(expected.count) - (isPair ? 1 : 0))
            }
            sequencer.publish()
            let count = reader.available()
            for offset in 0..<count {
                let found = reader[offset]
                let number = found.sequence
                let wanted = expected[Int(number) - 1]
                crc = naiveCRC32C(bytes(found).prefix(60), from: crc)
                all += bytes(found).prefix(60)
                #expect(found.crc32c == crc, "seed \(String(seed, radix: 16)), \(number)")
                let isTaken = chain.take(found)
                #expect(isTaken)
                #expect(found.session == wanted.session && found.orderID == wanted.orderID)
                if found.kind == .continuation {
                    #expect(found.timestampNanos == wanted.timestampNanos, "an own field")
                } else {
                    #expect(found.timestampNanos == last)
                }
            }
            reader.consume(count)
            reader.release()
        }
        #expect(chain.lastSequence == UInt64(expected.count))
        // The chain is the checksum of everything so far.
        #expect(naiveCRC32C(all) == chain.crc32c)
    }

    @Test func `goes on with the chain and the time of an earlier log`() throws {
        var random = SeededRandom(seed: 5)
        let log = TestLog(
            try LogRing<LogRecord>(capacity: 8, firstSequence: 100), chain: 0xDEAD_BEEF,
            lastTimestampNanos: 5_000)
        log.begin(4_000)
        #expect(log.hasRoom(1))
        #expect(log.append(record(&random)) == 100)
        log.publish()
        #expect(log.available == 1)
        #expect(log[0].timestampNanos == 5_000)
        var chain = RecordChain(lastSequence: 99, crc32c: 0xDEAD_BEEF)
        let isTaken = chain.take(log[0])
        #expect(isTaken)
    }

    @Test func `has no room in a full ring and takes again where it stopped`() throws {
        var random = SeededRandom(seed: 6)
        let log = TestLog(try LogRing<LogRecord>(capacity: 8))
        log.begin(1)
        var count = 0
        while log.hasRoom(1) {
            log.append(record(&random))
            count += 1
        }
        #expect(count == 8)
        log.publish()
        #expect(!log.hasRoom(1))
        #expect(log.available == 8)
        log.release(1)
        #expect(log.hasRoom(1))
        #expect(!log.hasRoom(2), "no half of a pair")
        log.release(1)
        #expect(log.hasRoom(2))
        // The pair lies in slots 7 and 0: across the end of the ring.
        log.release(6)
        #expect(log.hasRoom(7))
        for _ in 0..<7 { log.append(record(&random)) }
        log.publish()
        #expect(log.available == 7)
        log.release(7)
        #expect(log.hasRoom(2))
        log.append(record(&random), continuation: record(&random, kind: .continuation))
        log.publish()
        #expect(log.available == 2)
        #expect(log[0].isPair && log[0].sequence == 16)
        #expect(log[1].kind == .continuation && log[1].sequence == 17)
    }

    @Test func `shows a burst with one store, at publish`() throws {
        var random = SeededRandom(seed: 7)
        let log = TestLog(try LogRing<LogRecord>(capacity: 64))
        log.begin(1)
        #expect(log.hasRoom(3))
        log.append(record(&random))
        log.append(record(&random), continuation: record(&random, kind: .continuation))
        #expect(log.available == 0)
        #expect(log.publishedSequence == 0)
        #expect(log.nextSequence == 4)
        log.publish()
        #expect(log.available == 3)
        log.publish()
        #expect(log.available == 3)
    }

    @Test func `never shows half a pair to an observer or a reader of another thread`() throws {
        let ring = try LogRing<LogRecord>(capacity: 64)
        var reader = ring.gatingReader("test")
        let total: UInt64 = 20_000
        let isHalf = Atomic<Bool>(false)
        let box = Box(Sequencer(ring: ring))
        let thread = try PinnedThread(name: "nt-test") {
            var random = SeededRandom(seed: 8)
            var idle = IdleStrategy.adaptive
            while box.value.nextSequence <= total {
                box.value.begin(nowNanos: 1)
                for _ in 0..<random.below(5) where box.value.hasRoom(for: 2) {
                    box.value.append(
                        record(&random), continuation: record(&random, kind: .continuation))
                }
                box.value.publish()
                idle.idle(worked: box.value.hasRoom(for: 2))
            }
        }
        var seen: UInt64 = 0
        var idle = IdleStrategy.adaptive
        while seen < total {
            let count = reader.available()
            if count % 2 != 0 || ring.publishedSequence % 2 != 0 {
                isHalf.store(true, ordering: .relaxed)
            }
            for offset in stride(from: 0, to: count, by: 2) where !reader[offset].isPair {
                isHalf.store(true, ordering: .relaxed)
            }
            seen += UInt64(count)
            reader.consume(count)
            reader.release()
            idle.idle(worked: count > 0)
        }
        thread.join()
        let wasHalf = isHalf.load(ordering: .relaxed)
        #expect(!wasHalf)
    }
}

/// Moves a sequencer into a thread.
final class Box: @unchecked Sendable {
    var value: Sequencer
    init(_ value: consuming Sequencer) { self.value = value }
}

@Suite struct `A chain of records` {
    @Test func `takes no record that is torn, stale, foreign or out of turn`() throws {
        let seed = TestSeed.run
        var random = SeededRandom(seed: seed)
        var records: [LogRecord] = []
        var crc: UInt32 = 0
        for sequence in UInt64(1)...20 {
            var next = record(&random)
            next.sequence = sequence
            next.crc32c = naiveCRC32C(bytes(next).prefix(60), from: crc)
            crc = next.crc32c
            records.append(next)
        }
        var chain = RecordChain()
        for (index, good) in records.enumerated() {
            for wrong in records where wrong.sequence != good.sequence {
                let isTaken = chain.take(wrong)
                #expect(!isTaken)
            }
            for _ in 0..<20 {
                var broken = good
                let bit = Int(random.below(512))
                unsafe withUnsafeMutableBytes(of: &broken) { bytes in
                    unsafe bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                }
                let isTaken = chain.take(broken)
                #expect(!isTaken, "seed \(String(seed, radix: 16)), bit \(bit)")
            }
            // The same record behind another history.
            var foreign = RecordChain(lastSequence: UInt64(index), crc32c: chain.crc32c ^ 1)
            let isForeign = foreign.take(good)
            #expect(!isForeign)
            let isTaken = chain.take(good)
            #expect(isTaken)
        }
        #expect(chain.lastSequence == 20)
    }

    @Test func `is open at the gate as far as the log is published, without a journal`() {
        let gate = CommitGate()
        #expect(gate.committedSequence(publishedSequence: 77) == 77)
    }
}
