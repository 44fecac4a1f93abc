// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Where the engine writes its events: straight into the slots of the event ring.
///
/// `position` is the sequence of the next event; it lies in slot `position & (capacity - 1)`. The
/// caller guarantees room for `Engine.eventsPerSliceMax` events before each call of the engine and
/// publishes what was written (`position` minus what it was) after it.
/// Threading: the engine's thread.
/// SAFETY: `slots` has `mask + 1` values, a power of two, for as long as the outbox is used; the
/// mask keeps every store inside.
@safe public struct EventOutbox {
    @usableFromInline let slots: UnsafeMutablePointer<Event>
    @usableFromInline let mask: UInt64
    /// The sequence of the next event.
    public var position: UInt64

    /// Over `capacity` slots (a power of two), the next event being number `position`.
    @unsafe @inlinable
    public init(slots: UnsafeMutablePointer<Event>, capacity: Int, position: UInt64) {
        precondition(
            capacity >= 1 && capacity & (capacity - 1) == 0, "a capacity is a power of two")
        unsafe self.slots = slots
        mask = UInt64(capacity - 1)
        self.position = position
    }

    /// Writes one event, given as its two halves: two vector stores.
    @inline(__always) mutating func append(_ first: SIMD4<UInt64>, _ second: SIMD4<UInt64>) {
        let slot = unsafe UnsafeMutableRawPointer(
            slots + Int(truncatingIfNeeded: position & mask))
        unsafe slot.storeBytes(of: first, as: SIMD4<UInt64>.self)
        unsafe slot.storeBytes(of: second, toByteOffset: 32, as: SIMD4<UInt64>.self)
        position &+= 1
    }
}
