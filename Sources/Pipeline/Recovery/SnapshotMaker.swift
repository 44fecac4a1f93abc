// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import Synchronization
internal import Wire

/// How a shard's snapshots get on; for the operator. Any thread.
public final class SnapshotProgress: Sendable {
    /// A snapshot that was made.
    public struct Made: Equatable, Sendable {
        /// The last sequence in it.
        public var sequence: UInt64
        /// The state hash there.
        public var stateHash: UInt64
    }

    /// What may go wrong on its own, and is tried again.
    enum Work: CaseIterable { case snapshot, retention, reports }

    private struct News {
        var made: Made?
        var retired: [String] = []
        var failures: [Work: String] = [:]
    }
    private let news = Mutex(News())
    private let isWanted = Atomic<Bool>(false)

    /// The last one of this run; nil before the first.
    public var last: Made? { news.withLock { $0.made } }
    /// The segments that were let go in this run.
    public var retired: [String] { news.withLock { $0.retired } }
    /// Why there are no snapshots, why old segments stay, why old reports cannot be had: a sentence
    /// each. Empty when all is well.
    public var failures: [String] {
        news.withLock { news in Work.allCases.compactMap { news.failures[$0] } }
    }
    /// Asks for one of what is durable now.
    public func request() { isWanted.store(true, ordering: .relaxed) }

    var isRequested: Bool { isWanted.load(ordering: .relaxed) }
    func forgetRequest() { isWanted.store(false, ordering: .relaxed) }
    func note(_ made: Made) {
        news.withLock {
            $0.made = made
            $0.failures[.snapshot] = nil
        }
    }
    func note(retired: [String]) {
        news.withLock { $0.retired += retired }
    }
    func note(_ failure: String?, of work: Work) { news.withLock { $0.failures[work] = failure } }
}

/// Makes the snapshots of a shard while it runs: folds what the journal has made durable through an
/// engine of its own, from the newest snapshot on, and writes the state down every so many records.
/// Then it lets segments go that no kept snapshot needs.
///
/// Threading: `turn` belongs to the shard's history thread, which nobody waits for.
final class SnapshotMaker {
    /// Records of one turn: some milliseconds, so that others on the thread get theirs.
    private static let recordsPerTurn = 65_536
    private static let restNanos: UInt64 = 10_000_000_000

    let progress = SnapshotProgress()
    private let shard: UInt32
    private let store: SnapshotStore
    private let storage: FileStorage
    private let ring: LogRing<LogRecord>
    private let status: JournalStatus
    private let settings: Configuration.Journal
    private let clock: CycleClock
    private var fold: LogFold?
    private var follower: LogFollower<FileStorage>?
    /// The last sequence in a snapshot, of this run or found by it.
    private var saved: UInt64 = 0
    /// The next snapshot is of this sequence, or of the command before.
    private var target: UInt64
    private var isRetentionDue = false
    /// After a failure it rests.
    private var nextTryNanos: UInt64 = 0
    private var nextRetentionNanos: UInt64 = 0

    init(
        shard: UInt32, store: SnapshotStore, storage: FileStorage, ring: LogRing<LogRecord>,
        status: JournalStatus, settings: Configuration.Journal, clock: CycleClock
    ) {
        self.shard = shard
        self.store = store
        self.storage = storage
        self.ring = ring
        self.status = status
        self.settings = settings
        self.clock = clock
        target = settings.nextSnapshot(after: 0)
    }

    /// Goes on for a moment. False when there was nothing to do.
    func turn() -> Bool {
        let now = clock.utcNanos()
        if isRetentionDue, now >= nextRetentionNanos { retire(now) }
        guard now >= nextTryNanos else { return false }
        do { return try advance() } catch {
            progress.note("no snapshot: \(error)", of: .snapshot)
            fold = nil
            follower = nil
            nextTryNanos = now + Self.restNanos
            return false
        }
    }

    private func advance() throws -> Bool {
        let durable = status.durable.load()
        if fold == nil {
            // Before there is something to write down, a second engine's memory is not worth it.
            guard durable >= target || progress.isRequested && durable > 0 else { return false }
            try begin(durable)
        }
        guard let fold, let follower else { return false }
        if progress.isRequested { target = min(target, max(durable, saved + 1)) }
        let count = try follower.read(
            through: min(durable, target), recordCountMax: Self.recordsPerTurn
        ) { record, continuation in fold.fold(record, continuation: continuation) }
        if let problem = fold.problem { throw HistoryError(cause: problem) }
        guard fold.lastSequence > saved else {
            // Nothing to write down, or a pair that begins at the target and ends behind it.
            if progress.isRequested, saved > 0, saved == durable { progress.forgetRequest() }
            if durable > target, fold.lastSequence + 1 == target { target += 1 }
            return count > 0
        }
        guard durable >= target, fold.lastSequence + 1 >= target else { return count > 0 }
        try save(fold)
        return true
    }

    private func begin(_ durable: UInt64) throws {
        var skipped: [SkippedSnapshot] = []
        let newest = try LogFold.newest(in: store, until: durable, skipped: &skipped)
        if let first = skipped.first {
            progress.note("a snapshot cannot be used: \(first.error)", of: .snapshot)
        }
        follower = try LogFollower(
            storage: storage, shard: shard, ring: ring, after: newest.position.chain)
        fold = newest
        saved = newest.lastSequence
        target = settings.nextSnapshot(after: saved)
    }

    private func save(_ fold: LogFold) throws {
        let position = fold.position
        try store.save(fold, at: position)
        saved = position.sequence
        target = settings.nextSnapshot(after: saved)
        progress.forgetRequest()
        progress.note(.init(sequence: saved, stateHash: fold.stateHash))
        isRetentionDue = true
        nextRetentionNanos = 0
    }

    /// As many snapshots as are kept must be there before anything that they cover goes.
    private func retire(_ now: UInt64) {
        var retired: [String] = []
        do {
            // Read whole once more: what is let go cannot be had again.
            let kept = try store.sequences().filter {
                $0 <= saved && (try? store.load(sequence: $0)) != nil
            }
            if kept.count >= settings.snapshotsKept, let oldest = kept.last {
                try settings.retention(shard: shard).retire(
                    storage, shard: shard, through: oldest, durable: status.durable.load(),
                    retired: &retired)
            }
            isRetentionDue = false
            progress.note(nil, of: .retention)
        } catch {
            progress.note("old segments stay: \(error)", of: .retention)
            nextRetentionNanos = now + Self.restNanos
        }
        progress.note(retired: retired)
    }
}

/// Why the history of a shard cannot be read; in words for the operator.
struct HistoryError: Error, CustomStringConvertible {
    let cause: String
    var description: String { cause }
}
