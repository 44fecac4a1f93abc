// SPDX-License-Identifier: Apache-2.0
import Wire

// What may be done in an instrument, and auctions: every price is tried.
extension NaiveEngine {
    struct Trading {
        var state = TradingState.open
        var reference: Int64?
        /// Its auction trades, at a price once there is one.
        var isUncrossing = false
        var cross: Int64?
        /// Where its auction would trade is to be told.
        var owesIndication = false
        /// When its last phase of the calendar began.
        var phase: UInt64 = 0
    }

    /// An auction at some price.
    struct Cross {
        let price: Int64
        let buys: UInt64
        let sells: UInt64
        var volume: UInt64 { min(buys, sells) }
        var imbalance: UInt64 { max(buys, sells) - volume }
    }

    mutating func setState(_ record: LogRecord) {
        guard rules >= 3 else { return control(.unsupported) }
        let number = record.instrument
        guard let instrument = instruments[number] else {
            return control(.unknownInstrument, instrument: number)
        }
        let hasReference = record.flags == 1
        var trading = tradings[number] ?? Trading()
        guard record.attributes.rawValue <= 5, record.flags <= 1, !trading.isUncrossing,
            hasReference
                ? record.priceTicks >= instrument.lowest && record.priceTicks <= instrument.highest
                : record.priceTicks == 0,
            record.quantityLots == 0
                || record.quantityLots > trading.phase && record.quantityLots < 1 << 32
        else { return control(.invalidControl, instrument: number) }
        let around = hasReference ? record.priceTicks : bands[number]?.reference
        if [0, 1, 5].contains(record.attributes.rawValue),
            let price = auctionPrice(
                number, near: hasReference ? record.priceTicks : trading.reference),
            !isInFixedBand(price, number, around: around)
        {
            return control(.priceOutsideBand, instrument: number)
        }
        bands[number, default: Bands()].reference = around
        bands[number]!.end = .never
        trading.state = TradingState(rawValue: record.attributes.rawValue)
        trading.owesIndication = false
        trading.phase = max(trading.phase, record.quantityLots)
        if hasReference { trading.reference = record.priceTicks }
        if [.open, .closed, .postClose].contains(trading.state),
            isCrossed(number) || hasMarketOrders(number)
        {
            trading.isUncrossing = true
            standInLine(number)
        }
        tradings[number] = trading
        if trading.state == .open, isWaitedIn(number) { standInLine(number) }
        if line.contains(number) { isLate = true }
        events.append(
            Event(
                kind: .tradingStateSet, detail: UInt16(record.attributes.rawValue),
                instrument: number, quantityLots: record.quantityLots))
    }

    func isCall(_ instrument: UInt32) -> Bool {
        [.preOpen, .auction].contains(tradings[instrument]?.state)
    }

    /// Whether an order may be entered, or replaced.
    func isTaken(_ order: Order) -> Bool {
        let trading = tradings[order.instrument] ?? Trading()
        if trading.isUncrossing { return false }
        switch trading.state {
        case .open: return true
        case .preOpen, .auction:
            return order.trigger != nil
                || ![.immediateOrCancel, .fillOrKill].contains(order.timeInForce)
                    && !order.isPostOnly
        default: return false
        }
    }

    // MARK: Auctions

    private func isCrossed(_ instrument: UInt32) -> Bool {
        guard let buy = book(instrument: instrument, side: .buy).first,
            let sell = book(instrument: instrument, side: .sell).first
        else { return false }
        return buy.ranksFirst || sell.ranksFirst || buy.price >= sell.price
    }

    func hasMarketOrders(_ number: UInt32) -> Bool {
        orders.contains { $0.instrument == number && $0.ranksFirst }
    }

    /// Whether that was to cancel what a market order has left.
    mutating func uncross(_ number: UInt32) -> Bool {
        let buy = book(instrument: number, side: .buy).first
        let sell = book(instrument: number, side: .sell).first
        guard let price = tradings[number]!.cross else {
            if let cross = auction(number, near: tradings[number]!.reference) {
                start(cross, number)
                if tradings[number]!.isUncrossing { tradings[number]!.reference = nil }
                return false
            }
            for order in [buy, sell] {
                guard let order, order.ranksFirst else { continue }
                cancelResting(order, .marketRemainder)
                return true
            }
            tradings[number]!.isUncrossing = false
            if !isWaitedIn(number) { line.removeFirst() }
            return false
        }
        if let buy, let sell, buy.ranksFirst || buy.price >= price,
            sell.ranksFirst || sell.price <= price
        {
            tradeInAuction(buy, sell, price)
        } else {
            tradings[number]!.cross = nil
        }
        return false
    }

    /// Where a book trades that is crossed.
    func auctionPrice(_ number: UInt32, near reference: Int64?) -> Int64? {
        auction(number, near: reference)?.price
    }

    private mutating func start(_ cross: Cross, _ number: UInt32) {
        guard isInFixedBand(cross.price, number, around: bands[number]?.reference) else {
            // Of those who were to trade some have gone.
            tradings[number]!.isUncrossing = false
            return call(number, end: .never)
        }
        bands[number, default: Bands()].reference = cross.price
        tradings[number]!.cross = cross.price
        say(.auctionPriced, cross, number)
    }

    private mutating func say(_ kind: EventKind, _ cross: Cross, _ number: UInt32) {
        events.append(
            Event(
                kind: kind, attributes: cross.sells > cross.buys ? .sell : [],
                instrument: number, priceTicks: cross.price, quantityLots: cross.volume,
                leavesLots: cross.imbalance))
    }

    mutating func oweIndications() {
        for number in tradings.keys.sorted() where tradings[number]!.state == .auction {
            countCall(number)
            tradings[number]!.owesIndication = true
            isLate = true
            standInLine(number)
        }
    }

    /// Whether it was.
    mutating func indicateIfDue(_ number: UInt32) -> Bool {
        guard tradings[number]?.owesIndication == true else { return false }
        tradings[number]!.owesIndication = false
        let none = Cross(price: instruments[number]!.lowest, buys: 0, sells: 0)
        say(.auctionIndicated, auction(number, near: tradings[number]!.reference) ?? none, number)
        return true
    }

    /// Of all prices between the lowest and the highest of the limits and the reference: of most
    /// volume, of these the least imbalance, of these the nearest to the reference. Nil where the
    /// book is not crossed, or there is no price at all.
    private func auction(_ number: UInt32, near given: Int64?) -> Cross? {
        guard isCrossed(number) else { return nil }
        let buys = book(instrument: number, side: .buy)
        let sells = book(instrument: number, side: .sell)
        var prices = (buys + sells).filter { !$0.ranksFirst }.map(\.price)
        if let reference = given ?? markets[number]?.last { prices.append(reference) }
        guard let lowest = prices.min(), let highest = prices.max() else { return nil }
        func cross(at price: Int64) -> Cross {
            Cross(
                price: price,
                buys: buys.filter { $0.ranksFirst || $0.price >= price }
                    .reduce(0) { $0 + $1.leaves },
                sells: sells.filter { $0.ranksFirst || $0.price <= price }
                    .reduce(0) { $0 + $1.leaves })
        }
        guard highest - lowest < 10_000 else {
            // Too many to look at. What trades changes beside limits only, so the best prices lie
            // between two of these.
            let beside = Set(prices.flatMap { [$0 - 1, $0, $0 + 1] })
            let some = best(of: beside.filter { lowest...highest ~= $0 }.map(cross))
            let (low, high) = (some.map(\.price).min()!, some.map(\.price).max()!)
            if let reference = given ?? markets[number]?.last {
                return cross(at: max(low, min(high, reference)))
            }
            let lower = cross(at: low + (high - low) / 2)
            let higher = cross(at: high - (high - low) / 2)
            return higher.buys > higher.sells ? higher : lower
        }
        let crosses = best(of: (lowest...highest).map(cross))
        if let reference = given ?? markets[number]?.last {
            return crosses.min { abs($0.price - reference) < abs($1.price - reference) }!
        }
        let lower = crosses[(crosses.count - 1) / 2]
        let higher = crosses[crosses.count / 2]
        return higher.buys > higher.sells ? higher : lower
    }

    /// Those of most volume, and of these those of the least imbalance.
    private func best(of all: [Cross]) -> [Cross] {
        var crosses = all
        let volume = crosses.map(\.volume).max()!
        crosses = crosses.filter { $0.volume == volume }
        let imbalance = crosses.map(\.imbalance).min()!
        return crosses.filter { $0.imbalance == imbalance }
    }

    private mutating func tradeInAuction(_ buy: Order, _ sell: Order, _ price: Int64) {
        let lots = min(
            buy.peak == 0 ? buy.leaves : buy.displayed,
            sell.peak == 0 ? sell.leaves : sell.displayed)
        let detail = UInt16(truncatingIfNeeded: tradeIndex)
        tradeIndex += 1
        for order in [buy, sell] {
            let index = find(order.session, order.id)!
            orders[index].executed += lots
            if order.peak != 0 { orders[index].displayed -= lots }
            var attributes: EventAttributes =
                order.side == .buy ? .auction : [.auction, .aggressor]
            if order.isHidden || order.ranksFirst { attributes.insert(.undisclosed) }
            say(
                .traded, orders[index], attributes, price: price, quantity: lots, detail: detail)
        }
        noteTrade(buy.instrument, price)
        for order in [buy, sell] {
            var order = orders[find(order.session, order.id)!]
            cancelPartner(&order)
            let index = find(order.session, order.id)!
            if order.leaves == 0 { orders.remove(at: index) } else { refill(index) }
        }
    }
}
