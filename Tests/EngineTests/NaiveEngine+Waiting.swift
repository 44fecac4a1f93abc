// SPDX-License-Identifier: Apache-2.0
import Wire

// Orders that wait for a trigger, and orders that are linked.
extension NaiveEngine {
    /// What waiting orders see of an instrument.
    struct Market {
        var last: Int64?
        var high: Int64?
        var low: Int64?
    }

    static let stepsPerCommand = 1024

    mutating func noteTrade(_ instrument: UInt32, _ price: Int64) {
        markets[instrument, default: Market()].last = price
        guard isWaitedIn(instrument) else { return }
        let market = markets[instrument]!
        markets[instrument]!.high = max(market.high ?? price, price)
        markets[instrument]!.low = min(market.low ?? price, price)
        standInLine(instrument)
    }

    func isWaitedIn(_ instrument: UInt32) -> Bool {
        orders.contains { $0.instrument == instrument && $0.trigger != nil }
    }

    mutating func forgetTrades(_ instrument: UInt32) {
        let last = markets[instrument]?.last
        markets[instrument] = Market(last: last, high: last, low: last)
    }

    mutating func standInLine(_ instrument: UInt32) {
        if !line.contains(instrument) { line.append(instrument) }
    }

    mutating func wait(_ order: Order) {
        if !isWaitedIn(order.instrument) { forgetTrades(order.instrument) }
        add(order)
        tie(order)
        standInLine(order.instrument)
    }

    // MARK: Behind a command

    mutating func finish() {
        var steps = Self.stepsPerCommand
        while let instrument = line.first, steps > 0, tradeIndex <= 65_535 - Self.stepsPerOrder {
            if tradings[instrument]?.isUncrossing == true {
                if uncross(instrument) { steps -= 1 }
                continue
            }
            guard [nil, .open].contains(tradings[instrument]?.state) else {
                if isCallOver(instrument) {
                    steps -= 1
                    endCall(instrument)
                    continue
                }
                if indicateIfDue(instrument) { steps -= 1 }
                line.removeFirst()
                continue
            }
            if let next = nextTriggered(instrument) {
                steps -= 1
                trigger(next)
                continue
            }
            // A trigger that moves is not met by the trades that were before.
            forgetTrades(instrument)
            if moveTrail(instrument) { steps -= 1 } else { line.removeFirst() }
        }
        workOff()
        events.append(Event(kind: .closed))
    }

    private func nextTriggered(_ instrument: UInt32) -> Order? {
        let market = markets[instrument] ?? Market()
        let waiting = orders.filter { $0.instrument == instrument && $0.trigger != nil }
        let rising = waiting.filter { order in
            !order.triggersFalling && market.high.map { order.trigger! <= $0 } == true
        }
        if let first = rising.min(by: { ($0.trigger!, $0.reference) < ($1.trigger!, $1.reference) })
        {
            return first
        }
        return waiting.filter { order in
            order.triggersFalling && market.low.map { order.trigger! >= $0 } == true
        }.min { (-$0.trigger!, $0.reference) < (-$1.trigger!, $1.reference) }
    }

    private mutating func trigger(_ waiting: Order) {
        var order = waiting
        say(.triggered, order, [], quantity: order.total)
        orders.remove(at: find(order.session, order.id)!)
        order.trigger = nil
        order.step = 0
        if order.isMarketWhenTriggered { order.type = .market }
        order.lastBefore = markets[order.instrument]?.last
        match(&order)
    }

    private mutating func moveTrail(_ instrument: UInt32) -> Bool {
        guard let last = markets[instrument]?.last else { return false }
        // Those of sells first, the one that moves first before others.
        let trailing = orders.indices.filter {
            orders[$0].instrument == instrument && orders[$0].trigger != nil && orders[$0].step > 0
        }
        let sells = trailing.filter { orders[$0].side == .sell }.filter {
            orders[$0].trigger! + orders[$0].offset + orders[$0].step <= last
        }
        let buys = trailing.filter { orders[$0].side == .buy }.filter {
            orders[$0].trigger! - orders[$0].offset - orders[$0].step >= last
        }
        guard let index = sells.first ?? buys.first else { return false }
        // One step is one order's, as far as it goes; which order comes first shows only when a
        // command comes to the end of its steps.
        let order = orders[index]
        let behind = order.side == .sell ? last - order.trigger! : order.trigger! - last
        let way = (behind - order.offset) / order.step * order.step
        orders[index].trigger! += order.side == .sell ? way : -way
        return true
    }

    // MARK: Linked orders

    /// The other one of a pair learns that this one is there.
    mutating func tie(_ order: Order) {
        guard let partner = order.partner, let index = find(order.session, partner) else { return }
        orders[index].partner = order.id
    }

    /// The other one stays alone.
    mutating func untie(_ order: Order) {
        guard let partner = order.partner, let index = find(order.session, partner) else { return }
        orders[index].partner = nil
    }

    mutating func cancelPartner(_ order: inout Order) {
        guard let partner = order.partner else { return }
        order.partner = nil
        if let index = find(order.session, order.id) { orders[index].partner = nil }
        let index = find(order.session, partner)!
        orders[index].partner = nil
        cancelResting(orders[index], .linkedTraded)
    }

    func linkRefusal(_ order: Order) -> Reason {
        guard let partner = order.partner else { return .none }
        guard let index = find(order.session, partner) else { return .invalidLink }
        let other = orders[index]
        let isPair =
            other.instrument == order.instrument && other.side == order.side
            && (other.trigger == nil) != (order.trigger == nil) && other.partner == nil
            && !other.isHidden && other.peak == 0 && !other.ranksFirst
        return isPair ? .none : .invalidLink
    }
}
