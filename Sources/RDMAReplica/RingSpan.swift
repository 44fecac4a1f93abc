// SPDX-License-Identifier: Apache-2.0

/// Records that lie side by side in a ring, and so go in one write.
struct RingSpan: Equatable {
    /// Where the first lies, in bytes from slot 0.
    var byteOffset: Int
    /// How many; at least 1.
    var count: Int

    /// The first piece of `count` records (1 or more) from `sequence` on: up to the ring's end, and
    /// at most `limit` (1 or more). `capacity` is a power of two.
    init(sequence: UInt64, count: Int, capacity: Int, limit: Int) {
        precondition(count > 0 && limit > 0, "a span has a record")
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a ring is a power of two")
        let slot = Int(truncatingIfNeeded: sequence & UInt64(capacity &- 1))
        byteOffset = slot &* 64
        self.count = min(count, limit, capacity &- slot)
    }

    var byteCount: UInt32 { UInt32(truncatingIfNeeded: count &* 64) }
}
