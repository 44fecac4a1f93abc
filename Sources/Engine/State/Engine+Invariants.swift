// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

extension Engine {
    /// What is broken in the state, or nil: uncrossed books, sums, links, index and counts. Walks
    /// everything; for tests and for the auditor. The last command is complete.
    public func checkInvariants() -> String? {
        var seen = 0
        for instrument in 1...limits.instrumentCapacity where isDefined(instrument: instrument) {
            for isSell in [false, true] {
                if let broken = checkSide(instrument: instrument, isSell: isSell, seen: &seen) {
                    return "instrument \(instrument), \(isSell ? "sells" : "buys"): \(broken)"
                }
            }
            if let bid = bestBid(instrument: instrument), let ask = bestAsk(instrument: instrument),
                bid >= ask
            {
                return "instrument \(instrument) is crossed"
            }
        }
        guard seen == Int(openOrderCount) else {
            return "\(seen) orders rest, \(openOrderCount) are taken from the pool"
        }
        var held = 0
        for session in 1...limits.sessionCapacity {
            if let broken = checkSession(session, held: &held) {
                return "session \(session): \(broken)"
            }
        }
        var entries = 0
        for position in 0..<index.entries.count where index.entries[position].slot != 0 {
            entries += 1
        }
        return held == seen && entries == seen
            ? nil : "\(seen) orders rest, sessions hold \(held), the index \(entries)"
    }

    private func checkSide(instrument: UInt32, isSell: Bool, seen: inout Int) -> String? {
        let state = instruments[instrument]
        let bits = state.bits(words, isSell: isSell)
        var best = InstrumentState.none
        for rank in 0..<Int64(state.tickCount) where bits.contains(rank) {
            best = min(best, rank)
            let tick = state.rank(isSell: isSell, rank)
            let level = levels[state.levelBase + UInt32(tick)]
            var sum: UInt64 = 0
            var previous: UInt32 = 0
            var slot = level.head
            while slot != 0 {
                let node = orders[slot]
                guard links[slot].previous == previous, node.isSell == isSell,
                    node.instrument == instrument, node.level == state.levelBase + UInt32(tick),
                    node.leavesLots > 0, node.executedLots < node.totalLots
                else { return "order \(node.orderID) at tick \(tick) is wrong" }
                guard findOrder(session: node.session, orderID: node.orderID) == slot else {
                    return "order \(node.orderID) is not in the index"
                }
                sum += node.leavesLots
                seen += 1
                previous = slot
                slot = links[slot].next
            }
            guard level.head != 0, level.tail == previous, level.quantityLots == sum else {
                return "level \(tick) says \(level.quantityLots), its orders \(sum)"
            }
        }
        let cached = state.best(isSell: isSell)
        return cached == best ? nil : "the best rank is \(best), not \(cached)"
    }

    private func checkSession(_ session: UInt32, held: inout Int) -> String? {
        var count: UInt32 = 0
        let end = limits.orderCapacity + session
        var previous = end
        var slot = entered(after: end)
        while slot != 0 {
            guard orders[slot].session == session, links[slot].sessionPrevious == previous else {
                return "its list is broken at order \(orders[slot].orderID)"
            }
            count += 1
            previous = slot
            slot = entered(after: slot)
        }
        held += Int(count)
        return count == sessions[session].openOrders && previous == links[end].sessionPrevious
            ? nil : "it has \(count) orders, \(sessions[session].openOrders) are counted"
    }
}
