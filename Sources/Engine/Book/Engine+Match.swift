// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Price-time priority: the best price first, at one price the oldest first, at the resting
// order's price.
extension Engine {
    enum MatchEnd {
        case filled  //         nothing is left; the last event is out
        case uncrossed  //      nothing more within the limit
        case prevented  //      self-trade prevention stopped the incoming order
        case sliceFull
    }

    /// Whether the best on the other side is within an order's limit.
    @inline(__always)
    func crosses(isSell: Bool, _ order: borrowing IncomingOrder) -> Bool {
        instruments[order.instrument].crosses(isSell: isSell, order.limit)
    }

    /// Matches an accepted order until the command or the slice is complete; answers which.
    @inline(never)
    mutating func sweep(_ order: inout IncomingOrder, into outbox: inout EventOutbox) -> Bool {
        sweepInPlace(&order, into: &outbox)
    }

    /// The same, in line: where the order is still in registers.
    @inline(__always)
    mutating func sweepInPlace(
        _ order: inout IncomingOrder, into outbox: inout EventOutbox
    ) -> Bool {
        let tradesBefore = order.tradeIndex
        let end = match(&order, into: &outbox)
        // The aggressor's reports are counted once a sweep: a slice has fewer than 2^16 trades.
        sessions[order.session].reportSequence &+= UInt64(order.tradeIndex &- tradesBefore)
        if end == .filled { return true }
        switch end {
        case .filled:
            return true
        case .sliceFull:
            pending.phase = .match
            pending.order = order
            return false
        case .prevented:
            return leave(order, because: .selfTradePrevented, into: &outbox)
        case .uncrossed:
            guard order.traits.mayRest else {
                return leave(order, because: remainderReason(order.traits), into: &outbox)
            }
            emit(
                Event(
                    kind: .rested, attributes: order.traits.eventAttributes.union(closing),
                    session: order.session, account: order.account,
                    instrument: order.instrument, orderID: order.orderID,
                    reference: order.reference, priceTicks: order.priceTicks,
                    quantityLots: order.totalLots, leavesLots: order.leavesLots,
                    executedLots: order.totalLots &- order.leavesLots), into: &outbox)
            rest(order)
            return true
        }
    }

    /// Why an order that may not rest leaves with something unfilled.
    @inline(__always)
    func remainderReason(_ traits: OrderTraits) -> Reason {
        traits.isFillOrKill
            ? .fillOrKill : traits.isMarket ? .marketRemainder : .immediateOrCancel
    }

    /// The last event of an incoming order that is cancelled with something left.
    @inline(__always)
    mutating func leave(
        _ order: borrowing IncomingOrder, because reason: Reason,
        into outbox: inout EventOutbox
    ) -> Bool {
        report(
            Event(
                kind: .cancelled, attributes: order.traits.eventAttributes.union(closing),
                detail: UInt16(reason.rawValue), session: order.session, account: order.account,
                instrument: order.instrument, orderID: order.orderID,
                reference: order.reference, priceTicks: order.priceTicks,
                quantityLots: order.leavesLots, leavesLots: 0,
                executedLots: order.totalLots &- order.leavesLots), into: &outbox)
        return true
    }

    @inline(__always)
    private mutating func match(
        _ order: inout IncomingOrder, into outbox: inout EventOutbox
    ) -> MatchEnd {
        let isSell = order.traits.isSell
        let instrument = order.instrument
        let lowest = instruments[instrument].lowestPriceTicks
        let levelBase = instruments[instrument].levelBase
        let prevention = order.traits.selfTradePrevention
        while crosses(isSell: isSell, order) {
            if sliceIsFull(outbox) { return .sliceFull }
            let tick = instruments[instrument].bestOpposite(isSell: isSell)
            let slot = levels[levelBase &+ UInt32(truncatingIfNeeded: tick)].head
            if prevention != .none, orders[slot].account == order.account {
                if prevention != .cancelNewest {
                    cancel(slot, because: .selfTradePrevented, last: [], into: &outbox)
                }
                if prevention != .cancelOldest { return .prevented }
                continue
            }
            trade(&order, with: slot, at: lowest &+ tick, into: &outbox)
            if order.leavesLots == 0 { return .filled }
        }
        return .uncrossed
    }

    /// One trade: the resting order's event, the aggressor's, and the book after it.
    @inline(__always)
    private mutating func trade(
        _ order: inout IncomingOrder, with slot: UInt32, at priceTicks: Int64,
        into outbox: inout EventOutbox
    ) {
        let orders = self.orders
        let makerLeaves = orders[slot].leavesLots
        let lots = min(order.leavesLots, makerLeaves)
        let makerExecuted = orders[slot].executedLots &+ lots
        order.leavesLots &-= lots
        report(
            Event(
                kind: .traded, attributes: EventAttributes(rawValue: order.traits.rawValue & 1 ^ 1),
                detail: order.tradeIndex,
                session: orders[slot].session, account: orders[slot].account,
                instrument: order.instrument, orderID: orders[slot].orderID,
                reference: orders[slot].reference, priceTicks: priceTicks, quantityLots: lots,
                leavesLots: makerLeaves &- lots, executedLots: makerExecuted), into: &outbox)
        let side = order.traits.eventAttributes.union(.aggressor)
        emit(
            Event(
                kind: .traded, attributes: order.leavesLots == 0 ? side.union(closing) : side,
                detail: order.tradeIndex, session: order.session, account: order.account,
                instrument: order.instrument, orderID: order.orderID,
                reference: order.reference, priceTicks: priceTicks, quantityLots: lots,
                leavesLots: order.leavesLots,
                executedLots: order.totalLots &- order.leavesLots), into: &outbox)
        order.tradeIndex &+= 1
        if lots == makerLeaves {
            fetchAhead(behind: slot)
            removeFirst(slot)
        } else {
            levels[orders[slot].level].quantityLots &-= lots
            orders[slot].executedLots = makerExecuted
        }
    }

    /// The orders behind one that goes are likely to be next, in this sweep or a later one: fetches
    /// the third behind it, and where the index holds the first, which was fetched two trades ago.
    @inline(__always)
    private func fetchAhead(behind slot: UInt32) {
        let first = links[slot].next
        orders.prefetch(links[links[first].next].next)
        index.prefetch(hash: orders[first].indexHash)
    }

    /// Cancels a resting order; `last` is `closing`, or nothing when more events follow.
    @inline(__always)
    mutating func cancel(
        _ slot: UInt32, because reason: Reason, last: EventAttributes,
        into outbox: inout EventOutbox
    ) {
        let orders = self.orders
        report(
            Event(
                kind: .cancelled,
                attributes: orders[slot].traits.eventAttributes.union(.resting).union(last),
                detail: UInt16(reason.rawValue), session: orders[slot].session,
                account: orders[slot].account, instrument: orders[slot].instrument,
                orderID: orders[slot].orderID, reference: orders[slot].reference,
                priceTicks: orders[slot].priceTicks, quantityLots: orders[slot].leavesLots,
                leavesLots: 0, executedLots: orders[slot].executedLots), into: &outbox)
        remove(slot)
    }
}
