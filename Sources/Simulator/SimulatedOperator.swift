// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Platform
internal import Wire

/// Draws what operators ask for: more often what lets orders trade than what keeps them from it.
struct SimulatedOperator {
    var random: SeededRandom
    /// 2023-11-14, about when a run begins.
    private var day: UInt32 = 19_675

    private let isCrowded: Bool

    init(_ market: MarketPlan) {
        random = market.random
        isCrowded = market.isCrowded
    }

    /// What makes all as it was, the last one first.
    static func closing(sessionCount: Int) -> [AdminRequest] {
        (1...sessionCount).map { .kill(.session, UInt64($0), stops: false) }
            + (1...SimulatedClient.accountCount).map { .kill(.account, $0, stops: false) }
            + [
                .state(.number(1), .open, referenceTicks: nil),
                .setOrderRules(.number(1), OrderRules()), .setBands(.number(1), PriceBands()),
            ]
    }

    private mutating func chance(_ oneIn: UInt64) -> Bool { random.below(oneIn) == 0 }

    mutating func next(_ trades: [OperatorTrail.Trade]) -> AdminRequest {
        // There what cancels many is what there is to see.
        if isCrowded, chance(2) { return chance(2) ? roll() : kill() }
        return switch random.below(24) {
        case 0...5: state()
        case 6...8: .setBands(instrument(), bands())
        case 9: .setOrderRules(instrument(), orderRules())
        case 10: .setTickTable(1 + UInt32(random.below(2)), tickRows())
        case 11: roll()
        case 12...14: kill()
        case 15: .setTradeGroup(account: UInt32(account()), group: UInt32(random.below(3)))
        case 16...18: .bust(trade(trades))
        case 19: addInstrument()
        default: question(trades)
        }
    }

    private mutating func question(_ trades: [OperatorTrail.Trade]) -> AdminRequest {
        switch random.below(8) {
        case 0: .instruments(shard: 0, from: 1)
        case 1: .sessions(shard: 0, from: 1 + UInt32(random.below(5)))
        case 2: .tradeGroups(shard: 0, from: 1)
        case 3: .book(instrument(), depth: 5)
        case 4: .order(session: 1, orderID: 1 << 32 | 1 + random.below(40))
        case 5: .trade(trade(trades))
        case 6: .tickTable(1)
        default: .bands(instrument())
        }
    }

    private mutating func instrument() -> AdminRequest.Instrument {
        switch random.below(10) {
        case 0...4: .number(1)
        case 5: .symbol("ONE")
        case 6, 7: .number(2)
        case 8: .number(3)
        default: chance(3) ? .symbol("NONE") : .symbol("TWO")
        }
    }

    private mutating func account() -> UInt64 { 1 + random.below(SimulatedClient.accountCount) }

    private mutating func state() -> AdminRequest {
        let states: [TradingState] = [.closed, .preOpen, .auction, .halted, .postClose]
        let state = chance(2) ? .open : states[Int(random.below(5))]
        return .state(
            instrument(), state, referenceTicks: chance(3) ? 85 + Int64(random.below(30)) : nil)
    }

    private mutating func bands() -> PriceBands {
        guard !chance(3) else { return PriceBands() }
        let seconds = chance(2) ? 1 + UInt32(random.below(2)) : 0
        return PriceBands(
            staticWidth: chance(2) ? 0 : 2 + UInt32(random.below(12)),
            dynamicWidth: chance(4) ? 0 : 1 + UInt32(random.below(8)),
            isInBasisPoints: chance(8), action: seconds == 0 ? .cancel : .auction,
            auctionSeconds: seconds)
    }

    private mutating func orderRules() -> OrderRules {
        guard chance(2) else { return OrderRules() }
        return OrderRules(
            lotStep: random.below(3), quantityLotsMin: random.below(4),
            valueMax: chance(3) ? 1_500 : 0, tickTable: UInt32(random.below(3)))
    }

    private mutating func tickRows() -> [TickRow] {
        let rows = [TickRow(fromTicks: -20, stepTicks: 1), TickRow(fromTicks: 96, stepTicks: 2)]
        return chance(2) ? rows : rows + [TickRow(fromTicks: 105, stepTicks: 5)]
    }

    /// Mostly to a later day.
    private mutating func roll() -> AdminRequest {
        if !chance(4) { day += 1 }
        return .roll(BusinessDay(rawValue: day))
    }

    private mutating func kill() -> AdminRequest {
        let stops = chance(3)
        if chance(2) { return .kill(.account, account(), stops: stops) }
        return .kill(.session, chance(20) ? 9 : 1 + random.below(3), stops: stops)
    }

    /// One of late, or one that there is not.
    private mutating func trade(_ trades: [OperatorTrail.Trade]) -> TradeID {
        guard !chance(8), !trades.isEmpty else {
            return TradeID(shard: 0, sequence: 1 + random.below(200), index: 0)
        }
        return trades[Int(random.below(UInt64(trades.count)))].id
    }

    private mutating func addInstrument() -> AdminRequest {
        let number = chance(4) ? 2 + UInt32(random.below(3)) : 3
        return .addInstrument(
            .init(
                number: number, symbol: number == 3 ? "THREE" : "OTHER", lowestPriceTicks: 1,
                highestPriceTicks: Configuration.Instrument.priceTicks.upperBound))
    }
}
