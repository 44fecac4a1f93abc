// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `open` is called by the thread that asks alone; everything else is for all.
internal import CommandLog
internal import Platform
internal import Wire

/// Finds a trade in the log of a shard: folds it from the newest snapshot before the trade up to
/// its command, as the journal and the ring have it. The engine keeps no trades.
///
/// Threading: one thread at a time; it takes the memory of another engine while it looks, and some
/// tenths of a second for ten million commands.
final class TradeFinder: @unchecked Sendable {
    /// What has come of it.
    enum Finding: Equatable {
        /// The trade, and when it was made, UTC nanoseconds.
        case trade(TradeBust, timestampNanos: UInt64)
        /// There is none: why, for a person to read.
        case nothing(String)
    }

    private static let recordsPerRead = 4_096

    private let shard: UInt32
    private let snapshots: SnapshotStore
    private let ring: LogRing<LogRecord>
    private let status: JournalStatus
    private let open: () throws -> FileStorage

    init(_ recovery: ShardRecovery, ring: LogRing<LogRecord>, status: JournalStatus) {
        shard = recovery.shard
        snapshots = recovery.snapshots
        self.ring = ring
        self.status = status
        // Not the recovery itself, whose storage is locked for as long as it is there.
        open = { [open = recovery.open, folder = recovery.folder] in try open(folder, .reading) }
    }

    /// The trade with an index, from 0, in the command with a sequence. Throws what keeps the log
    /// from being read.
    func find(sequence: UInt64, index: UInt16) throws -> Finding {
        let durable = status.durable.load()
        guard sequence > 0, sequence <= durable else {
            return .nothing("the log of shard \(shard) is durable up to sequence \(durable)")
        }
        let storage = try open()
        var skipped: [SkippedSnapshot] = []
        let log = try LogFold.newest(in: snapshots, until: sequence - 1, skipped: &skipped)
        let first = JournalFormat.segmentName(firstSequence: 1)
        guard try log.lastSequence > 0 || storage.list().contains(first) else {
            return .nothing(
                "the log of shard \(shard) is here no more from so long ago: bust it where its "
                    + "old segments are kept")
        }
        let follower = try LogFollower(
            storage: storage, shard: shard, ring: ring, after: log.position.chain)
        var found: [Event] = []
        var timestampNanos: UInt64 = 0
        // A command of two records is read when its second is.
        let end = min(durable, sequence + 1)
        var taken = 1
        while taken > 0, log.lastSequence < sequence {
            taken = try follower.read(through: end, recordCountMax: Self.recordsPerRead) {
                record, continuation in
                guard record.sequence == sequence else {
                    return log.fold(record, continuation: continuation)
                }
                timestampNanos = record.timestampNanos
                log.fold(record, continuation: continuation) { event in
                    if event.kind == .traded, event.detail == index { found.append(event) }
                }
            }
            if let problem = log.problem { throw HistoryError(cause: problem) }
        }
        guard found.count == 2 else {
            return .nothing("the command with sequence \(sequence) made no trade \(index)")
        }
        return .trade(
            TradeBust(of: found[0], found[1], tradeSequence: sequence),
            timestampNanos: timestampNanos)
    }
}
