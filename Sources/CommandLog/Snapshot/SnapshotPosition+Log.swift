// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SnapshotPosition {
    /// Whether it is a place in this log, which was found in `storage`: its record is the last one
    /// there, or the one behind it goes on from it.
    public func belongs<Storage: JournalStorage>(
        to log: RecoveredLog, in storage: Storage
    ) throws(JournalError) -> Bool {
        guard shard == log.shard, sequence <= log.lastSequence, sequence >= log.firstSequence - 1
        else { return false }
        guard sequence < log.lastSequence else { return recordCRC32C == log.chain }
        var fits = false
        let next = sequence + 1
        try JournalRecovery.forEachCommand(storage, log, from: next, through: next + 1) {
            record, _ in
            var chain = chain
            fits = fits || record.sequence == next && chain.take(record)
        }
        return fits
    }
}
