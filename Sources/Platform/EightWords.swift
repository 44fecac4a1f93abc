// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: 32 readable bytes at an address that is aligned to as many, as the caller has found.
public import CPlatform

/// Eight words that are compared at once, where the core can: with AVX2.
public enum EightWords {
    /// Which of the eight words at an address, aligned to 32 bytes, are a value: bit n for word n.
    @unsafe @inlinable @inline(__always) @_noLocks
    public static func places(at address: UnsafePointer<UInt32>, of value: UInt32) -> UInt32 {
        unsafe _unsafePerformance { unsafe cplatform_words_equal(address, value) }
    }
}
