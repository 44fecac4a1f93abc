// SPDX-License-Identifier: Apache-2.0
//
// docs/formats/mirror.md.
//
// SAFETY: what is read as bytes is a local copy, and the pointer does not leave the closure.
internal import Platform

/// What a primary says when it asks a standby for memory: little-endian, 40 bytes, then zeroes up
/// to 56.
struct MirrorHello: BitwiseCopyable, Equatable {
    /// Offset 0: `MirrorVersion.magic`.
    var magic: UInt32 = MirrorVersion.magic
    /// Offset 4: `MirrorVersion.number`.
    var version: UInt16 = MirrorVersion.number
    /// Offset 6: the shard.
    var shard: UInt16 = 0
    /// Offset 8: the mirror begins behind the record with this sequence, 0 for a new log.
    var lastSequence: UInt64 = 0
    /// Offset 16: that record's CRC, 0 for a new log.
    var crc32c: UInt32 = 0
    /// Offset 20: records in the ring, a power of two.
    var recordCapacity: UInt32 = 0
    /// Offset 24: where the standby writes its ``MirrorCounter``.
    var counterAddress: UInt64 = 0
    /// Offset 32: the key of that memory.
    var counterKey: UInt32 = 0
    /// Offset 36: of this connection; goes into the counter's check.
    var nonce: UInt32 = 0

    /// Why a standby does not take it; nil when it does.
    var refusal: MirrorAnswer.Refusal? {
        guard magic == MirrorVersion.magic, version == MirrorVersion.number else { return .version }
        let isPowerOfTwo = recordCapacity & (recordCapacity &- 1) == 0
        guard recordCapacity >= 2, isPowerOfTwo, recordCapacity <= MirrorVersion.recordCapacityMax
        else { return .capacity }
        // Sequences are counted up without a look at their end.
        return lastSequence < 1 << 62 ? nil : .place
    }
}

/// What the standby answers: 32 bytes, then zeroes up to 56.
struct MirrorAnswer: BitwiseCopyable, Equatable {
    /// Offset 0: `MirrorVersion.magic`.
    var magic: UInt32 = MirrorVersion.magic
    /// Offset 4: `MirrorVersion.number`.
    var version: UInt16 = MirrorVersion.number
    /// Offset 6: a ``Refusal``; 0 = none.
    var refusal: UInt16 = 0
    /// Offset 8: slot 0 of the standby's ring.
    var ringAddress: UInt64 = 0
    /// Offset 16: the word for a ``Fence``.
    var fenceAddress: UInt64 = 0
    /// Offset 24: the key of both.
    var ringKey: UInt32 = 0
    /// Offset 28: zero.
    var reserved: UInt32 = 0

    /// Why a standby will not be one.
    enum Refusal: UInt16, CaseIterable {
        case version = 1
        case capacity = 2
        case memory = 3
        case place = 4
    }
}

enum MirrorVersion {
    /// "NTMR".
    static var magic: UInt32 { 0x524D_544E }
    static var number: UInt16 { 1 }
    /// The largest ring that a standby gives memory for: 1 GB.
    static var recordCapacityMax: UInt32 { 1 << 24 }
}

/// How far the standby has come, as it writes it into the primary's memory: 16 bytes. Nothing says
/// that they arrive at once, so they are valid only together.
struct MirrorCounter: BitwiseCopyable, Equatable {
    /// Offset 0: all up to here is there and valid.
    var sequence: UInt64
    /// Offset 8: the connection's nonce.
    var nonce: UInt32
    /// Offset 12: CRC32C of bytes 0..<12.
    var crc32c: UInt32

    init(sequence: UInt64, nonce: UInt32) {
        self.sequence = sequence
        self.nonce = nonce
        crc32c = Self.crc(sequence, nonce)
    }

    /// Out of two words as they were found in memory; nil when they do not belong together, or to
    /// another connection.
    init?(words: (UInt64, UInt64), nonce: UInt32) {
        let found = UInt32(truncatingIfNeeded: words.1)
        guard found == nonce,
            UInt32(truncatingIfNeeded: words.1 >> 32) == Self.crc(words.0, found)
        else { return nil }
        self.init(sequence: words.0, nonce: nonce)
    }

    private static func crc(_ sequence: UInt64, _ nonce: UInt32) -> UInt32 {
        var sequence = sequence
        var nonce = nonce
        let first = unsafe withUnsafeBytes(of: &sequence) { unsafe CRC32C.update(0, $0) }
        return unsafe withUnsafeBytes(of: &nonce) { unsafe CRC32C.update(first, $0) }
    }
}

/// How a standby takes the primary's right to write away.
public enum Fence: UInt64, CaseIterable, Sendable {
    /// It forbids remote writes on the queue pair.
    case access = 1
    /// It resets the queue pair.
    case reset = 2
}
