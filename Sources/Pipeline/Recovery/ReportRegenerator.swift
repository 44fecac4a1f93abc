// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Engine
internal import NICGateway
internal import Platform
internal import Wire

/// Makes reports again that have left the gateway's memory: folds the log from a snapshot that is
/// older than they are. A client that asks for one window after the other is served by one fold.
///
/// Threading: `turn` belongs to the shard's history thread.
final class ReportRegenerator {
    /// Reports that are made ahead of further questions.
    private static let gatheredCountMax = 4_096
    /// So long without a question, and the engine's memory is given back.
    private static let keptNanos: UInt64 = 10_000_000_000
    /// The length of a turn, about.
    private static let turnNanos: UInt64 = 10_000_000

    /// The log, being folded for one session.
    private struct Fold {
        let log: LogFold
        let follower: LogFollower<FileStorage>
        let session: UInt32
        /// Number of the session's next report.
        var next: UInt64
        /// Reports with the numbers before `next`, without a gap; `first` is the first one's.
        var gathered: [ReportHistory.Report] = []
        /// The event before: of a trade the resting order's.
        var previous = Event(kind: .nothing)

        var firstGathered: UInt32 {
            UInt32(truncatingIfNeeded: next) &- UInt32(gathered.count)
        }

        /// One event of a command, as `ReportEncoder` tells it.
        mutating func see(_ event: Event, of record: LogRecord, from: UInt32) {
            defer { previous = event }
            guard event.kind.isReported else { return }
            guard event.kind == .traded else {
                return tell(event, reference: event.reference, of: record, from: from)
            }
            // A trade's first event waits for its second.
            guard event.attributes.contains(.aggressor) else { return }
            tell(previous, reference: event.disclosedReference, of: record, from: from)
            tell(event, reference: previous.disclosedReference, of: record, from: from)
        }

        private mutating func tell(
            _ event: Event, reference: UInt64, of record: LogRecord, from: UInt32
        ) {
            guard event.session == session else { return }
            let number = UInt32(truncatingIfNeeded: next)
            next += 1
            guard Int32(bitPattern: number &- from) >= 0 else { return }
            gathered.append(
                ReportHistory.Report(
                    sequence: number, event: event, reference: reference,
                    commandSequence: record.sequence, timestampNanos: record.timestampNanos))
        }
    }

    private let mailbox: ReportHistory
    private let store: SnapshotStore
    private let storage: FileStorage
    private let ring: LogRing<LogRecord>
    private let status: JournalStatus
    private let clock: CycleClock
    private let progress: SnapshotProgress
    private var fold: Fold?
    private var lastUseNanos: UInt64 = 0

    /// `storage` is for reading.
    init(
        _ mailbox: ReportHistory, store: SnapshotStore, storage: FileStorage,
        ring: LogRing<LogRecord>, status: JournalStatus, clock: CycleClock,
        progress: SnapshotProgress
    ) {
        self.mailbox = mailbox
        self.store = store
        self.storage = storage
        self.ring = ring
        self.status = status
        self.clock = clock
        self.progress = progress
    }

    /// Goes on with the question that is asked for a moment. False when there is none.
    func turn() -> Bool {
        guard let question = mailbox.asked else {
            if fold != nil, clock.utcNanos() &- lastUseNanos > Self.keptNanos { fold = nil }
            return false
        }
        lastUseNanos = clock.utcNanos()
        do { try advance(question) } catch {
            fold = nil
            progress.note("old reports cannot be had: \(error)", of: .reports)
            // No word of it to the client, which would give them up: it asks again.
            mailbox.dismiss()
        }
        return true
    }

    private func advance(_ question: ReportHistory.Question) throws {
        if !canServe(question), try !start(question) { return }
        guard canServe(question), var current = fold else { return mailbox.dismiss() }
        fold = nil
        defer { fold = current }
        let offset = Int(Int32(bitPattern: question.from &- current.firstGathered))
        if offset > 0 { current.gathered.removeFirst(min(offset, current.gathered.count)) }
        if current.gathered.count >= question.count { return answer(question, current) }
        var taken = 1
        let end = status.durable.load()
        let began = clock.utcNanos()
        while taken > 0, current.gathered.count < Self.gatheredCountMax,
            clock.utcNanos() &- began < Self.turnNanos
        {
            taken = try current.follower.read(through: end, recordCountMax: 1_024) { record, next in
                current.log.fold(record, continuation: next) {
                    current.see($0, of: record, from: question.from)
                }
            }
            if let problem = current.log.problem { throw HistoryError(cause: problem) }
        }
        guard taken == 0 else { return }
        // At the end of what is durable: what is missing is there in a moment.
        if current.gathered.isEmpty { mailbox.dismiss() } else { answer(question, current) }
    }

    private func answer(_ question: ReportHistory.Question, _ fold: Fold) {
        progress.note(nil, of: .reports)
        mailbox.answer(fold.gathered.prefix(question.count), firstAvailable: nil)
    }

    /// Whether the fold has what is asked for, or has it before it.
    private func canServe(_ question: ReportHistory.Question) -> Bool {
        guard let fold, fold.session == question.session else { return false }
        return Int32(bitPattern: question.from &- fold.firstGathered) >= 0
    }

    /// Takes the newest state in which the report was not made yet. False when there is none: then
    /// the question is answered.
    private func start(_ question: ReportHistory.Question) throws -> Bool {
        fold = nil
        var firstAvailable: UInt32?
        var found: (log: LogFold, next: UInt64)?
        // The later the snapshot, the more the session had been told: halves are searched.
        var sequences = try store.sequences().filter { $0 <= status.durable.load() }[...]
        while !sequences.isEmpty {
            let middle = (sequences.startIndex + sequences.endIndex) / 2
            guard let log = try? LogFold.restore(store, sequence: sequences[middle])
            else {
                sequences.remove(at: middle)
                continue
            }
            let next = (log.session(question.session)?.reportSequence ?? 0) + 1
            if Int32(bitPattern: question.from &- UInt32(truncatingIfNeeded: next)) >= 0 {
                found = (log, next)
                sequences = sequences[..<middle]
            } else {
                firstAvailable = UInt32(truncatingIfNeeded: next)
                sequences = sequences[(middle + 1)...]
            }
        }
        if let found {
            try fold(question, found.log, next: found.next)
            return true
        }
        let first = JournalFormat.segmentName(firstSequence: 1)
        guard Int32(bitPattern: question.from &- 1) >= 0 else {
            mailbox.answer([], firstAvailable: 1)
            return false
        }
        guard try storage.list().contains(first) else {
            mailbox.answer([], firstAvailable: firstAvailable)
            return false
        }
        try fold(question, LogFold(shard: store.shard), next: 1)
        return true
    }

    private func fold(
        _ question: ReportHistory.Question, _ log: LogFold, next: UInt64
    ) throws {
        fold = Fold(
            log: log,
            follower: try LogFollower(
                storage: storage, shard: store.shard, ring: ring, after: log.position.chain),
            session: question.session, next: next)
    }
}
