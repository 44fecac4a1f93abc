// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `slots` are `capacity` records of memory that outlive the scan. A NIC may be writing into
// them: each is copied word by word, and only the copy is looked at.
internal import CPlatform
internal import CommandLog
internal import Platform
internal import Wire

/// How the standby's ring looks where the valid records end.
public enum MirrorStanding: Equatable, Sendable, CustomStringConvertible {
    /// Nothing has come after them.
    case whole
    /// The next record is there, and its checksum is not that of the chain.
    case damaged(sequence: UInt64)
    /// The next record is not there, but one after it is.
    case missing(sequence: UInt64)
    /// Where the next record belongs lies another one, of no lap of this ring.
    case foreign(sequence: UInt64, foundSequence: UInt64)

    /// One clause.
    public var description: String {
        switch self {
        case .whole: "whole"
        case .damaged(let sequence): "broken at \(sequence): its bytes are not what was written"
        case .missing(let sequence): "broken at \(sequence): it is missing, and later ones are here"
        case .foreign(let sequence, let found):
            "broken at \(sequence): record \(found) lies in its place"
        }
    }
}

/// Finds the valid records in memory that somebody else writes.
///
/// Threading: one thread.
@safe struct MirrorScan: @unchecked Sendable {
    /// How far behind a gap records are looked for.
    private static var lookahead: UInt64 { 1_024 }

    private let slots: UnsafeMutableRawPointer
    private let capacity: UInt64
    /// The last valid record.
    private(set) var chain: RecordChain

    /// Goes on behind a record in a ring of `capacity` records, a power of two.
    @unsafe init(slots: UnsafeMutableRawPointer, capacity: Int, after chain: RecordChain) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a ring is a power of two")
        unsafe self.slots = slots
        self.capacity = UInt64(capacity)
        self.chain = chain
    }

    /// Takes what is valid behind the last record, at most `limit` records, and says how many.
    mutating func poll(limit: Int = .max) -> Int {
        var count = 0
        while count < limit {
            let next = chain.lastSequence &+ 1
            // Acquire: what a NIC placed before the sequence is read after it. That proves nothing
            // of the rest of the record: the chain does.
            guard sequence(inSlotOf: next) == next, chain.take(copy(of: next)) else { break }
            count += 1
        }
        return count
    }

    /// What is there behind the last valid record. Anything but `whole` may be on its way still:
    /// it means something when it stays.
    func standing() -> MirrorStanding {
        let next = chain.lastSequence &+ 1
        let found = sequence(inSlotOf: next)
        if found == next { return .damaged(sequence: next) }
        // What lies there is of an earlier lap, or of none.
        let isEarlier = found < next && (next &- found) & (capacity &- 1) == 0
        guard isEarlier || found == 0 else {
            return .foreign(sequence: next, foundSequence: found)
        }
        for ahead in 1..<max(2, min(capacity, Self.lookahead))
        where sequence(inSlotOf: next &+ ahead) == next &+ ahead && capacity > 1 {
            return .missing(sequence: next)
        }
        return .whole
    }

    private func slot(_ sequence: UInt64) -> UnsafeMutableRawPointer {
        unsafe slots + Int(truncatingIfNeeded: (sequence & (capacity &- 1)) &* 64)
    }

    /// The first word of a record.
    private func sequence(inSlotOf sequence: UInt64) -> UInt64 {
        unsafe Cursor(at: slot(sequence)).load()
    }

    private func copy(of sequence: UInt64) -> LogRecord {
        let line = unsafe cplatform_copy_line(slot(sequence))
        return unsafe withUnsafeBytes(of: line) { unsafe $0.loadUnaligned(as: LogRecord.self) }
    }
}
