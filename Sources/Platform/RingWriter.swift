// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
public import Synchronization

/// The one writer of a ring. A burst goes: `available`, `claim`, store into the slots, `publish`.
///
/// Threading: one thread. Nothing here waits: a full ring answers 0 and the caller counts it.
/// SAFETY: a slot is handed out only between `claim` and `publish`. Claimed slots are past every
/// gating reader's `released`, so no gating reader looks at them; observers find out from the
/// claimed cursor (see `RingObserver`). Pointers are valid until `publish`, and as long as the
/// ring, which the writer keeps.
@safe public struct RingWriter<Record: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline internal let slots: UnsafeMutablePointer<Record>
    @usableFromInline internal let mask: UInt64
    @usableFromInline internal var next: UInt64
    @usableFromInline internal var claimedLast: UInt64
    /// The last sequence that may be claimed, as far as is known: the cached cursors.
    @usableFromInline internal var limit: UInt64
    @usableFromInline internal let claimedCursor: Cursor
    @usableFromInline internal let publishedCursor: Cursor
    @usableFromInline internal let ring: LogRing<Record>
    @usableFromInline internal var gates: RingGates

    internal init(ring: LogRing<Record>) {
        self.ring = ring
        unsafe slots = ring.recordsBase.bindMemory(to: Record.self, capacity: ring.capacity)
        gates = RingGates(ring.control)
        mask = UInt64(ring.capacity - 1)
        next = ring.firstSequence
        claimedLast = next - 1
        limit = next - 1
        claimedCursor = ring.control.claimed
        publishedCursor = ring.control.published
    }

    /// Records in the ring.
    @inlinable public var capacity: Int { Int(mask &+ 1) }
    /// The sequence that offset 0 will get.
    @inlinable public var nextSequence: UInt64 { next }
    /// The last sequence published; `firstSequence - 1` before the first.
    @inlinable public var published: UInt64 { next &- 1 }

    /// How many records may be claimed now, 0 ... capacity. The readers' cursors are read again
    /// only when fewer than `wanted` are known to be free.
    @inlinable public mutating func available(atLeast wanted: Int = 1) -> Int {
        let known = Int(truncatingIfNeeded: limit &- (next &- 1))
        if known >= wanted { return known }
        // It never goes back. A reader that joins stands for a moment where it read `published`
        // first, which may be laps ago when its thread was put aside (see `RingControl.joinGate`).
        limit = max(limit, gates.lowestReleased(upTo: next &- 1) &+ mask &+ 1)
        return Int(truncatingIfNeeded: limit &- (next &- 1))
    }

    /// Announces that the slots of offsets `0 ..< count` are about to be overwritten. `count` is at
    /// most `available()`; fewer may be published, and a later claim covers what was left. Claim
    /// what the burst may need, not the whole ring: claimed slots are lost to observers.
    @inlinable public mutating func claim(_ count: Int) {
        precondition(
            count >= 0 && UInt64(truncatingIfNeeded: count) <= limit &- (next &- 1),
            "a claim is at most the room that the readers have left")
        let last = next &- 1 &+ UInt64(truncatingIfNeeded: count)
        // It never goes back: what was claimed and not published may be scribbled on.
        guard last > claimedLast else { return }
        claimedLast = last
        claimedCursor.storeRelaxed(last)
        // Release fence: pairs with the acquire fence in `RingObserver.next`. The claim comes
        // before every store into the slots. On x86 it costs nothing: it only stops the compiler.
        atomicMemoryFence(ordering: .releasing)
    }

    /// The slot of `nextSequence + offset`, to be filled in place. It holds a record of an earlier
    /// lap, not zeroes. Traps when it is not claimed.
    @inlinable public func slot(offset: Int) -> UnsafeMutablePointer<Record> {
        precondition(
            UInt64(bitPattern: Int64(offset)) < claimedLast &- (next &- 1),
            "a slot is claimed before it is written")
        return unsafe slots
            + Int(truncatingIfNeeded: (next &+ UInt64(bitPattern: Int64(offset))) & mask)
    }

    /// The same slot as a value.
    @inlinable public subscript(offset: Int) -> Record {
        get { unsafe slot(offset: offset).pointee }
        nonmutating set { unsafe slot(offset: offset).pointee = newValue }
    }

    /// Shows the first `count` claimed records to all readers. Once a burst, not once a record:
    /// each call moves a cache line to every reader.
    @inlinable public mutating func publish(count: Int) {
        precondition(
            count >= 0 && UInt64(truncatingIfNeeded: count) <= claimedLast &- (next &- 1),
            "what is published was claimed")
        guard count > 0 else { return }
        next &+= UInt64(truncatingIfNeeded: count)
        // Release: pairs with the acquire in `available()` of readers. The slots come before it.
        publishedCursor.store(next &- 1)
    }

    /// One record: claims, stores and publishes it. False when the ring is full.
    @inlinable public mutating func append(_ record: Record) -> Bool {
        guard available() > 0 else { return false }
        claim(1)
        self[0] = record
        publish(count: 1)
        return true
    }

    /// A record that is still in the ring: sequences above the last claimed one minus capacity, up
    /// to the last claimed one. Traps outside. Slots never written read as zeroes.
    @inlinable public func read(_ sequence: UInt64) -> UnsafePointer<Record> {
        precondition(claimedLast &- sequence <= mask, "a record is read while it is in the ring")
        return unsafe UnsafePointer(slots + Int(truncatingIfNeeded: sequence & mask))
    }

    /// Asks the core to fetch the slot of `nextSequence + offset` for writing.
    @inlinable public func prefetch(offset: Int) {
        let index = Int(truncatingIfNeeded: (next &+ UInt64(bitPattern: Int64(offset))) & mask)
        unsafe Prefetch.write(slots + index)
    }
}
