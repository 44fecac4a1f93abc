// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension Engine {
    /// A new order of a session that is logged on. The rules are listed at `apply`.
    @inline(__always)
    mutating func newOrder(
        _ record: LogRecord, hasRareFields: Bool, into outbox: inout EventOutbox
    ) -> Bool {
        let reason = refusal(of: record, hasRareFields: hasRareFields)
        guard reason == .none else {
            return reject(.rejected, reason, record, into: &outbox)
        }
        let attributes = record.attributes
        let flags = record.flags
        let instrument = record.instrument
        let price = record.priceTicks
        let quantity = record.quantityLots
        let isSell = attributes.rawValue & 1 != 0
        let traits = OrderTraits(attributes: attributes, flags: flags)
        let limit =
            traits.isMarket
            ? (isSell ? 0 : Int64(instruments[instrument].tickCount) &- 1)
            : price &- instruments[instrument].lowestPriceTicks
        let order = IncomingOrder(
            orderID: record.orderID, reference: record.sequence,
            priceTicks: price, totalLots: quantity, leavesLots: quantity, limit: limit,
            session: record.session, account: record.account,
            instrument: instrument, traits: traits)
        return isSell
            ? enter(isSell: true, order, [], into: &outbox)
            : enter(isSell: false, order, [], into: &outbox)
    }

    /// Why a new order is rejected before it looks at the other side, or `none`.
    @inline(__always)
    private func refusal(of record: LogRecord, hasRareFields: Bool) -> Reason {
        let instrument = record.instrument
        let orderID = record.orderID
        let session = record.session
        guard
            instrument <= limits.instrumentCapacity && instruments[instrument].tickCount != 0
        else { return .unknownInstrument }
        guard orderID != 0 else { return .invalidOrderID }
        guard findOrder(session: session, orderID: orderID) == 0 else {
            return .duplicateOrderID
        }
        let attributes = record.attributes.rawValue
        guard attributes & 0b1100 == 0 else { return .invalidOrderType }
        guard attributes & 0b1100_0000 == 0 else { return .invalidTimeInForce }
        let flags = record.flags
        let traits = OrderTraits(attributes: OrderAttributes(rawValue: attributes), flags: flags)
        guard
            flags & ~(0b111 | RecordFlags.pair) == 0 && (!traits.isPostOnly || traits.mayRest)
        else { return .invalidFlags }
        guard !hasRareFields else { return .unsupported }
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
            let wouldTrade =
                traits.isSell
                ? instruments[instrument].bestBid >= tick
                : instruments[instrument].bestAsk <= tick
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
        isSell: Bool, _ order: IncomingOrder, _ extra: EventAttributes,
        into outbox: inout EventOutbox
    ) -> Bool {
        let crosses = crosses(isSell: isSell, order)
        let restsUntouched = !crosses && order.traits.mayRest
        let side: EventAttributes = isSell ? extra.union(.sell) : extra
        report(
            Event(
                kind: .accepted,
                attributes: restsUntouched ? side.union(.resting).union(closing) : side,
                session: order.session, account: order.account, instrument: order.instrument,
                orderID: order.orderID, reference: order.reference,
                priceTicks: order.priceTicks, quantityLots: order.totalLots,
                leavesLots: order.leavesLots,
                executedLots: order.totalLots &- order.leavesLots), into: &outbox)
        if restsUntouched {
            rest(isSell: isSell, order)
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
