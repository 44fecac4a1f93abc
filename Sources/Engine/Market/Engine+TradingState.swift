// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Since rules 3: what may be done in an instrument. An operator sets it; what was collected in a
// call trades when the call ends: see `uncross`.
extension Engine {
    /// Refused: before rules 3 (`unsupported`); an instrument that is not defined
    /// (`unknownInstrument`); a state or flags that there are not, a reference price outside of the
    /// ladder, a price that is said not to be one, an instrument whose auction still trades, and a
    /// phase of the calendar that does not begin behind the last one (`invalidControl`): so a phase
    /// comes once, whoever writes it; an auction that would trade outside of the static band
    /// (`priceOutsideBand`). To set the state that there is is answered like any other.
    @inline(never)
    mutating func setTradingState(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        let instrument = record.instrument
        guard isDefined(instrument: instrument) else {
            return rejectControl(.unknownInstrument, instrument: instrument, into: &outbox)
        }
        let state = record.tradingState
        let hasReference = record.flags & RecordFlags.reference != 0
        let isPriceRight =
            hasReference ? isInLadder(record.priceTicks, of: instrument) : record.priceTicks == 0
        guard
            state.isKnown, record.flags & ~RecordFlags.reference == 0, isPriceRight,
            !markets[instrument].isUncrossing, isNextPhase(record)
        else { return rejectControl(.invalidControl, instrument: instrument, into: &outbox) }
        var references = (markets[instrument].referenceTick, markets[instrument].staticTick)
        if hasReference {
            let given = record.priceTicks &- instruments[instrument].lowestPriceTicks
            references.0 = UInt32(truncatingIfNeeded: given)
            references.1 = references.0
        }
        guard
            state.mayBeCrossed
                || mayUncross(instrument, around: references.1, near: references.0)
        else { return rejectControl(.priceOutsideBand, instrument: instrument, into: &outbox) }
        setTrading(instrument, state)
        if record.quantityLots != 0 {
            markets[instrument].phaseSeconds = UInt32(truncatingIfNeeded: record.quantityLots)
        }
        (markets[instrument].referenceTick, markets[instrument].staticTick) = references
        if !state.mayBeCrossed, isCrossed(instrument) || hasMarketOrders(instrument) {
            markets[instrument].isUncrossing = true
            standInLine(instrument)
        }
        if state == .open, markets[instrument].waitingCount != 0 { standInLine(instrument) }
        setUsual(instrument)
        if markets[instrument].isInLine { closeLate() }
        emit(
            Event(
                kind: .tradingStateSet, attributes: closing, detail: UInt16(state.rawValue),
                instrument: instrument, quantityLots: record.quantityLots), into: &outbox)
        return true
    }

    /// Whether a record is no phase of the calendar, or one behind the instrument's last.
    private func isNextPhase(_ record: LogRecord) -> Bool {
        record.quantityLots == 0
            || record.quantityLots > UInt64(markets[record.instrument].phaseSeconds)
                && record.quantityLots <= UInt64(UInt32.max)
    }

    mutating func setTrading(_ instrument: UInt32, _ state: TradingState) {
        if markets[instrument].trading == .auction { auctionCount &-= 1 }
        if state == .auction { auctionCount &+= 1 }
        markets[instrument].trading = state
        markets[instrument].owesIndication = false
        markets[instrument].callEndSeconds = MarketState.noEnd
    }

    /// Whether a buy and a sell could trade with each other, at any price.
    func isCrossed(_ instrument: UInt32) -> Bool {
        let state = instruments[instrument]
        let buysAtMarket = firstAtMarket(instrument, isSell: false) != 0
        let sellsAtMarket = firstAtMarket(instrument, isSell: true) != 0
        if buysAtMarket || sellsAtMarket {
            return (buysAtMarket || state.bestBid != InstrumentState.none)
                && (sellsAtMarket || state.bestAsk != InstrumentState.none)
        }
        return state.bestBid != InstrumentState.none
            && state.crosses(isSell: false, state.rank(isSell: false, state.bestBid))
    }

    /// Reads what an image says of an instrument's trading state.
    mutating func decodeTrading(
        _ entry: MarketImage, _ place: ImagePlace
    ) throws(EngineImageError) {
        let tickCount = instruments[entry.number].tickCount
        try place.check(
            entry.trading <= UInt32(TradingState.postClose.rawValue),
            "trading state \(entry.trading)", "one that there is", at: 32)
        let state = TradingState(rawValue: UInt8(truncatingIfNeeded: entry.trading))
        try place.check(
            entry.isUncrossing == 0
                || entry.isUncrossing == 1 && !state.mayBeCrossed && entry.place != 0,
            "an auction that trades", "in line, and none in state \(entry.trading)", at: 36)
        try place.check(
            entry.reference <= tickCount, "reference \(entry.reference)", "one of the ticks",
            at: 40)
        try place.check(
            entry.cross <= tickCount && (entry.cross == 0 || entry.isUncrossing == 1),
            "auction at \(entry.cross)", "one of the ticks, while it trades", at: 44)
        try place.check(
            entry.owesIndication == 0
                || entry.owesIndication == 1 && state == .auction && entry.place != 0,
            "an indication to be told", "in line, and none in state \(entry.trading)", at: 48)
        try place.check(
            entry.staticReference <= tickCount, "static reference \(entry.staticReference)",
            "one of the ticks", at: 52)
        let isEndDue =
            entry.callEndSeconds != MarketState.endUncounted
            && UInt64(entry.callEndSeconds) <= timeSeconds
        try place.check(
            entry.callEndSeconds == MarketState.noEnd
                || state == .auction && (entry.place != 0 || !isEndDue),
            "a call until \(entry.callEndSeconds)", "none in state \(entry.trading), or in line",
            at: 56)
        setTrading(entry.number, state)
        markets[entry.number].staticTick = entry.staticReference &- 1
        markets[entry.number].callEndSeconds = entry.callEndSeconds
        markets[entry.number].owesIndication = entry.owesIndication == 1
        markets[entry.number].isUncrossing = entry.isUncrossing == 1
        // 0 - 1 is "none".
        markets[entry.number].referenceTick = entry.reference &- 1
        markets[entry.number].crossTick = entry.cross &- 1
        markets[entry.number].phaseSeconds = entry.phaseSeconds
        setUsual(entry.number)
    }
}
