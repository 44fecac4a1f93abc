// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
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
    /// For observers.
    public let log: LogRing<LogRecord>
    /// How far the engine has come; any thread.
    public let progress: EngineProgress
    /// What memory could not be had as wished.
    public let warnings: [String]

    /// Takes all memory and writes the first commands: the epoch and the shard's instruments.
    public init(
        number: UInt32, _ configuration: Configuration, queue: PortQueue, macAddress: MACAddress,
        capabilities: PortCapabilities = PortCapabilities(), clock: CycleClock,
        node: NUMANode? = nil, steering: Steering? = nil
    ) throws {
        let log = try LogRing<LogRecord>(capacity: configuration.logCapacity, node: node)
        let events = try LogRing<Event>(capacity: configuration.eventCapacity, node: node)
        let limits = configuration.engineLimits(shard: number)
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
            gate: CommitGate(policy: configuration.commitPolicy), clock: clock,
            steering: steering)
        try Self.openEpoch(&core, configuration, shard: number, limits: limits)
        // Applied here and now: what the engine will not have must stop the start, not the orders.
        while loop.poll() {}
        for instrument in configuration.instruments
        where instrument.shard == number && !loop.engine.isDefined(instrument: instrument.number) {
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
        self.log = log
        self.progress = progress
        self.loop = loop
        self.core = core
        warnings = memoryWarnings
    }

    /// Both halves once. False when neither had anything to do.
    public mutating func poll() -> Bool {
        let hasReceived = core.pollIntake()
        let hasApplied = loop.poll()
        return core.pollOutput() || hasReceived || hasApplied
    }

    private static func openEpoch(
        _ core: inout GatewayCore, _ configuration: Configuration, shard: UInt32,
        limits: EngineLimits
    ) throws {
        var fits = core.control(
            LogRecord.epochStart(
                epoch: configuration.epoch, rulesVersion: 1, lastCarriedSequence: 0,
                indexSeed: UInt64.random(in: 1...UInt64.max), shard: shard, host: 0),
            continuation: limits.continuation)
        for instrument in configuration.instruments where instrument.shard == shard {
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
