// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// A reader that the writer never overruns. It goes: `available`, read slots, `consume`, and after
/// the burst `release`.
///
/// A reader that stops releasing stops the writer, also after it is gone; `leave` ends that.
///
/// Threading: one thread.
/// SAFETY: slots above `released` and up to `seen` are whole, and the writer leaves them alone:
/// it claims nothing past `released + capacity`. Pointers are valid until the release that covers
/// them, and as long as the ring, which the reader keeps.
@safe public struct RingReader<Record: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline internal let slots: UnsafePointer<Record>
    @usableFromInline internal let mask: UInt64
    @usableFromInline internal var next: UInt64
    /// The last sequence known to be published: the cached cursor.
    @usableFromInline internal var seen: UInt64
    @usableFromInline internal var released: UInt64
    @usableFromInline internal let publishedCursor: Cursor
    @usableFromInline internal let releasedCursor: Cursor
    @usableFromInline internal let ring: LogRing<Record>

    internal init(ring: LogRing<Record>, released: Cursor, after last: UInt64) {
        self.ring = ring
        unsafe slots = UnsafePointer(
            ring.recordsBase.bindMemory(to: Record.self, capacity: ring.capacity))
        mask = UInt64(ring.capacity - 1)
        next = last + 1
        seen = last
        self.released = last
        publishedCursor = ring.control.published
        releasedCursor = released
    }

    /// Records in the ring.
    @inlinable public var capacity: Int { Int(mask &+ 1) }
    /// The sequence of offset 0.
    @inlinable public var nextSequence: UInt64 { next }
    /// The last sequence that this reader let go.
    @inlinable public var releasedSequence: UInt64 { released }

    /// Records that may be read from `nextSequence` on. The writer's cursor is read again only when
    /// fewer than `wanted` are known: so a burst is worked off before the next look.
    @inlinable public mutating func available(atLeast wanted: Int = 1) -> Int {
        let known = Int(truncatingIfNeeded: seen &- (next &- 1))
        if known >= wanted { return known }
        // Acquire: pairs with the release in `RingWriter.publish`.
        seen = publishedCursor.load()
        return Int(truncatingIfNeeded: seen &- (next &- 1))
    }

    /// The record of `nextSequence + offset`. Traps when it has not been seen by `available`.
    @inlinable public func slot(_ offset: Int) -> UnsafePointer<Record> {
        precondition(
            UInt64(bitPattern: Int64(offset)) < seen &- (next &- 1),
            "a record is read after available() has told of it")
        return unsafe slots
            + Int(truncatingIfNeeded: (next &+ UInt64(bitPattern: Int64(offset))) & mask)
    }

    /// The same record as a value.
    @inlinable public subscript(offset: Int) -> Record { unsafe slot(offset).pointee }

    /// Moves on by `count` records, for this reader alone: the writer learns of it by `release`.
    @inlinable public mutating func consume(_ count: Int) {
        precondition(
            count >= 0 && UInt64(truncatingIfNeeded: count) <= seen &- (next &- 1),
            "what is consumed was available")
        next &+= UInt64(truncatingIfNeeded: count)
    }

    /// Lets the writer have what was consumed, except the last `retaining` records, which `read`
    /// still reaches; fewer than the capacity, or the writer never moves again. Once a burst.
    @inlinable public mutating func release(retaining: UInt64 = 0) {
        precondition(retaining <= mask, "a reader retains less than the ring")
        let consumed = next &- 1
        // What is let go stays so: with a larger `retaining` than before, nothing happens.
        guard consumed > retaining, consumed &- retaining > released else { return }
        released = consumed &- retaining
        // Release: pairs with the acquire in `RingWriter.available`. The reads come before it.
        releasedCursor.store(released)
    }

    /// A record that is not released yet and has been seen. Traps outside.
    @inlinable public func read(_ sequence: UInt64) -> UnsafePointer<Record> {
        precondition(
            sequence > released && sequence <= seen,
            "a record is read between its publication and its release")
        return unsafe slots + Int(truncatingIfNeeded: sequence & mask)
    }

    /// Asks the core to fetch the record of `nextSequence + offset`, published or not.
    @inlinable public func prefetch(_ offset: Int) {
        let index = Int(truncatingIfNeeded: (next &+ UInt64(bitPattern: Int64(offset))) & mask)
        unsafe Prefetch.read(slots + index)
    }

    /// Stops gating, for good: the writer goes on without this reader.
    public consuming func leave() { releasedCursor.store(.max) }
}
