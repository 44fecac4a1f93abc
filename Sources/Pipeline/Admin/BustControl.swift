// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Platform
internal import Wire

/// Shows a trade, and declares it void when an operator asks for it, alone or in a pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it reads the log, and waits for the
/// outcome.
struct BustControl: Sendable {
    /// The first rules that have busts.
    private static let rulesMin: UInt32 = 3

    /// So long an answer waits for the trade; then it says that it is looked for.
    private static let waitMillisMax = 1_000

    private enum Finding {
        case trade(AdminTrade, TradeBust)
        /// An answer that says no, or not yet.
        case other(String)
    }

    private let desks: [ShardDesk]
    private let commands: CommandControl

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        commands = CommandControl(cluster)
    }

    /// The answer, one line of JSON: what the trade was.
    func show(_ id: TradeID) -> String {
        switch find(id) {
        case .other(let answer): return answer
        case .trade(let trade, _): return Self.said(trade)
        }
    }

    /// The same of one that is void now, and nothing can take that back.
    func bust(_ id: TradeID, by operatorID: UInt32) -> String {
        if let sentence = commands.refusal {
            return ClusterControl.refusal(.state, sentence)
        }
        guard id.shard < desks.count else { return QueryControl.noShard(id.shard, of: desks.count) }
        let desk = desks[Int(id.shard)]
        if let sentence = [desk].refusal(before: Self.rulesMin, "trades can be busted") {
            return ClusterControl.refusal(.state, sentence)
        }
        let shown: AdminTrade
        let bust: TradeBust
        switch find(id) {
        case .other(let answer): return answer
        case .trade(let trade, let found): (shown, bust) = (trade, found)
        }
        let command = OperatorCommand(bust.record(operatorID: operatorID), bust.continuation)
        switch commands.carryOut(command, on: [desk]) {
        case .refused(let answer): return answer
        case .answered(let answers):
            guard answers[0].reason == .none else {
                return ClusterControl.refusal(.state, Self.sentence(answers[0].reason, id))
            }
            return Self.said(shown, bustedBy: answers[0].sequence)
        }
    }

    private func find(_ id: TradeID) -> Finding {
        guard id.shard < desks.count else {
            return .other(QueryControl.noShard(id.shard, of: desks.count))
        }
        let desk = desks[Int(id.shard)]
        guard let trades = desk.trades else {
            return .other(
                ClusterControl.refusal(
                    .state,
                    "trades are found in the journal, and this gateway has none: see `journal` in "
                        + "the configuration"))
        }
        let question = TradeDesk.Question(sequence: id.sequence, index: id.index)
        for _ in 0..<Self.waitMillisMax {
            switch trades.finding(of: question) {
            case nil: IdleStrategy.rest(nanos: 1_000_000)
            case .nothing(let sentence):
                return .other(
                    ClusterControl.refusal(.state, "there is no trade \(id.text): \(sentence)"))
            case .trade(let bust, let timestampNanos):
                let symbol = desk.names[bust.instrument]?.symbol
                return .trade(
                    AdminTrade(id, bust, symbol: symbol, timestampNanos: timestampNanos), bust)
            }
        }
        var object = JSONObject()
        object.add("ok", true)
        object.add("isLooking", true)
        return .other(object.text)
    }

    private static func sentence(_ reason: Reason, _ id: TradeID) -> String {
        switch reason {
        case .alreadyBusted: "trade \(id.text) is void already"
        case .tradeOfEarlierDay:
            "trade \(id.text) was made on an earlier business day, and is settled: it can be "
                + "busted on its own day only"
        case .tooManyBusts: "no more trades of this business day can be busted"
        default: "the engine refuses it, reason \(reason.rawValue)"
        }
    }

    private static func said(_ trade: AdminTrade, bustedBy sequence: UInt64? = nil) -> String {
        var object = JSONObject()
        object.add("ok", true)
        if let sequence { object.add("sequence", sequence) }
        object.add("trade", trade.object)
        return object.text
    }
}

/// A trade, as it is shown.
package struct AdminTrade: Decodable, Equatable {
    /// One of its orders.
    package struct Side: Decodable, Equatable {
        package let session: UInt32
        package let account: UInt32
        package let orderID: UInt64

        fileprivate init(_ side: BustedSide) {
            session = side.session
            account = side.account
            orderID = side.orderID
        }

        fileprivate var object: JSONObject {
            var object = JSONObject()
            object.add("session", session)
            object.add("account", account)
            object.add("orderID", orderID)
            return object
        }
    }

    /// As `TradeID` has it.
    package let id: String
    package let instrument: UInt32
    package let symbol: String?
    package let priceTicks: Int64
    package let quantityLots: UInt64
    /// When it was made, UTC nanoseconds since 1970.
    package let timestampNanos: UInt64
    package let isOfAuction: Bool
    package let buy: Side
    package let sell: Side

    fileprivate init(_ id: TradeID, _ bust: TradeBust, symbol: String?, timestampNanos: UInt64) {
        self.id = id.text
        instrument = bust.instrument
        self.symbol = symbol
        priceTicks = bust.priceTicks
        quantityLots = bust.quantityLots
        self.timestampNanos = timestampNanos
        isOfAuction = bust.isOfAuction
        let isRestingBuy = bust.restingSide == .buy
        buy = Side(isRestingBuy ? bust.resting : bust.aggressor)
        sell = Side(isRestingBuy ? bust.aggressor : bust.resting)
    }

    fileprivate var object: JSONObject {
        var object = JSONObject()
        object.add("id", id)
        object.add("instrument", instrument)
        if let symbol { object.add("symbol", symbol) }
        object.add("priceTicks", priceTicks)
        object.add("quantityLots", quantityLots)
        object.add("timestampNanos", timestampNanos)
        object.add("isOfAuction", isOfAuction)
        object.add("buy", buy.object)
        object.add("sell", sell.object)
        return object
    }
}
