// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: two records are read from the start of `page`, when so much of it was filled.
public import Platform
public import Wire

// A single record of a log, to hold two hosts' logs against each other.
extension JournalStorage {
    /// The record with this sequence from its segment; nil when it is not there, or does not stand
    /// behind the one before it. Reads two records and a header, whatever the log's length.
    ///
    /// Behind the end of the log may lie what a start has cut off: whoever asks knows the end.
    internal func record(_ sequence: UInt64) throws(JournalError) -> LogRecord? {
        let page = try JournalError.pages(1)
        do throws(StorageError) {
            let firsts = try list().compactMap(JournalFormat.firstSequence(ofSegmentNamed:))
            guard let first = firsts.filter({ $0 <= sequence }).max() else { return nil }
            let file = try open(JournalFormat.segmentName(firstSequence: first), forWriting: false)
            defer { close(file) }
            guard let header = try SegmentFile.header(self, file, first: first, buffer: page),
                header.state == SegmentHeader.State.begun,
                sequence <= header.geometry.lastSequence
            else { return nil }
            let offset = header.geometry.offset(of: sequence)
            guard
                try unsafe read(file, into: page.base, byteCount: 128, offset: offset - 64) == 128
            else { return nil }
            let before = unsafe page.base.load(as: LogRecord.self)
            let record = unsafe page.base.load(fromByteOffset: 64, as: LogRecord.self)
            let seed = sequence == first ? header.chainBefore : before.crc32c
            var chain = RecordChain(lastSequence: sequence - 1, crc32c: seed)
            return chain.take(record) ? record : nil
        } catch { throw .storage(error) }
    }

    /// The CRC of a record of a log that is being written, from the ring or, when it has left that,
    /// from the journal's files; nil when it is in neither: not published yet, or let go.
    ///
    /// Threading: any, cold: it allocates, and reads a file.
    public func crc32c(
        of sequence: UInt64, ring: LogRing<LogRecord>
    ) throws(JournalError) -> UInt32? {
        guard sequence > 0, sequence <= ring.publishedSequence else {
            return sequence == 0 ? 0 : nil
        }
        // In this order: a record leaves the ring only when it is home.
        if sequence >= ring.firstSequence {
            var observer = ring.observer(from: sequence)
            if case .record(let record) = observer.next(), record.sequence == sequence {
                return record.crc32c
            }
        }
        return try record(sequence)?.crc32c
    }
}

extension RecoveredLog {
    /// The CRC of the record with this sequence, 0 for sequence 0 of a log from the beginning; nil
    /// when it is not in the log, or not any more. Of the record before the first one that is here
    /// it is known too.
    public func crc32c<Storage: JournalStorage>(
        of sequence: UInt64, in storage: Storage
    ) throws(JournalError) -> UInt32? {
        if sequence == lastSequence { return chain }
        guard sequence < lastSequence, sequence + 1 >= firstSequence else { return nil }
        if sequence + 1 == firstSequence { return segments.first?.chainBefore }
        return try record(sequence, in: storage)?.crc32c
    }

    /// The record with this sequence, wherever it lies.
    internal func record<Storage: JournalStorage>(
        _ sequence: UInt64, in storage: Storage
    ) throws(JournalError) -> LogRecord? {
        guard sequence >= firstSequence, sequence <= lastSequence else { return nil }
        if let record = tailRecords.first(where: { $0.sequence == sequence }) { return record }
        return try storage.record(sequence)
    }
}
