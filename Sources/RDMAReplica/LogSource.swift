// SPDX-License-Identifier: Apache-2.0
public import CommandLog
public import Platform
public import Wire

/// Where a mirror takes the records from that its standby has missed.
///
/// Threading: one thread.
public protocol LogSource: AnyObject {
    /// Gives the next commands that end at `through` or before to `visit`, at most
    /// `recordCountMax` records, and says how many records it went on by.
    func read(
        through: UInt64, recordCountMax: Int, visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) -> Int
}

extension LogFollower: LogSource {}

/// A log as a mirror needs it: which record is where, and all from any place on.
///
/// Threading: one thread.
public struct MirrorHistory {
    /// The CRC of the record with this sequence; nil when it is nowhere any more.
    let crc: (UInt64) throws(JournalError) -> UInt32?
    /// All behind a record.
    let follow: (RecordChain) throws(JournalError) -> any LogSource

    /// The log of a shard that is journaled in `storage`, and whose newest part is in `ring`.
    public init<Storage: JournalStorage>(
        storage: Storage, shard: UInt32, ring: LogRing<LogRecord>
    ) {
        crc = { (sequence) throws(JournalError) in
            try LogFollower.crc(of: sequence, storage: storage)
        }
        follow = { (chain) throws(JournalError) in
            try LogFollower(storage: storage, shard: shard, ring: ring, after: chain)
        }
    }
}

/// The snapshots of a log, from which a standby is brought up that records alone cannot.
///
/// Threading: one thread.
public struct MirrorSnapshots {
    /// Where they are.
    let store: SnapshotStore
    /// So many records are to lie behind the one that is sent: of their reports, clients may ask
    /// for any.
    let windowRecordCount: UInt64
    /// Asks for one to be made.
    let request: () -> Void

    /// Of a shard's store.
    public init(
        store: SnapshotStore, windowRecordCount: UInt64, request: @escaping () -> Void
    ) {
        self.store = store
        self.windowRecordCount = windowRecordCount
        self.request = request
    }
}

/// A log without a journal: what is in the ring, as long as it is.
final class RingSource: LogSource {
    private let ring: LogRing<LogRecord>
    private var chain: RecordChain

    init(_ ring: LogRing<LogRecord>, after chain: RecordChain) {
        self.ring = ring
        self.chain = chain
    }

    func read(
        through: UInt64, recordCountMax: Int, visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) -> Int {
        let first = chain.lastSequence
        let last = min(through, first &+ UInt64(recordCountMax))
        var observer = ring.observer(from: first &+ 1)
        while chain.lastSequence < last {
            var next = chain
            guard case .record(let record) = observer.next(), next.take(record) else { break }
            var continuation: LogRecord?
            if record.isPair {
                guard case .record(let second) = observer.next(), next.take(second) else { break }
                continuation = second
            }
            visit(record, continuation)
            chain = next
        }
        return Int(chain.lastSequence - first)
    }
}
