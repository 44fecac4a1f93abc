// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Synchronization
import TestSeed
import Testing
import Wire

@testable import CommandLog

/// What the threads of one life share.
private final class Life: Sendable {
    let hasPublishedAll = Atomic<Bool>(false)
    let isDone = Atomic<Bool>(false)
    let refusals = Atomic<Int>(0)
    let looks = Atomic<Int>(0)
    let goneBack = Atomic<Int>(0)
    /// The last sequence that the follower has given.
    let followed = Atomic<UInt64>(0)
    let followedWrong = Atomic<Int>(0)
}

/// Runs under the thread sanitizer too: hw/scripts/run-tests.
@Suite struct `A journal with its threads` {
    private static let commandCount: UInt64 = 20_000

    /// The sequencer's thread, the journal's, the segment maker's, one that looks on and one that
    /// follows, over real files; then the same folder once more.
    @Test(arguments: [FileStorage.Mode.journal, .journalWithoutUring])
    func `loses nothing, and never says more than it has`(mode: FileStorage.Mode) throws {
        let seed = TestSeed.run
        let folder = try TemporaryFolder()
        var written = 0
        for life in 1...2 as ClosedRange<UInt32> {
            let storage = try FileStorage(path: folder.path, mode: mode)
            var commands = 0
            var log = try JournalRecovery.scan(storage, shard: 3) { _, _ in commands += 1 }
            #expect(commands == written, "SEED=\(String(seed, radix: 16))")
            try JournalRecovery.seal(storage, &log)
            try Self.run(storage, log, epoch: life, seed: seed &+ UInt64(life))
            written += Int(Self.commandCount)
        }
        let storage = try FileStorage(path: folder.path, mode: .reading)
        let times = try CommitTimes(storage)
        var commands = 0
        var unknown = 0
        _ = try JournalRecovery.scan(storage, shard: 3) { record, continuation in
            commands += 1
            if times.durableNanos(of: (continuation ?? record).sequence) == nil { unknown += 1 }
        }
        #expect(commands == written && unknown == 0)
    }

    private static func run(
        _ storage: FileStorage, _ log: RecoveredLog, epoch: UInt32, seed: UInt64
    ) throws {
        let ring = try LogRing<LogRecord>(capacity: 1_024, firstSequence: log.lastSequence + 1)
        let journal = try Journal(
            ring: ring, reader: ring.gatingReader("journal"), storage: storage, after: log,
            configuration: JournalConfiguration(
                epoch: epoch, shard: 3, rulesVersion: 7, segmentByteCount: 64 << 10))
        let sequencer = Box(
            Sequencer(ring: ring, chain: log.chain, lastTimestampNanos: log.lastTimestampNanos))
        let life = Life()
        let status = journal.status
        let writer = try PinnedThread(name: "nt-test-writer") {
            write(&sequencer.value, status, life, seed: seed)
            life.hasPublishedAll.store(true, ordering: .releasing)
        }
        let poller = try PinnedThread(name: "nt-test-journal") {
            var idle = IdleStrategy.adaptive
            while !life.hasPublishedAll.load(ordering: .acquiring) { journal.turn(&idle) }
            // Until it is done the maker runs on.
            let isDrained = journal.drain()
            if !isDrained { life.goneBack.add(1_000, ordering: .relaxed) }
            life.isDone.store(true, ordering: .releasing)
        }
        let maker = try PinnedThread(name: "nt-test-segments") {
            // Not `turn`: what it sleeps through nobody could see racing.
            while !life.isDone.load(ordering: .acquiring) {
                if !journal.maker.poll() { usleep(20) }
            }
        }
        let observer = try PinnedThread(name: "nt-test-gate") { look(status, ring, life) }
        let reading = try FileStorage(path: storage.folder, mode: .reading)
        let follower = try PinnedThread(name: "nt-test-follow") {
            follow(reading, ring, status, log, life)
        }
        for thread in [writer, poller, maker, observer, follower] { thread.join() }
        #expect(life.followed.load(ordering: .relaxed) == ring.publishedSequence)
        #expect(life.followedWrong.load(ordering: .relaxed) == 0)
        #expect(status.failure == nil && !status.hasFailed)
        #expect(status.durable.load() == ring.publishedSequence)
        #expect(life.goneBack.load(ordering: .relaxed) == 0)
        #expect(life.looks.load(ordering: .relaxed) > 0)
        print("    \(life.refusals.load(ordering: .relaxed)) times no room, segments and ring")
    }

    /// As many commands as are wanted, each when both the disk and the ring have room.
    private static func write(
        _ sequencer: inout Sequencer, _ status: JournalStatus, _ life: Life, seed: UInt64
    ) {
        var random = SeededRandom(seed: seed)
        var count: UInt64 = 0
        while count < commandCount, !status.hasFailed {
            sequencer.begin(nowNanos: count)
            for _ in 0..<min(1 + random.below(40), commandCount - count) {
                let isPair = random.below(3) == 0
                let last = sequencer.nextSequence - 1
                let records: UInt64 = isPair ? 2 : 1
                guard status.hasRoom(for: records, publishedSequence: last),
                    sequencer.hasRoom(for: Int(records))
                else {
                    life.refusals.add(1, ordering: .relaxed)
                    usleep(200)
                    break
                }
                if isPair {
                    _ = sequencer.append(
                        record(&random), continuation: record(&random, kind: .continuation))
                } else {
                    _ = sequencer.append(record(&random))
                }
                count += 1
            }
            sequencer.publish()
            if random.below(4) == 0 { usleep(100) }
        }
    }

    /// Now close behind, now so far that the ring has gone on.
    private static func follow(
        _ storage: FileStorage, _ ring: LogRing<LogRecord>, _ status: JournalStatus,
        _ log: RecoveredLog, _ life: Life
    ) {
        let chain = RecordChain(lastSequence: log.lastSequence, crc32c: log.chain)
        guard let follower = try? LogFollower(storage: storage, shard: 3, ring: ring, after: chain)
        else { return }
        var last = log.lastSequence
        var rounds = 0
        while true {
            let isDone = life.isDone.load(ordering: .acquiring)
            rounds += 1
            if rounds % 50 == 0 { usleep(5_000) }
            let count = try? follower.read(
                through: status.durable.load(), recordCountMax: 1 + rounds % 300
            ) { record, continuation in
                if record.sequence != last + 1 { life.followedWrong.add(1, ordering: .relaxed) }
                last = (continuation ?? record).sequence
            }
            guard let count else {
                life.followedWrong.add(1, ordering: .relaxed)
                break
            }
            if count == 0 {
                if isDone { break }
                usleep(100)
            }
        }
        life.followed.store(last, ordering: .relaxed)
    }

    /// The commit gate's view: never back, never beyond what is published or has room.
    private static func look(_ status: JournalStatus, _ ring: LogRing<LogRecord>, _ life: Life) {
        var durable: UInt64 = 0
        var room: UInt64 = 0
        while !life.isDone.load(ordering: .acquiring) {
            let now = status.durable.load()
            let roomNow = status.room.load()
            if now < durable || roomNow < room || now > ring.publishedSequence || now > roomNow {
                life.goneBack.add(1, ordering: .relaxed)
            }
            durable = now
            room = roomNow
            _ = status.isShortOfSpace
            life.looks.add(1, ordering: .relaxed)
            usleep(20)
        }
    }
}
