// SPDX-License-Identifier: Apache-2.0

/// What the gateway remembers of an event beside the event itself, so that its report can be made
/// again, byte for byte: 32 bytes in the slot of the same number as the event's.
struct ReportNote: BitwiseCopyable {
    /// Timestamp of the command.
    var timestampNanos: UInt64 = 0
    /// Sequence of the command.
    var commandSequence: UInt64 = 0
    /// Event sequence of the session's report before this one; 0 = none.
    var previousEvent: UInt64 = 0
    /// Low bits of the report's sequence.
    var reportSequence: UInt32 = 0
    /// Whose report it is.
    var session: UInt32 = 0
}

/// A note for each slot of the event ring. With the ring it is the window of reports that can be
/// sent again: the last N of all sessions together.
///
/// SAFETY: `notes` is initialised for `mask + 1` slots from `init` to `deinit`; every index is
/// masked.
@safe struct ReportIndex: ~Copyable {
    private let notes: UnsafeMutablePointer<ReportNote>
    private let mask: UInt64

    /// `capacity` is the event ring's: a power of two.
    init(capacity: Int) {
        precondition(capacity & (capacity - 1) == 0, "the event ring's capacity is a power of two")
        mask = UInt64(capacity - 1)
        unsafe notes = .allocate(capacity: capacity)
        unsafe notes.initialize(repeating: ReportNote(), count: capacity)
    }

    deinit { unsafe notes.deallocate() }

    /// The note of the event with this sequence.
    subscript(event: UInt64) -> ReportNote {
        @inline(__always) get { unsafe notes[Int(truncatingIfNeeded: event & mask)] }
        @inline(__always) nonmutating set {
            unsafe notes[Int(truncatingIfNeeded: event & mask)] = newValue
        }
    }
}
