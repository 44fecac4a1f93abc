// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Platform
internal import Wire

/// The commands that a gateway writes of its own: those with which an epoch begins, its start and
/// the instruments that the configuration has and the log has not, and the activation of rules.
///
/// Threading: of the thread that writes the log.
struct EpochOpening {
    private let shard: UInt32
    private let host: UInt32
    private let limits: LogRecord
    private var undefined: [Configuration.Instrument]
    /// Commands that are ready and not written.
    private var waiting: [(LogRecord, LogRecord?)] = []
    /// Of the rules that the log is under.
    let desk: RulesDesk
    /// The rules that the end of the log is under; 0 = it has no record yet.
    private var rulesInForce: UInt32
    /// What this host folds.
    var folded: RulesRange { desk.folded }

    /// Of a shard whose log is under `rulesInForce` and defines the instruments for which
    /// `isDefined` says so.
    init(
        _ configuration: Configuration, shard: UInt32, limits: LogRecord, rulesInForce: UInt32,
        desk: RulesDesk, isDefined: (UInt32) -> Bool
    ) {
        self.rulesInForce = rulesInForce
        self.desk = desk
        desk.tell(inForce: rulesInForce, sequence: 0)
        self.shard = shard
        host = configuration.cluster?.host ?? 0
        self.limits = limits
        undefined = configuration.instruments.filter {
            $0.shard == shard && !isDefined($0.number)
        }
    }

    /// A command that came from elsewhere.
    mutating func see(_ record: LogRecord) {
        seeRules(record, sequence: record.sequence)
        guard record.kind == .defineInstrument, !undefined.isEmpty else { return }
        undefined.removeAll { $0.number == record.instrument }
    }

    /// As the engine does: an activation of other rules than the next ones changes nothing.
    private mutating func seeRules(_ record: LogRecord, sequence: UInt64) {
        guard let version = record.rulesPutInForce,
            record.kind == .epochStart || version == rulesInForce &+ 1
        else { return }
        rulesInForce = version
        desk.tell(inForce: version, sequence: sequence)
    }

    /// Makes ready what an epoch begins with, under the rules that the log is under; a new one
    /// begins under the newest.
    mutating func begin(epoch: UInt32, lastCarriedSequence: UInt64) {
        let start = LogRecord.epochStart(
            epoch: epoch, rulesVersion: rulesInForce == 0 ? folded.newest : rulesInForce,
            lastCarriedSequence: lastCarriedSequence, indexSeed: Chance.nonZero(),
            shard: shard, host: host)
        waiting = [(start, limits)] + undefined.map(Self.definition)
        undefined = []
    }

    /// Writes what is ready, as far as the log has room. False when there is more.
    mutating func write(to core: inout GatewayCore) -> Bool {
        if let wish = desk.takeWish(), wish.rulesPutInForce == rulesInForce &+ 1 {
            waiting.append((wish, nil))
        }
        while let (record, continuation) = waiting.first {
            guard core.control(record, continuation: continuation) else { return false }
            waiting.removeFirst()
            seeRules(record, sequence: core.logEnd.lastSequence)
        }
        return true
    }

    private static func definition(
        _ instrument: Configuration.Instrument
    ) -> (LogRecord, LogRecord) {
        let definition = LogRecord.defineInstrument(
            instrument: instrument.number, lowestPriceTicks: instrument.lowestPriceTicks,
            highestPriceTicks: instrument.highestPriceTicks,
            quantityLotsMax: instrument.quantityLotsMax, operatorID: 0)
        let detail = InstrumentDetail(
            symbol: instrument.symbol, priceDecimals: instrument.priceDecimals,
            quantityDecimals: instrument.quantityDecimals)
        return (definition, detail.continuation)
    }
}
