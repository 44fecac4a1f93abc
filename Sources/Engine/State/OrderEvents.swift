// SPDX-License-Identifier: Apache-2.0
internal import Wire

// What is said of an order: whose it is, and what is left of it.
extension OrderNode {
    /// Of an open order. `leavesLots` is nil where it leaves what it says.
    @inline(__always)
    func event(
        _ kind: EventKind, _ attributes: EventAttributes, lots: UInt64, leavesLots: UInt64? = nil,
        detail: UInt16 = 0
    ) -> Event {
        Event(
            kind: kind, attributes: traits.eventAttributes.union(attributes), detail: detail,
            session: session, account: account, instrument: instrument, orderID: orderID,
            reference: reference, priceTicks: priceTicks, quantityLots: lots,
            leavesLots: leavesLots ?? self.leavesLots, executedLots: executedLots)
    }
}

extension IncomingOrder {
    /// Of an order on its way through the book; the price of a trade is another than its own.
    @inline(__always)
    func event(
        _ kind: EventKind, _ attributes: EventAttributes, lots: UInt64, leavesLots: UInt64? = nil,
        at tradePriceTicks: Int64? = nil, detail: UInt16 = 0
    ) -> Event {
        Event(
            kind: kind, attributes: traits.eventAttributes.union(attributes), detail: detail,
            session: session, account: account, instrument: instrument, orderID: orderID,
            reference: reference, priceTicks: tradePriceTicks ?? priceTicks, quantityLots: lots,
            leavesLots: leavesLots ?? self.leavesLots, executedLots: totalLots &- self.leavesLots)
    }
}
