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

    /// The order that its session entered after this one, or 0. With `orderCapacity + session`
    /// instead of a slot: the first.
    @inline(__always)
    func entered(after slot: UInt32) -> UInt32 {
        var next = links[slot].sessionNext
        // Marks of what goes on later are no orders.
        while next > limits.orderCapacity &+ limits.sessionCapacity {
            next = links[next].sessionNext
        }
        return next > limits.orderCapacity ? 0 : next
    }

    /// Makes an order findable that has its slot: at `vacancy`, or if that is `nowhere` where
    /// `insert` finds room.
    @inline(__always)
    mutating func enterInIndex(_ slot: UInt32, _ hash: UInt32, _ vacancy: UInt32) {
        index.insert(hash: hash, slot: slot, vacancy: vacancy, in: orders)
        if openOrderCount > index.ordersMax { index.grow(in: orders) }
    }

    /// Puts an order at the end of its price's queue: `first` and `second` are what it is made of,
    /// see `OrderNode`, but for where the index has it, which is at `vacancy` or as `insert` finds.
    /// There is a free slot: that was checked before the order did anything.
    @inline(__always)
    mutating func rest(
        _ first: SIMD4<UInt64>, _ second: SIMD4<UInt64>, leavesLots: UInt64, session: UInt32,
        level: UInt32, indexHash: UInt32, vacancy: UInt32
    ) {
        let slot = pool.allocate()
        assert(slot != 0, "an order that may rest has its slot from the start")
        let links = self.links
        let levels = self.levels
        orders.store(slot, first, second)
        enterInIndex(slot, indexHash, vacancy)
        let tail = levels[level].tail
        guard tail & Level.hiddenTail == 0 else {
            return restBeforeHidden(slot, leavesLots: leavesLots)
        }
        let end = limits.orderCapacity &+ session
        let last = links[end].sessionPrevious
        links[slot] = OrderLinks(
            next: 0, previous: tail, sessionNext: end, sessionPrevious: last)
        links[last].sessionNext = slot
        links[end].sessionPrevious = slot
        sessions[session].openOrders &+= 1
        levels[level].tail = slot
        levels[level].quantityLots &+= leavesLots
        if tail != 0 {
            links[tail].next = slot
        } else {
            levels[level].head = slot
            openLevel(of: slot)
        }
    }

    /// The same for what an incoming plain order leaves, at its limit.
    @inline(__always)
    mutating func rest(_ order: IncomingOrder) {
        let level = levelToRest(
            order.instrument, isSell: order.traits.isSell, order.limit)
        rest(
            SIMD4(
                order.orderID, order.reference, UInt64(bitPattern: order.priceTicks),
                order.totalLots),
            SIMD4(
                UInt64(level), order.totalLots &- order.leavesLots,
                UInt64(order.session) | UInt64(order.account) &<< 32,
                UInt64(order.instrument) | UInt64(order.traits.rawValue) &<< 24),
            leavesLots: order.leavesLots, session: order.session, level: level,
            indexHash: order.indexHash, vacancy: index.vacancy(hash: order.indexHash))
    }

    /// Takes an order out of the book, its session and the index, and frees its slot.
    @inline(__always)
    mutating func remove(_ slot: UInt32) {
        remove(slot, position: orders[slot].indexPosition)
    }

    /// The same for an order of which it is known where the index has it.
    @inline(__always)
    mutating func remove(_ slot: UInt32, position: UInt32) {
        guard orders[slot].extra == 0 else { return removeRare(slot, position: position) }
        let links = self.links
        let own = links[slot]
        forget(slot, own, position: position)
        let level = orders[slot].level
        levels[level].quantityLots &-= orders[slot].leavesLots
        if own.next | own.previous != 0 {
            // Who is at an end of the queue is chance: addresses are chosen, not branches.
            links.setNext(of: own.previous, or: levels, level, to: own.next)
            links.setPrevious(of: own.next, or: levels, level, to: own.previous)
        } else {
            levels[level].head = 0
            levels[level].tail = 0
            closeLevel(of: slot)
        }
        pool.free(slot)
    }

    /// The same for a plain order that was filled: the first at its level.
    @inline(__always)
    mutating func removeFirst(_ slot: UInt32) {
        let links = self.links
        let levels = self.levels
        let own = links[slot]
        assert(own.previous == 0, "who trades is the first of its level")
        forget(slot, own, position: orders[slot].indexPosition)
        let level = orders[slot].level
        levels[level].quantityLots &-= orders[slot].leavesLots
        levels[level].head = own.next
        if own.next != 0 {
            links[own.next].previous = 0
        } else {
            levels[level].tail = 0
            closeLevel(of: slot)
        }
        pool.free(slot)
    }

    /// Takes an order out of its session and the index, which has it at `position`.
    @inline(__always)
    mutating func forget(_ slot: UInt32, _ own: OrderLinks, position: UInt32) {
        let links = self.links
        links[own.sessionPrevious].sessionNext = own.sessionNext
        links[own.sessionNext].sessionPrevious = own.sessionPrevious
        sessions[orders[slot].session].openOrders &-= 1
        index.remove(at: position)
    }
}
