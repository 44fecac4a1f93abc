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
        /// The trade that it is about.
        let trade: TradeID?
        /// Those of its records that were acknowledged.
        var sequences: [UInt64] = []
        /// The engine would not have one of them.
        var isRefused = false
        /// What was said of it is that nothing more comes of it.
        var isOver = false
    }

    /// A trade, as it is to be shown.
    struct Trade {
        let id: TradeID
        let priceTicks: Int64
        let quantityLots: UInt64
    }

    private static let tradesMax = 16

    /// By their number, from 1: it is the operator's in the records.
    var requests: [UInt32: Request] = [:]
    /// Trades of late.
    private(set) var trades: [Trade] = []

    /// Gives a request its number.
    mutating func begin(_ request: AdminRequest) -> UInt32 {
        let number = UInt32(requests.count + 1)
        var recordCount = request.isChange ? 1 : 0
        if case .setTickTable(_, let rows) = request { recordCount = rows.count }
        var trade: TradeID?
        switch request {
        case .bust(let id), .trade(let id): trade = id
        default: break
        }
        requests[number] = Request(recordCount: recordCount, trade: trade)
        return number
    }

    mutating func note(_ trade: Trade) {
        if trades.count == Self.tradesMax { trades.removeFirst() }
        trades.append(trade)
    }
}

extension LogRecord {
    /// Whether somebody has asked for it at a control socket.
    var isOfOperator: Bool {
        guard session != TradingCalendar.operatorID else { return false }
        return switch kind {
        case .defineInstrument: session != 0
        case .setInstrumentState, .killSwitch, .activateRules, .setPriceBands, .rollBusinessDay,
            .setOrderRules, .setTickTableRow, .setTradeGroup, .bustTrade:
            true
        default: false
        }
    }
}
