// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Pipeline
internal import Platform
internal import Wire

/// A log's commands, folded one after the other, to its end or as they are written: then a block of
/// records is there when all of it has its place in a segment.
struct LogTail {
    private static let recordsAtOnce = 4_096

    let fold: LogFold
    private let source: LogSource
    /// Folded up to here; nil = to wherever the log goes on. What is written after the log was
    /// opened is not, unless it is followed.
    let last: UInt64?
    /// Of a log that is followed.
    private let follower: LogFollower<FileStorage>?

    /// Behind where the fold is, to the last record that is here now, or on and on.
    init(_ source: LogSource, _ fold: LogFold, until: UInt64?, follows: Bool) throws {
        self.fold = fold
        self.source = source
        last = follows ? until : min(until ?? .max, source.log.lastSequence)
        do throws(JournalError) {
            follower =
                follows
                ? try LogFollower(
                    storage: source.storage, shard: source.log.shard, ring: nil,
                    after: fold.position.chain) : nil
        } catch { throw LogSource.refuse("\(error)") }
    }

    /// All that was asked for is folded.
    var isDone: Bool { last.map { fold.lastSequence >= $0 } ?? false }

    /// Folds the next commands; `see` gets each event. False when there is none now.
    func advance(see: (EventStreamEntry, LogRecord, LogRecord?) -> Void) throws -> Bool {
        let before = fold.lastSequence
        try read { record, continuation in
            let crc32c = (continuation ?? record).crc32c
            fold.fold(record, continuation: continuation) { event in
                see(
                    EventStreamEntry(sequence: record.sequence, crc32c: crc32c, event: event),
                    record, continuation)
            }
        }
        if let problem = fold.problem { throw LogSource.refuse(problem) }
        return fold.lastSequence > before
    }

    private func read(_ visit: (LogRecord, LogRecord?) -> Void) throws {
        guard let follower else {
            let next = fold.lastSequence + 1
            let through = min(next + UInt64(Self.recordsAtOnce), last ?? .max)
            return try source.forEachCommand(from: next, through: through, visit)
        }
        do throws(JournalError) {
            _ = try follower.read(
                through: last ?? .max, recordCountMax: Self.recordsAtOnce, visit: visit)
        } catch { throw LogSource.refuse("\(error)") }
    }
}
