// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the bytes of two records are compared within a call that lends both.
internal import CommandLog
internal import OrderEntryClient
internal import Pipeline
internal import RDMAReplica
internal import Wire

/// What a run must not do, and did.
public struct Violation: Equatable, Sendable, CustomStringConvertible {
    /// The number of the invariant in docs/operations/simulator.md.
    public let invariant: Int
    /// What was seen.
    public let what: String
    /// Both.
    public var description: String { "invariant \(invariant): \(what)" }
}

/// What the world remembers of all hosts together: the log that was acknowledged, folded by an
/// engine of its own, and everything that ever left a house.
final class Ledger {
    /// CRCs of the records that were acknowledged, the first at 0.
    var acknowledged: [UInt32] = []
    /// The same log, folded.
    let fold = LogFold(shard: 0)
    /// Records that a primary wrote at a sequence, those of lost suffixes too.
    private var written: [UInt64: [LogRecord]] = [:]
    /// State hashes that were seen behind a record of a log: its sequence and its CRC.
    var hashes: [Place: UInt64] = [:]
    /// Which host was heard in an epoch.
    var speakers: [UInt32: Int] = [:]
    /// Reports that left, by session and number; of the public stream as session 0.
    var reports: [[UInt64: [UInt8]]] = []
    /// Somebody who hears every public datagram.
    var listener = PublicStream()
    /// The last sequence of a session whose message was acknowledged.
    var taken: [UInt32]
    /// Orders that clients have submitted, by session: they are numbered from 1.
    var submitted: [UInt64]
    /// A session that ends with reports outstanding waits for seconds: not while all is to be well.
    var mayLogOut = true
    /// Records that told the time.
    private(set) var timesTold: UInt64 = 0
    /// What operators have asked for.
    var trail = OperatorTrail()
    /// What came of it, and of what clients entered.
    private(set) var eventCounts: [SimulationFigures.Count: UInt64] = [:]
    private let isPlain: Bool
    /// A command's first record, whose second is to come.
    private var first: LogRecord?
    /// What is wrong, if anything is.
    private(set) var violation: Violation?

    struct Place: Hashable {
        var sequence: UInt64
        var crc32c: UInt32
    }

    init(sessionCount: Int, isPlain: Bool) {
        self.isPlain = isPlain
        reports = Array(repeating: [:], count: sessionCount + 1)
        taken = Array(repeating: 0, count: sessionCount + 1)
        submitted = Array(repeating: 0, count: sessionCount + 1)
    }

    var lastSequence: UInt64 { UInt64(acknowledged.count) }

    func fail(_ invariant: Int, _ what: String) {
        if violation == nil { violation = Violation(invariant: invariant, what: what) }
    }

    func noteWritten(_ record: LogRecord) { written[record.sequence, default: []].append(record) }

    /// Whether the log was begun a second time, after a first beginning that no disk had.
    var hasTwoBeginnings: Bool { Set((written[1] ?? []).map(\.crc32c)).count > 1 }

    func written(_ sequence: UInt64, crc32c: UInt32) -> LogRecord? {
        written[sequence]?.first { $0.crc32c == crc32c }
    }

    func wasWritten(_ record: LogRecord) -> Bool {
        written[record.sequence]?.contains { known in
            unsafe withUnsafeBytes(of: (known, record)) { bytes in
                unsafe bytes.prefix(64).elementsEqual(bytes.dropFirst(64))
            }
        } ?? false
    }

    /// The records of the same log from a sequence up to the one before `record`, as they were
    /// written: each is the one that the next goes on from. Nil when that cannot be found out.
    func chain(from first: UInt64, upTo record: LogRecord) -> [LogRecord]? {
        var found: [LogRecord] = []
        var next = record
        while next.sequence > first {
            let before = written[next.sequence - 1]?.first {
                RecordChain.crc(next, $0.crc32c) == next.crc32c
            }
            guard let before else { return nil }
            found.append(before)
            next = before
        }
        return found.reversed()
    }

    /// Adds a record that a host has acknowledged first.
    func append(_ record: LogRecord) {
        acknowledged.append(record.crc32c)
        if let begun = first {
            first = nil
            apply(begun, record)
        } else if record.isPair, record.kind != .continuation {
            first = record
        } else {
            apply(record, nil)
        }
    }

    private func apply(_ record: LogRecord, _ continuation: LogRecord?) {
        Invariants.once(self, record)
        Invariants.ofClients(self, record)
        if record.kind == .timeAdvance { timesTold += 1 }
        if isPlain {
            fold.fold(record, continuation: continuation)
        } else {
            var isRefused = false
            fold.fold(record, continuation: continuation) { event in
                if event.kind == .controlRejected { isRefused = true }
                see(event, of: record)
            }
            if record.isOfOperator { Invariants.ofOperators(self, record, isRefused: isRefused) }
        }
        if let problem = fold.problem { fail(3, problem) }
    }

    private func see(_ event: Event, of record: LogRecord) {
        switch event.kind {
        case .traded where event.attributes.contains(.aggressor):
            trail.note(
                OperatorTrail.Trade(
                    id: TradeID(shard: 0, sequence: record.sequence, index: event.detail),
                    priceTicks: event.priceTicks, quantityLots: event.quantityLots))
        case .auctionPriced: eventCounts[.auctions, default: 0] += 1
        case .tradingStateSet where record.kind != .setInstrumentState:
            eventCounts[.volatilityAuctions, default: 0] += 1
        case .triggered: eventCounts[.triggers, default: 0] += 1
        case .busted where event.attributes.contains(.resting):
            eventCounts[.busts, default: 0] += 1
        case .massCancelDone where event.quantityLots > 1_024,
            .controlApplied where event.quantityLots > 1_024:
            eventCounts[.longCommands, default: 0] += 1
        case .businessDayRolled: eventCounts[.rolls, default: 0] += 1
        default: break
        }
    }

    /// Whether all of it is whole commands.
    var isWhole: Bool { first == nil }

    /// The place behind the last record.
    var place: Place { Place(sequence: lastSequence, crc32c: acknowledged.last ?? 0) }
}
