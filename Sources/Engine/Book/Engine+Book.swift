// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// The book of resting orders: what every verb needs of it.
extension Engine {
    /// The open order of a session, or 0.
    @inline(__always)
    func findOrder(session: UInt32, orderID: UInt64) -> UInt32 {
        let hash = index.hash(session: session, orderID: orderID)
        return index.find(hash: hash, session: session, orderID: orderID, in: orders)
    }

    /// Puts an order at the end of its price's queue. There is a free slot: that was checked before
    /// the order did anything.
    @inline(__always)
    mutating func rest(
        orderID: UInt64, reference: UInt64, priceTicks: Int64, totalLots: UInt64,
        leavesLots: UInt64, session: UInt32, account: UInt32, level: UInt32,
        instrumentAndTraits: UInt32, indexHash: UInt32
    ) {
        let slot = pool.allocate()
        assert(slot != 0, "an order that may rest has its slot from the start")
        let links = self.links
        let orders = self.orders
        let tail = levels[level].tail
        let entered = sessions[session].lastOrder
        orders[slot].orderID = orderID
        orders[slot].reference = reference
        orders[slot].priceTicks = priceTicks
        orders[slot].totalLots = totalLots
        orders[slot].executedLots = totalLots &- leavesLots
        orders[slot].session = session
        orders[slot].account = account
        orders[slot].level = level
        orders[slot].instrumentAndTraits = instrumentAndTraits
        orders[slot].indexHash = indexHash
        links[slot] = OrderLinks(
            next: 0, previous: tail, sessionNext: 0, sessionPrevious: entered)
        levels[level].tail = slot
        levels[level].quantityLots &+= leavesLots
        if tail != 0 {
            links[tail].next = slot
        } else {
            levels[level].head = slot
            openLevel(of: slot)
        }
        if entered != 0 {
            links[entered].sessionNext = slot
        } else {
            sessions[session].firstOrder = slot
        }
        sessions[session].lastOrder = slot
        sessions[session].openOrders &+= 1
        openOrderCount &+= 1
        index.insert(hash: indexHash, slot: slot)
    }

    /// The same for what an incoming order leaves, at its limit.
    @inline(__always)
    mutating func rest(_ order: IncomingOrder) {
        rest(
            orderID: order.orderID, reference: order.reference, priceTicks: order.priceTicks,
            totalLots: order.totalLots, leavesLots: order.leavesLots, session: order.session,
            account: order.account,
            level: instruments[order.instrument].levelBase
                &+ UInt32(truncatingIfNeeded: order.limit),
            instrumentAndTraits: order.instrument | UInt32(order.traits.rawValue) &<< 24,
            indexHash: order.indexHash)
    }

    /// Takes an order out of the book, its session and the index, and frees its slot.
    @inline(__always)
    mutating func remove(_ slot: UInt32) {
        let links = self.links
        let level = orders[slot].level
        let own = links[slot]
        levels[level].quantityLots &-= orders[slot].leavesLots
        if own.previous != 0 {
            links[own.previous].next = own.next
        } else {
            levels[level].head = own.next
        }
        if own.next != 0 {
            links[own.next].previous = own.previous
        } else {
            levels[level].tail = own.previous
        }
        if own.next | own.previous == 0 {
            closeLevel(of: slot)
        }
        let session = orders[slot].session
        if own.sessionPrevious != 0 {
            links[own.sessionPrevious].sessionNext = own.sessionNext
        } else {
            sessions[session].firstOrder = own.sessionNext
        }
        if own.sessionNext != 0 {
            links[own.sessionNext].sessionPrevious = own.sessionPrevious
        } else {
            sessions[session].lastOrder = own.sessionPrevious
        }
        sessions[session].openOrders &-= 1
        openOrderCount &-= 1
        index.remove(hash: orders[slot].indexHash, slot: slot)
        pool.free(slot)
    }

    @inline(never)
    private mutating func openLevel(of slot: UInt32) {
        let instrument = orders[slot].instrument
        let isSell = orders[slot].isSell
        let tick = Int64(orders[slot].level &- instruments[instrument].levelBase)
        instruments[instrument].bits(words, isSell: isSell).set(tick)
        if isSell {
            instruments[instrument].bestAsk = min(instruments[instrument].bestAsk, tick)
        } else {
            instruments[instrument].bestBid = max(instruments[instrument].bestBid, tick)
        }
    }

    @inline(never)
    private mutating func closeLevel(of slot: UInt32) {
        let instrument = orders[slot].instrument
        let isSell = orders[slot].isSell
        let tick = Int64(orders[slot].level &- instruments[instrument].levelBase)
        let bits = instruments[instrument].bits(words, isSell: isSell)
        bits.clear(tick)
        if isSell {
            if tick == instruments[instrument].bestAsk {
                instruments[instrument].bestAsk = bits.next(above: tick)
            }
        } else {
            if tick == instruments[instrument].bestBid {
                instruments[instrument].bestBid = bits.previous(below: tick)
            }
        }
    }
}
