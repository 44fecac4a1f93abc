// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the page is one of the caller's, written whole before it is given to the storage.
internal import Platform

/// The tail at the start of a journal.
internal enum TailFile {
    /// Opens the tail for writing, with a valid slot in it from here on for good: so a tail without
    /// one, behind which something was acknowledged, is known to be damaged.
    ///
    /// Comes before the first segment: a crash between the two leaves a log that has not begun.
    internal static func open<Storage: JournalStorage>(
        _ storage: Storage, after log: RecoveredLog, _ configuration: JournalConfiguration,
        page: borrowing HugePages, zeros: borrowing HugePages
    ) throws(StorageError) -> JournalFile {
        let name = JournalFormat.tailName
        let isThere = try storage.list().contains(name)
        if isThere, log.hasTailSlot { return try storage.open(name, forWriting: true) }
        // Number 0 says nothing but that the tail is whole; the first batch is number 1.
        let first = log.lastSequence + 1
        let slot = TailSlot(
            recordCount: 0, batchNumber: log.nextBatchNumber - 1, batchFirstSequence: first,
            durableSequence: log.lastSequence, firstSequence: first,
            segmentFirstSequence: first, epoch: configuration.epoch, shard: configuration.shard,
            chainBefore: log.chain)
        unsafe slot.write(page.base)
        // A tail without a slot is one whose first was torn: it is made anew.
        return try SegmentFile.make(
            storage, name: name,
            byteCount: JournalFormat.tailSlotCount * JournalFormat.pageByteCount, firstPage: page,
            zeros: zeros, isFilled: true)
    }
}
