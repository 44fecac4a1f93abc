// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

extension JournalRecovery {
    /// Begins a journal whose log goes on behind a snapshot: a tail, and a segment without a record
    /// that says what comes before it. A start then finds a log that ends with the snapshot, and
    /// needs it. The folder holds no log; or the same one without a record, when a crash came
    /// between this and the first of them. A crash meanwhile leaves a folder to begin in again.
    ///
    /// Throws when the folder holds a log, and when the disk refuses.
    public static func begin<Storage: JournalStorage>(
        _ storage: Storage, behind position: SnapshotPosition
    ) throws(JournalError) {
        let log = try scan(storage, shard: position.shard)
        guard log.segments.isEmpty else {
            if log.firstSequence == position.sequence + 1, log.lastSequence == position.sequence,
                log.chain == position.recordCRC32C
            {
                return
            }
            throw .storage(
                StorageError(
                    "begin a log behind sequence \(position.sequence) in", file: storage.folder,
                    errno: EEXIST,
                    cure: "a log to sequence \(log.lastSequence) is there: move the folder away; "
                        + "nothing was changed"))
        }
        let page = try JournalError.pages(1)
        let zeros = try JournalError.pages(SegmentFile.fillPageCount)
        let header = SegmentHeader(
            state: SegmentHeader.State.begun,
            segmentByteCount: UInt64(3 * JournalFormat.pageByteCount),
            firstSequence: position.sequence + 1, timestampNanosBefore: position.timestampNanos,
            epoch: position.epoch, shard: position.shard, rulesVersion: position.rulesVersion,
            chainBefore: position.recordCRC32C)
        let configuration = JournalConfiguration(
            epoch: position.epoch, shard: position.shard, rulesVersion: position.rulesVersion)
        do throws(StorageError) {
            // As of a new log: a tail that knew of records before there is a segment is damage.
            storage.close(
                try TailFile.open(
                    storage, after: log, configuration, page: page, zeros: zeros))
            storage.close(
                try SegmentFile.make(
                    storage, header: header, page: page, zeros: zeros, isFilled: true))
        } catch { throw JournalError.storage(error).located(in: storage.folder, shard: log.shard) }
    }
}
