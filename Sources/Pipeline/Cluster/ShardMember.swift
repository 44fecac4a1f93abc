// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import RDMAReplica
internal import Wire

/// What a shard has of its cluster.
struct ShardMember {
    let duty: ShardDuty
    let sender: MirrorSender

    /// Of a shard whose ring goes on behind a place in its log.
    init(
        _ settings: ClusterSettings, _ recovery: ShardRecovery, ring: LogRing<LogRecord>,
        after start: SnapshotPosition, clock: CycleClock,
        connector: MirrorSender.Connector?
    ) throws {
        duty = try ShardDuty()
        sender = MirrorSender(
            ring: ring, shard: recovery.shard,
            after: RecordChain(lastSequence: start.sequence, crc32c: start.recordCRC32C),
            identity: settings.identity, settings: settings.mirror,
            history: MirrorHistory(
                storage: try recovery.open(recovery.folder, .reading),
                shard: recovery.shard, ring: ring), clock: clock, connector: connector)
    }
}
