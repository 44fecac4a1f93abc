// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import RDMAReplica
internal import Wire

/// What a shard has of its cluster.
struct ShardMember {
    let duty: ShardDuty
    let sender: MirrorSender
    /// Where a snapshot of the other host would land.
    let successor: JournalSuccessor
    private let store: SnapshotStore
    private let windowRecordCount: UInt64

    /// Of a shard whose ring goes on behind a place in its log.
    init(
        _ settings: ClusterSettings, _ recovery: ShardRecovery, ring: LogRing<LogRecord>,
        after start: SnapshotPosition, windowRecordCount: UInt64, clock: CycleClock,
        connector: MirrorSender.Connector?
    ) throws {
        successor = JournalSuccessor(folder: recovery.folder, shard: recovery.shard)
        store = recovery.snapshots
        self.windowRecordCount = windowRecordCount
        duty = try ShardDuty(rules: LogRules(recovery.rules))
        sender = MirrorSender(
            ring: ring, shard: recovery.shard,
            after: RecordChain(lastSequence: start.sequence, crc32c: start.recordCRC32C),
            identity: settings.identity, settings: settings.mirror,
            history: MirrorHistory(
                storage: try recovery.open(recovery.folder, .reading),
                shard: recovery.shard, ring: ring), clock: clock, connector: connector)
    }

    /// The snapshots that a standby may be brought up from, as `progress` makes them.
    func snapshots(_ progress: SnapshotProgress) -> MirrorSnapshots {
        MirrorSnapshots(store: store, windowRecordCount: windowRecordCount) { progress.request() }
    }
}
