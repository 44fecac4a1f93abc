// SPDX-License-Identifier: Apache-2.0
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
            indexHash: indexHash)
        accept(order, order.traits.eventAttributes, into: &outbox)
        return sweepInPlace(&order, into: &outbox)
    }

    @inline(__always)
    private mutating func accept(
        _ order: IncomingOrder, _ attributes: EventAttributes, into outbox: inout EventOutbox
    ) {
        report(
            Event(
                kind: .accepted, attributes: attributes,
                session: order.session, account: order.account, instrument: order.instrument,
                orderID: order.orderID, reference: order.reference,
                priceTicks: order.priceTicks, quantityLots: order.totalLots,
                leavesLots: order.leavesLots,
                executedLots: order.totalLots &- order.leavesLots), into: &outbox)
    }

    /// A new order of a session that is logged on: whatever its kind, whether it is good or not.
    /// The rules are listed at `apply`.
    @inline(never)
    mutating func newOrder(
        _ record: RecordView, isPlain: Bool, into outbox: inout EventOutbox
    ) -> Bool {
        let indexHash = index.hash(session: record.session, orderID: record.orderID)
        let reason = refusal(of: record, indexHash: indexHash, isPlain: isPlain)
        guard reason == .none else {
            return reject(.rejected, reason, record.record, into: &outbox)
        }
        let instrument = record.instrument
        let traits = OrderTraits(attributes: record.attributes, flags: record.flags)
        let limit =
            traits.isMarket
            ? (traits.isSell ? 0 : Int64(instruments[instrument].tickCount) &- 1)
            : record.priceTicks &- instruments[instrument].lowestPriceTicks
        let order = IncomingOrder(
            orderID: record.orderID, reference: record.sequence, priceTicks: record.priceTicks,
            totalLots: record.quantityLots, leavesLots: record.quantityLots, limit: limit,
            session: record.session, account: record.account, instrument: instrument,
            traits: traits, indexHash: indexHash)
        return enter(order, [], into: &outbox)
    }

    /// Why a new order is rejected before it looks at the other side, or `none`.
    @inline(__always)
    private func refusal(of record: RecordView, indexHash: UInt32, isPlain: Bool) -> Reason {
        let instrument = record.instrument
        let orderID = record.orderID
        let session = record.session
        guard
            instrument <= limits.instrumentCapacity && instruments[instrument].tickCount != 0
        else { return .unknownInstrument }
        guard orderID != 0 else { return .invalidOrderID }
        guard
            index.find(hash: indexHash, session: session, orderID: orderID, in: orders) == 0
        else { return .duplicateOrderID }
        let attributes = record.attributes.rawValue
        guard attributes & 0b1100 == 0 else { return .invalidOrderType }
        guard attributes & 0b1100_0000 == 0 else { return .invalidTimeInForce }
        let flags = record.flags
        let traits = OrderTraits(attributes: OrderAttributes(rawValue: attributes), flags: flags)
        guard
            flags & ~(0b111 | RecordFlags.pair) == 0 && (!traits.isPostOnly || traits.mayRest)
        else { return .invalidFlags }
        guard isPlain else { return .unsupported }
        let quantity = record.quantityLots
        guard quantity != 0 else { return .zeroQuantity }
        guard quantity <= instruments[instrument].quantityLotsMax else {
            return .quantityTooLarge
        }
        let price = record.priceTicks
        guard
            traits.isMarket ? price == 0 : isInLadder(price, of: instrument)
        else { return .priceOutOfRange }
        guard traits.mayRest else { return .none }
        guard sessions[session].openOrders < limits.sessionOpenOrdersMax else {
            return .sessionOrderLimit
        }
        guard openOrderCount < limits.orderCapacity else { return .orderPoolExhausted }
        if traits.isPostOnly {
            let tick = price &- instruments[instrument].lowestPriceTicks
            let wouldTrade = instruments[instrument].crosses(isSell: traits.isSell, tick)
            guard !wouldTrade else { return .postOnlyWouldTrade }
        }
        return .none
    }

    /// Whether a price has a level.
    @inline(__always)
    func isInLadder(_ priceTicks: Int64, of instrument: UInt32) -> Bool {
        // Modulo 2^64, a price below the lowest is far above the highest.
        UInt64(bitPattern: priceTicks &- instruments[instrument].lowestPriceTicks)
            < UInt64(instruments[instrument].tickCount)
    }

    /// An order that was found good: accepts it, and rests it or sends it through the book.
    /// `extra` is nothing, or `replacement`.
    @inline(__always)
    mutating func enter(
        _ order: IncomingOrder, _ extra: EventAttributes,
        into outbox: inout EventOutbox
    ) -> Bool {
        let crosses = crosses(isSell: order.traits.isSell, order)
        let restsUntouched = !crosses && order.traits.mayRest
        let side = order.traits.eventAttributes.union(extra)
        accept(
            order, restsUntouched ? side.union(.resting).union(closing) : side, into: &outbox)
        if restsUntouched {
            rest(order)
            return true
        }
        guard crosses else {
            return leave(order, because: remainderReason(order.traits), into: &outbox)
        }
        if order.traits.isFillOrKill { return startScan(order, into: &outbox) }
        var order = order
        return sweep(&order, into: &outbox)
    }
}
