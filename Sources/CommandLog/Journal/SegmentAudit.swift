// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: headers and records are read within what was read into `buffer`, at multiples of 64.
internal import Platform
internal import Wire

/// Reads a segment that is no longer written to, to see whether it is whole.
internal struct SegmentAudit<Storage: JournalStorage>: ~Copyable {
    private let storage: Storage
    private let buffer: HugePages
    private static var pageCount: Int { 256 }

    internal init(_ storage: Storage) throws(JournalError) {
        self.storage = storage
        buffer = try JournalError.pages(Self.pageCount)
    }

    /// What is wrong with the segment that begins with `first`, and ends before `next`, with which
    /// the one behind it begins; nil when every record is there and the next one goes on from it.
    internal func damage(first: UInt64, next: UInt64) throws(StorageError) -> JournalDamage? {
        let name = JournalFormat.segmentName(firstSequence: first)
        func damage(_ offset: Int, _ sequence: UInt64, _ what: String) -> JournalDamage {
            JournalDamage(file: name, offset: offset, sequence: sequence, what: what)
        }
        guard let header = try header(first), header.state == SegmentHeader.State.begun else {
            return damage(0, first, "no valid header of a segment that had begun")
        }
        let geometry = header.geometry
        guard next - 1 <= geometry.lastSequence else {
            return damage(
                0, geometry.lastSequence + 1,
                "it ends with \(geometry.lastSequence), and the next "
                    + "segment begins with \(next)")
        }
        var walker = RecordWalker(
            sequence: first - 1, chain: header.chainBefore, timestampNanos: 0, visitFrom: .max)
        let file = try storage.open(name, forWriting: false)
        defer { storage.close(file) }
        while walker.place.sequence < next - 1 {
            let at = walker.place.sequence + 1
            let wanted = min(
                Self.pageCount * JournalFormat.pageByteCount,
                geometry.offset(of: next) - geometry.offset(of: at))
            let count = try unsafe storage.read(
                file, into: buffer.base, byteCount: wanted, offset: geometry.offset(of: at))
            _ = unsafe walker.takeAll(buffer.base, byteCount: count) { _, _ in }
            let missing = walker.place.sequence + 1
            guard missing > at else {
                return damage(
                    geometry.offset(of: at), at, "the record there is not \(at) of this log")
            }
        }
        if let behind = try self.header(next), behind.state == SegmentHeader.State.begun,
            behind.chainBefore != walker.place.chain
        {
            return damage(0, next, "the segment behind it continues another log")
        }
        return nil
    }

    private func header(_ first: UInt64) throws(StorageError) -> SegmentHeader? {
        let file = try storage.open(
            JournalFormat.segmentName(firstSequence: first), forWriting: false)
        defer { storage.close(file) }
        return try SegmentFile.header(storage, file, first: first, buffer: buffer)
    }
}
