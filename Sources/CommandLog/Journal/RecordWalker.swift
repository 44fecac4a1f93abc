// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `take` reads the 64 bytes at the address that it is given, and keeps nothing of it.
internal import Platform
internal import Wire

/// Takes records one by one as long as each is the next of the chain, and gives whole commands on.
internal struct RecordWalker {
    internal struct Place {
        internal var sequence: UInt64
        internal var chain: UInt32
        /// The log's time: that of the last record that is not a continuation.
        internal var timestampNanos: UInt64
        /// The first half of a pair that has no second half yet.
        internal var head: LogRecord?
        /// The place before that half.
        internal var chainBeforeHead: UInt32 = 0
        internal var timestampNanosBeforeHead: UInt64 = 0
    }

    internal var place: Place
    /// Commands that end here or before were given on already, or are not wanted.
    internal var visitedThrough: UInt64
    /// Commands begin at or behind this sequence to be given on.
    internal let visitFrom: UInt64

    internal init(sequence: UInt64, chain: UInt32, timestampNanos: UInt64, visitFrom: UInt64) {
        place = Place(sequence: sequence, chain: chain, timestampNanos: timestampNanos)
        visitedThrough = 0
        self.visitFrom = visitFrom
    }

    /// Takes the record there, if it is the next and whole.
    @inline(__always)
    internal mutating func take(
        _ memory: UnsafeRawPointer, visit: (LogRecord, LogRecord?) -> Void
    ) -> Bool {
        let record = unsafe memory.load(as: LogRecord.self)
        guard record.sequence == place.sequence &+ 1,
            unsafe record.crc32c == CRC32C.chained60(place.chain, memory)
        else { return false }
        if record.kind == .continuation {
            if let head = place.head { give(head, record, visit) }
            place.head = nil
        } else if record.isPair {
            place.head = record
            place.chainBeforeHead = place.chain
            place.timestampNanosBeforeHead = place.timestampNanos
            place.timestampNanos = record.timestampNanos
        } else {
            place.head = nil
            place.timestampNanos = record.timestampNanos
            give(record, nil, visit)
        }
        place.sequence = record.sequence
        place.chain = record.crc32c
        return true
    }

    /// Takes the records that lie there one behind the other, as long as each is the next. False
    /// when one was not.
    @inline(__always)
    internal mutating func takeAll(
        _ memory: UnsafeRawPointer, byteCount: Int, visit: (LogRecord, LogRecord?) -> Void
    ) -> Bool {
        for at in stride(from: 0, to: byteCount & ~63, by: 64) {
            guard unsafe take(memory + at, visit: visit) else { return false }
        }
        return true
    }

    @inline(__always)
    private mutating func give(
        _ record: LogRecord, _ continuation: LogRecord?, _ visit: (LogRecord, LogRecord?) -> Void
    ) {
        let last = continuation == nil ? record.sequence : record.sequence &+ 1
        guard record.sequence >= visitFrom, last > visitedThrough else { return }
        visitedThrough = last
        visit(record, continuation)
    }

    /// Goes back before the first half of a pair whose second half is missing.
    internal mutating func cutHalf() {
        guard place.head != nil else { return }
        place.sequence -= 1
        place.chain = place.chainBeforeHead
        place.timestampNanos = place.timestampNanosBeforeHead
        place.head = nil
    }
}
