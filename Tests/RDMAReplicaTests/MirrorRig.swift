// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import Platform
import Synchronization
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

/// A log with a writer, a mirror of it to a standby, and what the standby took, all driven by calls.
///
/// Each ends by itself: a loop that waits gives up after ten seconds, and says so.
final class MirrorRig {
    let clock: CycleClock
    let ring: LogRing<LogRecord>
    let sender: MirrorSender
    let listener: MirrorListener?
    var receiver: MirrorReceiver?
    var random: SeededRandom
    /// Where the standby's log ends; nil = it begins where the primary is.
    var standby: RecordChain? = RecordChain()
    /// What was published, and what was taken.
    var published: [LogRecord] = []
    var taken: [LogRecord] = []
    var identity = MirrorIdentity()
    var knownEpoch: UInt32 = 0
    /// What the standby could not have.
    var refusals: [MirrorError] = []
    private var sequencer: SequencerBox
    private var storage: FileStorage?
    private var journal: Journal<FileStorage>?
    let folder: URL
    /// Where a snapshot lands that comes in the place of records.
    var makePlace: SnapshotArrival.Place?

    var lastSequence: UInt64 { published.last?.sequence ?? 0 }

    init(
        capacity: Int = 64, behind chain: RecordChain = RecordChain(), hasJournal: Bool = false,
        timeoutMillis: UInt32 = 5_000,
        identity: MirrorIdentity = MirrorIdentity(), keyFile: String? = nil,
        listenerKeyFile: String? = nil, wire: MemoryWire? = nil
    ) throws {
        clock = .calibrated()
        random = SeededRandom(seed: TestSeed.run)
        ring = try LogRing(capacity: capacity, firstSequence: chain.lastSequence + 1)
        standby = chain
        folder = FileManager.default.temporaryDirectory.appending(
            path: "needletail-mirror-\(UUID().uuidString)")
        var history: MirrorHistory?
        if hasJournal {
            let storage = try FileStorage(path: folder.path)
            var log = try JournalRecovery.scan(storage, shard: 0) { _, _ in }
            try JournalRecovery.seal(storage, &log)
            var configuration = JournalConfiguration(
                epoch: 1, shard: 0, rulesVersion: 1, segmentByteCount: 16 * 4_096)
            configuration.firstSegmentByteCount = 8 * 4_096
            journal = try Journal(
                ring: ring, reader: ring.gatingReader("journal"), storage: storage, after: log,
                configuration: configuration)
            history = MirrorHistory(storage: storage, shard: 0, ring: ring)
            self.storage = storage
        }
        sequencer = SequencerBox(ring, chain.crc32c)
        if wire == nil {
            var key: MirrorKey?
            if let listenerKeyFile { key = try MirrorKey(file: listenerKeyFile) }
            listener = try MirrorListener(
                address: 0x7F00_0001, port: 0, transport: .tcp, key: key, clock: clock)
        } else {
            listener = nil
        }
        var settings = MirrorSettings(
            peerAddress: 0x7F00_0001, peerPort: listener?.tcpPort ?? 0,
            timeoutMillis: timeoutMillis)
        settings.transport = .tcp
        settings.keyFile = keyFile
        self.wire = wire
        var connector: MirrorSender.Connector?
        if let wire {
            connector = { (_: MirrorTransport) throws(MirrorError) -> any MirrorChannel in
                wire.primaryEnd()
            }
        }
        sender = MirrorSender(
            ring: ring, shard: 0, after: chain, identity: identity, settings: settings,
            history: history, clock: clock, connector: connector)
    }

    private let wire: MemoryWire?

    deinit {
        sender.close()
        receiver?.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Publishes a command, a pair now and then; false when the ring is full.
    func publish() -> Bool {
        let isPair = random.below(4) == 0
        let records = sequencer.append(isPair: isPair, &random)
        published += records
        return !records.isEmpty
    }

    /// Publishes commands until there are `count` records more, while everybody goes on.
    func publish(_ count: Int, _ hint: String = "") throws {
        let last = published.count + count
        try wait("to publish; \(hint)") {
            while published.count < last, publish() {}
            step()
            return published.count >= last
        }
    }

    func pollJournal() -> Bool {
        guard let journal else { return false }
        let hasMade = journal.maker.poll()
        return journal.poll() || hasMade
    }

    /// Everybody once.
    func step() {
        _ = pollJournal()
        _ = sender.poll()
        stepStandby()
    }

    func stepStandby() {
        do throws(MirrorError) {
            if let listener, let request = try listener.next() { accept(request) }
            if let wire, let (channel, hello) = try wire.takeRequest() {
                accept(MirrorRequest(channel, hello))
            }
        } catch {
            refusals.append(error)
        }
        _ = receiver?.poll()
        take()
    }

    private func accept(_ request: MirrorRequest) {
        do throws(MirrorError) {
            receiver = try request.accept(
                by: identity, knownEpoch: knownEpoch, after: standby, clock: clock)
            receiver?.makePlace = makePlace
        } catch {
            refusals.append(error)
        }
    }

    @discardableResult
    func take() -> Int {
        guard let receiver else { return 0 }
        let count = receiver.take { record, continuation in
            taken.append(record)
            if let continuation { taken.append(continuation) }
            return true
        }
        if count > 0 { standby = receiver.chain }
        return count
    }

    func connect(epoch: UInt32 = 0) throws {
        try sender.connect(epoch: epoch)
        try wait("for the standby's answer") {
            step()
            return sender.status.phase != .connecting
        }
    }

    /// Until the standby has all that is published, and the primary knows.
    func settle(_ hint: String = "") throws {
        try wait("for the standby to have it all; \(hint)") {
            step()
            return sender.status.validatedSequence == lastSequence
        }
    }

    func wait(_ what: String, until isDone: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(10)
        while try !isDone() {
            try #require(
                Date() < deadline,
                "waited \(what): \(sender.status.phase), \(String(describing: sender.status.failure)), seed \(TestSeed.run)"
            )
            usleep(1)
        }
    }

    /// The standby has exactly what was published from `first` on.
    func checkTaken(from first: Int = 0) {
        #expect(taken.count == published.count - first, "seed \(TestSeed.run)")
        let differs = Array(zip(taken, published.dropFirst(first))).firstIndex {
            bytes($0) != bytes($1)
        }
        #expect(differs == nil, "seed \(TestSeed.run)")
    }
}

/// A sequencer that expectations can call.
private final class SequencerBox {
    private var sequencer: Sequencer
    private let ring: LogRing<LogRecord>

    init(_ ring: LogRing<LogRecord>, _ chain: UInt32) {
        self.ring = ring
        sequencer = Sequencer(ring: ring, chain: chain)
    }

    func append(isPair: Bool, _ random: inout SeededRandom) -> [LogRecord] {
        guard sequencer.hasRoom(for: isPair ? 2 : 1) else { return [] }
        sequencer.begin(nowNanos: random.next() >> 8)
        var record = LogRecord(
            kind: .newOrder, orderID: random.next(), quantityLots: random.next())
        var first: UInt64
        if isPair {
            record.flags = RecordFlags.pair
            first = sequencer.append(record, continuation: LogRecord(kind: .continuation))
        } else {
            first = sequencer.append(record)
        }
        sequencer.publish()
        var observer = ring.observer(from: first)
        return (0..<(isPair ? 2 : 1)).compactMap { _ in
            guard case .record(let record) = observer.next() else { return nil }
            return record
        }
    }
}
