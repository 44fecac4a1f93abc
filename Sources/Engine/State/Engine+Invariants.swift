// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

extension Engine {
    /// What is broken in the state, or nil: uncrossed books, sums, links, index and counts. Walks
    /// everything; for tests and for the auditor. The last command is complete.
    public func checkInvariants() -> String? {
        var seen = 0
        if let broken = checkLadder(seen: &seen) { return broken }
        for instrument in 1...limits.instrumentCapacity where isDefined(instrument: instrument) {
            if let bid = bestBid(instrument: instrument), let ask = bestAsk(instrument: instrument),
                bid >= ask, !markets[instrument].trading.mayBeCrossed,
                !markets[instrument].isUncrossing
            {
                return "instrument \(instrument) is crossed"
            }
            if hasMarketOrders(instrument), !mayHaveMarketOrders(instrument) {
                return "instrument \(instrument) has market orders"
            }
        }
        if let broken = checkMarkets(seen: &seen) { return broken }
        guard seen == Int(openOrderCount) else {
            return "\(seen) orders rest, \(openOrderCount) are taken from the pool"
        }
        var held = 0
        for session in 1...limits.sessionCapacity {
            if let broken = checkSession(session, held: &held) {
                return "session \(session): \(broken)"
            }
        }
        let broken =
            checkExtras(seen) ?? checkKilled() ?? checkTradeGroups() ?? checkBusts()
            ?? checkBacklog() ?? checkOrderRules() ?? index.checkBuckets()
        if let broken { return broken }
        let entries = index.orderCount
        return held == seen && entries == seen
            ? nil : "\(seen) orders rest, sessions hold \(held), the index \(entries)"
    }

    func checkLevel(
        _ number: UInt32, of instrument: UInt32, isSell: Bool, seen: inout Int
    ) -> String? {
        let level = levels[number]
        var sum: UInt64 = 0
        var previous: UInt32 = 0
        var slot = level.head
        while slot != 0 {
            let node = orders[slot]
            let ranksFirst = node.extra != 0 && extras[node.extra].ranksFirst
            guard links[slot].previous == previous, node.isSell == isSell,
                node.instrument == instrument, node.level == number,
                node.leavesLots > 0, node.executedLots < node.totalLots,
                ranksFirst == isMarketLevel(number), node.traits.isMarket == ranksFirst,
                !ranksFirst || previous == 0 || orders[previous].reference < node.reference
            else { return "order \(node.orderID) at level \(number) is wrong" }
            // To look for it may move it.
            guard findOrder(session: node.session, orderID: node.orderID) == slot,
                index.words[orders[slot].indexPosition] == slot
            else {
                return "order \(node.orderID) is not in the index"
            }
            if let broken = checkPlace(slot, in: level, behind: previous) { return broken }
            sum += node.leavesLots
            seen += 1
            previous = slot
            slot = links[slot].next
        }
        return level.last == previous && level.quantityLots == sum
            ? nil : "level \(number) says \(level.quantityLots), its orders \(sum)"
    }

    /// An order stands where those like it do, and its extra says what it must.
    private func checkPlace(
        _ slot: UInt32, in level: Level, behind previous: UInt32
    ) -> String? {
        let node = orders[slot]
        let extra = node.extra == 0 ? OrderExtra() : extras[node.extra]
        let isBehindHidden =
            previous != 0 && orders[previous].extra != 0
            && extras[orders[previous].extra].isHidden
        guard extra.isHidden || !isBehindHidden else {
            return "order \(node.orderID) is displayed and stands behind a hidden one"
        }
        guard slot != level.last || level.endsHidden == extra.isHidden else {
            return "the end of the level of order \(node.orderID) is not marked as it is"
        }
        if extra.isHidden, !isBehindHidden,
            extras[orders[level.last].extra].firstHidden != slot
        {
            return "order \(node.orderID) is the first hidden one of its level, another is noted"
        }
        guard node.extra == 0 || extra.slot == slot else {
            return "the extra of order \(node.orderID) is that of slot \(extra.slot)"
        }
        let isShown =
            extra.isIceberg
            ? extra.displayedLots > 0 && extra.displayedLots <= min(extra.peakLots, node.leavesLots)
            : extra.displayedLots == 0
        return isShown ? nil : "order \(node.orderID) shows \(extra.displayedLots) lots"
    }

    /// Each extra in use is an order's, and those that expire are in the tree, in order.
    private func checkExtras(_ seen: Int) -> String? {
        var used: UInt32 = 0
        var expiring = 0
        for slot in 1...limits.orderCapacity where isOpen(slot) && orders[slot].extra != 0 {
            used += 1
            if extras[orders[slot].extra].expirySeconds != 0 { expiring += 1 }
        }
        guard used == extraPool.count else {
            return "\(used) orders have extras, \(extraPool.count) are taken from the pool"
        }
        if let broken = expiries.checkOrder(of: expiryRoot) {
            return "the tree of expiries \(broken)"
        }
        let count = expiries.count(of: expiryRoot)
        return count == expiring
            ? nil : "\(expiring) orders expire, \(count) are in the tree"
    }

    private func checkSession(_ session: UInt32, held: inout Int) -> String? {
        var count: UInt32 = 0
        let end = limits.orderCapacity + session
        var previous = end
        var slot = links[end].sessionNext
        while slot != end {
            guard links[slot].sessionPrevious == previous else { return "its list is broken" }
            previous = slot
            defer { slot = links[slot].sessionNext }
            // A mark of what goes on.
            if slot > limits.orderCapacity { continue }
            guard orders[slot].session == session else {
                return "its list has order \(orders[slot].orderID)"
            }
            count += 1
        }
        held += Int(count)
        return count == sessions[session].openOrders && previous == links[end].sessionPrevious
            ? nil : "it has \(count) orders, \(sessions[session].openOrders) are counted"
    }
}
