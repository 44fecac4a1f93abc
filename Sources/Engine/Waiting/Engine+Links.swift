// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Two orders of which one cancels the other: a limit order in the book, and one that waits for its
// trigger. As soon as one of them trades the other is cancelled; when one goes without a trade the
// other stays, alone.
extension Engine {
    /// Why a new order cannot be linked to the one that it names, or `none`.
    func linkRefusal(_ record: RecordView, _ terms: OrderTerms) -> Reason {
        guard record.flags & RecordFlags.linked != 0 else { return .none }
        let slot = findOrder(session: record.session, orderID: terms.partnerID)
        guard slot != 0 else { return .invalidLink }
        let other = orders[slot]
        let extra = other.extra == 0 ? OrderExtra() : extras[other.extra]
        let isPair =
            other.instrument == record.instrument
            && other.isSell == (record.attributes.side == .sell) && extra.waits != terms.waits
            && extra.partner == 0 && extra.undisclosed.isEmpty
        return isPair ? .none : .invalidLink
    }

    /// How many extras a new order takes from the pool, its partner's included.
    func extrasNeeded(_ record: RecordView, _ terms: OrderTerms) -> UInt32 {
        guard isRare(record, terms) else { return 0 }
        guard record.flags & RecordFlags.linked != 0 else { return 1 }
        let slot = findOrder(session: record.session, orderID: terms.partnerID)
        return orders[slot].extra == 0 ? 2 : 1
    }

    /// The order that a new one names, which has an extra from now on.
    mutating func partner(of record: RecordView, _ terms: OrderTerms) -> UInt32 {
        guard record.flags & RecordFlags.linked != 0 else { return 0 }
        let slot = findOrder(session: record.session, orderID: terms.partnerID)
        if orders[slot].extra == 0 {
            let extra = extraPool.allocate()
            extras[extra] = OrderExtra(entryReference: orders[slot].reference, slot: slot)
            orders[slot].extra = extra
        }
        return slot
    }

    /// An order with a partner has come to its slot: the partner learns of it.
    mutating func tieBack(_ slot: UInt32) {
        let partner = extras[orders[slot].extra].partner
        if partner != 0 { extras[orders[partner].extra].partner = slot }
    }

    /// The partner of an order that goes stays alone, and what only the link needed goes with it.
    mutating func untie(_ extra: UInt32) {
        let partner = extras[extra].partner
        guard partner != 0 else { return }
        extras[extra].partner = 0
        let other = orders[partner].extra
        extras[other].partner = 0
        dropIfNotNeeded(partner)
    }

    /// A linked order has traded: its partner goes.
    mutating func cancelPartner(
        of extra: UInt32, last: EventAttributes, into outbox: inout EventOutbox
    ) {
        let partner = extras[extra].partner
        extras[extra].partner = 0
        extras[orders[partner].extra].partner = 0
        cancel(partner, because: .linkedTraded, last: last, into: &outbox)
    }

    /// Whether an order that is about to rest still needs its extra; if not, it has none any more.
    @inline(never)
    mutating func keepsExtra(_ order: inout IncomingOrder) -> Bool {
        if extras[order.extra].isNeeded { return true }
        extraPool.free(order.extra)
        order.extra = 0
        return false
    }

    /// Gives the extra of an open order back when nothing needs it any more.
    mutating func dropIfNotNeeded(_ slot: UInt32) {
        let extra = orders[slot].extra
        guard extra != 0, !extras[extra].isNeeded else { return }
        orders[slot].extra = 0
        extraPool.free(extra)
    }
}
