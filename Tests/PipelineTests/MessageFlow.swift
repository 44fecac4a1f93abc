// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import ShardRig
import Wire

/// Messages of all kinds that meet each other often: few ids, few prices, and now and then one that
/// is refused or rejected. The same seed gives the same messages to each session.
struct MessageFlow {
    private var randoms: [SeededRandom]
    /// When orders expire that do: not before a test is over, where it does not say otherwise.
    var expirySeconds: ClosedRange<UInt32> = 4_000_000_000...4_000_000_100

    init(seed: UInt64, sessionCount: Int) {
        randoms = (0..<sessionCount).map { SeededRandom(seed: seed &+ UInt64($0) &* 7_919) }
    }

    /// The next message of a session, counted from 0.
    mutating func message(session: Int) -> [UInt8] {
        Self.message(&randoms[session], expirySeconds)
    }

    private static func message(
        _ random: inout SeededRandom, _ expirySeconds: ClosedRange<UInt32>
    ) -> [UInt8] {
        let instrument = UInt32(random.below(20) == 0 ? 3 : 1 + random.below(2))
        let id = 1 + random.below(30)
        let price = 95 + Int64(random.below(11))
        let lots = random.below(40) == 0 ? 0 : 1 + random.below(20)
        switch random.below(100) {
        case 0..<62:
            var order = NewOrder(
                orderID: id, instrument: instrument, side: random.below(2) == 0 ? .buy : .sell,
                priceTicks: price, quantityLots: lots, account: random.below(3))
            order.flags = [0, 0, 0, 0, 1, 2, 4, 6, 9, 0x10, 0x10, 0x20][Int(random.below(12))]
            let kinds: [UInt8] = [0, 0, 0, 0, 0, 0x10, 0x20, 0x30, 0x40, 1, 2, 0x42, 3, 6]
            order.typeAndTimeInForce = kinds[Int(random.below(14))]
            let type = order.typeAndTimeInForce & 7
            if [1, 2, 6].contains(type) { order.priceTicks = 0 }
            if type > 1, random.below(8) != 0 { order.flags = 0 }
            if type != 1, random.below(12) == 0 { order.flags = 0x40 }
            if random.below(60) == 0 { order.side = 9 }
            let isRare = type > 1 || order.typeAndTimeInForce & 0x40 | order.flags & 0x40 != 0
            guard isRare || random.below(4) == 0 else {
                return bytes(order)
            }
            return bytes(rare(order, &random, expirySeconds))
        case 62..<75: return bytes(CancelOrder(orderID: id, instrument: instrument))
        case 75..<87:
            return bytes(
                ReplaceOrder(
                    originalOrderID: id, newOrderID: 1 + random.below(30), priceTicks: price,
                    totalLots: lots, flags: UInt8(random.below(4))))
        case 87..<98:
            return bytes(ReduceOrder(orderID: id, instrument: instrument, totalLots: lots))
        case 98 where random.below(2) == 0:
            var mass = MassCancelByAccount(
                requestID: id, account: random.below(3), instrument: UInt32(random.below(3)),
                sides: UInt8(random.below(4)))
            if random.below(8) == 0 { mass.account = 1 << 32 }
            if random.below(8) == 0 { mass.sides = 4 }
            return bytes(mass)
        default:
            return bytes(
                MassCancel(
                    requestID: id, instrument: UInt32(random.below(3)),
                    sides: UInt8(random.below(4))))
        }
    }

    /// With something that goes with such an order, more often than not.
    private static func rare(
        _ order: NewOrder, _ random: inout SeededRandom, _ expirySeconds: ClosedRange<UInt32>
    ) -> NewOrderExtended {
        var rare = NewOrderExtended(order: order)
        let isMarket = order.typeAndTimeInForce == 1
        let type = order.typeAndTimeInForce & 7
        if order.typeAndTimeInForce & 0x40 != 0 {
            let span = UInt64(expirySeconds.upperBound - expirySeconds.lowerBound) + 1
            rare.expirySeconds = expirySeconds.lowerBound + UInt32(random.below(span))
        }
        guard type < 2 else {
            if type != 6 || random.below(3) == 0 {
                rare.triggerPriceTicks = 95 + Int64(random.below(11))
            }
            if type != 6, random.below(3) == 0 { rare.triggerCondition = 0x10 }
            if type == 6 { rare.minimumLots = 1 + random.below(4) | (1 + random.below(2)) << 32 }
            if order.flags & 0x40 != 0 { rare.peakLots = 1 + random.below(30) }
            return rare
        }
        switch random.below(4) {
        case 0, 1:
            rare.peakLots = random.below(isMarket ? 3_000 : order.quantityLots + 2)
        case 2 where order.typeAndTimeInForce == 0x10: rare.minimumLots = 1 + random.below(12)
        case 2 where isMarket: rare.triggerPriceTicks = Int64(random.below(4))
        default: rare.clientTagLow = random.next()
        }
        if order.flags & 0x40 != 0 { rare.peakLots = 1 + random.below(30) }
        if random.below(20) == 0 { rare.triggerCondition = 1 }
        return rare
    }
}
