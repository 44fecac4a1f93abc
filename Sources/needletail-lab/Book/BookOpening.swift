// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import Wire

/// What an engine is told before the first measured command: its limits, instruments that all have
/// the same prices, and sessions that are logged on.
struct BookOpening {
    let limits: EngineLimits
    var commands: [(LogRecord, LogRecord?)]

    init(_ limits: EngineLimits, priceTicks: ClosedRange<Int64>) {
        self.limits = limits
        commands = [
            (
                .epochStart(
                    epoch: 1, rulesVersion: RulesRange.build.newest, lastCarriedSequence: 0,
                    indexSeed: 0x5EED, shard: 1, host: 1), limits.continuation
            )
        ]
        let detail = InstrumentDetail(symbol: "BENCH", priceDecimals: 0, quantityDecimals: 0)
        for instrument in 1...limits.instrumentCapacity {
            let define = LogRecord.defineInstrument(
                instrument: instrument, lowestPriceTicks: priceTicks.lowerBound,
                highestPriceTicks: priceTicks.upperBound, quantityLotsMax: 1 << 40, operatorID: 1)
            commands.append((define, detail.continuation))
        }
        for session in 1...limits.sessionCapacity {
            let logon = LogRecord.logon(
                session: session, nonce: 1, token: 1, heartbeatMillis: 1000, source: 0, flags: 0)
            commands.append((logon, nil))
        }
    }
}
