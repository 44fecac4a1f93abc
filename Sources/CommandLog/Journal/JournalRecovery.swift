// SPDX-License-Identifier: Apache-2.0
//
//  Finds the end of a log on disk, and refuses to when something durable is missing.
//
//    segment 1 ──▶ segment 2 ──▶ segment 3: home blocks … E' ──▶ tail slot … E | half a pair, torn
//    every record behind the one before it, by the chain          furthest valid
//
//    W = the highest durable watermark in slots and footers.  E >= W: what lies behind E was never
//    acknowledged, and is cut.  E < W: damage, and nothing is changed.
//
// SAFETY: `buffer` is memory of this scan; records are read at multiples of 64 within what was
// read.
internal import Platform
public import Wire

/// Reads a journal at the start of a process.
///
/// Threading: the one that starts. A tool may read while the log is written on: what it finds is
/// the log of some moment meanwhile.
public enum JournalRecovery {
    /// Reads the whole log and gives each command that begins at `from` or later to `visit`, in
    /// order, with the second record of a pair. Closed segments that end before `from` are trusted
    /// by header and footer. An empty folder is a new log. Without a shard, for tools, it is
    /// that of the oldest segment.
    ///
    /// Throws `.damaged` when something that was durable is missing or wrong, then what `visit` got
    /// is worth nothing; and `.storage`. Changes nothing.
    public static func scan<Storage: JournalStorage>(
        _ storage: Storage, shard: UInt32?, from: UInt64 = 1,
        visit: (LogRecord, LogRecord?) -> Void = { _, _ in }
    ) throws(JournalError) -> RecoveredLog {
        var scan = try JournalScan(storage: storage, shard: shard, from: from)
        do { return try scan.run(visit) } catch {
            throw error.located(in: storage.folder, shard: scan.shard)
        }
    }
}

/// One segment's file, before its records are looked at.
internal struct SegmentSurvey {
    internal enum State: Equatable { case begun, prepared, bad(String) }
    internal var name: String
    internal var firstSequence: UInt64
    internal var state: State
    internal var header: SegmentHeader?
    internal var footer: SegmentFooter?
}

internal struct JournalScan<Storage: JournalStorage>: ~Copyable {
    internal let storage: Storage
    internal var shard: UInt32
    internal let takesAnyShard: Bool
    internal let from: UInt64
    internal let buffer: HugePages
    /// Pages that are read at a time.
    internal let bufferPageCount: Int
    internal var surveys: [SegmentSurvey] = []
    internal var slots: [(slot: TailSlot, index: Int)] = []
    internal let tailPages: HugePages
    internal var hasTail = false
    /// All up to here was durable, as the last segment's times say, if they say anything.
    internal var notedSequence: UInt64 = 0
    internal var tailByteCount = 0
    internal static var tailByteCountWhole: Int {
        JournalFormat.tailSlotCount * JournalFormat.pageByteCount
    }
    internal var log: RecoveredLog

    internal init(
        storage: Storage, shard: UInt32?, from: UInt64, bufferPageCount: Int = 256
    ) throws(JournalError) {
        let buffer = try JournalError.pages(bufferPageCount)
        let tailPages = try JournalError.pages(JournalFormat.tailSlotCount)
        self.storage = storage
        self.shard = shard ?? 0
        takesAnyShard = shard == nil
        self.from = from
        log = RecoveredLog(shard: shard ?? 0)
        self.buffer = buffer
        self.bufferPageCount = bufferPageCount
        self.tailPages = tailPages
    }

    internal mutating func run(
        _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) -> RecoveredLog {
        do throws(StorageError) { try survey() } catch { throw .storage(error) }
        if hasTail, tailByteCount < Self.tailByteCountWhole {
            throw .damaged(
                JournalDamage(
                    file: JournalFormat.tailName, offset: tailByteCount,
                    sequence: log.durableSequence + 1,
                    what: "the file has \(tailByteCount) of \(Self.tailByteCountWhole) bytes, "
                        + "and what is gone may be the last records"))
        }
        if takesAnyShard, let found = surveys.lazy.compactMap({ $0.header?.shard }).first {
            shard = found
            log.shard = found
        }
        if let slot = slots.first(where: { $0.slot.shard != shard }) {
            throw .damaged(foreign(JournalFormat.tailName, slot.slot.shard))
        }
        guard surveys.contains(where: { $0.state == .begun }) else { return try withoutSegments() }
        try checkOrder()
        try walk(visit)
        log.epoch = surveys.compactMap { $0.header?.epoch }.max() ?? 0
        return log
    }

    /// Nothing was ever begun here, or all of it is lost.
    private mutating func withoutSegments() throws(JournalError) -> RecoveredLog {
        // The tail's first slot, which is there before any segment, knows of no record.
        let known = slots.filter { $0.slot.lastSequence > 0 || $0.slot.durableSequence > 0 }
        if let slot = known.max(by: { $0.slot.durableSequence < $1.slot.durableSequence }) {
            let file = surveys.first?.name ?? JournalFormat.segmentName(firstSequence: 1)
            throw .damaged(
                JournalDamage(
                    file: file, offset: 0, sequence: surveys.first?.firstSequence ?? 1,
                    what: "the tail (slot \(slot.index)) knows of records up to "
                        + "\(slot.slot.durableSequence), and no segment with a valid header is here"
                ))
        }
        if let bad = surveys.first(where: { $0.state != .prepared }),
            case .bad(let what) = bad.state
        {
            throw .damaged(
                JournalDamage(
                    file: bad.name, offset: 0, sequence: bad.firstSequence, what: what))
        }
        log.cutFiles += surveys.map(\.name)
        log.isSealed = log.cutFiles.isEmpty
        return log
    }

    /// Headers and footers that the writer made durable before it went on.
    private func checkOrder() throws(JournalError) {
        let lastBegun = surveys.lastIndex { $0.state == .begun } ?? 0
        for (index, survey) in surveys.enumerated() {
            if let header = survey.header, header.shard != shard {
                throw .damaged(foreign(survey.name, header.shard))
            }
            guard index < lastBegun else { continue }
            if survey.state != .begun {
                var what = "a header without its beginning, and later segments follow"
                if case .bad(let reason) = survey.state { what = reason }
                throw .damaged(
                    JournalDamage(
                        file: survey.name, offset: 0, sequence: survey.firstSequence, what: what))
            }
            if index + 1 < lastBegun, survey.footer == nil, let header = survey.header {
                throw .damaged(
                    JournalDamage(
                        file: survey.name, offset: header.geometry.footerOffset,
                        sequence: header.geometry.lastSequence,
                        what: "no valid footer, and later segments follow"))
            }
        }
    }

    private func foreign(_ file: String, _ found: UInt32) -> JournalDamage {
        JournalDamage(
            file: file, offset: 0, sequence: 0,
            what: "it is of shard \(found), and this is the folder of shard \(shard)")
    }
}
