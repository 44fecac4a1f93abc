// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Since rules 3: what a new order may ask for beyond price, quantity and time in force. The rules
// are listed at `apply`.
extension Engine {
    /// Type limit, market, stop, stop-limit or trailing stop (`invalidOrderType`); time in force
    /// one of day, immediate-or-cancel, fill-or-kill, good-till-cancel, good-till-time
    /// (`invalidTimeInForce`); flags known, slide only with post-only, one prevention
    /// (`invalidFlags`); what goes together, as docs/formats/order-matrix.md lists
    /// (`unsupportedCombination`); an expiry after the time with good-till-time and with nothing
    /// else (`invalidExpiry`); of an order that waits a trigger that can be, of others none
    /// (`invalidTrigger`). Behind the price: the peak (`invalidPeak`), the minimum
    /// (`invalidMinimum`), and the order to link to (`invalidLink`).
    @inline(never)
    func rareRefusal(_ record: RecordView, _ terms: OrderTerms) -> Reason {
        let type = record.attributes.type
        guard type == .limit || type == .market || terms.waits else { return .invalidOrderType }
        let timeInForce = record.attributes.timeInForce
        guard timeInForce.rawValue <= TimeInForce.goodTillTime.rawValue else {
            return .invalidTimeInForce
        }
        let flags = record.flags
        let known: UInt16 = 0b111_1111 | RecordFlags.pair
        let slides = flags & RecordFlags.slide != 0
        let isPostOnly = flags & RecordFlags.postOnly != 0
        let hasTwoPreventions =
            flags & RecordFlags.decrement != 0 && flags & RecordFlags.selfTradePreventionMask != 0
        guard flags & ~known == 0, !slides || isPostOnly, !hasTwoPreventions else {
            return .invalidFlags
        }
        guard goesTogether(record, terms) else { return .unsupportedCombination }
        guard
            (timeInForce == .goodTillTime) == (terms.expirySeconds != 0),
            terms.expirySeconds == 0 || UInt64(terms.expirySeconds) > timeSeconds
        else { return .invalidExpiry }
        return triggerRefusal(record, terms)
    }

    /// Why an order cannot have its trigger, or `none`.
    private func triggerRefusal(_ record: RecordView, _ terms: OrderTerms) -> Reason {
        guard terms.waits else {
            return terms.triggerPriceTicks == 0 && terms.triggerCondition == 0
                ? .none : .invalidTrigger
        }
        let isTrailing = record.attributes.type == .trailingStop
        let condition = isTrailing ? 0 : terms.triggerCondition & ~OrderTerms.takesProfit
        guard condition == 0, !isTrailing || terms.triggerCondition == 0 else {
            return .invalidTrigger
        }
        guard !isTrailing || terms.trailOffsetTicks != 0 && terms.trailStepTicks != 0 else {
            return .invalidTrigger
        }
        let tick = triggerTick(record, terms)
        return tick >= 0 && tick < instruments[record.instrument].tickCount
            ? .none : .invalidTrigger
    }

    /// Where an order is triggered; without a price one that trails begins so far behind the last
    /// trade. Outside the ladder: nowhere.
    private func triggerTick(_ record: RecordView, _ terms: OrderTerms) -> Int64 {
        let state = instruments[record.instrument]
        if terms.triggerPriceTicks != 0 {
            let (tick, isFar) = terms.triggerPriceTicks.subtractingReportingOverflow(
                state.lowestPriceTicks)
            return isFar ? -1 : tick
        }
        guard record.attributes.type == .trailingStop, state.lastTick != InstrumentState.noTick
        else { return -1 }
        let offset = Int64(terms.trailOffsetTicks)
        return state.lastTick &+ (record.attributes.side == .sell ? -offset : offset)
    }

    /// Whether what an order asks for can be had in one order.
    private func goesTogether(_ record: RecordView, _ terms: OrderTerms) -> Bool {
        let traits = OrderTraits(attributes: record.attributes, flags: record.flags)
        let isHidden = record.flags & RecordFlags.hidden != 0
        let staysOpen = traits.mayRest
        let isLinked = record.flags & RecordFlags.linked != 0
        if terms.waits {
            // What it is when it is triggered is a plain order.
            let plain: UInt16 = 0b110 | RecordFlags.decrement | RecordFlags.linked
            return !traits.isImmediateOrCancel && !traits.isFillOrKill && terms.peakLots == 0
                && record.flags & ~(plain | RecordFlags.pair) == 0 && terms.minimumLots == 0
        }
        if isLinked, !staysOpen || isHidden { return false }
        if traits.isPostOnly, !staysOpen || isHidden { return false }
        if isHidden, !staysOpen || terms.peakLots != 0 { return false }
        if terms.peakLots != 0, !staysOpen { return false }
        if terms.minimumLots != 0, !traits.isImmediateOrCancel { return false }
        if traits.isMarket, record.attributes.timeInForce == .goodTillTime { return false }
        if terms.quoteMax != 0 {
            // What is dry-run has no price yet to count in; nothing is spent at a price below 1.
            guard terms.minimumLots == 0, !traits.isFillOrKill else { return false }
            guard instruments[record.instrument].lowestPriceTicks > 0 else { return false }
        }
        return true
    }

    /// Quantities beside the total, which was found good.
    @inline(__always)
    func amountRefusal(_ total: UInt64, _ instrument: UInt32, _ terms: OrderTerms) -> Reason {
        guard terms.peakLots == 0 || isPeak(terms.peakLots, of: total) else {
            return .invalidPeak
        }
        return terms.minimumLots <= total ? .none : .invalidMinimum
    }

    /// Whether so many lots may be shown of so many: at least a 256th.
    @inline(__always)
    func isPeak(_ peakLots: UInt64, of totalLots: UInt64) -> Bool {
        peakLots <= totalLots && (totalLots &- 1) >> 8 < peakLots
    }

    /// Whether an order needs an `OrderExtra` when it rests.
    @inline(__always)
    func isRare(_ record: RecordView, _ terms: OrderTerms) -> Bool {
        record.flags & (RecordFlags.hidden | RecordFlags.slide | RecordFlags.linked) != 0
            || terms.waits || terms.peakLots | UInt64(terms.expirySeconds) != 0
            || ranksFirst(record.instrument, record.attributes.type)
    }

    /// The extra of a new order that was found good, or 0 when it needs none.
    @inline(__always)
    mutating func extra(of record: RecordView, _ terms: OrderTerms) -> UInt32 {
        guard isRare(record, terms) else { return 0 }
        let partner = partner(of: record, terms)
        let extra = extraPool.allocate()
        var flags: UInt32 = 0
        if terms.waits {
            let isSell = record.attributes.side == .sell
            let takesProfit = terms.triggerCondition & OrderTerms.takesProfit != 0
            flags |= OrderExtra.waits
            if isSell != takesProfit { flags |= OrderExtra.triggersFalling }
        }
        if record.flags & RecordFlags.hidden != 0 { flags |= OrderExtra.hidden }
        if record.flags & RecordFlags.slide != 0 { flags |= OrderExtra.slides }
        if record.attributes.type == .market { flags |= OrderExtra.ranksFirst }
        extras[extra] = OrderExtra(
            entryReference: record.sequence, peakLots: terms.peakLots,
            expirySeconds: terms.expirySeconds, flags: flags, partner: partner,
            trailOffsetTicks: terms.trailOffsetTicks, trailStepTicks: terms.trailStepTicks,
            triggerTick: terms.waits ? triggerTick(record, terms) : 0)
        return extra
    }

    /// Gives the extra of an order back that does not rest.
    @inline(never)
    mutating func dropExtra(_ extra: UInt32) {
        untie(extra)
        extraPool.free(extra)
    }
}
