// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
public import Synchronization

/// What an observer found at its next sequence.
public enum Observation<Record: BitwiseCopyable> {
    /// A whole record, copied.
    case record(Record)
    /// Nothing new.
    case empty
    /// The ring cannot give the records before `resumeAt`: they are overwritten, or the copy was
    /// not valid. They are in the journal; the observer goes on from `resumeAt`.
    case lapped(resumeAt: UInt64)
}

extension Observation: Sendable where Record: Sendable {}

/// A reader that never holds the writer back: it copies, and then finds out whether the copy is
/// good.
///
/// Threading: one thread each, any number of them.
/// SAFETY: the copy may run while the writer stores into the same slot. Nothing is done with the
/// copied bits before this is settled:
///
///     writer                                  observer of sequence s
///     1  claimed = c          (relaxed)       A  words of slot s      (relaxed, each)
///     2  release fence                        B  acquire fence
///     3  stores into slots up to c            C  k = claimed          (relaxed)
///
/// If a load in A met a store in 3 that belongs to a later lap, s + capacity or more, then fence 2
/// comes before fence B, so C sees at least the claim of that lap: k >= s + capacity. So
/// `k < s + capacity` proves that every word is older than the next lap, and the acquire load of
/// `published >= s` before A proves that it is not older than s. The writer claims *before* it
/// stores, for it stores before it publishes: the published cursor alone would come too late.
///
/// Formally the plain stores in 3 race with A; each is a store of a word or less that the machine
/// does not tear below bytes, A is atomic, and a mixture is thrown away. The decoder stores in
/// place and its fields are not atomic, so the loads are hidden from the thread sanitizer
/// (`cplatform_copy_line`), and all else in the ring is visible to it. Sequence and checksum in the
/// record are the second line of defence: `next(where:)`.
@safe public struct RingObserver<Record: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline internal let slots: UnsafeRawPointer
    @usableFromInline internal let mask: UInt64
    @usableFromInline internal var nextToCopy: UInt64
    @usableFromInline internal var seen: UInt64
    @usableFromInline internal let claimedCursor: Cursor
    @usableFromInline internal let publishedCursor: Cursor
    @usableFromInline internal let ring: LogRing<Record>

    internal init(ring: LogRing<Record>, next: UInt64) {
        self.ring = ring
        unsafe slots = UnsafeRawPointer(ring.recordsBase)
        mask = UInt64(ring.capacity - 1)
        nextToCopy = max(next, ring.firstSequence)
        seen = ring.firstSequence - 1
        claimedCursor = ring.control.claimed
        publishedCursor = ring.control.published
    }

    /// The sequence that is copied next.
    @inlinable public var nextSequence: UInt64 { nextToCopy }

    /// The next record. With `.record` the observer moves on by one, with `.lapped` to
    /// `resumeAt`, which leaves it half a ring of time.
    @inlinable public mutating func next() -> Observation<Record> {
        next { _, _ in true }
    }

    /// The next record, if it is also valid for the caller, who is given the copy and its sequence.
    /// A copy that is not counts as lost, like a lapped one, and `resumeAt` is the sequence after.
    @inlinable public mutating func next(
        where isValid: (Record, UInt64) -> Bool
    ) -> Observation<Record> {
        if nextToCopy > seen {
            // Acquire: pairs with the release in `RingWriter.publish`: the record is not older.
            seen = publishedCursor.load()
            if nextToCopy > seen { return .empty }
        }
        let sequence = nextToCopy
        let copy = copyOfSlot(sequence)
        // Acquire fence: pairs with the release fence in `RingWriter.claim`: it is not newer.
        atomicMemoryFence(ordering: .acquiring)
        let claimed = claimedCursor.loadRelaxed()
        guard claimed &- sequence <= mask else {
            seen = publishedCursor.load()
            let oldestWhole = claimed &- mask
            let halfBehind = seen &- (mask >> 1)
            nextToCopy = halfBehind <= seen ? max(oldestWhole, halfBehind) : oldestWhole
            return .lapped(resumeAt: nextToCopy)
        }
        nextToCopy &+= 1
        guard isValid(copy, sequence) else { return .lapped(resumeAt: nextToCopy) }
        return .record(copy)
    }

    @inlinable @inline(__always) internal func copyOfSlot(_ sequence: UInt64) -> Record {
        let offset = Int(truncatingIfNeeded: (sequence & mask) &* 64)
        return unsafe RingCopy.line(slots + offset, as: Record.self)
    }
}
