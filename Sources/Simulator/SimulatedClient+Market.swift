// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Platform
internal import Wire

// A client where there is more than plain orders.
extension SimulatedClient {
    /// Accounts that all clients share.
    static var accountCount: UInt64 { 3 }

    /// The instrument that an order is in: its id says it.
    private static func instrument(of orderID: UInt64) -> UInt32 {
        orderID % 16 == 7 ? 3 : orderID % 4 == 3 ? 2 : 1
    }

    private func chance(_ oneIn: UInt64) -> Bool { random.below(oneIn) == 0 }

    /// One of late, more often than not.
    private func someOrder() -> UInt64 {
        let recent = chance(4) ? orderCount : min(orderCount, 30)
        return UInt64(number) << 32 | orderCount &- random.below(max(1, recent))
    }

    private func account() -> UInt64 {
        chance(100) ? 1 << 33 : 1 + random.below(Self.accountCount)
    }

    private func price(_ instrument: UInt32) -> Int64 {
        if chance(50) { return [-30, 0, 201][Int(random.below(3))] }
        let price = Int64(random.below(20)) + (instrument == 1 ? 90 : 10)
        // The third has any prices.
        return instrument == 3 ? price << [0, 6, 20, 40][Int(random.below(4))] : price
    }

    private func lots() -> UInt64 { 1 + random.below(20) }

    func submitVaried(_ ledger: Ledger, _ nowNanos: UInt64) -> Bool {
        switch random.below(24) {
        case 0...3 where orderCount > 0: return cancelSome()
        case 4 where orderCount > 0:
            let order = someOrder()
            return session.submit(
                ReduceOrder(
                    orderID: order, instrument: Self.instrument(of: order), totalLots: lots()))
        case 5...7 where orderCount > 0:
            let order = someOrder()
            return session.submit(
                ReplaceOrder(
                    originalOrderID: order, newOrderID: fresh(ledger),
                    priceTicks: price(Self.instrument(of: order)), totalLots: lots(),
                    flags: UInt8(random.below(4))))
        case 8 where chance(6): return massCancel()
        case 9 where ledger.mayLogOut && chance(60): return session.submit(Logout())
        default: return enter(ledger, nowNanos)
        }
    }

    /// Fills the book, and empties it now and then.
    func submitCrowded(_ ledger: Ledger) -> Bool {
        switch random.below(1_500) {
        case 0: return massCancel()
        case 1 where ledger.mayLogOut: return session.submit(Logout())
        case 2..<60 where orderCount > 0: return cancelSome()
        default:
            let isBuy = chance(2)
            let away = Int64(random.below(20)) - (chance(200) ? 40 : 0)
            return session.submit(
                NewOrder(
                    orderID: fresh(ledger), instrument: 1, side: isBuy ? .buy : .sell,
                    priceTicks: isBuy ? 80 - away : 120 + away, quantityLots: lots(),
                    account: account(), flags: chance(20) ? flags() : 0))
        }
    }

    private func cancelSome() -> Bool {
        let order = someOrder()
        return session.submit(
            CancelOrder(orderID: order, instrument: Self.instrument(of: order)))
    }

    private func massCancel() -> Bool {
        let instrument = UInt32(random.below(4))
        let sides = UInt8(random.below(4))
        let requestID = random.next()
        if chance(2) {
            return session.submit(
                MassCancel(requestID: requestID, instrument: instrument, sides: sides))
        }
        return session.submit(
            MassCancelByAccount(
                requestID: requestID, account: account(), instrument: instrument, sides: sides))
    }

    private func enter(_ ledger: Ledger, _ nowNanos: UInt64) -> Bool {
        let orderID = fresh(ledger)
        let instrument = Self.instrument(of: orderID)
        let timesInForce: [TimeInForce] = [
            .day, .day, .day, .day, .goodTillCancel, .goodTillTime, .immediateOrCancel,
            .fillOrKill,
        ]
        let order = NewOrder(
            orderID: orderID, instrument: instrument, side: chance(2) ? .buy : .sell,
            priceTicks: price(instrument), quantityLots: lots(), account: account(),
            timeInForce: timesInForce[Int(random.below(8))], flags: flags())
        var rare = NewOrderExtended(order: order)
        switch random.below(12) {
        case 0, 1: atMarket(&rare)
        case 2, 3: waiting(&rare)
        case 4: rare.peakLots = max(1, order.quantityLots / 4)
        case 5: linked(&rare)
        case 6 where order.timeInForce == .immediateOrCancel:
            rare.minimumLots = 1 + random.below(8)
        default:
            if order.typeAndTimeInForce == 0, order.flags == 0 { partner = order }
            guard order.timeInForce == .goodTillTime else {
                return session.submit(order)
            }
        }
        if rare.order.timeInForce == .goodTillTime {
            let utcNanos = 1_700_000_000_000_000_000 + nowNanos
            rare.expirySeconds = UInt32(utcNanos / 1_000_000_000 + random.below(3))
        }
        return session.submit(rare)
    }

    private func flags() -> UInt8 {
        let flags: UInt16
        switch random.below(16) {
        case 0: flags = RecordFlags.postOnly
        case 1: flags = RecordFlags.postOnly | RecordFlags.slide
        case 2: flags = RecordFlags.hidden
        case 3...6: flags = SelfTradePrevention(rawValue: UInt8(random.below(5))).flags
        default: flags = 0
        }
        return UInt8(truncatingIfNeeded: flags)
    }

    private func set(_ rare: inout NewOrderExtended, _ type: OrderType) {
        rare.order.typeAndTimeInForce = rare.order.typeAndTimeInForce & 0xF0 | type.rawValue
        rare.order.flags &= UInt8(
            truncatingIfNeeded: RecordFlags.selfTradePreventionMask | RecordFlags.decrement)
    }

    /// As it is, with slippage or with an amount to spend; those alone rest in a call.
    private func atMarket(_ rare: inout NewOrderExtended) {
        set(&rare, .market)
        if rare.order.timeInForce == .goodTillTime {
            rare.order.typeAndTimeInForce &= 0x0F
        }
        rare.order.priceTicks = 0
        switch random.below(4) {
        case 0: rare.triggerPriceTicks = 1 + Int64(random.below(5))
        case 1: rare.peakLots = 100 + random.below(2_000)
        default: break
        }
    }

    private func waiting(_ rare: inout NewOrderExtended) {
        let types: [OrderType] = [.stop, .stopLimit, .trailingStop]
        let type = types[Int(random.below(3))]
        set(&rare, type)
        if [.immediateOrCancel, .fillOrKill].contains(rare.order.timeInForce) {
            rare.order.typeAndTimeInForce &= 0x0F
        }
        if type != .stopLimit { rare.order.priceTicks = 0 }
        rare.triggerPriceTicks = price(rare.order.instrument)
        if type == .trailingStop {
            if chance(2) { rare.triggerPriceTicks = 0 }
            rare.minimumLots = 1 + random.below(5) | (1 + random.below(3)) << 32
        } else if chance(3) {
            rare.triggerCondition = 0x10
        }
    }

    /// A stop beside the last plain order.
    private func linked(_ rare: inout NewOrderExtended) {
        guard let partner else { return waiting(&rare) }
        rare.order.instrument = partner.instrument
        rare.order.side = partner.side
        rare.order.typeAndTimeInForce = OrderType.stop.rawValue
        rare.order.priceTicks = 0
        rare.order.flags = UInt8(truncatingIfNeeded: RecordFlags.linked)
        rare.peakLots = partner.orderID
        rare.triggerPriceTicks = price(partner.instrument)
    }
}

extension NewOrder {
    fileprivate var timeInForce: TimeInForce { TimeInForce(rawValue: typeAndTimeInForce >> 4) }
}
