// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

extension Engine {
    /// A usual order that trades first.
    @inline(never)
    mutating func takeLiquidity(
        _ record: RecordView, _ tick: Int64, _ indexHash: UInt32,
        into outbox: inout EventOutbox
    ) -> Bool {
        beginSlice(isPair: false, outbox)
        var order = IncomingOrder(
            orderID: record.orderID, reference: record.sequence, priceTicks: record.priceTicks,
            totalLots: record.quantityLots, leavesLots: record.quantityLots, limit: tick,
            session: record.session, account: record.account, instrument: record.instrument,
            traits: OrderTraits(attributes: record.attributes, flags: record.flags),
            indexHash: indexHash, stepsLeft: stepsAllowed)
        accept(order, [], into: &outbox)
        return sweepInPlace(&order, isPlain: true, into: &outbox)
    }

    @inline(__always)
    mutating func accept(
        _ order: IncomingOrder, _ attributes: EventAttributes, into outbox: inout EventOutbox
    ) {
        report(order.event(.accepted, attributes, lots: order.totalLots), into: &outbox)
    }

    /// A new order of a session that is logged on: whatever its kind, whether it is good or not.
    /// The rules are listed at `apply`.
    @inline(never)
    mutating func newOrder(
        _ record: RecordView, _ continuation: RecordView?, into outbox: inout EventOutbox
    ) -> Bool {
        let indexHash = index.hash(session: record.session, orderID: record.orderID)
        let terms = OrderTerms(
            continuation?.orderContinuation ?? OrderContinuation(), type: record.attributes.type,
            isLinked: record.flags & RecordFlags.linked != 0)
        let reason = refusal(of: record, indexHash: indexHash, terms)
        guard reason == .none else {
            return reject(.rejected, reason, record.record, into: &outbox)
        }
        let instrument = record.instrument
        let traits = OrderTraits(attributes: record.attributes, flags: record.flags)
        var limit = record.priceTicks &- instruments[instrument].lowestPriceTicks
        if traits.isMarket {
            limit = marketLimit(instrument, isSell: traits.isSell, terms)
        } else if traits.isPostOnly {
            limit = postOnlyLimit(instrument, isSell: traits.isSell, limit)
        }
        let order = IncomingOrder(
            orderID: record.orderID, reference: record.sequence,
            priceTicks: traits.isMarket
                ? 0 : limit &+ instruments[instrument].lowestPriceTicks,
            totalLots: record.quantityLots, leavesLots: record.quantityLots, limit: limit,
            session: record.session, account: record.account, instrument: instrument,
            traits: traits, indexHash: indexHash, extra: extra(of: record, terms),
            minimumLots: traits.isFillOrKill ? record.quantityLots : terms.minimumLots,
            quoteLeft: terms.quoteMax == 0 ? .max : terms.quoteMax, stepsLeft: stepsAllowed)
        return enter(order, [], into: &outbox)
    }

    /// The worst tick at which a market order trades.
    @inline(__always)
    private func marketLimit(
        _ instrument: UInt32, isSell: Bool, _ terms: OrderTerms
    ) -> Int64 {
        let worst = instruments[instrument].worstTick(isSell: isSell)
        let best = instruments[instrument].best(isSell: !isSell)
        guard terms.slippageTicks != 0, best != InstrumentState.none else { return worst }
        let tick = instruments[instrument].bestOpposite(isSell: isSell)
        let room = UInt64(isSell ? tick : worst &- tick)
        let slippage = Int64(min(terms.slippageTicks, room))
        return isSell ? tick &- slippage : tick &+ slippage
    }

    /// The tick at which a post-only order rests: its own, or if it would trade there, which only
    /// one that slides gets to, the next one behind the best on the other side.
    @inline(__always)
    func postOnlyLimit(_ instrument: UInt32, isSell: Bool, _ tick: Int64) -> Int64 {
        guard instruments[instrument].crosses(isSell: isSell, tick) else { return tick }
        let next = instruments[instrument].bestOpposite(isSell: isSell) &+ (isSell ? 1 : -1)
        return validTick(instrument, isSell: isSell, next)
    }

    /// Why a new order is rejected before it looks at the other side, or `none`. It changes
    /// nothing, and is mutating all the same: what borrows an engine copies it to call others.
    @inline(__always)
    private mutating func refusal(
        of record: RecordView, indexHash: UInt32, _ terms: OrderTerms
    ) -> Reason {
        let instrument = record.instrument
        let orderID = record.orderID
        let session = record.session
        guard !isKilled(session: session, account: record.account) else { return .killed }
        guard
            instrument <= limits.instrumentCapacity && instruments[instrument].tickCount != 0
        else { return .unknownInstrument }
        guard orderID != 0 else { return .invalidOrderID }
        guard
            index.find(hash: indexHash, session: session, orderID: orderID, in: orders) == 0
        else { return .duplicateOrderID }
        let traits = OrderTraits(attributes: record.attributes, flags: record.flags)
        let kind = rulesVersion < 3 ? plainRefusal(record, terms) : rareRefusal(record, terms)
        guard kind == .none else { return kind }
        let state = stateRefusal(
            instrument, traits, waits: terms.waits,
            isBound: terms.slippageTicks | terms.quoteMax != 0)
        guard state == .none else { return state }
        let quantity = record.quantityLots
        guard quantity != 0 else { return .zeroQuantity }
        guard quantity <= markets[instrument].quantityLotsMax else {
            return .quantityTooLarge
        }
        let price = record.priceTicks
        guard
            traits.isMarket ? price == 0 : isInLadder(price, of: instrument)
        else { return .priceOutOfRange }
        let rule = ruleRefusal(
            instrument, totalLots: quantity, priceTicks: traits.isMarket ? nil : price,
            peakLots: terms.peakLots, minimumLots: terms.minimumLots, quoteMax: terms.quoteMax)
        guard rule == .none else { return rule }
        let amounts = amountRefusal(quantity, instrument, terms)
        guard amounts == .none else { return amounts }
        guard
            traits.mayRest || terms.waits || ranksFirst(instrument, record.attributes.type)
        else { return .none }
        let link = linkRefusal(record, terms)
        guard link == .none else { return link }
        guard sessions[session].openOrders < limits.sessionOpenOrdersMax else {
            return .sessionOrderLimit
        }
        guard
            openOrderCount < limits.orderCapacity,
            extrasNeeded(record, terms) <= extraPool.capacity &- extraPool.count
        else { return .orderPoolExhausted }
        return placeRefusal(
            instrument, traits, price &- instruments[instrument].lowestPriceTicks,
            slides: record.flags & RecordFlags.slide != 0,
            restsAtPrice: traits.mayRest && !terms.waits)
    }

    /// Why an order may not be entered with a tick as its limit, or `none`. `restsAtPrice`: what is
    /// left of it goes there, and does not wait, or stand before all prices. One that trades first
    /// is asked for room when it has.
    @inline(__always)
    func placeRefusal(
        _ instrument: UInt32, _ traits: OrderTraits, _ tick: Int64, slides: Bool,
        restsAtPrice: Bool
    ) -> Reason {
        var tick = tick
        if traits.isPostOnly {
            let reason = postOnlyRefusal(
                instrument, isSell: traits.isSell, tick, slides: slides)
            guard reason == .none else { return reason }
            tick = postOnlyLimit(instrument, isSell: traits.isSell, tick)
        }
        guard restsAtPrice, !hasRoom(instrument, tick) else { return .none }
        return tradesFirst(instrument, isSell: traits.isSell, tick) ? .none : .noRoomForPrice
    }

    /// Whether an order that comes in would trade at a tick, and not rest in a call.
    @inline(__always)
    private func tradesFirst(_ instrument: UInt32, isSell: Bool, _ limit: Int64) -> Bool {
        instruments[instrument].crosses(isSell: isSell, limit)
            && !markets[instrument].trading.isCall
    }

    /// Why a post-only order may not be entered at a tick, or `none`.
    @inline(__always)
    private func postOnlyRefusal(
        _ instrument: UInt32, isSell: Bool, _ tick: Int64, slides: Bool
    ) -> Reason {
        guard instruments[instrument].crosses(isSell: isSell, tick) else { return .none }
        guard slides else { return .postOnlyWouldTrade }
        let rest = postOnlyLimit(instrument, isSell: isSell, tick)
        guard rest >= 0 && rest < instruments[instrument].tickCount else {
            return .priceOutOfRange
        }
        guard markets[instrument].bands.isSet else { return .none }
        return markets[instrument].band(of: instruments[instrument]).contains(rest)
            ? .none : .priceOutsideBand
    }

    /// Rules 1 and 2: types, times in force and flags that there were, and nothing rare.
    @inline(__always)
    private func plainRefusal(_ record: RecordView, _ terms: OrderTerms) -> Reason {
        let attributes = record.attributes.rawValue
        guard attributes & 0b1100 == 0 else { return .invalidOrderType }
        guard attributes & 0b1100_0000 == 0 else { return .invalidTimeInForce }
        let flags = record.flags
        let traits = OrderTraits(attributes: OrderAttributes(rawValue: attributes), flags: flags)
        guard
            flags & ~(0b111 | RecordFlags.pair) == 0 && (!traits.isPostOnly || traits.mayRest)
        else { return .invalidFlags }
        return terms.isPlain ? .none : .unsupported
    }

    /// Whether a price is one of an instrument's.
    @inline(__always)
    func isInLadder(_ priceTicks: Int64, of instrument: UInt32) -> Bool {
        // Modulo 2^64, a price below the lowest is far above the highest.
        UInt64(bitPattern: priceTicks &- instruments[instrument].lowestPriceTicks)
            < UInt64(bitPattern: instruments[instrument].tickCount)
    }

    /// An order that was found good: accepts it, and rests it or sends it through the book.
    /// `extra` is nothing, or `replacement`.
    @inline(__always)
    mutating func enter(
        _ order: IncomingOrder, _ extra: EventAttributes,
        into outbox: inout EventOutbox
    ) -> Bool {
        if markets[order.instrument].waitingCount != 0 { closeLate() }
        if order.extra != 0, extras[order.extra].waits {
            closeLate()
            return acceptWaiting(order, extra, into: &outbox)
        }
        let crosses = tradesFirst(
            order.instrument, isSell: order.traits.isSell, order.limit)
        let restsUntouched = !crosses && order.traits.mayRest
        if order.extra != 0, restsUntouched || extras[order.extra].ranksFirst {
            return acceptRare(order, extra.union(.resting), into: &outbox)
        }
        accept(
            order, restsUntouched ? extra.union(.resting).union(closing) : extra, into: &outbox)
        if restsUntouched {
            rest(order)
            return true
        }
        guard crosses else {
            return leave(order, because: untradedReason(order), into: &outbox)
        }
        if instruments[order.instrument].usualLotsMax == 0 {
            return enterBound(order, into: &outbox)
        }
        if order.minimumLots != 0 { return startScan(order, into: &outbox) }
        var order = order
        return sweep(&order, into: &outbox)
    }
}
