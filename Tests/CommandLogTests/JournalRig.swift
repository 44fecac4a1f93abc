// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Synchronization
import Testing
import Wire

@testable import CommandLog

/// One command as it was appended or recovered.
struct Command: Equatable {
    var first: [UInt8]
    var second: [UInt8]?
    var sequence: UInt64

    init(_ record: LogRecord, _ continuation: LogRecord?) {
        first = bytes(record)
        second = continuation.map { bytes($0) }
        sequence = record.sequence
    }
    var lastSequence: UInt64 { sequence + (second == nil ? 0 : 1) }
}

/// Time that passes when it is looked at.
final class CountingClock: Sendable {
    private let value = Atomic<UInt64>(1_700_000_000_000_000_000)
    var last: UInt64 { value.load(ordering: .relaxed) }
    func next() -> UInt64 { value.add(1_000, ordering: .relaxed).newValue }
}

private final class Waiting: Sendable { let isAwaited = Atomic(true) }

/// A log with its journal over a storage, through crashes and restarts, and what was promised.
final class JournalRig<Storage: JournalStorage> {
    var storage: Storage
    var random: SeededRandom
    /// Every command that was ever published, and is not known to be lost.
    var commands: [Command] = []
    /// What was ever said to be durable.
    var acknowledged: UInt64 = 0
    var epoch: UInt32 = 0
    var clock: UInt64 = 1_000_000
    var ringCapacity = 256
    var segmentByteCount = 4096 * 6
    /// Of the first segment after a start; nil = as the others.
    var firstSegmentByteCount: Int?
    var batchesInFlight = 4
    var batchByteCountMax = 1 << 20
    let shard: UInt32 = 3
    /// A thousand more each time that it is asked.
    let utcClock = CountingClock()
    /// Whether somebody waits for the disk.
    var isAwaited: Bool {
        get { waiting.isAwaited.load(ordering: .relaxed) }
        set { waiting.isAwaited.store(newValue, ordering: .relaxed) }
    }
    private let waiting = Waiting()
    /// What was seen to become durable in this life, and between which times.
    var seen: [(durable: UInt64, after: UInt64, until: UInt64)] = []
    var recovered: RecoveredLog?

    var ring: LogRing<LogRecord>?
    private var sequencer: Box?
    var journal: Journal<Storage>?

    init(_ storage: Storage, seed: UInt64) {
        self.storage = storage
        random = SeededRandom(seed: seed)
    }

    var lastSequence: UInt64 { commands.last?.lastSequence ?? 0 }

    /// Scans and holds what is found against what was published and acknowledged.
    @discardableResult
    func scan(_ hint: String, from: UInt64 = 1) throws -> RecoveredLog {
        var found: [Command] = []
        let log = try JournalRecovery.scan(storage, shard: shard, from: from) {
            found.append(Command($0, $1))
        }
        check(log, found, from: from, hint)
        return log
    }

    func check(_ log: RecoveredLog, _ found: [Command], from: UInt64, _ hint: String) {
        #expect(log.lastSequence >= acknowledged, "acknowledged is lost; \(hint)")
        let expected = commands.filter {
            $0.lastSequence <= log.lastSequence && $0.sequence >= from
        }
        if found != expected {
            Issue.record("other commands: \(found.count) for \(expected.count); \(hint)")
        }
        let isWhole =
            log.lastSequence == 0 || commands.contains { $0.lastSequence == log.lastSequence }
        #expect(isWhole, "ends at \(log.lastSequence), not at a command; \(hint)")
        #expect(log.durableSequence <= log.lastSequence, "\(hint)")
    }

    /// Recovers, seals, and begins the next epoch behind it.
    func start(_ hint: String) throws {
        var log = try scan(hint)
        try JournalRecovery.seal(storage, &log)
        try begin(log)
    }

    func begin(_ log: RecoveredLog) throws {
        commands.removeAll { $0.lastSequence > log.lastSequence }
        recovered = log
        acknowledged = log.lastSequence
        epoch = max(epoch, log.epoch) + 1
        let ring = try LogRing<LogRecord>(
            capacity: ringCapacity, firstSequence: log.lastSequence + 1)
        var configuration = JournalConfiguration(
            epoch: epoch, shard: shard, rulesVersion: 7, segmentByteCount: segmentByteCount,
            batchesInFlight: batchesInFlight, batchByteCountMax: batchByteCountMax,
            restPollCount: 3)
        configuration.firstSegmentByteCount = firstSegmentByteCount ?? segmentByteCount
        configuration.utcNanos = { [utcClock] in utcClock.next() }
        journal = try Journal(
            ring: ring, reader: ring.gatingReader("journal"), storage: storage, after: log,
            configuration: configuration)
        journal?.isAwaited = { [waiting] in waiting.isAwaited.load(ordering: .relaxed) }
        seen = []
        self.ring = ring
        sequencer = Box(
            Sequencer(
                ring: ring, chain: log.chain, lastTimestampNanos: log.lastTimestampNanos))
        _ = append(
            LogRecord.epochStart(
                epoch: epoch, rulesVersion: 7, lastCarriedSequence: log.lastSequence,
                indexSeed: 9, shard: shard, host: 1),
            record(&random, kind: .continuation))
        sequencer?.value.publish()
    }

    /// False when the ring or the disk has no room.
    func append(_ first: LogRecord, _ second: LogRecord?) -> Bool {
        guard let sequencer, let journal else { return false }
        clock += random.below(3)
        sequencer.value.begin(nowNanos: clock)
        let count = UInt64(second == nil ? 1 : 2)
        let last = sequencer.value.nextSequence - 1
        guard journal.status.hasRoom(for: count, publishedSequence: last),
            sequencer.value.hasRoom(for: Int(count))
        else { return false }
        if let second {
            let sequence = sequencer.value.append(first, continuation: second)
            let records = (sequencer.value.read(sequence), sequencer.value.read(sequence + 1))
            commands.append(Command(records.0, records.1))
        } else {
            let sequence = sequencer.value.append(first)
            commands.append(Command(sequencer.value.read(sequence), nil))
        }
        return true
    }

    /// Publishes up to `most` commands in one burst.
    func publish(upTo most: UInt64) {
        for _ in 0..<random.below(most + 1) {
            let isPair = random.below(3) == 0
            guard append(record(&random), isPair ? record(&random, kind: .continuation) : nil)
            else { break }
        }
        sequencer?.value.publish()
    }

    /// Publishes single records up to this sequence.
    func fill(through sequence: UInt64) {
        while lastSequence < sequence, append(record(&random), nil) {}
        sequencer?.value.publish()
    }

    /// Publishes a pair.
    func publishPair() {
        _ = append(record(&random), record(&random, kind: .continuation))
        sequencer?.value.publish()
    }

    func poll() {
        guard let journal else { return }
        let before = utcClock.last
        _ = journal.poll()
        let durable = journal.status.durable.load()
        #expect(durable >= acknowledged)
        #expect(durable == acknowledged || isWhole(durable), "half a command: \(durable)")
        if durable > acknowledged { seen.append((durable, before, utcClock.last)) }
        acknowledged = durable
    }

    /// Whether a command ends there.
    func isWhole(_ sequence: UInt64) -> Bool {
        var range = commands[...]
        while let middle = range.indices.dropFirst(range.count / 2).first {
            let last = commands[middle].lastSequence
            if last == sequence { return true }
            range = last < sequence ? range[(middle + 1)...] : range[..<middle]
        }
        return false
    }

    /// A random step of everybody.
    func step(burst: UInt64 = 40) {
        if random.below(3) == 0 { publish(upTo: burst) }
        for _ in 0..<random.below(4) { poll() }
        if random.below(4) == 0 { _ = journal?.maker.poll() }
    }

    /// Until all is durable and the tail is at rest.
    func rest() {
        for round in 0..<200_000 {
            if round % 256 == 255 { usleep(50) }
            poll()
            _ = journal?.maker.poll()
            if journal?.isAtRest != false || journal?.status.hasFailed == true { break }
        }
    }

    /// The process is gone; `storage` sees to the disk.
    func kill() {
        journal = nil
        sequencer = nil
        ring = nil
    }
}

extension JournalRig where Storage == FaultyStorage {
    func crash() {
        storage.crash()
        kill()
    }
}

/// Whether what a fault left is found whole or refused; anything else is recorded.
enum Verdict: Equatable {
    case recovered
    case refused(file: String, sequence: UInt64)
}

extension JournalRig {
    func verdict(_ storage: Storage, _ hint: String) -> Verdict? {
        var found: [Command] = []
        do throws(JournalError) {
            let log = try JournalRecovery.scan(storage, shard: shard) {
                found.append(Command($0, $1))
            }
            // Without its oldest files a log begins later, and says so.
            check(log, found, from: log.firstSequence, hint)
            return .recovered
        } catch {
            guard case .damaged(let damage) = error else {
                Issue.record("\(error); \(hint)")
                return nil
            }
            #expect(!damage.file.isEmpty && !damage.what.isEmpty && !damage.cure.isEmpty)
            #expect(damage.offset >= 0)
            return .refused(file: damage.file, sequence: damage.sequence)
        }
    }

    /// The same at a fraction of the cost: the chain's value stands for all records.
    func quickScan() throws(JournalError) -> RecoveredLog {
        var scan = try JournalScan(storage: storage, shard: shard, from: 1, bufferPageCount: 1)
        return try scan.run { _, _ in }
    }

    /// The chain behind each whole command.
    var chains: [UInt64: UInt32] {
        var result: [UInt64: UInt32] = [:]
        for command in commands {
            let last = command.second ?? command.first
            result[command.lastSequence] = last.suffix(4).reversed().reduce(0) {
                $0 << 8 | UInt32($1)
            }
        }
        return result
    }
}

extension JournalStatus {
    /// Whether a log published up to `publishedSequence` may take `count` more records.
    func hasRoom(for count: UInt64, publishedSequence: UInt64) -> Bool {
        publishedSequence &+ count <= room.load() && !hasFailed
    }
}
