// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Price-time priority: the best price first, at one price the oldest first, at the resting
// order's price.
extension Engine {
    /// Since rules 3: orders that one incoming order may meet. It cannot be broken off and go on
    /// later, so this is what bounds the work of a command.
    static let stepsPerOrder: UInt32 = 16_384

    /// What the rules in force allow an incoming order.
    @inline(__always)
    var stepsAllowed: UInt32 { rulesVersion < 3 ? .max : Self.stepsPerOrder }

    enum MatchEnd {
        case filled  //         nothing is left; the last event is out
        case uncrossed  //      nothing more within the limit
        case prevented  //      self-trade prevention stopped the incoming order
        case exhausted  //      it has met as many orders as it may
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
        let isComplete = sweepInPlace(&order, isPlain: false, into: &outbox)
        pending.tradeIndex = order.tradeIndex
        return isComplete
    }

    /// The same, in line: where the order is still in registers. `isPlain`, a literal, says that
    /// it came the usual way: what such an order cannot be is not asked for.
    @inline(__always)
    mutating func sweepInPlace(
        _ order: inout IncomingOrder, isPlain: Bool, into outbox: inout EventOutbox
    ) -> Bool {
        let tradesBefore = order.tradeIndex
        let end = match(&order, isPlain: isPlain, into: &outbox)
        // The aggressor's reports are counted once a sweep: a slice has fewer than 2^16 trades.
        sessions[order.session].reportSequence &+= UInt64(order.tradeIndex &- tradesBefore)
        if end == .filled {
            if !isPlain, order.extra != 0 { dropExtra(order.extra) }
            return true
        }
        switch end {
        case .filled:
            return true
        case .sliceFull:
            pending.phase = .match
            pending.order = order
            return false
        case .prevented:
            return leave(order, because: .selfTradePrevented, into: &outbox)
        case .exhausted:
            return leave(order, because: .stepLimit, into: &outbox)
        case .uncrossed:
            if !isPlain, instruments[order.instrument].usualLotsMax == 0,
                leavesAtBand(&order, into: &outbox)
            {
                return leave(order, because: .outsidePriceBand, into: &outbox)
            }
            guard isPlain || order.traits.mayRest else {
                return leave(order, because: remainderReason(order.traits), into: &outbox)
            }
            // While pages are short nobody comes the usual way.
            guard isPlain || hasRoom(order.instrument, order.limit) else {
                return leave(order, because: .noRoomToRest, into: &outbox)
            }
            if !isPlain, order.extra != 0, keepsExtra(&order) {
                return restRare(order, into: &outbox)
            }
            emit(order.event(.rested, closing, lots: order.totalLots), into: &outbox)
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
        if order.extra != 0 { dropExtra(order.extra) }
        report(
            order.event(
                .cancelled, closing, lots: order.leavesLots, leavesLots: 0,
                detail: UInt16(reason.rawValue)), into: &outbox)
        return true
    }

    @inline(__always)
    private mutating func match(
        _ order: inout IncomingOrder, isPlain: Bool, into outbox: inout EventOutbox
    ) -> MatchEnd {
        let isSell = order.traits.isSell
        let instrument = order.instrument
        let lowest = instruments[instrument].lowestPriceTicks
        let prevention = order.traits.selfTradePrevention
        while crosses(isSell: isSell, order) {
            if sliceIsFull(outbox) { return .sliceFull }
            if order.stepsLeft == 0 {
                // What a dry run found is traded, however many stand between parts of an iceberg.
                let executedLots = order.totalLots &- order.leavesLots
                guard !isPlain, executedLots < order.minimumLots else { return .exhausted }
            } else {
                order.stepsLeft &-= 1
            }
            let tick = instruments[instrument].bestOpposite(isSell: isSell)
            let slot = levels[instruments[instrument].bestLevel(isSell: !isSell)].head
            // With prevention what is plain meets nobody's trade group.
            if prevention != .none,
                isPlain
                    ? orders[slot].account == order.account
                    : areOne(orders[slot].account, order.account)
            {
                if !isPlain, prevention == .decrement {
                    guard decrement(&order, and: slot, into: &outbox) else { return .prevented }
                    continue
                }
                if prevention != .cancelNewest {
                    cancel(slot, because: .selfTradePrevented, last: [], into: &outbox)
                }
                if prevention != .cancelOldest { return .prevented }
                continue
            }
            let isRare = !isPlain && (order.extra != 0 || order.quoteLeft != .max)
            if orders[slot].extra != 0 || isRare {
                // A copy: what is handed on by address is in no register any more.
                var met = order
                let isAffordable = tradeRare(&met, with: slot, at: lowest &+ tick, into: &outbox)
                order = met
                guard isAffordable else { return .uncrossed }
            } else {
                trade(&order, with: slot, at: lowest &+ tick, into: &outbox)
            }
            instruments[instrument].lastTick = tick
            if !isPlain, instruments[instrument].usualLotsMax == 0 { noteTrade(instrument, tick) }
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
        let last = order.leavesLots == 0 ? closing : []
        emit(
            order.event(
                .traded, last.union(.aggressor), lots: lots, at: priceTicks,
                detail: order.tradeIndex), into: &outbox)
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
        index.prefetch(position: orders[first].indexPosition)
    }

    /// Cancels an open order; `last` is `closing`, or nothing when more events follow.
    @inline(__always)
    mutating func cancel(
        _ slot: UInt32, because reason: Reason, last: EventAttributes,
        into outbox: inout EventOutbox
    ) {
        let orders = self.orders
        guard orders[slot].extra == 0 else {
            return cancelRare(slot, because: reason, last: last, into: &outbox)
        }
        report(
            orders[slot].event(
                .cancelled, last.union(.resting), lots: orders[slot].leavesLots, leavesLots: 0,
                detail: UInt16(reason.rawValue)), into: &outbox)
        remove(slot)
    }
}
