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
            references = (given, given)
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
            return (buysAtMarket || state.best(isSell: false) != InstrumentState.none)
                && (sellsAtMarket || state.best(isSell: true) != InstrumentState.none)
        }
        let bid = state.best(isSell: false)
        return bid != InstrumentState.none
            && state.crosses(isSell: false, state.rank(isSell: false, bid))
    }

    /// Reads what an image says of an instrument's trading state.
    mutating func decodeTrading(
        _ entry: MarketImage, _ place: ImagePlace
    ) throws(EngineImageError) {
        let tickCount = UInt64(instruments[entry.number].tickCount)
        let state = TradingState(rawValue: entry.trading)
        let isUncrossing = entry.doing & MarketImage.uncrosses != 0
        let isPriced = entry.doing & MarketImage.isPriced != 0
        let owesIndication = entry.doing & MarketImage.owesIndication != 0
        try place.check(
            state.isKnown, "trading state \(entry.trading)", "one that there is", at: 60)
        try place.check(
            entry.doing < 8 && entry.reserved == 0, "bits \(entry.doing)", "known ones", at: 61)
        try place.check(
            !isUncrossing || !state.mayBeCrossed && entry.place != 0,
            "an auction that trades", "in line, and none in state \(entry.trading)", at: 61)
        try place.check(
            !isPriced || isUncrossing && entry.staticReference != 0, "an auction with a price",
            "one that trades, at the static reference", at: 61)
        try place.check(
            !owesIndication || state == .auction && entry.place != 0,
            "an indication to be told", "in line, and none in state \(entry.trading)", at: 61)
        try place.check(
            entry.reference <= tickCount, "reference \(entry.reference)", "one of the ticks",
            at: 32)
        try place.check(
            entry.staticReference <= tickCount, "static reference \(entry.staticReference)",
            "one of the ticks", at: 40)
        let isEndDue =
            entry.callEndSeconds != MarketState.endUncounted
            && UInt64(entry.callEndSeconds) <= timeSeconds
        try place.check(
            entry.callEndSeconds == MarketState.noEnd
                || state == .auction && (entry.place != 0 || !isEndDue),
            "a call until \(entry.callEndSeconds)", "none in state \(entry.trading), or in line",
            at: 52)
        setTrading(entry.number, state)
        markets[entry.number].callEndSeconds = entry.callEndSeconds
        markets[entry.number].owesIndication = owesIndication
        markets[entry.number].isUncrossing = isUncrossing
        markets[entry.number].isPriced = isPriced
        // 0 - 1 is "none".
        markets[entry.number].referenceTick = Int64(entry.reference) - 1
        markets[entry.number].staticTick = Int64(entry.staticReference) - 1
        markets[entry.number].phaseSeconds = entry.phaseSeconds
        setUsual(entry.number)
    }
}
