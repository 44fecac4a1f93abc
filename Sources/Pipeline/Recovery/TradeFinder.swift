// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import Synchronization
internal import Wire

/// A trade that somebody asks for, between whoever asks and the shard's history thread, which looks
/// for it. One at a time: another question takes the place of the one before.
///
/// Threading: any thread.
final class TradeDesk: Sendable {
    /// The trade with an index, from 0, in the command with a sequence.
    struct Question: Equatable {
        var sequence: UInt64
        var index: UInt16
    }

    /// What has come of it.
    enum Finding: Equatable {
        /// The trade, and when it was made, UTC nanoseconds.
        case trade(TradeBust, timestampNanos: UInt64)
        /// There is none, or it cannot be looked for: why, for a person to read.
        case nothing(String)
    }

    private let state = Mutex<(question: Question, finding: Finding?)?>(nil)

    /// What was found, which is forgotten then; nil while it is looked for: from here on, if it was
    /// not before.
    func finding(of question: Question) -> Finding? {
        state.withLock { state in
            guard let asked = state, asked.question == question else {
                state = (question, nil)
                return nil
            }
            if asked.finding != nil { state = nil }
            return asked.finding
        }
    }

    /// The question that is open.
    var open: Question? {
        state.withLock { state in
            guard let asked = state, asked.finding == nil else { return nil }
            return asked.question
        }
    }

    /// Answers a question, if it is still the one that is open.
    func answer(_ question: Question, _ finding: Finding) {
        state.withLock { state in
            if state?.question == question { state = (question, finding) }
        }
    }
}

/// Finds trades in the log of a shard: folds it from the newest snapshot before the trade up to its
/// command, as the journal and the ring have it. The engine keeps no trades.
///
/// Threading: `turn` belongs to the shard's history thread. While it looks it has the memory of
/// another engine.
final class TradeFinder {
    /// The length of a turn, about.
    private static let turnNanos: UInt64 = 10_000_000
    private static let recordsPerRead = 1_024

    /// The log, on its way to a trade.
    private struct Fold {
        let question: TradeDesk.Question
        let log: LogFold
        let follower: LogFollower<FileStorage>
        let end: UInt64
    }

    /// Where it is asked.
    let desk = TradeDesk()
    private let store: SnapshotStore
    private let storage: FileStorage
    private let ring: LogRing<LogRecord>
    private let status: JournalStatus
    private let clock: CycleClock
    private var fold: Fold?

    /// `storage` is for reading.
    init(
        store: SnapshotStore, storage: FileStorage, ring: LogRing<LogRecord>,
        status: JournalStatus, clock: CycleClock
    ) {
        self.store = store
        self.storage = storage
        self.ring = ring
        self.status = status
        self.clock = clock
    }

    /// Goes on looking for a moment. False when nobody asks.
    func turn() -> Bool {
        guard let question = desk.open else {
            fold = nil
            return false
        }
        do {
            if fold?.question != question { fold = nil }
            let finding = try fold.map { try look($0) } ?? start(question)
            guard let finding else { return true }
            fold = nil
            desk.answer(question, finding)
        } catch {
            fold = nil
            desk.answer(question, .nothing("the log cannot be read: \(error)"))
        }
        return true
    }

    /// Takes the newest state before the trade.
    private func start(_ question: TradeDesk.Question) throws -> TradeDesk.Finding? {
        let durable = status.durable.load()
        guard question.sequence > 0, question.sequence <= durable else {
            return .nothing("the log of shard \(store.shard) is durable up to sequence \(durable)")
        }
        var skipped: [SkippedSnapshot] = []
        let log = try LogFold.newest(in: store, until: question.sequence - 1, skipped: &skipped)
        let first = JournalFormat.segmentName(firstSequence: 1)
        guard try log.lastSequence > 0 || storage.list().contains(first) else {
            return .nothing(
                "the log of shard \(store.shard) is here no more from so long ago: look where its "
                    + "old segments are kept, with `needletail log export`")
        }
        let follower = try LogFollower(
            storage: storage, shard: store.shard, ring: ring, after: log.position.chain)
        // A command of two records is read when its second is.
        fold = Fold(
            question: question, log: log, follower: follower,
            end: min(durable, question.sequence + 1))
        return nil
    }

    private func look(_ fold: Fold) throws -> TradeDesk.Finding? {
        let question = fold.question
        let began = clock.utcNanos()
        var found: [Event] = []
        var timestampNanos: UInt64 = 0
        var taken = 1
        while taken > 0, fold.log.lastSequence < question.sequence {
            guard clock.utcNanos() &- began < Self.turnNanos else { return nil }
            taken = try fold.follower.read(
                through: fold.end, recordCountMax: Self.recordsPerRead
            ) { record, continuation in
                guard record.sequence == question.sequence else {
                    return fold.log.fold(record, continuation: continuation)
                }
                timestampNanos = record.timestampNanos
                fold.log.fold(record, continuation: continuation) { event in
                    let isMeant = event.kind == .traded && event.detail == question.index
                    if isMeant { found.append(event) }
                }
            }
            if let problem = fold.log.problem { throw HistoryError(cause: problem) }
        }
        guard found.count == 2 else {
            return .nothing(
                found.isEmpty
                    ? "the command with sequence \(question.sequence) made no trade "
                        + "\(question.index)"
                    : "the command with sequence \(question.sequence) made more trades than have "
                        + "numbers")
        }
        return .trade(
            TradeBust(of: found[0], found[1], tradeSequence: question.sequence),
            timestampNanos: timestampNanos)
    }
}
