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

    /// An order's price in ticks.
    @inline(__always)
    func priceTicks(of slot: UInt32) -> Int64 {
        let instrument = orders[slot].instrument
        return instruments[instrument].lowestPriceTicks
            &+ Int64(orders[slot].level &- instruments[instrument].levelBase)
    }

    /// Puts what an order leaves at the end of its price's queue. There is a free slot: that was
    /// checked before the order did anything.
    @inline(__always)
    mutating func rest(isSell: Bool, _ order: borrowing IncomingOrder) {
        let orders = self.orders
        let slot = pool.allocate()
        assert(slot != 0, "an order that may rest has its slot from the start")
        let tick = order.limit
        let level =
            instruments[order.instrument].levelBase
            &+ UInt32(truncatingIfNeeded: tick)
        let tail = levels[level].tail
        let entered = sessions[order.session].lastOrder
        orders[slot] = OrderNode(
            orderID: order.orderID, reference: order.reference, totalLots: order.totalLots,
            executedLots: order.totalLots &- order.leavesLots, session: order.session,
            account: order.account, next: 0, previous: tail, sessionNext: 0,
            sessionPrevious: entered, level: level,
            instrumentAndTraits: order.instrument | UInt32(order.traits.rawValue) &<< 24)
        levels[level].tail = slot
        levels[level].quantityLots &+= order.leavesLots
        if tail != 0 {
            orders[tail].next = slot
        } else {
            levels[level].head = slot
            openLevel(isSell: isSell, tick: tick, instrument: order.instrument)
        }
        if entered != 0 {
            orders[entered].sessionNext = slot
        } else {
            sessions[order.session].firstOrder = slot
        }
        sessions[order.session].lastOrder = slot
        sessions[order.session].openOrders &+= 1
        openOrderCount &+= 1
        index.insert(
            hash: index.hash(session: order.session, orderID: order.orderID), slot: slot)
    }

    /// Takes an order out of the book, its session and the index, and frees its slot.
    @inline(__always)
    mutating func remove(isSell: Bool, _ slot: UInt32) {
        let orders = self.orders
        let level = orders[slot].level
        let next = orders[slot].next
        let previous = orders[slot].previous
        levels[level].quantityLots &-= orders[slot].leavesLots
        if previous != 0 { orders[previous].next = next } else { levels[level].head = next }
        if next != 0 { orders[next].previous = previous } else { levels[level].tail = previous }
        if next | previous == 0 {
            let instrument = orders[slot].instrument
            closeLevel(
                isSell: isSell, tick: Int64(level &- instruments[instrument].levelBase),
                instrument: instrument)
        }
        let session = orders[slot].session
        let later = orders[slot].sessionNext
        let earlier = orders[slot].sessionPrevious
        if earlier != 0 {
            orders[earlier].sessionNext = later
        } else {
            sessions[session].firstOrder = later
        }
        if later != 0 {
            orders[later].sessionPrevious = earlier
        } else {
            sessions[session].lastOrder = earlier
        }
        sessions[session].openOrders &-= 1
        openOrderCount &-= 1
        index.remove(
            hash: index.hash(session: session, orderID: orders[slot].orderID), slot: slot)
        pool.free(slot)
    }

    /// The same where the side is not known while compiling.
    @inline(__always)
    mutating func remove(_ slot: UInt32) {
        if orders[slot].isSell {
            remove(isSell: true, slot)
        } else {
            remove(isSell: false, slot)
        }
    }

    @inline(__always)
    private func openLevel(isSell: Bool, tick: Int64, instrument: UInt32) {
        instruments[instrument].bits(words, isSell: isSell).set(tick)
        if isSell {
            if tick < instruments[instrument].bestAsk { instruments[instrument].bestAsk = tick }
        } else {
            if tick > instruments[instrument].bestBid { instruments[instrument].bestBid = tick }
        }
    }

    @inline(__always)
    private func closeLevel(isSell: Bool, tick: Int64, instrument: UInt32) {
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
