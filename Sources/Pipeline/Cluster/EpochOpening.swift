// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Platform
internal import Wire

/// The commands with which an epoch begins: its start, and the instruments that the configuration
/// has and the log has not.
///
/// Threading: of the thread that writes the log.
struct EpochOpening {
    private let shard: UInt32
    private let host: UInt32
    private let limits: LogRecord
    private var undefined: [Configuration.Instrument]
    /// Commands that are ready and not written.
    private var waiting: [(LogRecord, LogRecord)] = []

    /// Of a shard whose log defines the instruments for which `isDefined` says so.
    init(
        _ configuration: Configuration, shard: UInt32, limits: LogRecord,
        isDefined: (UInt32) -> Bool
    ) {
        self.shard = shard
        host = configuration.cluster?.host ?? 0
        self.limits = limits
        undefined = configuration.instruments.filter {
            $0.shard == shard && !isDefined($0.number)
        }
    }

    /// A command that came from elsewhere.
    mutating func see(_ record: LogRecord) {
        guard record.kind == .defineInstrument, !undefined.isEmpty else { return }
        undefined.removeAll { $0.number == record.instrument }
    }

    /// Makes ready what an epoch begins with.
    mutating func begin(epoch: UInt32, lastCarriedSequence: UInt64) {
        let start = LogRecord.epochStart(
            epoch: epoch, rulesVersion: Shard.rulesVersion,
            lastCarriedSequence: lastCarriedSequence,
            indexSeed: Chance.nonZero(), shard: shard, host: host)
        waiting = [(start, limits)] + undefined.map(Self.definition)
        undefined = []
    }

    /// Writes what is ready, as far as the log has room. False when there is more.
    mutating func write(to core: inout GatewayCore) -> Bool {
        while let (record, continuation) = waiting.first {
            guard core.control(record, continuation: continuation) else { return false }
            waiting.removeFirst()
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
