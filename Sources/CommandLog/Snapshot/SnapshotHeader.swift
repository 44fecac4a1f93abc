// SPDX-License-Identifier: Apache-2.0
//
//  A snapshot file: a header of 4,096 bytes, drawn in docs/formats/snapshot.md, and an image.
//
// SAFETY: the header is read and written inside buffers whose length is checked first; it is made
// of integers, without padding.
internal import Platform

/// Where in the log a state was: after the last record that was applied, and whose log that is.
public struct SnapshotPosition: Equatable, Sendable {
    /// The shard.
    public var shard: UInt32
    /// The epoch of the last record.
    public var epoch: UInt32
    /// The version of the rules in force behind it.
    public var rulesVersion: UInt32
    /// Sequence of the last record applied; of a command of two records the second's. 0: none.
    public var sequence: UInt64
    /// The chained CRC of that record, the seed of the next; 0: none.
    public var recordCRC32C: UInt32
    /// Its timestamp, UTC nanoseconds.
    public var timestampNanos: UInt64
    /// Public reports that the log has made so far: where the public stream is.
    public var publicReportCount: UInt64

    /// All of it.
    public init(
        shard: UInt32, epoch: UInt32, rulesVersion: UInt32, sequence: UInt64,
        recordCRC32C: UInt32, timestampNanos: UInt64, publicReportCount: UInt64
    ) {
        self.shard = shard
        self.epoch = epoch
        self.rulesVersion = rulesVersion
        self.sequence = sequence
        self.recordCRC32C = recordCRC32C
        self.timestampNanos = timestampNanos
        self.publicReportCount = publicReportCount
    }

    /// Before the first record of a shard's log.
    public static func start(shard: UInt32) -> SnapshotPosition {
        SnapshotPosition(
            shard: shard, epoch: 0, rulesVersion: 0, sequence: 0, recordCRC32C: 0,
            timestampNanos: 0, publicReportCount: 0)
    }

    /// The chain that the records behind this position must go on.
    public var chain: RecordChain { RecordChain(lastSequence: sequence, crc32c: recordCRC32C) }
}

/// What the header of a snapshot says.
public struct SnapshotHeader: Equatable, Sendable {
    /// Bytes of a header.
    public static let byteCount = 4096
    /// The version of the format.
    public static let formatVersion: UInt32 = 1
    /// "NTSNAPSH", as bytes.
    static let magic: UInt64 = 0x4853_5041_4E53_544E

    /// Where in the log.
    public var position: SnapshotPosition
    /// The folder's state hash there.
    public var stateHash: UInt64
    /// Bytes of the image behind the header.
    public var imageByteCount: UInt64
    /// Their CRC-32C.
    public var imageCRC32C: UInt32

    /// The header of an image.
    public init(position: SnapshotPosition, stateHash: UInt64, image: RawSpan) {
        self.position = position
        self.stateHash = stateHash
        imageByteCount = UInt64(image.byteCount)
        imageCRC32C = CRC32C.update(0, image)
    }

    /// The fields in front of the zeros: 80 bytes.
    private struct Fields: BitwiseCopyable {
        var magic: UInt64  //            0
        var formatVersion: UInt32  //    8
        var headerByteCount: UInt32  // 12
        var shard: UInt32  //           16
        var epoch: UInt32  //           20
        var rulesVersion: UInt32  //    24
        var recordCRC32C: UInt32  //    28
        var sequence: UInt64  //        32
        var timestampNanos: UInt64  //  40
        var stateHash: UInt64  //       48
        var imageByteCount: UInt64  //  56
        var publicReportCount: UInt64  // 64
        var imageCRC32C: UInt32  //     72
        var reserved: UInt32  //        76  zero
    }

    private static let crcByteOffset = byteCount - 4

    /// The 4,096 bytes; zero where nothing is said, the CRC of all before it in the last four.
    public func encoded() -> [UInt8] {
        let fields = Fields(
            magic: Self.magic, formatVersion: Self.formatVersion,
            headerByteCount: UInt32(Self.byteCount), shard: position.shard, epoch: position.epoch,
            rulesVersion: position.rulesVersion, recordCRC32C: position.recordCRC32C,
            sequence: position.sequence, timestampNanos: position.timestampNanos,
            stateHash: stateHash, imageByteCount: imageByteCount,
            publicReportCount: position.publicReportCount, imageCRC32C: imageCRC32C, reserved: 0)
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe buffer.storeBytes(of: fields, as: Fields.self)
            let crc = unsafe CRC32C.update(0, buffer.baseAddress!, count: Self.crcByteOffset)
            unsafe buffer.storeBytes(of: crc, toByteOffset: Self.crcByteOffset, as: UInt32.self)
        }
        return bytes
    }

    /// Reads 4,096 bytes back. Throws `damaged` when they are no header of this format; `path`
    /// names the file in it.
    init(decoding bytes: RawSpan, path: String) throws(SnapshotError) {
        func check(
            _ holds: Bool, _ byteOffset: Int, _ found: String, _ right: String
        ) throws(SnapshotError) {
            guard holds else {
                throw .damaged(path: path, byteOffset: byteOffset, found: found, right: right)
            }
        }
        try check(
            bytes.byteCount == Self.byteCount, 0, "\(bytes.byteCount) bytes",
            "at least \(Self.byteCount)")
        let fields = unsafe bytes.unsafeLoadUnaligned(as: Fields.self)
        try check(fields.magic == Self.magic, 0, "another magic number", "that of a snapshot")
        try check(
            fields.formatVersion == Self.formatVersion, 8,
            "format version \(fields.formatVersion)", "\(Self.formatVersion)")
        let stated = unsafe bytes.unsafeLoadUnaligned(
            fromByteOffset: Self.crcByteOffset, as: UInt32.self)
        let found = CRC32C.update(0, bytes.extracting(..<Self.crcByteOffset))
        try check(
            stated == found, Self.crcByteOffset, "a header with checksum \(found)",
            "\(stated), as its last bytes say")
        try check(
            Int(fields.headerByteCount) == Self.byteCount, 12,
            "a header of \(fields.headerByteCount) bytes", "\(Self.byteCount)")
        position = SnapshotPosition(
            shard: fields.shard, epoch: fields.epoch, rulesVersion: fields.rulesVersion,
            sequence: fields.sequence, recordCRC32C: fields.recordCRC32C,
            timestampNanos: fields.timestampNanos, publicReportCount: fields.publicReportCount)
        stateHash = fields.stateHash
        imageByteCount = fields.imageByteCount
        imageCRC32C = fields.imageCRC32C
        let used = MemoryLayout<Fields>.size
        let rest = bytes.extracting((used - 4)..<Self.crcByteOffset)
        let isClear = (0..<rest.byteCount / 4).allSatisfy {
            unsafe rest.unsafeLoadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) == 0
        }
        try check(isClear, used - 4, "reserved bytes are set", "zero")
    }
}

extension Span where Element == UInt8 {
    /// The same bytes, untyped. SAFETY: bytes have no padding.
    var rawBytes: RawSpan {
        @_lifetime(copy self) get { unsafe bytes }
    }
}
