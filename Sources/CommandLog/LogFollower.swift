// SPDX-License-Identifier: Apache-2.0
//
//    journal's files ──▶ whole blocks ─┐
//                                      ├─▶ [ sequence, chain ] ─▶ commands, in order
//    ring ──▶ what is not home yet ────┘
//
// SAFETY: records are read at multiples of 64 within what was read into `buffer`.
public import Platform
public import Wire

/// Reads a log in order while it is written on: from the journal's files, and what has no place
/// there yet from the ring, which keeps it until it has. So a projection that is far behind and one
/// that is close read the same way, and neither holds the writer back.
///
/// Threading: one thread. Allocates at `init`, and when a segment is opened.
public final class LogFollower<Storage: JournalStorage> {
    private static var bufferPageCount: Int { 64 }

    private let storage: Storage
    private let shard: UInt32
    private let ring: LogRing<LogRecord>?
    private let buffer: HugePages
    private var walker: RecordWalker
    /// Records of the segment end with `last`: behind it, first halves of pairs that a start has
    /// cut off may still lie.
    private var segment: (file: JournalFile, geometry: SegmentGeometry, last: UInt64)?

    /// Goes on behind `chain`: 0 and 0 for the beginning of the log. Without a ring, in another
    /// process than the writer's, it has what is in the files.
    public init(
        storage: Storage, shard: UInt32, ring: LogRing<LogRecord>?, after chain: RecordChain
    ) throws(JournalError) {
        self.storage = storage
        self.shard = shard
        self.ring = ring
        buffer = try JournalError.pages(Self.bufferPageCount)
        walker = RecordWalker(
            sequence: chain.lastSequence, chain: chain.crc32c, timestampNanos: 0, visitFrom: 0)
    }

    deinit { if let segment { storage.close(segment.file) } }

    /// Gives the next commands that end at `through` or before to `visit`: those of at most
    /// `recordCountMax` records. `through` is what is published, or less: what the journal has not
    /// made durable yet is in the ring. Says how many records were taken; 0 when `through` is
    /// reached, and without a ring where the files end. Throws `.damaged` when a record is in
    /// neither, and `.storage`.
    public func read(
        through: UInt64, recordCountMax: Int, visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) -> Int {
        let first = walker.place.sequence
        let last = min(through, first &+ UInt64(recordCountMax))
        while walker.place.sequence < last {
            // The ring lets a record go when it is home: so what is in neither is looked for once
            // more on the disk.
            if try readFiles(through: last, visit) { continue }
            if readRing(through: last, visit) { continue }
            if try readFiles(through: last, visit) { continue }
            guard ring != nil else { break }
            throw missing()
        }
        return Int(walker.place.sequence - first)
    }

    /// The CRC of a record that has its place in a file; nil when no file has it.
    public static func crc(
        of sequence: UInt64, storage: Storage
    ) throws(JournalError) -> UInt32? {
        let buffer = try JournalError.pages(1)
        do throws(StorageError) {
            let firsts = try storage.list().compactMap(
                JournalFormat.firstSequence(ofSegmentNamed:))
            // The segment behind it names it, too: the one that has it may be gone.
            for first in [firsts.filter({ $0 <= sequence }).max(), sequence + 1] {
                guard let first, firsts.contains(first) else { continue }
                if let crc = try crc(of: sequence, inSegment: first, storage, buffer) { return crc }
            }
            return nil
        } catch { throw .storage(error) }
    }

    private static func crc(
        of sequence: UInt64, inSegment first: UInt64, _ storage: Storage,
        _ buffer: borrowing HugePages
    ) throws(StorageError) -> UInt32? {
        let file = try storage.open(
            JournalFormat.segmentName(firstSequence: first), forWriting: false)
        defer { storage.close(file) }
        guard let header = try SegmentFile.header(storage, file, first: first, buffer: buffer)
        else { return nil }
        if first == sequence + 1 { return header.chainBefore }
        guard sequence <= header.geometry.lastSequence else { return nil }
        let count = try unsafe storage.read(
            file, into: buffer.base, byteCount: 64, offset: header.geometry.offset(of: sequence))
        guard count == 64 else { return nil }
        let record = unsafe buffer.base.load(as: LogRecord.self)
        return record.sequence == sequence ? record.crc32c : nil
    }

    /// True when a record was taken.
    private func readFiles(
        through last: UInt64, _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) -> Bool {
        do throws(StorageError) {
            if let segment, try take(segment, through: last, visit) { return true }
            guard let opened = try openSegment() else { return false }
            return try take(opened, through: last, visit)
        } catch { throw .storage(error) }
    }

    private func take(
        _ segment: (file: JournalFile, geometry: SegmentGeometry, last: UInt64),
        through last: UInt64,
        _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(StorageError) -> Bool {
        let before = walker.place.sequence
        let end = min(last, segment.last)
        guard before < end, before + 1 >= segment.geometry.firstSequence else { return false }
        let offset = segment.geometry.offset(of: before + 1)
        let wanted = min(
            Self.bufferPageCount * JournalFormat.pageByteCount,
            segment.geometry.offset(of: end + 1) - offset)
        let count = try unsafe storage.read(
            segment.file, into: buffer.base, byteCount: wanted, offset: offset)
        _ = unsafe walker.takeAll(buffer.base, byteCount: count, visit: visit)
        return walker.place.sequence > before
    }

    /// The segment that has the next record, if it is another than the one that is open.
    private func openSegment() throws(StorageError)
        -> (file: JournalFile, geometry: SegmentGeometry, last: UInt64)?
    {
        let next = walker.place.sequence + 1
        let firsts = try storage.list().compactMap(JournalFormat.firstSequence(ofSegmentNamed:))
        guard let first = firsts.filter({ $0 <= next }).max(),
            first != segment?.geometry.firstSequence
        else { return nil }
        let file = try storage.open(
            JournalFormat.segmentName(firstSequence: first), forWriting: false)
        let header: SegmentHeader?
        do { header = try SegmentFile.header(storage, file, first: first, buffer: buffer) } catch {
            storage.close(file)
            throw error
        }
        guard let header else {
            storage.close(file)
            return nil
        }
        if let segment { storage.close(segment.file) }
        let following = firsts.filter { $0 > first }.min() ?? .max
        segment = (file, header.geometry, min(header.geometry.lastSequence, following - 1))
        return segment
    }

    /// True when a record was taken.
    private func readRing(
        through last: UInt64, _ visit: (LogRecord, LogRecord?) -> Void
    ) -> Bool {
        let before = walker.place.sequence
        guard let ring, before + 1 >= ring.firstSequence else { return false }
        var observer = ring.observer(from: before + 1)
        while walker.place.sequence < last {
            guard case .record(let record) = observer.next() else { break }
            let isNext = unsafe withUnsafeBytes(of: record) { bytes in
                unsafe walker.take(bytes.baseAddress!, visit: visit)
            }
            guard isNext else { break }
        }
        return walker.place.sequence > before
    }

    private func missing() -> JournalError {
        let sequence = walker.place.sequence + 1
        let first = segment?.geometry.firstSequence ?? sequence
        return JournalError.damaged(
            JournalDamage(
                file: JournalFormat.segmentName(firstSequence: first),
                offset: segment?.geometry.offset(of: sequence) ?? 0, sequence: sequence,
                what: "the record is durable, and neither here nor in memory")
        ).located(in: storage.folder, shard: shard)
    }
}
