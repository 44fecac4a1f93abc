// SPDX-License-Identifier: Apache-2.0
internal import Wire

// The trades of an auction: the best buy with the best sell, market orders first, each in the order
// of its book, all at one price. Self-trade prevention is off, icebergs trade a part at a time and
// count in full.
//
// They come behind the command that ends the call, and if they are very many, go on behind the next
// commands; until the last of them nothing comes in, and what is cancelled meanwhile is missing. If
// the book is still crossed after that, the rest has a price of its own. What market orders leave
// is cancelled at the end.
extension Engine {
    /// The next step of an instrument whose auction trades.
    @inline(never)
    mutating func uncross(_ instrument: UInt32, into outbox: inout EventOutbox) {
        let tick = markets[instrument].staticTick
        if !markets[instrument].isPriced {
            guard isCrossed(instrument), price(instrument, into: &outbox) else {
                return cancelAtMarket(instrument, into: &outbox) ? () : endAuction(instrument)
            }
        } else if isCrossed(instrument, at: tick) {
            tradeInAuction(instrument, at: tick, into: &outbox)
        } else {
            markets[instrument].isPriced = false
        }
    }

    /// False: there is no price at which the book could trade.
    private mutating func price(_ instrument: UInt32, into outbox: inout EventOutbox) -> Bool {
        let market = markets[instrument]
        let price = auctionPrice(instrument, near: market.referenceTick)
        guard price.volumeLots != 0 else { return false }
        guard staticBand(instrument, around: market.staticTick).contains(price.tick) else {
            // Of those who were to trade some have gone.
            markets[instrument].isUncrossing = false
            call(instrument, end: MarketState.noEnd, into: &outbox)
            return true
        }
        markets[instrument].isPriced = true
        markets[instrument].staticTick = price.tick
        // What it was to be near to is used up; the rest of the book is near to its own trades.
        markets[instrument].referenceTick = InstrumentState.noTick
        tell(.auctionPriced, price, instrument, into: &outbox)
        return true
    }

    private mutating func tell(
        _ kind: EventKind, _ price: AuctionPrice, _ instrument: UInt32,
        into outbox: inout EventOutbox
    ) {
        emit(
            Event(
                kind: kind, attributes: price.isSellImbalance ? .sell : [],
                instrument: instrument,
                priceTicks: instruments[instrument].lowestPriceTicks &+ price.tick,
                quantityLots: price.volumeLots, leavesLots: price.imbalanceLots), into: &outbox)
    }

    // MARK: Indications

    /// As the time goes on it is told where each auction would trade if it did so now.
    @inline(never)
    mutating func oweIndications() {
        closeLate()
        var left = auctionCount
        var number: UInt32 = 0
        while left != 0 {
            number &+= 1
            guard markets[number].trading == .auction else { continue }
            left &-= 1
            countCall(number)
            markets[number].owesIndication = true
            standInLine(number)
        }
    }

    /// Of a book that is not crossed: nothing, at the lowest price.
    mutating func indicateIfDue(_ instrument: UInt32, into outbox: inout EventOutbox) {
        guard markets[instrument].owesIndication else { return }
        markets[instrument].owesIndication = false
        pending.triggersLeft &-= 1
        let price =
            isCrossed(instrument)
            ? auctionPrice(instrument, near: markets[instrument].referenceTick) : AuctionPrice()
        tell(.auctionIndicated, price, instrument, into: &outbox)
    }

    // MARK: Trades

    private mutating func endAuction(_ instrument: UInt32) {
        markets[instrument].isUncrossing = false
        setUsual(instrument)
        if markets[instrument].waitingCount == 0 { leaveLine() }
    }

    /// Whether a buy and a sell are both good for a price.
    private func isCrossed(_ instrument: UInt32, at tick: Int64) -> Bool {
        isGood(instrument, isSell: true, for: tick) && isGood(instrument, isSell: false, for: tick)
    }

    private func isGood(_ instrument: UInt32, isSell: Bool, for tick: Int64) -> Bool {
        firstAtMarket(instrument, isSell: isSell) != 0
            || instruments[instrument].crosses(isSell: !isSell, tick)
    }

    private mutating func tradeInAuction(
        _ instrument: UInt32, at tick: Int64, into outbox: inout EventOutbox
    ) {
        let buy = first(instrument, isSell: false)
        let sell = first(instrument, isSell: true)
        let lots = min(shownLots(buy), shownLots(sell))
        let price = instruments[instrument].lowestPriceTicks &+ tick
        tell(buy, trades: lots, at: price, .auction, into: &outbox)
        tell(sell, trades: lots, at: price, [.auction, .aggressor], into: &outbox)
        pending.tradeIndex &+= 1
        instruments[instrument].lastTick = tick
        noteTrade(instrument, tick)
        settle(buy, lots, into: &outbox)
        settle(sell, lots, into: &outbox)
    }

    /// Who trades first on a side.
    private func first(_ instrument: UInt32, isSell: Bool) -> UInt32 {
        let atMarket = firstAtMarket(instrument, isSell: isSell)
        guard atMarket == 0 else { return atMarket }
        return levels[instruments[instrument].bestLevel(isSell: isSell)].head
    }

    /// What an order trades before others have their turn: all, or what is shown of an iceberg.
    private func shownLots(_ slot: UInt32) -> UInt64 {
        let extra = orders[slot].extra
        return extra != 0 && extras[extra].isIceberg
            ? extras[extra].displayedLots : orders[slot].leavesLots
    }

    private mutating func tell(
        _ slot: UInt32, trades lots: UInt64, at priceTicks: Int64, _ attributes: EventAttributes,
        into outbox: inout EventOutbox
    ) {
        orders[slot].executedLots &+= lots
        let extra = orders[slot].extra
        let isUnseen = extra != 0 && extras[extra].isUnseen
        var event = orders[slot].event(
            .traded, isUnseen ? attributes.union(.undisclosed) : attributes, lots: lots,
            detail: pending.tradeIndex)
        event.priceTicks = priceTicks
        report(event, into: &outbox)
    }

    /// What follows a trade for one of its orders: its partner goes, and it does if nothing is left
    /// of it, or shows its next part.
    private mutating func settle(
        _ slot: UInt32, _ lots: UInt64, into outbox: inout EventOutbox
    ) {
        levels[orders[slot].level].quantityLots &-= lots
        if orders[slot].extra != 0, extras[orders[slot].extra].partner != 0 {
            cancelPartner(of: orders[slot].extra, last: [], into: &outbox)
        }
        guard orders[slot].leavesLots != 0 else { return remove(slot) }
        dropIfNotNeeded(slot)
        let extra = orders[slot].extra
        guard extra != 0, extras[extra].isIceberg else { return }
        extras[extra].displayedLots &-= lots
        if extras[extra].displayedLots == 0 { refill(slot, [], into: &outbox) }
    }
}
