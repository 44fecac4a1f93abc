// SPDX-License-Identifier: Apache-2.0
@_spi(Testing) internal import CommandLog
internal import NICGateway
internal import Pipeline
internal import Platform
internal import RDMAReplica
internal import Synchronization
internal import Wire

/// A host: its disk and its card, and the process on it, if it is alive.
final class SimulatedHost {
    let index: Int
    let disk: SimulatedDisk
    let configuration: Configuration
    private let arbiter: SimulatedArbiter
    private let network: MirrorNetwork
    private(set) var process: ClusterHost?
    private var port: Port?
    private(set) var desk: SimulatedDesk?
    /// Processes so far.
    private(set) var lifeCount = 0
    /// Its clocks against the world's.
    var utcOffsetNanos: Int64 = 0
    var pausedUntilNanos: UInt64 = 0
    /// When a piece of it last had its turn.
    var lastTurnNanos: UInt64 = 0
    /// It stood still, as a primary, and was replaced meanwhile.
    var wasReplacedAsleep = false
    /// A dead one comes back then.
    var restartsNanos: UInt64 = 0
    /// When its journal was found to have failed.
    var failedNanos: UInt64?
    /// What it said was durable at its death.
    private(set) var claim = RecordChain()
    /// The last record that it held when it died: its primary may count on it for a moment more.
    private var endAtDeath: UInt64 = 0
    /// The disk has lied since: an operator looks at it before it is trusted.
    var isDoubtful = false
    /// The same, also when a start has passed that place over, for it did not need it. One behind a
    /// cut may need it.
    var hasFlipped = false
    /// Why the last start did not come about.
    private(set) var startProblem: String?

    /// What was seen at the last look.
    var seenPublished: UInt64 = 0
    var seenReached: UInt64 = 0
    var seenApplied: UInt64 = 0
    var seenRole = HostMachine.Role.starting
    private var transmittedCount: UInt64 = 0
    /// Records of its log since this process began, as far as its ring had them then.
    private var records: [LogRecord] = []

    init(
        index: Int, disk: SimulatedDisk, configuration: Configuration, arbiter: SimulatedArbiter,
        network: MirrorNetwork
    ) {
        self.index = index
        self.disk = disk
        self.configuration = configuration
        self.arbiter = arbiter
        self.network = network
    }

    var isAlive: Bool { process != nil }
    /// It has not failed, and is not about to: a process without its journal ends.
    var hasSoundDisk: Bool { disk.fault == .none && process?.journalStatus.hasFailed != true }
    var role: HostMachine.Role? { process?.cluster.view.current.role }
    var decision: Decision? { process?.cluster.view.current.decision }
    var isInSync: Bool { process?.cluster.view.current.isInSync ?? false }
    var isSpeaking: Bool { if case .primary = role { true } else { false } }
    var isInSyncPrimary: Bool { role == .primary(.mirrored) || role == .primary(.offering) }
    /// The last record of its log.
    var logEnd: UInt64 { process?.log.publishedSequence ?? 0 }
    /// The last record that it has told its primary of, in this life or in the one before.
    var heldEnd: UInt64 { max(logEnd, endAtDeath) }
    /// It is in sync again: what it has now is what counts.
    func forgetDeath() { endAtDeath = 0 }
    /// The last record that a new process would find.
    var durableEnd: UInt64 { process?.journalStatus.durable.load() ?? claim.lastSequence }

    /// The CRC of a record of this process's log; nil when it is not known any more.
    func crc(of sequence: UInt64) -> UInt32? {
        if let found = process?.recovered, found.lastSequence == sequence { return found.chain }
        guard let first = records.first?.sequence, sequence >= first,
            sequence < first + UInt64(records.count)
        else { return nil }
        return records[Int(sequence - first)].crc32c
    }

    func record(_ sequence: UInt64) -> LogRecord? {
        guard let first = records.first?.sequence, sequence >= first,
            sequence < first + UInt64(records.count)
        else { return nil }
        return records[Int(sequence - first)]
    }

    // MARK: Life

    /// A new process. False when its start did not come about.
    func start() -> Bool {
        var settings = PortConfiguration()
        settings.mbufCount = 255
        settings.macAddress = MACAddress(rawValue: 0x024E_0000_0001 + UInt64(index))
        do {
            let port = try Port.open(PortSpecification("memory"), configuration: settings)
            let desk = SimulatedDesk(arbiter)
            let host = index
            process = try ClusterHost(
                configuration,
                ClusterHost.Surroundings(
                    port: port, clock: .ofNanoseconds(), arbiter: desk,
                    connector: { [network] (_) throws(MirrorError) in network.connect(from: host) },
                    acceptor: SimulatedAcceptor(network, host: index),
                    openStorage: { [disk] (path, mode) throws(StorageError) in
                        try disk.open(path, mode)
                    }))
            port.captureTransmitted()
            self.port = port
            self.desk = desk
        } catch {
            startProblem = "\(error)"
            disk.crash(power: false)
            return false
        }
        startProblem = nil
        lifeCount += 1
        records = []
        seenPublished = 0
        seenReached = 0
        seenApplied = 0
        seenRole = .starting
        transmittedCount = 0
        failedNanos = nil
        pausedUntilNanos = 0
        wasReplacedAsleep = false
        return true
    }

    /// The process is gone.
    func kill(power: Bool) {
        guard isAlive else { return }
        let durable = durableEnd
        if durable >= claim.lastSequence, let crc = crc(of: durable) {
            claim = RecordChain(lastSequence: durable, crc32c: crc)
        }
        network.kill(index, isSilent: power)
        disk.crash(power: power)
        drop()
    }

    /// What became of a log when its host came back.
    enum ComingBack { case whole, cut, landed, stopped }

    /// The process ends in order, and its log is cut where nobody carried it over, or replaced by
    /// what has landed. Says which. Throws when that cannot be done. With `stopsAfter` it dies
    /// after so many changes of the disk, if a snapshot takes its place; and it dies where its disk
    /// does not let it end.
    func comeBack(stopsAfter: UInt64?) throws -> ComingBack {
        let cuts = process?.cluster.cuts ?? [:]
        let landing = process?.cluster.landings[0]
        guard process?.stop(turnCountMax: 4_000) == true else {
            // Its disk stands still, or has failed: whoever waits for its end kills it.
            kill(power: false)
            return .stopped
        }
        network.kill(index, isSilent: false)
        disk.crash(power: false)
        drop()
        claim = RecordChain()
        let done = try ClusterMembership.cut(cuts, journalFolder: disk.folder)
        if !done.isEmpty { disk.forget() }
        guard var landing else { return done.isEmpty ? .whole : .cut }
        disk.forget()
        let left = Countdown(stopsAfter)
        landing.successor.willChange = { (_) throws(JournalCutError) in
            guard left.next() else { throw .stopped }
        }
        do { _ = try ClusterMembership.land(landing) } catch JournalCutError.stopped {
            return .stopped
        }
        return .landed
    }

    /// Says false once after so many times.
    private final class Countdown: Sendable {
        private let count: Atomic<UInt64>
        init(_ count: UInt64?) { self.count = Atomic(count ?? .max) }
        func next() -> Bool { count.wrappingSubtract(1, ordering: .relaxed).oldValue > 0 }
    }

    /// An operator empties its disk.
    func wipe() {
        disk.wipe()
        claim = RecordChain()
        isDoubtful = false
        hasFlipped = false
    }

    private func drop() {
        // What it told before stays told, however often it dies until it is in sync again.
        endAtDeath = heldEnd
        process = nil
        desk?.abandon()
        desk = nil
        port?.close()
        port = nil
        records = []
    }

    // MARK: Its card

    func inject(_ frame: [UInt8]) { port?.inject(frame) }

    /// What it has sent since the last call.
    func takeSent() -> [[UInt8]] {
        guard let port else { return [] }
        let count = port.statistics.transmittedPackets
        guard count != transmittedCount else { return [] }
        transmittedCount = count
        return port.takeTransmitted()
    }

    // MARK: Looking

    /// The records that were written to its log since the last call.
    func takeNewRecords() -> ArraySlice<LogRecord> {
        guard let process else { return [] }
        let published = process.log.publishedSequence
        guard published > seenPublished else { return [] }
        let capacity = UInt64(process.log.capacity)
        let oldest = published > capacity ? published - capacity + 1 : 1
        let from = max(process.log.firstSequence, seenPublished + 1, oldest)
        if from != (records.last?.sequence ?? 0) + 1 { records = [] }
        let count = records.count
        var observer = process.log.observer(from: from)
        while case .record(let record) = observer.next() { records.append(record) }
        seenPublished = published
        return records[count...]
    }
}
