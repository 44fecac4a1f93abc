// SPDX-License-Identifier: Apache-2.0
//
//  A journal on its threads, as a gateway runs it, and a sequencer to feed it.
//
//    main ▶ Sequencer ──▶ LogRing ──▶ Journal (a thread) ──▶ segments, tail
//                                        └─ SegmentMaker (a thread)
//
// SAFETY: `FreshFolder` hands the system arrays and strings that end with a zero.
internal import ArgumentParser
internal import CommandLog
internal import Foundation
internal import Glibc
internal import Platform
internal import Synchronization
internal import Wire

/// How a journal of a benchmark is built.
struct JournalSettings: Sendable {
    var segmentMB = 256
    var batchesInFlight = 4
    /// Records in the ring; a power of two.
    var ringCapacity = 65_536
    /// Whether the journal's thread never sleeps.
    var isBusy = false
    var cpu: Int?
}

/// A folder of its own in the one that is named, so that nobody's log is touched.
final class FreshFolder {
    let path: String
    /// Where the log of shard 0 lies.
    var shardPath: String { path + "/shard-0" }
    /// As the kernel calls it: ext4, xfs, ….
    let fileSystem: String

    /// Throws where nothing can be made, and on memory that only looks like a disk.
    init(in parent: String) throws {
        unsafe mkdir(parent, 0o700)
        fileSystem = Self.fileSystem(of: parent)
        guard fileSystem != "tmpfs" else {
            throw ValidationError("--folder \(parent) is memory (tmpfs): name one on a disk")
        }
        var name = Array("\(parent)/bench-journal.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&name) != nil else {
            throw ValidationError("--folder \(parent): \(SystemText.of(errno))")
        }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func fileSystem(of path: String) -> String {
        var status = stat()
        guard unsafe stat(path, &status) == 0,
            let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        else { return "unknown" }
        let device = "\(status.st_dev >> 8 & 0xFFF):\(status.st_dev & 0xFF)"
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 6, words[2] == device, let dash = words.firstIndex(of: "-"),
                dash + 1 < words.count
            else { continue }
            return String(words[dash + 1])
        }
        return "unknown"
    }

    /// Has the page cache forget the files of a folder.
    static func dropCache(of path: String) throws {
        let storage = try FileStorage(path: path, mode: .reading)
        for name in try storage.list() {
            let file = unsafe open(path + "/" + name, O_RDONLY)
            guard file >= 0 else { continue }
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// One journal over a new folder. `start`, publish through `sequencer`, `stop`.
final class JournalRig {
    let storage: FileStorage
    let journal: Journal<FileStorage>
    let clock = CycleClock.calibrated()
    var sequencer: Sequencer
    private let settings: JournalSettings
    private let isStopping = Flag()
    private let isMaking = Flag()
    private var threads: [PinnedThread] = []

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    init(_ folder: FreshFolder, _ settings: JournalSettings) throws {
        self.settings = settings
        storage = try FileStorage(path: folder.shardPath)
        let found = try JournalRecovery.scan(storage, shard: 0, from: .max)
        let ring = try LogRing<LogRecord>(capacity: settings.ringCapacity)
        journal = try Journal(
            ring: ring, reader: ring.gatingReader("journal"), storage: storage, after: found,
            configuration: JournalConfiguration(
                epoch: 1, shard: 0, rulesVersion: 1, segmentByteCount: settings.segmentMB << 20,
                batchesInFlight: settings.batchesInFlight))
        sequencer = Sequencer(ring: ring)
        sequencer.follow(journal.status)
    }

    func start() throws {
        let journal = journal
        let isStopping = isStopping
        let isMaking = isMaking
        let strategy = settings.isBusy ? IdleStrategy.busy : .adaptive
        threads.append(
            try PinnedThread(name: "segments") {
                while !isMaking.isSet { journal.maker.turn() }
            })
        threads.append(
            try PinnedThread(name: "journal", cpu: settings.cpu) {
                var idle = strategy
                while !isStopping.isSet { journal.turn(&idle) }
            })
    }

    /// Ends with everything durable; throws what the journal failed of.
    func stop() throws {
        isStopping.set()
        threads.last?.join()
        let isDrained = journal.drain()
        isMaking.set()
        for thread in threads { thread.join() }
        threads = []
        if let failure = journal.status.failure { throw failure }
        guard isDrained else { throw ValidationError("the disk is full") }
    }

    /// How a producer waits that is ahead of the disk: completions need a processor too.
    static var patience: IdleStrategy {
        IdleStrategy(spins: 64, sleepNanosMax: 50_000)
    }

    /// Waits until `count` more records fit.
    func waitForRoom(_ count: Int) throws {
        var idle = Self.patience
        while !sequencer.hasRoom(for: count) {
            if let failure = journal.status.failure { throw failure }
            idle.idle(worked: false)
        }
    }

    /// Publishes so many records, a burst of 64 at a time, as fast as the ring has room, and waits
    /// until all are durable. Nanoseconds.
    func saturate(records: Int) throws -> UInt64 {
        var record = LogRecord(
            kind: .newOrder, session: 1, priceTicks: 100_000, quantityLots: 100, instrument: 1)
        let start = clock.nowCycles
        var left = records
        while left > 0 {
            let burst = min(64, left)
            try waitForRoom(burst)
            sequencer.begin(nowNanos: clock.utcNanos())
            for _ in 0..<burst {
                record.orderID &+= 1
                sequencer.append(record)
            }
            sequencer.publish()
            left -= burst
        }
        try waitForDurable(sequencer.publishedSequence)
        return clock.nanos(clock.nowCycles - start)
    }

    func waitForDurable(_ sequence: UInt64) throws {
        var idle = Self.patience
        while journal.status.durable.load() < sequence {
            if let failure = journal.status.failure { throw failure }
            idle.idle(worked: false)
        }
    }
}
