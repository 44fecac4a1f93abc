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

    /// All instruments get order rules that every order keeps: a tick table of 20 rows, with the
    /// prices in two of the middle ones, and a largest value.
    mutating func addOrderRules(priceTicks: ClosedRange<Int64>) {
        let width = priceTicks.upperBound - priceTicks.lowerBound + 1
        for number in 1...20 as ClosedRange<UInt32> {
            let from = priceTicks.lowerBound + (Int64(number) - 10) * width + width / 2
            let row = TickTableRow(
                table: 1, number: number, of: 20, TickRow(fromTicks: from, stepTicks: 1))
            commands.append((.setTickTableRow(row, operatorID: 1), nil))
        }
        for instrument in 1...limits.instrumentCapacity {
            let rules = OrderRules(valueMax: 1 << 62, tickTable: 1)
            commands.append(
                (.setOrderRules(instrument: instrument, rules, operatorID: 1), nil))
        }
    }
}
