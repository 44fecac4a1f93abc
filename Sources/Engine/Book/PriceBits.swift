// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Which ranks of one side of one instrument have orders: a bitmap in three storeys. A bit of a
/// storey says that the word below it is not zero, so the next best price is three words away;
/// beyond 64^3 = 262,144 ticks the top storey has several words, which are walked.
struct PriceBits {
    let words: Table<UInt64>
    let storey0: Int
    let storey1: Int
    let storey2: Int
    let storey2Count: UInt32

    /// Words of each storey for so many ticks.
    static func wordCounts(tickCount: UInt32) -> (UInt32, UInt32, UInt32) {
        let first = (UInt64(tickCount) + 63) / 64
        let second = (first + 63) / 64
        let third = (second + 63) / 64
        return (UInt32(first), UInt32(second), UInt32(third))
    }

    /// Words that are enough however the ticks are shared out: each instrument rounds up three
    /// times, and has two sides.
    static func wordCountMax(limits: EngineLimits) -> Int {
        let counts = wordCounts(tickCount: limits.ladderTickCapacity)
        let most = min(limits.instrumentCapacity, limits.ladderTickCapacity)
        return 2 * (Int(counts.0) + Int(counts.1) + Int(counts.2) + 3 * Int(most))
    }

    @inline(__always) func set(_ rank: Int64) {
        let bit = Int(truncatingIfNeeded: rank)
        words[storey0 &+ bit &>> 6] |= 1 &<< UInt64(bit & 63)
        words[storey1 &+ bit &>> 12] |= 1 &<< UInt64(bit &>> 6 & 63)
        words[storey2 &+ bit &>> 18] |= 1 &<< UInt64(bit &>> 12 & 63)
    }

    @inline(__always) func clear(_ rank: Int64) {
        let bit = Int(truncatingIfNeeded: rank)
        words[storey0 &+ bit &>> 6] &= ~(1 &<< UInt64(bit & 63))
        guard words[storey0 &+ bit &>> 6] == 0 else { return }
        words[storey1 &+ bit &>> 12] &= ~(1 &<< UInt64(bit &>> 6 & 63))
        guard words[storey1 &+ bit &>> 12] == 0 else { return }
        words[storey2 &+ bit &>> 18] &= ~(1 &<< UInt64(bit &>> 12 & 63))
    }

    @inline(__always) func contains(_ rank: Int64) -> Bool {
        words[storey0 &+ Int(rank &>> 6)] &>> UInt64(rank & 63) & 1 != 0
    }

    /// The lowest set rank after `rank` (0 or more), or `InstrumentState.none`.
    @inline(__always) func next(after rank: Int64) -> Int64 {
        let bit = Int(truncatingIfNeeded: rank)
        let near = words[storey0 &+ bit &>> 6] & above(bit & 63)
        if near != 0 { return Int64(bit & ~63 | near.trailingZeroBitCount) }
        return nextFar(bit &>> 6)
    }

    /// The highest set rank; there is one.
    var last: Int64 {
        var top = Int(storey2Count) &- 1
        while words[storey2 &+ top] == 0 { top &-= 1 }
        let second = top &<< 6 | 63 &- words[storey2 &+ top].leadingZeroBitCount
        let first = second &<< 6 | 63 &- words[storey1 &+ second].leadingZeroBitCount
        return Int64(first &<< 6 | 63 &- words[storey0 &+ first].leadingZeroBitCount)
    }

    @inline(__always) private func above(_ bit: Int) -> UInt64 {
        ~1 &<< UInt64(truncatingIfNeeded: bit)
    }

    @inline(never) private func nextFar(_ word: Int) -> Int64 {
        var found = word
        let middle = words[storey1 &+ found &>> 6] & above(found & 63)
        if middle != 0 {
            found = found & ~63 | middle.trailingZeroBitCount
        } else {
            let high = found &>> 6
            var top = high &>> 6
            var bits = words[storey2 &+ top] & above(high & 63)
            while bits == 0 {
                top &+= 1
                guard top < Int(storey2Count) else { return InstrumentState.none }
                bits = words[storey2 &+ top]
            }
            let second = top &<< 6 | bits.trailingZeroBitCount
            found = second &<< 6 | words[storey1 &+ second].trailingZeroBitCount
        }
        return Int64(found &<< 6 | words[storey0 &+ found].trailingZeroBitCount)
    }
}
