// SPDX-License-Identifier: Apache-2.0

/// How much of a snapshot a standby has.
public struct SnapshotShare: Equatable, Sendable, CustomStringConvertible {
    /// The snapshot's; 0 = it is being made.
    public var sequence: UInt64 = 0
    /// Bytes that it has.
    public var byteCount = 0
    /// Bytes of all.
    public var totalByteCount = 0

    /// A clause, new every tenth.
    public var description: String {
        if sequence == 0 { return "a snapshot that is being made" }
        let tenths = totalByteCount > 0 ? byteCount * 10 / totalByteCount : 0
        return "the snapshot of \(sequence): \(tenths * 10) %"
    }
}

/// What lies in front of a piece of a snapshot: 64 bytes in slot 0 of the standby's ring; the
/// piece's own lie behind it. docs/formats/mirror.md.
public struct SnapshotLine: MirrorLine, Equatable, Sendable {
    /// Offset 0: counts pieces, from 1.
    public var number: UInt64 = 0
    /// Offset 8: the snapshot's.
    public var sequence: UInt64 = 0
    /// Offset 16: where in its file the bytes belong.
    public var byteOffset: UInt64 = 0
    /// Offset 24: bytes of the whole file.
    public var totalByteCount: UInt64 = 0
    /// Offset 32: how many lie behind this line.
    public var byteCount: UInt32 = 0
    /// Offset 36: their CRC-32C.
    public var bytesCRC32C: UInt32 = 0
    /// Offset 40: zero.
    public var reserved0: UInt64 = 0
    /// Offset 48: zero.
    public var reserved1: UInt64 = 0
    /// Offset 56: the connection's nonce.
    public internal(set) var nonce: UInt32 = 0
    /// Offset 60: CRC-32C of bytes 0..<60.
    public internal(set) var crc32c: UInt32 = 0
}
