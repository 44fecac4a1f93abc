// SPDX-License-Identifier: Apache-2.0
import Wire

// What an order may ask for since rules 3, and what is shown of icebergs.
extension NaiveEngine {
    var rareCapacity: Int { max(Int(limits.orderCapacity) / 4, 1) }

    /// Rules 1 and 2.
    func plain(_ order: Order, _ record: LogRecord, _ continuation: LogRecord?) -> Reason {
        guard order.type == .limit || order.type == .market else { return .invalidOrderType }
        guard
            [.day, .immediateOrCancel, .fillOrKill, .goodTillCancel].contains(order.timeInForce)
        else { return .invalidTimeInForce }
        let known = RecordFlags.postOnly | RecordFlags.selfTradePreventionMask | RecordFlags.pair
        guard record.flags & ~known == 0, !order.isPostOnly || order.mayRest else {
            return .invalidFlags
        }
        guard let continuation else { return .none }
        guard continuation.timestampNanos == 0, continuation.session == 0,
            continuation.sessionSequence == 0, continuation.orderID == 0,
            continuation.priceTicks & 0xFFFF_FFFF == 0, continuation.instrument >> 24 == 0
        else { return .unsupported }
        return .none
    }

    /// Rules 3.
    func rare(
        _ order: inout Order, _ record: LogRecord, _ continuation: LogRecord?
    ) -> Reason {
        let waits = [.stop, .stopLimit, .trailingStop].contains(order.type)
        guard waits || order.type == .limit || order.type == .market else {
            return .invalidOrderType
        }
        guard
            [.day, .immediateOrCancel, .fillOrKill, .goodTillCancel, .goodTillTime]
                .contains(order.timeInForce)
        else { return .invalidTimeInForce }
        order.slides = record.flags & RecordFlags.slide != 0
        order.isHidden = record.flags & RecordFlags.hidden != 0
        let decrements = record.flags & RecordFlags.decrement != 0
        let isLinked = record.flags & RecordFlags.linked != 0
        let unknown: UInt16 = 0b0111_1111_1000_0000
        if record.flags & unknown != 0 || order.slides && !order.isPostOnly
            || decrements && record.flags & RecordFlags.selfTradePreventionMask != 0
        {
            return .invalidFlags
        }
        // The second record: 8 trigger or slippage, 16 peak, quote or partner, 24 minimum or how it
        // trails, 32 expiry, 55 trigger condition.
        let at8 = continuation?.timestampNanos ?? 0
        let at16 =
            continuation.map {
                UInt64($0.session) | UInt64($0.sessionSequence) << 32
            } ?? 0
        let at24 = continuation?.orderID ?? 0
        if order.type == .trailingStop {
            order.offset = Int64(at24 & 0xFFFF_FFFF)
            order.step = Int64(at24 >> 32)
        } else {
            order.minimum = at24
        }
        order.expiry = UInt32(UInt64(bitPattern: continuation?.priceTicks ?? 0) & 0xFFFF_FFFF)
        let condition = (continuation?.instrument ?? 0) >> 24
        let isMarket = order.type == .market
        if isLinked { order.partner = at16 } else if !isMarket { order.peak = at16 }
        let cannot: [Bool] = [
            waits && [.immediateOrCancel, .fillOrKill].contains(order.timeInForce),
            waits && (order.isPostOnly || order.slides || order.isHidden),
            waits && (order.peak != 0 || order.minimum != 0),
            !waits && isLinked && (!order.mayRest || order.isHidden),
            order.isPostOnly && (!order.mayRest || order.isHidden),
            order.isHidden && (!order.mayRest || order.peak != 0),
            order.peak != 0 && !order.mayRest,
            order.minimum != 0 && order.timeInForce != .immediateOrCancel,
            isMarket && order.timeInForce == .goodTillTime,
            isMarket && at16 != 0 && !isLinked
                && (order.minimum != 0 || order.timeInForce == .fillOrKill
                    || instruments[order.instrument]!.lowest < 1),
        ]
        if cannot.contains(true) { return .unsupportedCombination }
        if (order.timeInForce == .goodTillTime) != (order.expiry != 0) { return .invalidExpiry }
        if order.expiry != 0 && UInt64(order.expiry) <= time { return .invalidExpiry }
        if waits { return trigger(&order, Int64(bitPattern: at8), UInt8(condition)) }
        if condition != 0 || !isMarket && at8 != 0 { return .invalidTrigger }
        if isMarket && at8 != 0 { order.worst = worst(order, slippage: at8) }
        if isMarket && at16 != 0 { order.quoteLeft = at16 }
        order.isBound = isMarket && (at8 != 0 || at16 != 0)
        return .none
    }

    private func trigger(_ order: inout Order, _ price: Int64, _ condition: UInt8) -> Reason {
        let trails = order.type == .trailingStop
        guard condition == 0 || condition == 0x10 && !trails else { return .invalidTrigger }
        if trails && (order.offset == 0 || order.step == 0) { return .invalidTrigger }
        var price = price
        if price == 0 {
            guard trails, let last = markets[order.instrument]?.last else { return .invalidTrigger }
            price = order.side == .sell ? last - order.offset : last + order.offset
        }
        let instrument = instruments[order.instrument]!
        guard price >= instrument.lowest, price <= instrument.highest else {
            return .invalidTrigger
        }
        order.trigger = price
        order.triggersFalling = (order.side == .sell) != (condition == 0x10)
        order.isMarketWhenTriggered = order.type != .stopLimit
        order.type = order.isMarketWhenTriggered ? .market : .limit
        return .none
    }

    /// The worst price of a market order with slippage; nil when nothing is on the other side.
    private func worst(_ order: Order, slippage: UInt64) -> Int64? {
        // One in a call, where market orders may be, is refused.
        guard let other = bestOpposite(order), !other.ranksFirst else { return nil }
        let best = other.price
        let instrument = instruments[order.instrument]!
        return order.side == .buy
            ? UInt64(instrument.highest - best) < slippage
                ? instrument.highest : best + Int64(slippage)
            : UInt64(best - instrument.lowest) < slippage
                ? instrument.lowest : best - Int64(slippage)
    }

    // MARK: Icebergs

    mutating func rest(_ order: Order) {
        var order = order
        priorities += 1
        order.priority = priorities
        order.displayed = min(order.peak, order.leaves)
        add(order)
        tie(order)
        if order.peak != 0 { sayDisplayed(order, [], order.displayed) }
    }

    mutating func sayDisplayed(_ order: Order, _ attributes: EventAttributes, _ lots: UInt64) {
        say(.displayed, order, attributes, quantity: lots, leaves: order.displayed)
    }

    /// What is shown of an order that goes is gone.
    mutating func unshow(_ order: Order) {
        guard order.peak != 0 else { return }
        var gone = order
        gone.displayed = 0
        sayDisplayed(gone, .resting, order.displayed)
    }

    /// No more is shown of an order than it leaves.
    mutating func trim(_ index: Int) {
        let shown = orders[index].displayed
        guard shown > orders[index].leaves else { return }
        orders[index].displayed = orders[index].leaves
        sayDisplayed(orders[index], .resting, shown - orders[index].displayed)
    }

    /// The next part of an iceberg of which nothing is shown any more.
    mutating func refill(_ index: Int) {
        guard orders[index].peak != 0, orders[index].displayed == 0 else { return }
        priorities += 1
        shownReferences += 1
        orders[index].priority = priorities
        orders[index].reference = 1 << 63 + shownReferences
        orders[index].displayed = min(orders[index].peak, orders[index].leaves)
        sayDisplayed(orders[index], [], orders[index].displayed)
    }

    // MARK: Prevention by decrement

    /// False when the incoming order is the one that goes.
    mutating func decrement(_ order: inout Order, _ maker: Order) -> Bool {
        let lots = min(order.leaves, maker.leaves)
        let index = find(maker.session, maker.id)!
        if lots == maker.leaves {
            cancelResting(maker, .selfTradePrevented)
        } else {
            orders[index].total -= lots
            say(.prevented, orders[index], .resting, quantity: lots)
            trim(index)
        }
        guard lots < order.leaves else { return false }
        order.total -= lots
        say(.prevented, order, .aggressor, quantity: lots)
        return true
    }
}
