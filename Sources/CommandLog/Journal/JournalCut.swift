// SPDX-License-Identifier: Apache-2.0
//
//  Takes the end off a journal, for a host that was replaced and whose last records nobody carried
//  over. The log's folder is never without a journal, and never has a mixture of two:
//
//    shard-0 ──▶ shard-0.cut: links to segments that end before C, the segment of C as far as C,
//                a new tail, times, snapshots, and a mark that it is to take the place
//    ──▶ the two folders exchange their names, in one step
//    ──▶ shard-0.cut, now the old one, becomes shard-0.before-cut-C-1; the mark is removed
//
//  The mark lies in `shard-0.cut` before the exchange and in `shard-0` behind it: so whoever comes
//  next knows which of the two is the old one, and ends what was begun.
internal import Wire

/// Why a journal is not cut.
public enum JournalCutError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It would not be right; one sentence. Nothing was changed.
    case refused(String)
    /// The log has another record there, or half a command: it would be right elsewhere.
    case elsewhere(String)
    /// The journal cannot be read, or the disk refuses.
    case journal(JournalError)
    /// The same of folders and snapshots.
    case folder(SnapshotError)
    /// A test stopped the work here, as a crash would.
    case stopped

    /// For the operator.
    public var description: String {
        switch self {
        case .refused(let sentence), .elsewhere(let sentence): sentence
        case .journal(let error): error.description
        case .folder(let error): error.description
        case .stopped: "stopped by a test"
        }
    }
}

/// A cut behind a record of a shard's journal.
///
/// Threading: one thread, cold; the folder is locked for as long as it takes.
public struct JournalCut: Sendable {
    /// The shard's folder.
    public let folder: String
    /// The last record that stays: of a command of two records the second.
    public let lastSequence: UInt64
    /// Its chained CRC.
    public let crc32c: UInt32
    /// For tests: is told each change of the disk before it is made, and may throw `stopped`.
    @_spi(Testing) public var willChange: @Sendable (String) throws(JournalCutError) -> Void = {
        _ throws(JournalCutError) in
    }

    /// What a cut does.
    public struct Outcome: Equatable, Sendable {
        /// The last record of the log as it was.
        public let lastSequenceBefore: UInt64
        /// Where the whole old journal is kept; nil when there was nothing to cut.
        public let keptFolder: String?
    }

    /// All three.
    public init(folder: String, lastSequence: UInt64, crc32c: UInt32) {
        self.folder = folder
        self.lastSequence = lastSequence
        self.crc32c = crc32c
    }

    /// Finds out whether it can be done. Changes nothing but to end an earlier cut that was
    /// interrupted. Throws when it cannot, and when somebody has the folder.
    public func check() throws(JournalCutError) -> Outcome { try check(open()).outcome }

    /// Cuts. When it returns, the folder has a journal that ends with `lastSequence`, durably. When
    /// it throws, or the process dies, it has that one or the old one, whole.
    public func run() throws(JournalCutError) -> Outcome {
        let storage = try open()
        let (log, outcome) = try check(storage)
        guard let kept = outcome.keptFolder else { return outcome }
        try build(storage, log)
        try succession.exchange(storage, keeping: kept, mark: mark, willChange)
        return outcome
    }

    private func open() throws(JournalCutError) -> FileStorage {
        guard SnapshotFile.isThere(folder) else {
            throw .refused("there is no folder \(folder): name the folder of one shard")
        }
        let storage: FileStorage
        do {
            storage = try FileStorage(path: folder, mode: .journalWithoutUring)
        } catch { throw .journal(.storage(error)) }
        try Self.finish(storage, willChange)
        return storage
    }

    /// The log, and what is to be done, if the cut is right.
    private func check(
        _ storage: FileStorage
    ) throws(JournalCutError) -> (log: RecoveredLog, outcome: Outcome) {
        let path = storage.folder
        let log = try Self.journal { () throws(JournalError) in
            try JournalRecovery.scan(storage, shard: nil, from: .max)
        }
        guard !log.segments.isEmpty, !log.isArchive else {
            throw .refused("\(path) holds no journal that goes on: name the folder of one shard")
        }
        guard lastSequence >= log.firstSequence else {
            throw .refused(
                "\(path) begins at sequence \(log.firstSequence), and \(lastSequence) is before "
                    + "that: move the folder away and begin behind a snapshot of the primary")
        }
        guard lastSequence <= log.lastSequence else {
            throw .refused(
                "\(path) ends with sequence \(log.lastSequence), before \(lastSequence): there is "
                    + "nothing to cut, ask the primary for the rest")
        }
        let found = try Self.journal { () throws(JournalError) in
            try log.record(lastSequence, in: storage)
        }
        guard let found else {
            throw .refused(
                "\(path): the record \(lastSequence) is not whole: run `needletail log verify`")
        }
        guard found.crc32c == crc32c else {
            throw .elsewhere(
                "\(path): the record \(lastSequence) has CRC \(Self.hex(found.crc32c)), and "
                    + "\(Self.hex(crc32c)) is asked for: the logs part before it, so find the last "
                    + "record that both have (`needletail log diff`)")
        }
        guard found.kind == .continuation || !found.isPair else {
            throw .elsewhere(
                "\(path): the record \(lastSequence) is the first of a pair: cut behind "
                    + "\(lastSequence - 1) or \(lastSequence + 1)")
        }
        guard lastSequence < log.lastSequence else {
            return (log, Outcome(lastSequenceBefore: log.lastSequence, keptFolder: nil))
        }
        try checkSnapshots(path, log)
        return (
            log,
            Outcome(
                lastSequenceBefore: log.lastSequence,
                keptFolder: succession.freeName(path, sequence: lastSequence))
        )
    }

    /// Where the oldest segments were let go, a start needs a snapshot that stays.
    private func checkSnapshots(_ path: String, _ log: RecoveredLog) throws(JournalCutError) {
        guard log.firstSequence > 1 else { return }
        let store = SnapshotStore(path: path + "/snapshots", shard: log.shard)
        let sequences = try Self.folder { () throws(SnapshotError) in try store.sequences() }
        let isAny = sequences.contains { sequence in
            sequence <= lastSequence && sequence + 1 >= log.firstSequence
                && (try? store.load(sequence: sequence)) != nil
        }
        guard isAny else {
            throw .refused(
                "\(path) begins at sequence \(log.firstSequence), and no snapshot of "
                    + "\(log.firstSequence - 1) to \(lastSequence) is here, so nothing could start "
                    + "from what is left: move the folder away and begin behind a snapshot of the "
                    + "primary")
        }
    }

    // MARK: Small things

    internal func change(_ what: String) throws(JournalCutError) { try willChange(what) }

    internal var succession: FolderSuccession { .cut }
    internal var mark: String { succession.mark(lastSequence) }

    private static func hex(_ crc: UInt32) -> String {
        let digits = String(crc, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    internal static func journal<Result: ~Copyable>(
        _ body: () throws(JournalError) -> Result
    ) throws(JournalCutError) -> Result {
        do { return try body() } catch { throw .journal(error) }
    }

    internal static func folder<Result>(
        _ body: () throws(SnapshotError) -> Result
    ) throws(JournalCutError) -> Result {
        do { return try body() } catch { throw .folder(error) }
    }
}
