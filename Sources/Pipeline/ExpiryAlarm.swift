// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Says when the log is to be told what time it is, so that an order may expire.
///
/// The time is that of the records, which a clock that is set back does not take back. A record of
/// second S takes out of the book all that expires up to S, and keeps out what would come later
/// with such an expiry. So what the engine shows at or before S is about to go, and nothing is
/// written for it again: at most one record a second, whatever clients, clocks and engine do.
///
/// What commands leave over goes on behind later ones, the most behind such a record. So one is
/// written while the engine has nothing else to do, and as long as what it says is soon told.
/// Threading: of the thread that writes the log; it reads what the engine's shows.
struct ExpiryAlarm {
    /// Orders expire since these rules.
    static let rulesVersion: UInt32 = 3

    private let progress: EngineProgress
    /// UTC seconds of the last record that told the time.
    private var toldSeconds: UInt64

    /// Of an engine that was last told `timeSeconds`.
    init(_ progress: EngineProgress, timeSeconds: UInt64) {
        self.progress = progress
        toldSeconds = timeSeconds
    }

    /// What is to be written. Its own timestamp is the time.
    static var record: LogRecord { LogRecord(kind: .timeAdvance) }

    /// Whether it is to be written, where a record would be stamped with this time, UTC.
    @inline(__always)
    func isDue(_ nanos: UInt64) -> Bool {
        let next = progress.nextExpirySeconds
        // It has 32 bits.
        return next > toldSeconds && nanos >= next &* 1_000_000_000
    }

    /// Whether it is to be written though nothing expires: the engine has applied the log, which
    /// ends here, and something is left over.
    @inline(__always)
    func isWanted(behind logEnd: UInt64) -> Bool {
        progress.backlog != 0 && progress.sequence == logEnd
    }

    /// It was written, and stamped with this time.
    mutating func ring(_ nanos: UInt64) { toldSeconds = max(toldSeconds, nanos / 1_000_000_000) }

    /// A command that came from elsewhere, under rules by which orders expire.
    mutating func see(_ record: LogRecord) {
        if record.kind == .timeAdvance { ring(record.timestampNanos) }
    }
}
