// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: records are read at multiples of 64 within what was read into `buffer`.
internal import Platform
public import Wire

extension JournalRecovery {
    /// Gives each command of a scanned log that begins at `from` or later and ends at `through` or
    /// before to `visit`, in order, with the second record of a pair. Every record is checked to
    /// stand behind the one before it. May run while the log is written on.
    ///
    /// `from` is `log.firstSequence` or later. Throws `.damaged` where the log is not what `scan`
    /// saw.
    public static func forEachCommand<Storage: JournalStorage>(
        _ storage: Storage, _ log: RecoveredLog, from: UInt64, through: UInt64 = .max,
        visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) {
        do {
            try readCommands(storage, log, from: from, through: through, visit: visit)
        } catch { throw error.located(in: storage.folder, shard: log.shard) }
    }

    private static func readCommands<Storage: JournalStorage>(
        _ storage: Storage, _ log: RecoveredLog, from: UInt64, through: UInt64,
        visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) {
        precondition(from >= log.firstSequence, "a log is read from its first sequence or later")
        let last = min(through, log.lastSequence)
        guard from <= last else { return }
        let buffer = try JournalError.pages(256)
        var walker = RecordWalker(sequence: 0, chain: 0, timestampNanos: 0, visitFrom: from)
        var isPlaced = false
        for segment in log.segments where segment.lastSequence >= from {
            guard segment.geometry.firstSequence <= last else { break }
            do throws(StorageError) {
                let file = try storage.open(segment.name, forWriting: false)
                defer { storage.close(file) }
                if !isPlaced {
                    try place(storage, file, segment, from: from, &walker, buffer)
                    isPlaced = true
                }
                let home = min(
                    last, segment.lastSequence, (log.tailRecords.first?.sequence ?? 0) &- 1)
                try read(storage, file, segment, through: home, &walker, buffer, visit)
            } catch { throw .storage(error) }
            if walker.place.sequence < min(last, segment.lastSequence) {
                takeTail(log, through: last, &walker, visit)
            }
            if walker.place.sequence < min(last, segment.lastSequence) {
                throw .damaged(
                    JournalDamage(
                        file: segment.name,
                        offset: segment.geometry.offset(of: walker.place.sequence + 1),
                        sequence: walker.place.sequence + 1,
                        what: "the record there is not the one that was recovered"))
            }
        }
    }

    /// Stands before `from`: the record before it says what its CRC is.
    private static func place<Storage: JournalStorage>(
        _ storage: Storage, _ file: JournalFile, _ segment: RecoveredSegment, from: UInt64,
        _ walker: inout RecordWalker, _ buffer: borrowing HugePages
    ) throws(StorageError) {
        let first = segment.geometry.firstSequence
        // Home only: what is in the tail is reached from its block's start.
        let start = max(first, JournalFormat.blockBase(from))
        walker.place.sequence = start - 1
        walker.place.chain = segment.chainBefore
        guard start > first else { return }
        let count = try unsafe storage.read(
            file, into: buffer.base, byteCount: 64, offset: segment.geometry.offset(of: start - 1))
        guard count == 64 else { return }
        walker.place.chain = unsafe buffer.base.load(as: LogRecord.self).crc32c
    }

    private static func read<Storage: JournalStorage>(
        _ storage: Storage, _ file: JournalFile, _ segment: RecoveredSegment, through last: UInt64,
        _ walker: inout RecordWalker, _ buffer: borrowing HugePages,
        _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(StorageError) {
        while walker.place.sequence < last {
            let offset = segment.geometry.offset(of: walker.place.sequence + 1)
            let wanted = min(
                256 * JournalFormat.pageByteCount, segment.geometry.offset(of: last + 1) - offset)
            let count = try unsafe storage.read(
                file, into: buffer.base, byteCount: wanted, offset: offset)
            guard count >= 64 else { return }
            guard unsafe walker.takeAll(buffer.base, byteCount: count, visit: visit) else { return }
        }
    }

    private static func takeTail(
        _ log: RecoveredLog, through last: UInt64, _ walker: inout RecordWalker,
        _ visit: (LogRecord, LogRecord?) -> Void
    ) {
        for record in log.tailRecords where record.sequence <= last {
            if record.sequence <= walker.place.sequence { continue }
            let isNext = unsafe withUnsafeBytes(of: record) { bytes in
                unsafe walker.take(bytes.baseAddress!, visit: visit)
            }
            guard isNext else { return }
        }
    }
}
