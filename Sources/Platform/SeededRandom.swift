// SPDX-License-Identifier: Apache-2.0

/// Numbers that look random and depend on the seed alone (xoshiro256**, filled by SplitMix64). Not
/// for secrets. The sequence of a seed is fixed for good: recorded seeds repeat recorded runs.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    @usableFromInline internal var state: (UInt64, UInt64, UInt64, UInt64)

    /// Any seed is as good as any other.
    public init(seed: UInt64) {
        var mixed = seed
        func splitMix() -> UInt64 {
            mixed &+= 0x9E37_79B9_7F4A_7C15
            var bits = mixed
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
        state = (splitMix(), splitMix(), splitMix(), splitMix())
    }

    /// The next 64 bits.
    @inlinable @_noLocks public mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// 0 ..< `bound` (1 or more), by one multiplication; uneven by at most bound / 2^64.
    @inlinable @_noLocks public mutating func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0, "there is a number below the bound")
        return next().multipliedFullWidth(by: bound).high
    }
}
