// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Platform
internal import Wire

//    journal + ring ──▶ LogFollower ──▶ LogFold ─┬▶ SnapshotMaker ──▶ snapshots, old segments
//                                                ├▶ ReportRegenerator ◀──▶ gateway core
//                                                └▶ TradeFinder ◀──▶ whoever asks for a trade

/// What a shard does with its own past while it runs: snapshots, reports of long ago, and trades.
/// Each folds the log through an engine of its own, from disk: the order path knows nothing of it.
///
/// Threading: one thread of low priority polls it; nobody waits for it.
public final class ShardHistory: @unchecked Sendable {
    private let maker: SnapshotMaker
    private let regenerator: ReportRegenerator
    private let finder: TradeFinder
    /// How the snapshots get on; any thread.
    public let snapshots: SnapshotProgress

    init(
        _ recovery: ShardRecovery, ring: LogRing<LogRecord>, status: JournalStatus,
        mailbox: ReportHistory, settings: Configuration.Journal, clock: CycleClock
    ) throws {
        let storage = try recovery.open(recovery.folder, .reading)
        maker = SnapshotMaker(
            shard: recovery.shard, store: recovery.snapshots, storage: storage, ring: ring,
            status: status, settings: settings, clock: clock)
        regenerator = ReportRegenerator(
            mailbox, store: recovery.snapshots, storage: storage, ring: ring, status: status,
            clock: clock, progress: maker.progress)
        finder = TradeFinder(
            store: recovery.snapshots, storage: storage, ring: ring, status: status, clock: clock)
        snapshots = maker.progress
    }

    /// Where trades are asked for; any thread.
    var trades: TradeDesk { finder.desk }

    /// Goes on for some milliseconds. False when there was nothing to do.
    func turn() -> Bool {
        let hasAnswered = regenerator.turn()
        let hasLooked = finder.turn()
        return maker.turn() || hasAnswered || hasLooked
    }
}
