// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Since rules 3: how far from its references an instrument trades. An order's band is looked up
// once, before it meets anybody, and the limit that it is matched with is moved into it: matching
// knows of no bands. What stops there has more to trade by its own limit than by that one.
//
// All orders of an instrument with bands go the long way: see `setUsual`.

/// From tick to tick, both included; nothing where the first is above the last.
struct TickBand {
    var low: Int64 = .min
    var high: Int64 = .max

    static let nothing = TickBand(low: .max, high: .min)

    func contains(_ tick: Int64) -> Bool { low <= tick && tick <= high }

    /// With all that is between the two.
    func joined(with other: TickBand) -> TickBand {
        TickBand(low: min(low, other.low), high: max(high, other.high))
    }
}

extension MarketState {
    /// So far to each side of a tick; everything without a width or a tick.
    private func band(
        _ width: UInt32, around tick: Int64, of state: InstrumentState
    ) -> TickBand {
        guard width != 0, tick != InstrumentState.noTick else { return TickBand() }
        var ticks = UInt64(width)
        if bands.isInBasisPoints {
            // Above 0, or no band is in basis points. In two parts, so that nothing overflows.
            let price = UInt64(bitPattern: state.lowestPriceTicks &+ tick)
            let whole = UInt64(PriceBands.basisPointsMax)
            ticks = price / whole &* ticks &+ price % whole &* ticks / whole
        }
        let distance = Int64(min(ticks, UInt64(state.tickCount)))
        return TickBand(low: tick &- distance, high: tick &+ distance)
    }

    /// Where an instrument may trade around a reference.
    func staticBand(around tick: Int64, of state: InstrumentState) -> TickBand {
        band(bands.staticWidth, around: tick, of: state)
    }

    /// Where an order that comes now may trade. Out of line, and of values: who asks is on the way
    /// of orders that nearly never have bands.
    @inline(never)
    func band(of state: InstrumentState) -> TickBand {
        let fixed = staticBand(around: staticTick, of: state)
        let moving = band(bands.dynamicWidth, around: state.lastTick, of: state)
        return TickBand(low: max(fixed.low, moving.low), high: min(fixed.high, moving.high))
    }
}

extension Engine {
    /// Refused: before rules 3 (`unsupported`); an instrument that is not defined
    /// (`unknownInstrument`); bands that it may not have (`PriceBands.isValid`), and an instrument
    /// whose auction still trades (`invalidControl`). A call that an order has set off goes on.
    @inline(never)
    mutating func setPriceBands(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        let instrument = record.instrument
        guard isDefined(instrument: instrument) else {
            return rejectControl(.unknownInstrument, instrument: instrument, into: &outbox)
        }
        guard let bands = record.priceBands, mayHave(bands, instrument),
            !markets[instrument].isUncrossing
        else { return rejectControl(.invalidControl, instrument: instrument, into: &outbox) }
        markets[instrument].bands = bands
        setUsual(instrument)
        emit(
            Event(kind: .controlApplied, attributes: closing, instrument: instrument),
            into: &outbox)
        return true
    }

    func mayHave(_ bands: PriceBands, _ instrument: UInt32) -> Bool {
        bands.isValid(
            lowestPriceTicks: instruments[instrument].lowestPriceTicks,
            tickSpan: UInt64(instruments[instrument].tickCount &- 1))
    }

    // MARK: Auctions

    /// Where an instrument may trade around a reference.
    func staticBand(_ instrument: UInt32, around tick: Int64) -> TickBand {
        markets[instrument].staticBand(around: tick, of: instruments[instrument])
    }

    /// Whether a book would trade inside of its static band if it were an auction's, around a
    /// reference and near to another; a book that is not crossed does not trade.
    func mayUncross(_ instrument: UInt32, around tick: Int64, near reference: Int64) -> Bool {
        let band = staticBand(instrument, around: tick)
        guard band.low != .min, isCrossed(instrument) else { return true }
        let price = auctionPrice(instrument, near: reference)
        return price.volumeLots == 0 || band.contains(price.tick)
    }

    // MARK: Orders

    /// Moves the limit of an order, which has met nobody yet, into its band, and keeps its own.
    @inline(never)
    mutating func bind(_ order: inout IncomingOrder) {
        let isSell = order.traits.isSell
        let state = instruments[order.instrument]
        let band = markets[order.instrument].band(of: state)
        order.ownLimit = order.limit
        order.limit = isSell ? max(order.limit, band.low) : min(order.limit, band.high)
        guard state.best(isSell: !isSell) != InstrumentState.none else { return }
        let best = state.bestOpposite(isSell: isSell)
        // A price that is too good is outside as well, and nobody behind it is met before.
        if !band.contains(best) { order.limit = isSell ? best &+ 1 : best &- 1 }
    }

    /// Sends an accepted order through the book of an instrument that may have bands.
    @inline(never)
    mutating func enterBound(_ order: IncomingOrder, into outbox: inout EventOutbox) -> Bool {
        var order = order
        if markets[order.instrument].bands.isSet { bind(&order) }
        if order.minimumLots != 0 { return startScan(order, into: &outbox) }
        return sweep(&order, into: &outbox)
    }

    /// Gives an order that has nobody left to meet its own limit back; whether it leaves because
    /// there is somebody outside of its band. With an auction who may rest does so, across them.
    @inline(never)
    mutating func leavesAtBand(
        _ order: inout IncomingOrder, into outbox: inout EventOutbox
    ) -> Bool {
        let instrument = order.instrument
        guard markets[instrument].bands.isSet else { return false }
        let isSell = order.traits.isSell
        let isInside = crosses(isSell: isSell, order)
        order.limit = order.ownLimit
        guard !isInside, crosses(isSell: isSell, order) else { return false }
        guard markets[instrument].bands.action == .auction else { return true }
        // Who could not rest in it sets no auction off.
        guard !order.traits.mayRest || hasRoom(instrument, order.limit) else { return false }
        call(instrument, end: MarketState.endUncounted, into: &outbox)
        return !order.traits.mayRest
    }

    // MARK: Calls that nobody asked for

    /// A call that ends by itself, or with `noEnd` by an operator.
    mutating func call(_ instrument: UInt32, end: UInt32, into outbox: inout EventOutbox) {
        turn(instrument, .auction, into: &outbox)
        markets[instrument].callEndSeconds = end
    }

    /// Sets a state that no operator has asked for, and says so.
    private mutating func turn(
        _ instrument: UInt32, _ state: TradingState, into outbox: inout EventOutbox
    ) {
        setTrading(instrument, state)
        setUsual(instrument)
        emit(
            Event(
                kind: .tradingStateSet, detail: UInt16(state.rawValue), instrument: instrument,
                reference: 1), into: &outbox)
    }

    /// The time was told: from now on the seconds of a call count that has just begun.
    mutating func countCall(_ instrument: UInt32) {
        guard markets[instrument].callEndSeconds == MarketState.endUncounted else { return }
        let end = timeSeconds &+ UInt64(markets[instrument].bands.auctionSeconds)
        markets[instrument].callEndSeconds = UInt32(min(end, UInt64(MarketState.endUncounted) - 1))
    }

    /// Whether the end of a call that an order has set off has come.
    func isCallOver(_ instrument: UInt32) -> Bool {
        let end = markets[instrument].callEndSeconds
        guard end != MarketState.noEnd, end != MarketState.endUncounted else { return false }
        return UInt64(end) <= timeSeconds
    }

    /// The book trades if it does so inside of its static band; if not, the call goes on until an
    /// operator ends it, and says so once more.
    mutating func endCall(_ instrument: UInt32, into outbox: inout EventOutbox) {
        pending.triggersLeft &-= 1
        let market = markets[instrument]
        guard
            mayUncross(
                instrument, around: market.staticTick, near: market.referenceTick)
        else { return call(instrument, end: MarketState.noEnd, into: &outbox) }
        turn(instrument, .open, into: &outbox)
        markets[instrument].isUncrossing =
            isCrossed(instrument) || hasMarketOrders(instrument)
        setUsual(instrument)
    }
}
