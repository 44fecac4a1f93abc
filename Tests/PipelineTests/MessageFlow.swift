// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import ShardRig
import Wire

/// Messages of all kinds that meet each other often: few ids, few prices, and now and then one that
/// is refused or rejected. The same seed gives the same messages to each session.
struct MessageFlow {
    private var randoms: [SeededRandom]

    init(seed: UInt64, sessionCount: Int) {
        randoms = (0..<sessionCount).map { SeededRandom(seed: seed &+ UInt64($0) &* 7_919) }
    }

    /// The next message of a session, counted from 0.
    mutating func message(session: Int) -> [UInt8] {
        Self.message(&randoms[session])
    }

    private static func message(_ random: inout SeededRandom) -> [UInt8] {
        let instrument = UInt32(random.below(20) == 0 ? 3 : 1 + random.below(2))
        let id = 1 + random.below(30)
        let price = 95 + Int64(random.below(11))
        let lots = random.below(40) == 0 ? 0 : 1 + random.below(20)
        switch random.below(100) {
        case 0..<62:
            var order = NewOrder(
                orderID: id, instrument: instrument, side: random.below(2) == 0 ? .buy : .sell,
                priceTicks: price, quantityLots: lots, account: random.below(3))
            order.flags = [0, 0, 0, 1, 2, 4, 6][Int(random.below(7))]
            order.typeAndTimeInForce = [0, 0, 0, 0x10, 0x20, 0x30, 1][Int(random.below(7))]
            if order.typeAndTimeInForce == 1 { order.priceTicks = 0 }
            if random.below(60) == 0 { order.side = 9 }
            guard random.below(15) == 0 else { return bytes(order) }
            order.type = .newOrderExtended
            return bytes(order) + [UInt8](repeating: 0, count: 24)
                + (0..<23).map { _ in UInt8(random.below(256)) }.enumerated().map {
                    $0.offset < 4 ? 0 : $0.element
                } + [random.below(3) == 0 ? 1 : 0]
        case 62..<75: return bytes(CancelOrder(orderID: id, instrument: instrument))
        case 75..<87:
            return bytes(
                ReplaceOrder(
                    originalOrderID: id, newOrderID: 1 + random.below(30), priceTicks: price,
                    totalLots: lots))
        case 87..<98:
            return bytes(ReduceOrder(orderID: id, instrument: instrument, totalLots: lots))
        default:
            return bytes(
                MassCancel(
                    requestID: id, instrument: UInt32(random.below(3)),
                    sides: UInt8(random.below(4))))
        }
    }
}
