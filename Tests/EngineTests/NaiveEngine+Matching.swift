// SPDX-License-Identifier: Apache-2.0
import Wire

// What an order meets, with sorted arrays.
extension NaiveEngine {
    func limitAllows(_ order: Order, _ price: Int64) -> Bool {
        if order.type == .market {
            guard let worst = order.worst else { return true }
            return order.side == .buy ? price <= worst : price >= worst
        }
        return order.side == .buy ? price <= order.price : price >= order.price
    }

    /// The resting orders that an order would meet, in the order in which it would meet them.
    func queue(_ order: Order) -> [Order] {
        let against = orders.enumerated().filter {
            $0.element.trigger == nil
                && $0.element.instrument == order.instrument && $0.element.side != order.side
                && limitAllows(order, $0.element.price)
        }
        return against.sorted { left, right in
            if left.element.price != right.element.price {
                return order.side == .buy
                    ? left.element.price < right.element.price
                    : left.element.price > right.element.price
            }
            if left.element.isHidden != right.element.isHidden { return right.element.isHidden }
            return left.element.priority < right.element.priority
        }.map(\.element)
    }

    func bestOpposite(_ order: Order) -> Order? { queue(order).first }

    /// Whether prevention acts between two orders.
    private func areOne(_ maker: Order, _ taker: Order) -> Bool {
        if maker.account == taker.account { return true }
        guard let group = groups[maker.account] else { return false }
        return groups[taker.account] == group
    }

    mutating func setGroup(_ record: LogRecord) {
        guard rules >= 3 else { return control(.unsupported) }
        let most = min(Int(limits.orderCapacity), 16_384)
        var after = groups
        after[record.account] =
            record.orderID == 0 ? nil : UInt32(truncatingIfNeeded: record.orderID)
        guard record.orderID < 1 << 32, after.count <= most, record.priceTicks == 0,
            record.quantityLots == 0, record.instrument == 0, record.attributes.rawValue == 0,
            record.flags == 0
        else { return control(.invalidControl) }
        groups = after
        events.append(
            Event(
                kind: .controlApplied, account: record.account, quantityLots: record.orderID))
    }

    /// What an order could trade, other than with its own account's orders and behind them.
    func tradable(_ order: Order, wanted: UInt64) -> UInt64 {
        var sum: UInt64 = 0
        var steps = 0
        for maker in queue(order) {
            guard mayTrade(order, at: maker.price) else { break }
            steps += 1
            if maker.peak != 0 {
                steps += Int((maker.leaves - maker.displayed + maker.peak - 1) / maker.peak)
            }
            if rules == 3 && steps > Self.stepsPerOrder { return 0 }
            if order.prevention != .none && areOne(maker, order) {
                if order.prevention == .cancelOldest { continue }
                break
            }
            sum += maker.leaves
            if sum >= wanted { break }
        }
        return sum
    }

    mutating func enter(_ order: Order, _ extra: EventAttributes) {
        var order = order
        order.lastBefore = markets[order.instrument]?.last
        if order.trigger != nil || isWaitedIn(order.instrument) { isLate = true }
        if order.trigger != nil {
            say(.accepted, order, extra, quantity: order.total)
            return wait(order)
        }
        if isCall(order.instrument) || order.mayRest && bestOpposite(order) == nil {
            say(.accepted, order, extra.union(.resting), quantity: order.total)
            return rest(order)
        }
        say(.accepted, order, extra, quantity: order.total)
        let isFillOrKill = order.timeInForce == .fillOrKill
        if isFillOrKill && tradable(order, wanted: order.leaves) < order.leaves {
            return leave(order, .fillOrKill)
        }
        if tradable(order, wanted: order.minimum) < order.minimum {
            return leave(order, .minimumQuantity)
        }
        match(&order, wanted: isFillOrKill ? order.total : order.minimum)
    }

    static let stepsPerOrder = 16_384

    mutating func match(_ order: inout Order, wanted: UInt64 = 0) {
        var steps = rules == 3 ? Self.stepsPerOrder : .max
        while order.leaves > 0, let maker = bestOpposite(order) {
            guard mayTrade(order, at: maker.price) else { return stopAtBand(order) }
            guard steps > 0 || order.executed < wanted else { return leave(order, .stepLimit) }
            steps -= 1
            if order.prevention != .none && areOne(maker, order) {
                if order.prevention == .decrement {
                    guard decrement(&order, maker) else {
                        return leave(order, .selfTradePrevented)
                    }
                    continue
                }
                if order.prevention != .cancelNewest {
                    cancelResting(maker, .selfTradePrevented)
                }
                if order.prevention != .cancelOldest {
                    return leave(order, .selfTradePrevented)
                }
                continue
            }
            guard trade(&order, maker) else { break }
        }
        guard order.leaves > 0 else { return }
        if order.mayRest {
            guard hasRoom(order) else { return leave(order, .noRoomToRest) }
            say(.rested, order, [], quantity: order.total)
            rest(order)
        } else if order.type == .market {
            leave(order, .marketRemainder)
        } else {
            leave(order, .immediateOrCancel)
        }
    }

    /// False when the order cannot afford a lot.
    mutating func trade(_ order: inout Order, _ resting: Order) -> Bool {
        var maker = resting
        var lots = min(order.leaves, maker.peak == 0 ? maker.leaves : maker.displayed)
        if let quoteLeft = order.quoteLeft {
            let affordable = quoteLeft / UInt64(maker.price)
            let step = orderRules[order.instrument]?.step ?? 1
            if affordable < lots { lots = affordable / step * step }
            guard lots > 0 else { return false }
            order.quoteLeft = quoteLeft - lots * UInt64(maker.price)
        }
        maker.executed += lots
        order.executed += lots
        if maker.peak != 0 { maker.displayed -= lots }
        let detail = UInt16(truncatingIfNeeded: tradeIndex)
        say(.traded, maker, [], price: maker.price, quantity: lots, detail: detail)
        say(.traded, order, .aggressor, price: maker.price, quantity: lots, detail: detail)
        tradeIndex += 1
        orders[find(maker.session, maker.id)!] = maker
        noteTrade(maker.instrument, maker.price)
        cancelPartner(&maker)
        cancelPartner(&order)
        let index = find(maker.session, maker.id)!
        if maker.leaves == 0 { orders.remove(at: index) } else { refill(index) }
        return true
    }

    mutating func leave(_ order: Order, _ reason: Reason) {
        untie(order)
        say(
            .cancelled, order, [], quantity: order.leaves, leaves: 0,
            detail: UInt16(reason.rawValue))
    }

    mutating func cancelResting(_ order: Order, _ reason: Reason) {
        say(
            .cancelled, order, order.trigger == nil ? .resting : [], quantity: order.leaves,
            leaves: 0, detail: UInt16(reason.rawValue))
        unshow(order)
        untie(order)
        orders.remove(at: find(order.session, order.id)!)
    }

    mutating func say(
        _ kind: EventKind, _ order: Order, _ attributes: EventAttributes, price: Int64? = nil,
        quantity: UInt64, leaves: UInt64? = nil, detail: UInt16 = 0
    ) {
        var attributes = attributes
        switch kind {
        case .traded:
            if order.isHidden && !attributes.contains(.aggressor) {
                attributes.insert(.undisclosed)
            }
        case .displayed: break
        default:
            let rests = attributes.contains(.resting) || kind == .rested
            if rests && (order.isHidden || order.peak != 0 || order.ranksFirst) {
                attributes.insert(.undisclosed)
            }
        }
        events.append(
            Event(
                kind: kind, attributes: EventAttributes(side: order.side).union(attributes),
                detail: detail, session: order.session, account: order.account,
                instrument: order.instrument, orderID: order.id, reference: order.reference,
                priceTicks: price ?? order.price, quantityLots: quantity,
                leavesLots: leaves ?? order.leaves, executedLots: order.executed))
    }
}
