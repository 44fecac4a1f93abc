// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Pipeline
internal import Platform
internal import Wire

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
        _ part: Part, isCold: Bool
    ) throws -> (wall: UInt64, cpu: UInt64) {
        if isCold { try FreshFolder.dropCache(of: folder.shardPath) }
        let log = try part == .scan ? nil : JournalRecovery.scan(storage, shard: 0, from: .max)
        if isCold { try FreshFolder.dropCache(of: folder.shardPath) }
        let fold = LogFold(shard: 0)
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
                fold.fold(record, continuation: continuation)
                count &+= 1
            }
            _ = fold.stateHash
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
