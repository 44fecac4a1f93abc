// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Orders with an `OrderExtra`, from acceptance to the end: hidden ones, which stand behind those
// displayed at their price; icebergs, of which a peak is shown; those that expire; and market
// orders that rest.
extension Engine {
    /// Accepts an order that trades with nobody, and rests it.
    @inline(never)
    mutating func acceptRare(
        _ order: IncomingOrder, _ attributes: EventAttributes, into outbox: inout EventOutbox
    ) -> Bool {
        let extra = extras[order.extra]
        accept(
            order,
            attributes.union(extra.undisclosed).union(extra.isIceberg ? [] : closing),
            into: &outbox)
        place(order)
        if extra.isIceberg { show(order.extra, last: closing, into: &outbox) }
        return true
    }

    /// Rests what an order left that has traded, and says so.
    @inline(never)
    mutating func restRare(_ order: IncomingOrder, into outbox: inout EventOutbox) -> Bool {
        let extra = extras[order.extra]
        emit(
            order.event(
                .rested, extra.undisclosed.union(extra.isIceberg ? [] : closing),
                lots: order.totalLots), into: &outbox)
        place(order)
        if extra.isIceberg { show(order.extra, last: closing, into: &outbox) }
        return true
    }

    /// Says what is shown of an iceberg: a new part of it, at the end of the queue.
    private mutating func show(
        _ extra: UInt32, last: EventAttributes, into outbox: inout EventOutbox
    ) {
        tellDisplayed(extra, lots: extras[extra].displayedLots, last, into: &outbox)
    }

    /// `lots` are new with what is displayed now, or with `resting` in `attributes` gone from it.
    private mutating func tellDisplayed(
        _ extra: UInt32, lots: UInt64, _ attributes: EventAttributes,
        into outbox: inout EventOutbox
    ) {
        emit(
            orders[extras[extra].slot].event(
                .displayed, attributes, lots: lots, leavesLots: extras[extra].displayedLots),
            into: &outbox)
    }

    /// Puts an order where it rests. There is a free slot.
    private mutating func place(_ order: IncomingOrder) {
        let extra = extras[order.extra]
        if extra.isIceberg {
            extras[order.extra].displayedLots = min(extra.peakLots, order.leavesLots)
        }
        let slot = take(order)
        join(slot)
        levels[orders[slot].level].quantityLots &+= order.leavesLots
    }

    /// Gives an order its slot, and makes it its session's youngest.
    mutating func take(_ order: IncomingOrder) -> UInt32 {
        let slot = pool.allocate()
        let isSell = order.traits.isSell
        let level: UInt32 =
            extras[order.extra].waits
            ? 0
            : extras[order.extra].ranksFirst
                ? marketLevel(order.instrument, isSell: isSell)
                : levelToRest(order.instrument, isSell: isSell, order.limit)
        orders[slot] = OrderNode(
            orderID: order.orderID, reference: order.reference, priceTicks: order.priceTicks,
            totalLots: order.totalLots, level: level, indexPosition: 0,
            executedLots: order.totalLots &- order.leavesLots, session: order.session,
            account: order.account,
            instrumentAndTraits: order.instrument | UInt32(order.traits.rawValue) &<< 24,
            extra: order.extra)
        enterInIndex(slot, order.indexHash, index.vacancy(hash: order.indexHash))
        extras[order.extra].slot = slot
        if extras[order.extra].expirySeconds != 0 {
            expiries.insert(order.extra, into: &expiryRoot)
        }
        tieBack(slot)
        enlist(slot)
        return slot
    }

    /// A plain order that comes to a level at whose end hidden ones stand.
    @inline(never)
    mutating func restBeforeHidden(_ slot: UInt32, leavesLots: UInt64) {
        enlist(slot)
        join(slot)
        levels[orders[slot].level].quantityLots &+= leavesLots
    }

    /// Makes an order its session's youngest.
    private mutating func enlist(_ slot: UInt32) {
        let session = orders[slot].session
        let end = limits.orderCapacity &+ session
        let last = links[end].sessionPrevious
        links[slot].sessionNext = end
        links[slot].sessionPrevious = last
        links[last].sessionNext = slot
        links[end].sessionPrevious = slot
        sessions[session].openOrders &+= 1
    }

    /// Puts an order at the end of those like it at its level: displayed, or hidden.
    mutating func join(_ slot: UInt32) {
        let level = orders[slot].level
        let last = levels[level].last
        let isHidden = self.isHidden(slot)
        if levels[level].endsHidden, !isHidden {
            let first = extras[orders[last].extra].firstHidden
            let before = links[first].previous
            links[slot].next = first
            links[slot].previous = before
            links[first].previous = slot
            if before == 0 { levels[level].head = slot } else { links[before].next = slot }
            return
        }
        links[slot].next = 0
        links[slot].previous = last
        if isHidden {
            extras[orders[slot].extra].firstHidden =
                levels[level].endsHidden ? extras[orders[last].extra].firstHidden : slot
        }
        levels[level].tail = isHidden ? slot | Level.hiddenTail : slot
        if last == 0 {
            levels[level].head = slot
            if !isMarketLevel(level) { openLevel(of: slot) }
        } else {
            links[last].next = slot
        }
    }

    @inline(__always)
    private func isHidden(_ slot: UInt32) -> Bool {
        orders[slot].extra != 0 && extras[orders[slot].extra].isHidden
    }

    /// Takes an order out of the queue of its level, which it may have been the last of.
    private mutating func part(_ slot: UInt32) {
        let level = orders[slot].level
        let own = links[slot]
        if own.previous == 0 {
            levels[level].head = own.next
        } else {
            links[own.previous].next = own.next
        }
        let isFirstHidden =
            levels[level].endsHidden
            && extras[orders[levels[level].last].extra].firstHidden == slot
        if own.next != 0 {
            links[own.next].previous = own.previous
            if isFirstHidden {
                extras[orders[levels[level].last].extra].firstHidden = own.next
            }
        } else if levels[level].endsHidden, !isFirstHidden {
            extras[orders[own.previous].extra].firstHidden =
                extras[orders[slot].extra].firstHidden
            levels[level].tail = own.previous | Level.hiddenTail
        } else {
            levels[level].tail = own.previous
        }
        if levels[level].head == 0, !isMarketLevel(level) { closeLevel(of: slot) }
    }

    /// Takes an order with an extra out of everything; it and the extra are free then.
    @inline(never)
    mutating func removeRare(_ slot: UInt32, position: UInt32) {
        let extra = orders[slot].extra
        if extras[extra].waits {
            removeWaiting(slot)
        } else {
            levels[orders[slot].level].quantityLots &-= orders[slot].leavesLots
            part(slot)
        }
        withdraw(slot, position: position)
        untie(extra)
        extraPool.free(extra)
    }

    /// Takes an order that waited, and waits no more, out of everything; its extra stays with it on
    /// its way.
    mutating func detach(_ slot: UInt32) {
        withdraw(slot, position: orders[slot].indexPosition)
    }

    /// Takes an order out of its session, the index, and the tree of those that expire, and frees
    /// its slot.
    private mutating func withdraw(_ slot: UInt32, position: UInt32) {
        forget(slot, links[slot], position: position)
        let extra = orders[slot].extra
        if extras[extra].expirySeconds != 0 { expiries.remove(extra, from: &expiryRoot) }
        extras[extra].slot = 0
        pool.free(slot)
    }

    /// Cancels an open order that has an extra.
    @inline(never)
    mutating func cancelRare(
        _ slot: UInt32, because reason: Reason, last: EventAttributes,
        into outbox: inout EventOutbox
    ) {
        let node = orders[slot]
        let extra = extras[node.extra]
        report(
            node.event(
                .cancelled, standing(slot).union(extra.isIceberg ? [] : last),
                lots: node.leavesLots, leavesLots: 0, detail: UInt16(reason.rawValue)),
            into: &outbox)
        if extra.isIceberg { hide(node.extra, last, into: &outbox) }
        remove(slot)
    }

    /// Takes back what is shown of an iceberg.
    mutating func hide(
        _ extra: UInt32, _ last: EventAttributes, into outbox: inout EventOutbox
    ) {
        let lots = extras[extra].displayedLots
        extras[extra].displayedLots = 0
        tellDisplayed(extra, lots: lots, last.union(.resting), into: &outbox)
    }

    /// After an order became smaller: no more is shown of it than it leaves.
    mutating func trimDisplayed(
        _ slot: UInt32, _ last: EventAttributes, into outbox: inout EventOutbox
    ) {
        let extra = orders[slot].extra
        let lots = extras[extra].displayedLots
        extras[extra].displayedLots = min(lots, orders[slot].leavesLots)
        let gone = lots &- extras[extra].displayedLots
        tellDisplayed(extra, lots: gone, last.union(.resting), into: &outbox)
    }

    /// Whether more is shown of an order than it would leave.
    func showsMore(_ slot: UInt32, than leavesLots: UInt64) -> Bool {
        orders[slot].extra != 0 && extras[orders[slot].extra].displayedLots > leavesLots
    }

    /// A new part of an iceberg is shown, under a new reference, behind those displayed.
    mutating func refill(
        _ slot: UInt32, _ last: EventAttributes, into outbox: inout EventOutbox
    ) {
        let extra = orders[slot].extra
        shownReferenceCount &+= 1
        orders[slot].reference = 1 << 63 | shownReferenceCount
        extras[extra].displayedLots = min(extras[extra].peakLots, orders[slot].leavesLots)
        if links[slot].next | links[slot].previous != 0 {
            part(slot)
            join(slot)
        }
        show(extra, last: last, into: &outbox)
    }

    /// Of an open order's events: whether it rests, and whether the public sees them.
    @inline(__always)
    func standing(_ slot: UInt32) -> EventAttributes {
        guard orders[slot].extra != 0 else { return .resting }
        let extra = extras[orders[slot].extra]
        return extra.waits ? [] : extra.undisclosed.union(.resting)
    }

    /// What an order that is about to be replaced hands on; what is shown of it is taken back.
    @inline(__always)
    mutating func takeExtra(
        of slot: UInt32, for reference: UInt64, into outbox: inout EventOutbox
    ) -> OrderExtra? {
        let extra = orders[slot].extra
        guard extra != 0 else { return nil }
        if extras[extra].isIceberg { hide(extra, [], into: &outbox) }
        var taken = extras[extra]
        taken.entryReference = reference
        // The link goes on to the new order: who is left alone by the old one is tied to it again.
        extras[extra].partner = 0
        return taken
    }

    /// Puts into the pool what `takeExtra` gave: the original's place is free.
    @inline(__always)
    mutating func keepExtra(_ taken: OrderExtra?) -> UInt32 {
        guard let taken else { return 0 }
        let extra = extraPool.allocate()
        extras[extra] = taken
        return extra
    }
}
