// SPDX-License-Identifier: Apache-2.0
//
//  The bytes of a journal. docs/formats/journal.md draws them.
//
//    <first sequence, 20 digits>.log   header 4,096 | blocks of 64 records … | footer 4,096
//    tail                              16 slots of 4,096: slot header 64 | up to 63 records
//    <first sequence, 20 digits>.times header 64 | notes of 16 …       for auditors only
//
//  Record s of a segment lies at 4096 + (s - (first & ~63)) * 64: congruent with its slot in the
//  ring modulo 4,096, so whole blocks go to disk straight from the ring.
//
// SAFETY: pointers are to pages of 4,096 bytes that the caller owns; each structure has 64 bytes
// without padding, and is copied in and out whole.
internal import Platform

/// The numbers of the format. Little-endian.
public enum JournalFormat {
    /// Written into every header, footer and slot.
    @inlinable public static var version: UInt16 { 1 }
    /// Bytes of a block, a header, a footer and a tail slot: what a disk writes as a unit.
    @inlinable public static var pageByteCount: Int { 4096 }
    /// Records of a block.
    @inlinable public static var blockRecordCount: UInt64 { 64 }
    /// Slots of the tail: more than batches in flight, so that the last durable one stays.
    @inlinable public static var tailSlotCount: Int { 16 }
    /// The most batches in flight.
    @inlinable public static var batchesInFlightMax: Int { 8 }
    /// The name of the tail.
    @inlinable public static var tailName: String { "tail" }
    /// What a name ends with while its file is being made.
    @inlinable public static var temporarySuffix: String { ".tmp" }

    /// What recovery puts behind the name of a file that looks like a segment, and is none; and
    /// a number, when that name is taken.
    @inlinable public static var asideSuffix: String { ".cut" }

    /// Whether a journal gives this name to a file that it is making. All others are not ours.
    public static func isTemporary(_ name: String) -> Bool {
        guard name.hasSuffix(temporarySuffix) else { return false }
        let made = String(name.dropLast(temporarySuffix.utf8.count))
        return made == tailName || firstSequence(ofSegmentNamed: made) != nil
    }

    /// Whether recovery has set a file of this name aside.
    public static func isSetAside(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 && ".\(parts[2])".hasPrefix(asideSuffix)
            && firstSequence(ofSegmentNamed: "\(parts[0]).\(parts[1])") != nil
    }

    /// The name of the segment whose first record has this sequence.
    public static func segmentName(firstSequence: UInt64) -> String {
        SequenceName.name(firstSequence, ending: ".log")
    }

    /// The first sequence in a segment's name; nil for a name of another kind.
    public static func firstSequence(ofSegmentNamed name: String) -> UInt64? {
        SequenceName.sequence(name, ending: ".log")
    }

    /// The name of the file with the commit times of the segment that begins so.
    public static func timesName(firstSequence: UInt64) -> String {
        SequenceName.name(firstSequence, ending: ".times")
    }

    /// The first sequence in the name of such a file; nil for a name of another kind.
    public static func firstSequence(ofTimesNamed name: String) -> UInt64? {
        SequenceName.sequence(name, ending: ".times")
    }

    /// The sequence at which the block of `sequence` begins.
    @inlinable public static func blockBase(_ sequence: UInt64) -> UInt64 { sequence & ~63 }
}

/// Where the records of a segment lie.
public struct SegmentGeometry: Equatable, Sendable {
    /// Sequence of the first record.
    public let firstSequence: UInt64
    /// Bytes of the file: whole pages, 3 or more.
    public let byteCount: Int

    /// Of a file that begins with `firstSequence`.
    public init(firstSequence: UInt64, byteCount: Int) {
        self.firstSequence = firstSequence
        self.byteCount = byteCount
    }

    /// Sequence at which the first block begins: `firstSequence` or up to 63 less.
    public var base: UInt64 { JournalFormat.blockBase(firstSequence) }
    /// Sequence of the last record that has a place.
    public var lastSequence: UInt64 {
        base + UInt64(byteCount / JournalFormat.pageByteCount - 2) * JournalFormat.blockRecordCount
            - 1
    }
    /// Offset of the footer.
    public var footerOffset: Int { byteCount - JournalFormat.pageByteCount }
    /// Offset of a record, in bytes.
    public func offset(of sequence: UInt64) -> Int {
        JournalFormat.pageByteCount + Int(truncatingIfNeeded: sequence &- base) * 64
    }
    /// Whether a file may have this size.
    public static func isSize(_ byteCount: Int) -> Bool {
        byteCount % JournalFormat.pageByteCount == 0 && byteCount >= 3 * JournalFormat.pageByteCount
    }
}

/// 64 bytes at the head of a page, the last four their CRC-32C.
internal protocol JournalStructure: BitwiseCopyable {
    static var magic: UInt32 { get }
    var magic: UInt32 { get }
    var formatVersion: UInt16 { get }
    var crc32c: UInt32 { get set }
}

extension JournalStructure {
    /// Reads it from a page; nil when it is not there whole, or of a version that is not ours.
    internal static func read(
        _ page: UnsafeRawPointer, payloadByteCount: (Self) -> Int = { _ in 0 }
    )
        -> Self?
    {
        precondition(MemoryLayout<Self>.size == 64, "a structure of the journal has 64 bytes")
        let found = unsafe page.loadUnaligned(as: Self.self)
        guard found.magic == magic, found.formatVersion == JournalFormat.version else { return nil }
        let payload = payloadByteCount(found)
        guard payload >= 0, payload <= JournalFormat.pageByteCount - 64,
            unsafe found.crc32c == Self.checksum(page, payloadByteCount: payload)
        else { return nil }
        return found
    }

    /// Writes it to a page, with the CRC over it and over what lies behind it already.
    internal func write(_ page: UnsafeMutableRawPointer, payloadByteCount: Int = 0) {
        unsafe page.storeBytes(of: self, as: Self.self)
        let crc = unsafe Self.checksum(page, payloadByteCount: payloadByteCount)
        unsafe page.storeBytes(of: crc, toByteOffset: 60, as: UInt32.self)
    }

    private static func checksum(_ page: UnsafeRawPointer, payloadByteCount: Int) -> UInt32 {
        unsafe CRC32C.update(
            CRC32C.chained60(0, page), page + 64, count: payloadByteCount)
    }
}

/// The head of a segment's first page; the rest of the page is zero.
internal struct SegmentHeader: JournalStructure {
    internal static var magic: UInt32 { 0x534A_544E }  // "NTJS"

    internal enum State {
        /// Made ahead of time: holds no record, and does not know yet what comes before it.
        internal static var prepared: UInt16 { 1 }
        internal static var begun: UInt16 { 2 }
    }

    internal var magic: UInt32 = Self.magic  // 0
    internal var formatVersion: UInt16 = JournalFormat.version  // 4
    internal var state: UInt16  // 6
    internal var segmentByteCount: UInt64  // 8
    internal var firstSequence: UInt64  // 16
    internal var timestampNanosBefore: UInt64 = 0  // 24
    internal var epoch: UInt32  // 32
    internal var shard: UInt32  // 36
    internal var rulesVersion: UInt32  // 40
    internal var chainBefore: UInt32 = 0  // 44
    internal var reserved48: UInt64 = 0  // 48
    internal var reserved56: UInt32 = 0  // 56
    internal var crc32c: UInt32 = 0  // 60

    internal var geometry: SegmentGeometry {
        SegmentGeometry(
            firstSequence: firstSequence, byteCount: Int(truncatingIfNeeded: segmentByteCount))
    }
}

/// The head of a segment's last page: all up to `lastSequence` is durable, and nothing follows.
internal struct SegmentFooter: JournalStructure {
    internal static var magic: UInt32 { 0x464A_544E }  // "NTJF"

    internal enum State {
        /// Every block was used.
        internal static var full: UInt16 { 1 }
        /// Ended by recovery: a restart begins a new segment.
        internal static var recovered: UInt16 { 2 }
    }

    internal var magic: UInt32 = Self.magic  // 0
    internal var formatVersion: UInt16 = JournalFormat.version  // 4
    internal var state: UInt16  // 6
    internal var firstSequence: UInt64  // 8
    internal var lastSequence: UInt64  // 16
    internal var lastTimestampNanos: UInt64  // 24
    internal var epoch: UInt32  // 32
    internal var shard: UInt32  // 36
    internal var chain: UInt32  // 40
    internal var reserved44: UInt32 = 0  // 44
    internal var reserved48: UInt64 = 0  // 48
    internal var reserved56: UInt32 = 0  // 56
    internal var crc32c: UInt32 = 0  // 60
}

/// The head of a tail slot: one for each batch. Its records end with the batch's last.
internal struct TailSlot: JournalStructure {
    internal static var magic: UInt32 { 0x544A_544E }  // "NTJT"

    internal var magic: UInt32 = Self.magic  // 0
    internal var formatVersion: UInt16 = JournalFormat.version  // 4
    internal var recordCount: UInt16  // 6
    internal var batchNumber: UInt64  // 8
    internal var batchFirstSequence: UInt64  // 16
    internal var durableSequence: UInt64  // 24
    internal var firstSequence: UInt64  // 32
    internal var segmentFirstSequence: UInt64  // 40
    internal var epoch: UInt32  // 48
    internal var shard: UInt32  // 52
    internal var chainBefore: UInt32  // 56
    internal var crc32c: UInt32 = 0  // 60

    /// The last record of the slot, and of its batch.
    internal var lastSequence: UInt64 { firstSequence &+ UInt64(recordCount) &- 1 }

    internal static func read(slot page: UnsafeRawPointer) -> TailSlot? {
        let slot = unsafe read(page) { $0.recordCount < 64 ? Int($0.recordCount) * 64 : -1 }
        // No writer came so far.
        let largest = UInt64.max >> 2
        guard let slot, slot.batchNumber < largest, slot.firstSequence < largest,
            slot.durableSequence < largest
        else { return nil }
        return slot
    }
}
