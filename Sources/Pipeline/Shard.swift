// SPDX-License-Identifier: Apache-2.0
internal import Hardware
public import CommandLog
internal import Engine
public import NICGateway
public import Platform
public import RDMAReplica
public import Wire

/// One shard: its log, and the two halves around it. Shards share nothing.
///
/// Made by `init`, which only reads, and then `open`ed, which writes.
/// Threading: `poll()` runs both halves in turn on one thread; a `Pipeline` may give each half a
/// thread of its own instead. The same events come out.
/// SAFETY: the queue belongs to this shard alone, and whoever makes the shard keeps its port open.
public struct Shard: ~Copyable {
    /// Port to log, events to port.
    public var core: GatewayCore
    /// Log to events.
    public var loop: EngineLoop
    /// The log on disk; nil when the configuration has none, and before `open`.
    public private(set) var journal: Journal<FileStorage>?
    /// What the shard has of its cluster; nil when it is in none.
    let member: ShardMember?
    /// Snapshots and old reports; nil without a journal, and before `open`.
    public private(set) var history: ShardHistory?
    /// For observers.
    public let log: LogRing<LogRecord>
    let events: LogRing<Event>
    /// How far the engine has come; any thread.
    public let progress: EngineProgress
    /// Where its log, its events and its engine are.
    public let memory: [MemoryRegion]

    private let number: UInt32
    private let configuration: Configuration
    private let recovery: ShardRecovery?
    private var journalReader: RingReader<LogRecord>?
    /// Of reports that are no longer in memory.
    let mailbox = ReportHistory()
    /// The least epoch that the log has not seen; from `open` on.
    private(set) var firstEpoch: UInt32
    /// With what an epoch begins; from `open` on.
    private(set) var opening: EpochOpening?
    let clock: CycleClock
    let node: NUMANode?

    /// Takes all memory, and brings the state back from the journal if there is one. Throws as the
    /// journal does when something in it is missing or wrong. Nothing on disk is changed.
    /// `openStorage` and `connector` stand in for the disk and for the way to the standby.
    public init(
        number: UInt32, _ configuration: Configuration, queue: PortQueue, macAddress: MACAddress,
        capabilities: PortCapabilities = PortCapabilities(), clock: CycleClock,
        node: NUMANode? = nil, steering: Steering? = nil, counters: ShardCounters? = nil,
        openStorage: @escaping OpenStorage = FileStorage.init(path:mode:),
        connector: MirrorSender.Connector? = nil
    ) throws {
        let counters = try counters ?? ShardCounters(shard: number)
        let recovery = try configuration.journal.map {
            try ShardRecovery($0, shard: number, rules: configuration.rules, open: openStorage)
        }
        let limits = configuration.engineLimits(shard: number)
        let window = 2 * UInt64(configuration.reportWindow)
        let engine =
            try recovery?.engine(limits, windowRecordCount: window, node: node)
            ?? Engine(limits: limits, node: node)
        let start = recovery?.position ?? .start(shard: number)
        let log = try LogRing<LogRecord>(
            capacity: configuration.host.rings.logRecords, node: node,
            firstSequence: start.sequence + 1)
        let events = try LogRing<Event>(capacity: configuration.host.rings.events, node: node)
        let memory = [log.region("log"), events.region("events")] + engine.memory
        var loop = EngineLoop(
            engine: engine, records: log.gatingReader("engine"), ring: events, clock: clock,
            progress: counters.progress)
        var core = GatewayCore(
            configuration: configuration.gateway(shard: number), queue: queue,
            macAddress: macAddress, capabilities: capabilities,
            sequencer: Sequencer(
                ring: log, chain: start.recordCRC32C, lastTimestampNanos: start.timestampNanos),
            records: log.gatingReader("reports"), events: events.gatingReader("reports"),
            clock: clock, counters: counters.gateway, steering: steering)
        var reader: RingReader<LogRecord>?
        if let recovery {
            var gating = log.gatingReader("journal")
            try recovery.replay(configuration, core: &core, loop: &loop, journal: &gating)
            reader = consume gating
        }
        member = try recovery.flatMap { recovery in
            try configuration.cluster.map {
                try ShardMember(
                    $0, recovery, ring: log, after: start, windowRecordCount: window,
                    clock: clock, connector: connector)
            }
        }
        self.number = number
        firstEpoch = configuration.epoch
        self.configuration = configuration
        self.recovery = recovery
        self.clock = clock
        self.node = node
        journalReader = consume reader
        self.log = log
        self.memory = memory
        self.events = events
        progress = counters.progress
        self.loop = loop
        self.core = core
    }

    /// Makes the end of the log permanent, and begins the journal behind it. Alone it writes the
    /// first commands too: the epoch and the shard's new instruments; in a cluster whoever is to
    /// speak does. Once, before the first poll.
    public mutating func open() throws {
        if let recovery, let settings = configuration.journal, let reader = journalReader.take() {
            let run = max(configuration.epoch, try recovery.nextRun())
            // The epochs of a cluster are its arbiter's: they may be ahead of the journal's runs.
            firstEpoch = max(run, recovery.lastEpoch + 1)
            try recovery.seal()
            let journal = try recovery.journal(log, reader, epoch: run, settings)
            if let duty = member?.duty { journal.isAwaited = { duty.awaitsDisk } }
            history = try ShardHistory(
                recovery, ring: log, status: journal.status, mailbox: mailbox, settings: settings,
                clock: clock)
            self.journal = journal
        }
        var opening = EpochOpening(
            configuration, shard: number, limits: loop.engine.limits,
            rulesInForce: loop.engine.rulesVersion,
            desk: ShardDesk(
                rules: member?.duty.rules ?? LogRules(configuration.rules),
                names: recovery?.names ?? InstrumentNames(configuration, shard: number),
                engine: loop.questions, trades: history?.trades),
            expiry: ExpiryAlarm(progress, timeSeconds: loop.engine.timeSeconds),
            isDefined: { loop.engine.isDefined(instrument: $0) })
        if member == nil { try beginAlone(&opening) }
        // Applied here and now: what the engine will not have must stop the start, not the orders.
        while loop.poll() {}
        // What was done so far is not what the order path takes.
        progress.match.reset()
        if member == nil {
            try Self.checkInstruments(configuration, shard: number, loop.engine)
        }
        self.opening = opening
    }

    private mutating func beginAlone(_ opening: inout EpochOpening) throws {
        core.open(
            epoch: firstEpoch, policy: configuration.commitPolicy(shard: number),
            journal: journal?.status, history: journal == nil ? nil : mailbox)
        opening.begin(
            epoch: firstEpoch, lastCarriedSequence: recovery?.found.lastSequence ?? 0)
        guard opening.write(to: &core) else {
            throw ShardRecovery.problem(
                "rings.logRecords",
                "the log has no room for the definitions; make it larger")
        }
    }

    /// What the journal's folder is not fit for.
    public var warnings: [String] { recovery?.warnings ?? [] }
    /// Where the journal lies and how it is written, in a line.
    public var journalDescription: String? { recovery?.storage.description }
    /// What was found there at the start.
    public var recovered: RecoveredLog? { recovery?.found }
    /// The sequence of the snapshot from which it was folded; 0 = from the beginning.
    public var recoveredFrom: UInt64 { recovery?.position.sequence ?? 0 }

    /// Public reports up to there, which cannot be made again.
    var recoveredReportCount: UInt64 { recovery?.position.publicReportCount ?? 0 }

    /// Both halves once. False when neither had anything to do.
    public mutating func poll() -> Bool {
        _ = opening?.write(to: &core)
        let hasReceived = core.pollIntake()
        let hasApplied = loop.poll()
        let hasWritten = journal?.poll() ?? false
        let hasMade = journal?.maker.poll() ?? false
        let hasLookedBack = history?.turn() ?? false
        return core.pollOutput() || hasReceived || hasApplied || hasWritten || hasMade
            || hasLookedBack
    }

    private static func checkInstruments(
        _ configuration: Configuration, shard: UInt32, _ engine: borrowing Engine
    ) throws {
        for instrument in configuration.instruments
        where instrument.shard == shard && !engine.isDefined(instrument: instrument.number) {
            throw ShardRecovery.problem(
                "instruments",
                "the engine refuses \(instrument.symbol) (number \(instrument.number)): check its "
                    + "price range and quantityLotsMax against engine.orderCapacity")
        }
    }
}
