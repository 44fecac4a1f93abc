// SPDX-License-Identifier: Apache-2.0
//
//  When which records were durable, for auditors:
//
//    journal's thread ──▶ 16,384 notes ──▶ segment maker's thread ──▶ <first sequence>.times
//
//  Nobody waits for it and nobody relies on it: when the queue is full a note is dropped, and a
//  file that cannot be written is given up. What is lost is a time, not a record.
//
// SAFETY: `pages` holds two cursors in its first page, a page for the writer's header behind it,
// and then `capacity` notes. A note is written by the journal's thread before `written` passes it,
// and not again before `taken` has.
internal import Platform

/// All up to `sequence` was durable at this time.
internal struct CommitNote: BitwiseCopyable, Equatable {
    internal var sequence: UInt64  // 0
    /// UTC nanoseconds.
    internal var nanos: UInt64  // 8
}

/// Notes on their way from the journal's thread to the segment maker's.
@safe internal final class CommitNotes: @unchecked Sendable {
    private let pages: HugePages
    private let slots: UnsafeMutablePointer<CommitNote>
    private let capacity: Int
    private let written: Cursor
    private let taken: Cursor
    /// The journal's own, so that it reads nothing that the other thread writes until it must.
    private var writtenCount: UInt64 = 0
    private var takenSeen: UInt64 = 0

    /// `capacity` is a power of two.
    internal init(capacity: Int = 16_384) throws(JournalError) {
        precondition(capacity & (capacity - 1) == 0, "a capacity is a power of two")
        self.capacity = capacity
        let pageCount =
            (capacity * 16 + JournalFormat.pageByteCount - 1) / JournalFormat.pageByteCount
        pages = try JournalError.pages(2 + pageCount)
        unsafe written = Cursor(at: pages.base)
        unsafe taken = Cursor(at: pages.base + Cursor.strideByteCount)
        let first = unsafe pages.base + 2 * JournalFormat.pageByteCount
        unsafe slots = first.bindMemory(to: CommitNote.self, capacity: capacity)
    }

    /// A page for the one that takes them.
    internal var spare: UnsafeMutableRawPointer {
        unsafe pages.base + JournalFormat.pageByteCount
    }

    private func slot(_ count: UInt64) -> Int {
        Int(truncatingIfNeeded: count) & (capacity - 1)
    }

    /// Leaves a note, or drops it when there is no room. The journal's thread only.
    internal func note(_ note: CommitNote) {
        if writtenCount &- takenSeen >= UInt64(capacity) {
            takenSeen = taken.load()
            guard writtenCount &- takenSeen < UInt64(capacity) else { return }
        }
        unsafe slots[slot(writtenCount)] = note
        writtenCount &+= 1
        // Release: pairs with the acquire in `waiting`.
        written.store(writtenCount)
    }

    /// How many wait. The taker's thread only, like all below.
    internal var waitingCount: Int { Int(truncatingIfNeeded: written.load() &- taken.load()) }

    /// How many of those that wait lie in a row from the oldest on.
    internal var rowCount: Int { min(waitingCount, capacity - slot(taken.load())) }

    /// One of that row, the oldest first.
    internal subscript(index: Int) -> CommitNote {
        precondition(index < rowCount, "a note that waits")
        return unsafe slots[slot(taken.load()) + index]
    }

    /// Where that row lies; valid until it is released.
    internal var row: UnsafeRawPointer { unsafe UnsafeRawPointer(slots + slot(taken.load())) }

    /// Lets the oldest ones go.
    internal func release(_ count: Int) {
        // Release: pairs with the acquire in `note`.
        taken.store(taken.load() &+ UInt64(count))
    }

    /// CLOCK_REALTIME.
    @Sendable internal static func systemNanos() -> UInt64 { CycleClock.systemUTCNanos }
}
