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

    /// Gives the commands that are valid behind the last record, until `into` says false, at most
    /// `limit` records (one more for a pair), and says how many. Half a pair is kept back.
    mutating func take(limit: Int, into: (LogRecord, LogRecord?) -> Bool) -> Int {
        var count = 0
        while count < limit {
            var next = chain
            guard let record = valid(behind: &next) else { break }
            var continuation: LogRecord?
            if record.isPair {
                continuation = valid(behind: &next)
                if continuation == nil { break }
            }
            guard into(record, continuation) else { break }
            chain = next
            count += continuation == nil ? 1 : 2
        }
        return count
    }

    /// The last record that could be taken now, without its second half too.
    func lastValidSequence() -> UInt64 {
        var end = chain
        while valid(behind: &end) != nil {}
        return end.lastSequence
    }

    private func valid(behind chain: inout RecordChain) -> LogRecord? {
        let next = chain.lastSequence &+ 1
        // Acquire: what a NIC placed before the sequence is read after it. That proves nothing of
        // the rest of the record: the chain does.
        guard sequence(inSlotOf: next) == next else { return nil }
        let record = copy(of: next)
        #if NEEDLETAIL_MUTANTS
        if Mutant.uncheckedRecords.isPlanted {
            chain = RecordChain(lastSequence: next, crc32c: record.crc32c)
            return record
        }
        #endif
        return chain.take(record) ? record : nil
    }

    /// What is there behind the last record that was taken. Anything but `whole` may be on its way
    /// still: it means something when it stays.
    func standing() -> MirrorStanding {
        var end = chain
        // What is valid and not taken yet is whole; of a pair's first half the rest is awaited.
        if let record = valid(behind: &end), !record.isPair || valid(behind: &end) != nil {
            return .whole
        }
        let next = end.lastSequence &+ 1
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
