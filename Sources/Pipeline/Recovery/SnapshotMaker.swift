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
        /// Segments that it let go.
        public var retired: [String]
    }

    private let made = Mutex<Made?>(nil)
    private let problem = Mutex<String?>(nil)
    private let isWanted = Atomic<Bool>(false)

    /// The last one of this run; nil before the first.
    public var last: Made? { made.withLock { $0 } }
    /// Why there are none, or why old segments stay; nil when all is well. It is tried again.
    public var failure: String? { problem.withLock { $0 } }
    /// Asks for one of what is durable now.
    public func request() { isWanted.store(true, ordering: .relaxed) }

    func takeRequest() -> Bool { isWanted.exchange(false, ordering: .relaxed) }
    func note(_ new: Made, failure: String?) {
        made.withLock { $0 = new }
        problem.withLock { $0 = failure }
    }
    func note(failure: String) { problem.withLock { $0 = failure } }
}

/// Makes the snapshots of a shard while it runs: folds what the journal has made durable through an
/// engine of its own, from the newest snapshot on, and writes the state down every so many records.
///
/// Threading: `turn` belongs to the shard's history thread, which nobody waits for.
final class SnapshotMaker {
    /// Records of one turn: some milliseconds, so that others on the thread get theirs.
    private static let recordsPerTurn = 65_536

    let progress = SnapshotProgress()
    private let shard: UInt32
    private let store: SnapshotStore
    private let storage: FileStorage
    private let ring: LogRing<LogRecord>
    private let status: JournalStatus
    private let settings: Configuration.Journal
    private let clock: CycleClock
    private let node: NUMANode?
    private var fold: LogFold?
    private var follower: LogFollower<FileStorage>?
    /// The next snapshot is of this sequence, or of the command before.
    private var target: UInt64 = .max
    /// After a failure it rests.
    private var nextTryNanos: UInt64 = 0

    /// `storage` is for reading.
    init(
        shard: UInt32, store: SnapshotStore, storage: FileStorage, ring: LogRing<LogRecord>,
        status: JournalStatus, settings: Configuration.Journal, clock: CycleClock, node: NUMANode?
    ) {
        self.shard = shard
        self.store = store
        self.storage = storage
        self.ring = ring
        self.status = status
        self.settings = settings
        self.clock = clock
        self.node = node
    }

    /// Goes on for a moment. False when there was nothing to do.
    func turn() -> Bool {
        guard clock.utcNanos() >= nextTryNanos else { return false }
        do {
            if progress.takeRequest() { target = min(target, status.durable.load()) }
            return try advance()
        } catch {
            progress.note(failure: "no snapshot: \(error)")
            fold = nil
            follower = nil
            target = .max
            nextTryNanos = clock.utcNanos() + 10_000_000_000
            return false
        }
    }

    private func advance() throws -> Bool {
        let durable = status.durable.load()
        if fold == nil {
            // Nothing is worth a second engine's memory yet.
            guard target != .max || durable >= settings.nextSnapshot(after: 0) else { return false }
            try begin()
        }
        guard let fold, let follower else { return false }
        let count = try follower.read(
            through: min(durable, target), recordCountMax: Self.recordsPerTurn
        ) { record, continuation in fold.fold(record, continuation: continuation) }
        if let problem = fold.problem { throw HistoryError(cause: problem) }
        // A pair that begins at the target is in the next one.
        guard durable >= target, fold.lastSequence + 1 >= target else { return count > 0 }
        try save(fold)
        return true
    }

    private func begin() throws {
        var skipped: [SkippedSnapshot] = []
        let newest = try LogFold.newest(in: store, until: status.durable.load(), skipped: &skipped)
        follower = try LogFollower(storage: storage, ring: ring, after: newest.position.chain)
        fold = newest
        target = min(target, settings.nextSnapshot(after: newest.position.sequence))
    }

    private func save(_ fold: LogFold) throws {
        target = settings.nextSnapshot(after: fold.position.sequence)
        try store.save(fold, at: fold.position)
        let kept = try store.sequences()
        var retired: [String] = []
        var failure: String?
        // As many as are wanted must be there before anything that they cover goes.
        if kept.count >= settings.snapshotsKept, let oldest = kept.last {
            do {
                retired = try settings.retention(shard: shard).retire(storage, through: oldest)
            } catch { failure = "old segments stay: \(error)" }
        }
        progress.note(
            .init(
                sequence: fold.position.sequence, stateHash: fold.stateHash, retired: retired),
            failure: failure)
    }
}

/// Why the history of a shard cannot be read; in words for the operator.
struct HistoryError: Error, CustomStringConvertible {
    let cause: String
    var description: String { cause }
}
