// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// What `trade` is for where one side is no plain order, and the prevention that trades nothing.
extension Engine {
    /// One trade with a resting order that may hide a part of itself, or of an incoming one that
    /// may not spend more than so much. False: it cannot afford a lot at this price.
    @inline(never)
    mutating func tradeRare(
        _ order: inout IncomingOrder, with slot: UInt32, at priceTicks: Int64,
        into outbox: inout EventOutbox
    ) -> Bool {
        let maker = orders[slot]
        let extra = maker.extra == 0 ? OrderExtra() : extras[maker.extra]
        let shown = extra.isIceberg ? extra.displayedLots : maker.leavesLots
        var lots = min(order.leavesLots, shown)
        if order.quoteLeft != .max {
            let affordable = order.quoteLeft / UInt64(priceTicks)
            // What it cannot afford all of it takes in whole lots.
            if affordable < lots {
                lots = affordable &- affordable % max(orderRules[order.instrument].lotStep, 1)
            }
            guard lots != 0 else { return false }
            order.quoteLeft &-= lots &* UInt64(priceTicks)
        }
        order.leavesLots &-= lots
        let makerLeaves = maker.leavesLots &- lots
        // What follows the two events of the trade; the last of all is the command's last when
        // the incoming order is filled.
        let last = order.leavesLots == 0 ? closing : []
        let refills = extra.isIceberg && lots == shown && makerLeaves != 0
        let isTied = order.extra != 0 && extras[order.extra].partner != 0
        let isMakerTied = extra.partner != 0
        report(
            Event(
                kind: .traded,
                attributes: maker.traits.eventAttributes.union(
                    extra.isHidden ? .undisclosed : []),
                detail: order.tradeIndex, session: maker.session, account: maker.account,
                instrument: order.instrument, orderID: maker.orderID,
                reference: maker.reference, priceTicks: priceTicks, quantityLots: lots,
                leavesLots: makerLeaves, executedLots: maker.executedLots &+ lots),
            into: &outbox)
        let end = isMakerTied || isTied || refills ? [] : last
        emit(
            order.event(
                .traded, end.union(.aggressor), lots: lots, at: priceTicks,
                detail: order.tradeIndex), into: &outbox)
        order.tradeIndex &+= 1
        if isMakerTied {
            cancelPartner(of: maker.extra, last: isTied || refills ? [] : last, into: &outbox)
        }
        if isTied { cancelPartner(of: order.extra, last: refills ? [] : last, into: &outbox) }
        if makerLeaves == 0 {
            remove(slot)
            return true
        }
        levels[maker.level].quantityLots &-= lots
        orders[slot].executedLots &+= lots
        dropIfNotNeeded(slot)
        if extra.isIceberg { extras[maker.extra].displayedLots &-= lots }
        if refills { refill(slot, last, into: &outbox) }
        return true
    }

    /// Self-trade prevention by decrement: the smaller of the two goes, the larger one loses as
    /// much. False: the incoming order is the one that goes, and says so itself.
    @inline(never)
    mutating func decrement(
        _ order: inout IncomingOrder, and slot: UInt32, into outbox: inout EventOutbox
    ) -> Bool {
        let lots = min(order.leavesLots, orders[slot].leavesLots)
        if lots == orders[slot].leavesLots {
            cancel(slot, because: .selfTradePrevented, last: [], into: &outbox)
        } else {
            orders[slot].totalLots &-= lots
            levels[orders[slot].level].quantityLots &-= lots
            report(
                orders[slot].event(.prevented, standing(slot), lots: lots), into: &outbox)
            if showsMore(slot, than: orders[slot].leavesLots) {
                trimDisplayed(slot, [], into: &outbox)
            }
        }
        guard lots < order.leavesLots else { return false }
        order.totalLots &-= lots
        order.leavesLots &-= lots
        report(
            order.event(.prevented, .aggressor, lots: lots), into: &outbox)
        return true
    }
}
