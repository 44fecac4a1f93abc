// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Cancel, reduce and replace: what a client does to one of its resting orders.
extension Engine {
    @inline(never)
    mutating func cancelOrder(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let session = record.session
        let orderID = record.orderID
        let slot = findOrder(session: session, orderID: orderID)
        let reason: Reason =
            record.flags != 0
            ? .invalidFlags
            : slot == 0
                ? .unknownOrder
                : orders[slot].instrument != record.instrument
                    ? .wrongInstrument : .none
        guard reason == .none else {
            return reject(.cancelRejected, reason, record, into: &outbox)
        }
        cancel(slot, because: .byClient, last: closing, into: &outbox)
        return true
    }

    @inline(never)
    mutating func reduceOrder(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let slot = findOrder(session: record.session, orderID: record.orderID)
        let total = record.quantityLots
        let reason: Reason =
            record.flags != 0
            ? .invalidFlags
            : slot == 0
                ? .unknownOrder
                : orders[slot].instrument != record.instrument
                    ? .wrongInstrument : total >= orders[slot].totalLots ? .totalNotReduced : .none
        guard reason == .none else {
            return reject(.reduceRejected, reason, record, into: &outbox)
        }
        guard total > orders[slot].executedLots else {
            // Since rules 2: of what was not executed there is no total that could have been.
            let isOwnWish = rulesVersion >= 2 && orders[slot].executedLots == 0
            cancel(
                slot, because: isOwnWish ? .byClient : .totalExecuted, last: closing,
                into: &outbox)
            return true
        }
        let rule = orderRules[record.instrument].refusal(ofTotal: total)
        guard rule == .none else { return reject(.reduceRejected, rule, record, into: &outbox) }
        let standing = standing(slot)
        if standing.contains(.resting) {
            levels[orders[slot].level].quantityLots &-= orders[slot].totalLots &- total
        }
        orders[slot].totalLots = total
        let trims = showsMore(slot, than: orders[slot].leavesLots)
        report(
            orders[slot].event(.reduced, standing.union(trims ? [] : closing), lots: total),
            into: &outbox)
        if trims { trimDisplayed(slot, closing, into: &outbox) }
        return true
    }

    @inline(never)
    mutating func replaceOrder(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let original = record.originalOrderID
        let slot = findOrder(session: record.session, orderID: original)
        guard record.flags == 0 || mayAskFor(policy: record.flags) else {
            return reject(.replaceRejected, .invalidFlags, record, into: &outbox)
        }
        guard slot != 0 else { return replaceDead(record, into: &outbox) }
        let node = orders[slot]
        let limit =
            node.traits.isMarket
            ? 0 : record.priceTicks &- instruments[node.instrument].lowestPriceTicks
        let total = record.quantityLots
        let reason = refusal(ofReplace: record, original: node, limit: limit)
        guard reason == .none else {
            return failReplace(reason, record, of: slot, into: &outbox)
        }
        guard total > node.executedLots else {
            cancel(slot, because: .totalExecuted, last: closing, into: &outbox)
            return true
        }
        report(
            node.event(.replaced, standing(slot), lots: node.totalLots, leavesLots: 0),
            into: &outbox)
        let extra = takeExtra(of: slot, for: record.sequence, into: &outbox)
        let rest =
            node.traits.isPostOnly
            ? postOnlyLimit(node.instrument, isSell: node.isSell, limit) : limit
        remove(slot)
        let order = IncomingOrder(
            orderID: record.orderID, reference: record.sequence,
            priceTicks: node.traits.isMarket
                ? 0 : rest &+ instruments[node.instrument].lowestPriceTicks,
            totalLots: total,
            leavesLots: total &- node.executedLots, limit: rest, session: record.session,
            account: node.account, instrument: node.instrument, traits: node.traits,
            indexHash: index.hash(session: record.session, orderID: record.orderID),
            extra: keepExtra(extra), stepsLeft: stepsAllowed)
        return enter(order, .replacement, into: &outbox)
    }

    /// Why a replace of an open order is rejected, or `none`. It changes nothing, and is mutating
    /// all the same: what borrows an engine copies it to call others.
    @inline(__always)
    private mutating func refusal(
        ofReplace record: LogRecord, original node: OrderNode, limit: Int64
    ) -> Reason {
        let total = record.quantityLots
        guard killedAccountCount == 0 || !isKilled(account: node.account) else { return .killed }
        guard record.orderID != 0 else { return .invalidOrderID }
        if record.orderID != node.orderID,
            findOrder(session: record.session, orderID: record.orderID) != 0
        {
            return .duplicateOrderID
        }
        let extra = node.extra == 0 ? OrderExtra() : extras[node.extra]
        let state = stateRefusal(
            node.instrument, node.traits, waits: extra.waits, isBound: false)
        guard state == .none else { return state }
        guard total != 0 else { return .zeroQuantity }
        guard total <= markets[node.instrument].quantityLotsMax else {
            return .quantityTooLarge
        }
        let price = record.priceTicks
        guard
            node.traits.isMarket ? price == 0 : isInLadder(price, of: node.instrument)
        else { return .priceOutOfRange }
        let rule = ruleRefusal(
            node.instrument, totalLots: total, priceTicks: node.traits.isMarket ? nil : price)
        guard rule == .none else { return rule }
        guard !extra.isIceberg || (total &- 1) >> 8 < extra.peakLots else { return .invalidPeak }
        guard total > node.executedLots else { return .none }
        return placeRefusal(
            node.instrument, node.traits, limit, slides: extra.slides,
            restsAtPrice: node.traits.mayRest && !extra.waits)
    }

    /// Since rules 3 a replace says what becomes of it when it fails.
    private func mayAskFor(policy: UInt16) -> Bool {
        rulesVersion >= 3 && policy & ~RecordFlags.replaceMask == 0
    }

    /// A replace of an order that is not open: rejected, or if it asks for that ignored. It has
    /// used its session sequence up, and its one event is nobody's report.
    @inline(never)
    private mutating func replaceDead(
        _ record: LogRecord, into outbox: inout EventOutbox
    ) -> Bool {
        guard record.flags & RecordFlags.silentIfDead != 0 else {
            return reject(.replaceRejected, .unknownOrder, record, into: &outbox)
        }
        emit(
            Event(
                kind: .nothing, attributes: closing, detail: UInt16(Reason.unknownOrder.rawValue),
                session: record.session, orderID: record.orderID), into: &outbox)
        return true
    }

    /// A replace of an open order that cannot be: it is rejected and the original stays as it was,
    /// or if it asks for that the original is cancelled. Not for what is no matter of its details:
    /// somebody is stopped, or the instrument takes nothing.
    ///
    /// The reject has the new id, price and total as asked for; account, instrument, side,
    /// reference and executed lots of the original.
    @inline(never)
    private mutating func failReplace(
        _ reason: Reason, _ record: LogRecord, of slot: UInt32, into outbox: inout EventOutbox
    ) -> Bool {
        if record.flags & RecordFlags.cancelsIfInvalid != 0, reason != .killed,
            reason != .instrumentNotOpen
        {
            cancel(slot, because: .replaceInvalid, last: closing, into: &outbox)
            return true
        }
        let node = orders[slot]
        report(
            Event(
                kind: .replaceRejected, attributes: node.traits.eventAttributes.union(closing),
                detail: UInt16(reason.rawValue), session: record.session, account: node.account,
                instrument: node.instrument, orderID: record.orderID,
                reference: node.reference, priceTicks: record.priceTicks,
                quantityLots: record.quantityLots, leavesLots: node.leavesLots,
                executedLots: node.executedLots), into: &outbox)
        return true
    }
}
