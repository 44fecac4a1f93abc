// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a pointer is passed on with the count that its caller gave, and is not kept.
public import CPlatform

/// CRC-32C (Castagnoli), by the processor's instruction. The check value of "123456789" is
/// E3069283.
public enum CRC32C {
    /// The checksum of what gave `seed` followed by these bytes; 0 is the seed of nothing, so
    /// `update(update(0, a), b)` is the checksum of a followed by b.
    @unsafe @inlinable @_noLocks public static func update(
        _ seed: UInt32, _ bytes: UnsafeRawPointer, count: Int
    ) -> UInt32 {
        precondition(count >= 0, "a count of bytes is zero or more")
        return unsafe _unsafePerformance { unsafe cplatform_crc32c(seed, bytes, count) }
    }

    /// The same for a buffer.
    @unsafe @inlinable @_noLocks public static func update(
        _ seed: UInt32, _ bytes: UnsafeRawBufferPointer
    ) -> UInt32 {
        guard let start = bytes.baseAddress else { return seed }
        return unsafe update(seed, start, count: bytes.count)
    }

    /// The same for a span.
    @inlinable public static func update(_ seed: UInt32, _ bytes: RawSpan) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe update(seed, $0) }
    }

    /// `update` of 60 bytes that are still in registers: seven words, little-endian, and a half.
    /// What was just stored by its fields must not be loaded back as words: that stalls the core.
    @inlinable @inline(__always) @_noLocks public static func chained(
        _ seed: UInt32, _ words: [7 of UInt64], _ last: UInt32
    ) -> UInt32 {
        unsafe _unsafePerformance {
            var crc = UInt64(~seed)
            for index in words.indices { crc = cplatform_crc32c_step8(crc, words[index]) }
            return ~cplatform_crc32c_step4(UInt32(truncatingIfNeeded: crc), last)
        }
    }

    /// `update` of exactly 60 bytes, the body of a record, with no loop: seeded with the previous
    /// record's checksum it makes the chain.
    @unsafe @inlinable @inline(__always) @_noLocks public static func chained60(
        _ seed: UInt32, _ body: UnsafeRawPointer
    ) -> UInt32 {
        unsafe _unsafePerformance { unsafe cplatform_crc32c_60(seed, body) }
    }
}
