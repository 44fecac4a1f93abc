// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Engine
internal import Glibc
internal import NICGateway
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Wire

/// `needletail-lab bench recovery`: how long a start takes behind a long log.
struct RecoveryBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery",
        abstract: "Write a long log with snapshots, and time a gateway's start from it.",
        discussion: """
            Writes --records of an order flow through a journal, folds them once and writes a \
            snapshot every --every records, and then, --runs times, takes a shard up from the disk \
            as a gateway does: scan, snapshot, the log behind it through the engine and the \
            gateway's cache, the end made permanent, a new segment begun. Before each run the page \
            cache forgets the files. The state hash must be that of the flow. 64 bytes of disk a \
            record, taken away again.
            """)

    @Option(help: "A folder on the disk to measure.") var folder = "/var/tmp"
    @Option(help: "Records of the log.") var records = 100_000_000
    @Option(help: "Records from one snapshot to the next; 0 = none.") var every = 10_000_000
    @Option(help: "Sessions of the flow.") var sessions = 1_000
    @Option(help: "Order flow: a or b.") var profile = "a"
    @Option(help: "Starts to time.") var runs = 3

    func validate() throws {
        guard records > 0, every >= 0, runs > 0, (1...65_536).contains(sessions),
            ["a", "b"].contains(profile)
        else {
            throw ValidationError(
                "--records and --runs are positive, --sessions 1…65536, --profile a or b")
        }
    }

    func run() throws {
        let folder = try FreshFolder(in: folder)
        let clock = CycleClock.calibrated()
        let hash = try write(folder, clock)
        try makeSnapshots(folder, clock, hash)
        for _ in 0..<runs {
            try FreshFolder.dropCache(of: folder.shardPath)
            try FreshFolder.dropCache(of: folder.shardPath + "/snapshots")
            try start(folder, clock, hash)
        }
    }

    private func write(_ folder: FreshFolder, _ clock: CycleClock) throws -> UInt64 {
        let start = clock.nowCycles
        let rig = try JournalRig(folder, JournalSettings())
        let (hash, count) = try JournalReplay.write(
            rig, profile: profile == "a" ? .a : .b, sessions: sessions, records: records
        ) { sequence in
            if isatty(1) != 0 { print("\rwriting \(sequence)", terminator: "") }
        }
        if isatty(1) != 0 { print("\r", terminator: "") }
        let seconds = Double(clock.nanos(clock.nowCycles - start)) / 1e9
        print("log of \(count) commands, profile \(profile): written in \(seconds.text(1)) s")
        return hash
    }

    /// One pass, as the thread makes it that follows a journal.
    private func makeSnapshots(
        _ folder: FreshFolder, _ clock: CycleClock, _ hash: UInt64
    ) throws {
        let start = clock.nowCycles
        let storage = try FileStorage(path: folder.shardPath, mode: .reading)
        let store = SnapshotStore(
            path: folder.shardPath + "/snapshots", shard: 0, keptCount: 1_000)
        let log = try JournalRecovery.scan(storage, shard: 0, from: .max)
        let fold = LogFold(shard: 0)
        var failure: SnapshotError?
        try JournalRecovery.forEachCommand(storage, log, from: 1) { record, continuation in
            fold.fold(record, continuation: continuation)
            guard every > 0, failure == nil,
                fold.lastSequence / UInt64(every) > (record.sequence - 1) / UInt64(every)
            else { return }
            do throws(SnapshotError) {
                try store.save(fold, at: fold.position)
            } catch { failure = error }
        }
        if let failure { throw failure }
        guard fold.problem == nil, fold.stateHash == hash else {
            throw ValidationError("the fold of the log is not what was written: a bug")
        }
        let seconds = Double(clock.nanos(clock.nowCycles - start)) / 1e9
        let rate = Double(fold.commandCount) / seconds / 1e6
        print(
            "folded, with \(try store.sequences().count) snapshots: \(seconds.text(1)) s, "
                + "\(rate.text(1)) M commands/s")
    }

    private func start(_ folder: FreshFolder, _ clock: CycleClock, _ hash: UInt64) throws {
        var memory = PortConfiguration()
        memory.mbufCount = 1_023
        let port = try Port.open(PortSpecification("memory"), configuration: memory)
        defer { port.close() }
        let limits = OrderFlow.limits(sessions: sessions)
        var configuration = Configuration()
        configuration.journal = .init(folder: folder.path)
        configuration.orderCapacity = limits.orderCapacity
        configuration.sessionCapacity = limits.sessionCapacity
        configuration.sessionOpenOrdersMax = limits.sessionOpenOrdersMax
        configuration.instrumentCapacity = limits.instrumentCapacity
        configuration.instruments = [
            .init(
                number: 1, symbol: "FLOW",
                lowestPriceTicks: OrderFlow.lowestPriceTicks,
                highestPriceTicks: OrderFlow.highestPriceTicks)
        ]
        let began = clock.nowCycles
        var shard = try Shard(
            number: 0, configuration, queue: port.queue(0), macAddress: port.macAddress,
            clock: clock)
        let read = clock.nanos(clock.nowCycles - began)
        let isSame = shard.loop.engine.stateHash == hash
        try shard.open()
        let opened = clock.nanos(clock.nowCycles - began)
        guard isSame else {
            throw ValidationError("the state that came back is not the one that was written: a bug")
        }
        let last = shard.recovered?.lastSequence ?? 0
        print(
            "start behind \(last) records: \((Double(opened) / 1e9).text(2)) s ("
                + "\((Double(read) / 1e9).text(2)) s to the state, from the snapshot of "
                + "\(shard.recoveredFrom))")
    }
}
