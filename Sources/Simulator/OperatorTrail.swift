// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Wire

/// What operators have asked for, each time under another number, and what of it is in the log that
/// was acknowledged.
struct OperatorTrail {
    /// A request, and what has come of it.
    struct Request {
        /// So many records are all of it.
        let recordCount: Int
        /// Those of its records that were acknowledged.
        var sequences: [UInt64] = []
        /// The engine would not have one of them.
        var isRefused = false
        /// What was said of it is that nothing more comes of it.
        var isOver = false
    }

    private static let tradesMax = 16

    /// By their number, from 1: it is the operator's in the records.
    var requests: [UInt32: Request] = [:]
    /// Trades of late.
    private(set) var trades: [TradeID] = []

    /// Gives a request its number.
    mutating func begin(_ request: AdminRequest) -> UInt32 {
        let number = UInt32(requests.count + 1)
        var recordCount = request.isChange ? 1 : 0
        if case .setTickTable(_, let rows) = request { recordCount = rows.count }
        requests[number] = Request(recordCount: recordCount)
        return number
    }

    mutating func note(_ trade: TradeID) {
        if trades.count == Self.tradesMax { trades.removeFirst() }
        trades.append(trade)
    }
}

extension LogRecord {
    /// Whether somebody has asked for it at a control socket.
    var isOfOperator: Bool {
        switch kind {
        case .defineInstrument: session != 0
        case .setInstrumentState, .killSwitch, .activateRules, .setPriceBands, .rollBusinessDay,
            .setOrderRules, .setTickTableRow, .setTradeGroup, .bustTrade:
            true
        default: false
        }
    }
}
