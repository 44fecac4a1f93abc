// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `records` has `capacity` records and `events` a whole ring from `init` to `deinit`; both
// are only indexed below those.
internal import ArgumentParser
internal import CommandLog
internal import Engine
internal import Glibc
internal import Platform
internal import Wire

/// An engine that takes commands one by one, as a replay gives them, and applies them in bursts.
@safe struct BurstFold: ~Copyable {
    private static let capacity = 64
    private static let ringCapacity = 1_024

    private let records: UnsafeMutablePointer<LogRecord>
    private let events: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var engine: Engine
    private var count = 0

    init(limits: EngineLimits) throws {
        unsafe records = .allocate(capacity: Self.capacity)
        unsafe events = .allocate(capacity: Self.ringCapacity)
        outbox = unsafe EventOutbox(slots: events, capacity: Self.ringCapacity, position: 1)
        engine = try Engine(limits: limits)
    }

    deinit {
        unsafe records.deallocate()
        unsafe events.deallocate()
    }

    var stateHash: UInt64 { engine.stateHash }

    @inline(__always) mutating func fold(_ record: LogRecord, _ continuation: LogRecord?) {
        guard continuation == nil else { return foldPair(record, continuation) }
        unsafe records[count] = record
        count &+= 1
        if count == Self.capacity { flush() }
    }

    /// Applies what was kept back. Nobody reads the events, so the ring always has room.
    mutating func flush() {
        var index = 0
        while index < count {
            index += unsafe engine.applyBurst(
                records + index, count: count - index, roomEnd: .max, into: &outbox)
            while !engine.isComplete { _ = engine.resume(into: &outbox) }
        }
        count = 0
    }

    private mutating func foldPair(_ record: LogRecord, _ continuation: LogRecord?) {
        flush()
        var isComplete = engine.apply(record, continuation: continuation, into: &outbox)
        while !isComplete { isComplete = engine.resume(into: &outbox) }
    }
}

/// A log of an order flow, written once, and read again from the disk.
final class JournalReplay {
    private let folder: FreshFolder
    private let storage: FileStorage
    private let clock = CycleClock.calibrated()
    /// Of the flow that was written.
    private let stateHash: UInt64
    let commandCount: Int

    /// Writes about `records` records of the profile through a journal.
    init(
        _ folder: FreshFolder, _ settings: JournalSettings, profile: OrderFlow.Profile,
        sessions: Int, records: Int
    ) throws {
        let rig = try JournalRig(folder, settings)
        (stateHash, commandCount) = try Self.write(
            rig, profile: profile, sessions: sessions, records: records
        ) { _ in }
        self.folder = folder
        storage = rig.storage
    }

    /// Writes about `records` records of the profile, and tells of the sequence now and then. Gives
    /// the state hash behind them and how many commands they are.
    static func write(
        _ rig: JournalRig, profile: OrderFlow.Profile, sessions: Int, records: Int,
        progress: @escaping (UInt64) -> Void
    ) throws -> (stateHash: UInt64, commandCount: Int) {
        try rig.start()
        var failure: (any Error)?
        var commands = 0
        func write(_ record: LogRecord, _ continuation: LogRecord?) {
            guard failure == nil else { return }
            do { try rig.waitForRoom(2) } catch { failure = error }
            rig.sequencer.begin(nowNanos: rig.clock.utcNanos())
            if let continuation {
                rig.sequencer.append(record, continuation: continuation)
            } else {
                rig.sequencer.append(record)
            }
            rig.sequencer.publish()
            commands += 1
            if commands & 0xF_FFFF == 0 { progress(rig.sequencer.publishedSequence) }
        }
        var flow = try OrderFlow(profile: profile, sessions: sessions, seed: 1, observe: write)
        var random = SeededRandom(seed: 2)
        while Int(rig.sequencer.publishedSequence) < records, failure == nil {
            _ = flow.next(session: 1 + Int(random.next() % UInt64(sessions)))
        }
        if let failure { throw failure }
        try rig.stop()
        return (flow.stateHash, commands)
    }

    enum Part: CaseIterable {
        case scan, read, fold

        var text: String {
            switch self {
            case .scan: "scan, every record checked"
            case .read: "forEachCommand, every record checked"
            case .fold: "forEachCommand, checked, and the engine"
            }
        }
    }

    /// Nanoseconds on the wall, and of CPU, that one pass took.
    func measure(
        _ part: Part, isCold: Bool, limits: EngineLimits
    ) throws -> (wall: UInt64, cpu: UInt64) {
        if isCold { try FreshFolder.dropCache(of: folder.shardPath) }
        let log = try part == .scan ? nil : JournalRecovery.scan(storage, shard: 0, from: .max)
        if isCold { try FreshFolder.dropCache(of: folder.shardPath) }
        var fold = try BurstFold(limits: limits)
        var count = 0
        let start = clock.nowCycles
        let cpuStart = ThreadClock.cpuNanos
        switch part {
        case .scan:
            _ = try JournalRecovery.scan(storage, shard: 0) { _, _ in count &+= 1 }
        case .read:
            try JournalRecovery.forEachCommand(storage, log!, from: 1) { _, _ in count &+= 1 }
        case .fold:
            try JournalRecovery.forEachCommand(storage, log!, from: 1) { record, continuation in
                fold.fold(record, continuation)
                count &+= 1
            }
            fold.flush()
        }
        let wall = clock.nanos(clock.nowCycles - start)
        let cpu = ThreadClock.cpuNanos - cpuStart
        guard count == commandCount else {
            throw ValidationError("\(count) of \(commandCount) commands came back: a bug")
        }
        guard part != .fold || fold.stateHash == stateHash else {
            throw ValidationError("the state hash is another than when it was written: a bug")
        }
        return (wall, cpu)
    }
}
