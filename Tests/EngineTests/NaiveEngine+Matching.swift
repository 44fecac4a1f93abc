// SPDX-License-Identifier: Apache-2.0
import Wire

// What an order meets, with sorted arrays.
extension NaiveEngine {
    func limitAllows(_ order: Order, _ price: Int64) -> Bool {
        if order.type == .market { return true }
        return order.side == .buy ? price <= order.price : price >= order.price
    }

    /// The resting orders that an order would meet, in the order in which it would meet them.
    func queue(_ order: Order) -> [Order] {
        let against = orders.enumerated().filter {
            $0.element.instrument == order.instrument && $0.element.side != order.side
                && limitAllows(order, $0.element.price)
        }
        return against.sorted { left, right in
            if left.element.price != right.element.price {
                return order.side == .buy
                    ? left.element.price < right.element.price
                    : left.element.price > right.element.price
            }
            return left.offset < right.offset
        }.map(\.element)
    }

    func bestOpposite(_ order: Order) -> Order? { queue(order).first }

    func canFill(_ order: Order) -> Bool {
        var sum: UInt64 = 0
        for maker in queue(order) {
            if order.prevention != .none && maker.account == order.account {
                if order.prevention == .cancelOldest { continue }
                break
            }
            sum += maker.leaves
        }
        return sum >= order.leaves
    }

    mutating func enter(_ order: Order, _ extra: EventAttributes) {
        var order = order
        let makers = queue(order)
        if makers.isEmpty && order.mayRest {
            say(.accepted, order, extra.union(.resting), quantity: order.total)
            orders.append(order)
            return
        }
        say(.accepted, order, extra, quantity: order.total)
        if order.timeInForce == .fillOrKill && !canFill(order) {
            return leave(order, .fillOrKill)
        }
        for maker in makers where order.leaves > 0 {
            if order.prevention != .none && maker.account == order.account {
                if order.prevention != .cancelNewest {
                    cancelResting(maker, .selfTradePrevented)
                }
                if order.prevention != .cancelOldest {
                    return leave(order, .selfTradePrevented)
                }
                continue
            }
            trade(&order, maker)
        }
        guard order.leaves > 0 else { return }
        if order.mayRest {
            say(.rested, order, [], quantity: order.total)
            orders.append(order)
        } else if order.type == .market {
            leave(order, .marketRemainder)
        } else {
            leave(order, .immediateOrCancel)
        }
    }

    mutating func trade(_ order: inout Order, _ resting: Order) {
        var maker = resting
        let lots = min(order.leaves, maker.leaves)
        maker.executed += lots
        order.executed += lots
        let detail = UInt16(truncatingIfNeeded: tradeIndex)
        say(.traded, maker, [], price: maker.price, quantity: lots, detail: detail)
        say(.traded, order, .aggressor, price: maker.price, quantity: lots, detail: detail)
        tradeIndex += 1
        let index = find(maker.session, maker.id)!
        if maker.leaves == 0 { orders.remove(at: index) } else { orders[index] = maker }
    }

    mutating func leave(_ order: Order, _ reason: Reason) {
        say(
            .cancelled, order, [], quantity: order.leaves, leaves: 0,
            detail: UInt16(reason.rawValue))
    }

    mutating func cancelResting(_ order: Order, _ reason: Reason) {
        say(
            .cancelled, order, .resting, quantity: order.leaves, leaves: 0,
            detail: UInt16(reason.rawValue))
        orders.remove(at: find(order.session, order.id)!)
    }

    mutating func say(
        _ kind: EventKind, _ order: Order, _ attributes: EventAttributes, price: Int64? = nil,
        quantity: UInt64, leaves: UInt64? = nil, detail: UInt16 = 0
    ) {
        events.append(
            Event(
                kind: kind, attributes: EventAttributes(side: order.side).union(attributes),
                detail: detail, session: order.session, account: order.account,
                instrument: order.instrument, orderID: order.id, reference: order.reference,
                priceTicks: price ?? order.price, quantityLots: quantity,
                leavesLots: leaves ?? order.leaves, executedLots: order.executed))
    }
}
