// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Engine
public import NICGateway
public import Platform
public import Wire

/// One shard: its log, and the two halves around it. Shards share nothing.
///
/// Threading: `poll()` runs both halves in turn on one thread; a `Pipeline` may give each half a
/// thread of its own instead. The same events come out.
/// SAFETY: the queue belongs to this shard alone, and whoever makes the shard keeps its port open.
public struct Shard: ~Copyable, Sendable {
    /// Port to log, events to port.
    public var core: GatewayCore
    /// Log to events.
    public var loop: EngineLoop
    /// The log on disk; nil when the configuration has none.
    public let journal: Journal<FileStorage>?
    /// Where it lies and how it is written, in a line.
    public let journalDescription: String?
    /// What was found there at the start.
    public let recovered: RecoveredLog?
    /// For observers.
    public let log: LogRing<LogRecord>
    /// How far the engine has come; any thread.
    public let progress: EngineProgress
    /// What memory could not be had as wished, and what the journal's folder is not fit for.
    public let warnings: [String]

    static var rulesVersion: UInt32 { 1 }

    /// Takes all memory, brings the state back from the journal if there is one, and writes the
    /// first commands: the epoch and the shard's new instruments. Throws as the journal does when
    /// something in it is missing or wrong: then nothing has changed.
    public init(
        number: UInt32, _ configuration: Configuration, queue: PortQueue, macAddress: MACAddress,
        capabilities: PortCapabilities = PortCapabilities(), clock: CycleClock,
        node: NUMANode? = nil, steering: Steering? = nil
    ) throws {
        let recovery = try configuration.journal.map {
            try ShardRecovery(folder: $0.folder, shard: number)
        }
        let configured = configuration.engineLimits(shard: number)
        let limits = try recovery?.limits(configured) ?? configured
        let log = try LogRing<LogRecord>(capacity: configuration.logCapacity, node: node)
        let events = try LogRing<Event>(capacity: configuration.eventCapacity, node: node)
        let engine = try Engine(limits: limits, node: node)
        let memoryWarnings = [log.warning, events.warning, engine.memoryWarning].compactMap { $0 }
        let progress = EngineProgress()
        var loop = EngineLoop(
            engine: engine, records: log.gatingReader("engine"), ring: events, clock: clock,
            progress: progress)
        var core = GatewayCore(
            configuration: configuration.gateway(shard: number), queue: queue,
            macAddress: macAddress, capabilities: capabilities, sequencer: Sequencer(ring: log),
            records: log.gatingReader("reports"), events: events.gatingReader("reports"),
            clock: clock, steering: steering)
        var epoch = configuration.epoch
        var journal: Journal<FileStorage>?
        if let recovery, let settings = configuration.journal {
            var reader = log.gatingReader("journal")
            try recovery.replay(configuration, core: &core, loop: &loop, journal: &reader)
            epoch = max(epoch, try recovery.nextEpoch())
            journal = try recovery.journal(log, reader, epoch: epoch, settings)
        }
        core.open(
            epoch: epoch, policy: configuration.commitPolicy, journal: journal?.status)
        try Self.openEpoch(
            &core, loop.engine, configuration, shard: number, epoch: epoch,
            lastCarriedSequence: recovery?.found.lastSequence ?? 0)
        // Applied here and now: what the engine will not have must stop the start, not the orders.
        while loop.poll() {}
        try Self.checkInstruments(configuration, shard: number, loop.engine)
        self.journal = journal
        recovered = recovery?.found
        journalDescription = recovery?.storage.description
        self.log = log
        self.progress = progress
        self.loop = loop
        self.core = core
        warnings =
            memoryWarnings
            + (recovery?.storage.warnings(
                segmentByteCount: (configuration.journal?.segmentMB ?? 0) << 20) ?? [])
    }

    /// Both halves once. False when neither had anything to do.
    public mutating func poll() -> Bool {
        let hasReceived = core.pollIntake()
        let hasApplied = loop.poll()
        let hasWritten = journal?.poll() ?? false
        let hasMade = journal?.maker.poll() ?? false
        return core.pollOutput() || hasReceived || hasApplied || hasWritten || hasMade
    }

    private static func checkInstruments(
        _ configuration: Configuration, shard: UInt32, _ engine: borrowing Engine
    ) throws {
        for instrument in configuration.instruments
        where instrument.shard == shard && !engine.isDefined(instrument: instrument.number) {
            throw ConfigurationError(
                file: "configuration",
                problems: [
                    .init(
                        line: 0, key: "instruments",
                        message: "the engine refuses \(instrument.symbol) "
                            + "(number \(instrument.number)): check its price range and "
                            + "quantityLotsMax against engine.orderCapacity")
                ])
        }
    }

    private static func openEpoch(
        _ core: inout GatewayCore, _ engine: borrowing Engine, _ configuration: Configuration,
        shard: UInt32, epoch: UInt32, lastCarriedSequence: UInt64
    ) throws {
        var fits = core.control(
            LogRecord.epochStart(
                epoch: epoch, rulesVersion: rulesVersion,
                lastCarriedSequence: lastCarriedSequence,
                indexSeed: UInt64.random(in: 1...UInt64.max), shard: shard, host: 0),
            continuation: engine.limits.continuation)
        for instrument in configuration.instruments
        where instrument.shard == shard && !engine.isDefined(instrument: instrument.number) {
            let definition = LogRecord.defineInstrument(
                instrument: instrument.number, lowestPriceTicks: instrument.lowestPriceTicks,
                highestPriceTicks: instrument.highestPriceTicks,
                quantityLotsMax: instrument.quantityLotsMax, operatorID: 0)
            let detail = InstrumentDetail(
                symbol: instrument.symbol, priceDecimals: instrument.priceDecimals,
                quantityDecimals: instrument.quantityDecimals)
            fits = core.control(definition, continuation: detail.continuation) && fits
        }
        guard fits else {
            throw ConfigurationError(
                file: "configuration",
                problems: [
                    .init(
                        line: 0, key: "engine.logCapacity",
                        message: "the log has no room for the definitions; make it larger")
                ])
        }
    }
}
