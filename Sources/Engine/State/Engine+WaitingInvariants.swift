// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Invariants of what waits, and of what is linked.
extension Engine {
    /// Adds the orders that wait to those seen.
    func checkMarkets(seen: inout Int) -> String? {
        var inLine = 0
        var auctions: UInt32 = 0
        for number in 1...limits.instrumentCapacity where isDefined(instrument: number) {
            let market = markets[number]
            var waiting = 0
            for side in 0...1 {
                let roots = (market.triggers[side], market.trails[side])
                if let broken = triggers.checkOrder(of: roots.0) {
                    return "the triggers of instrument \(number): \(broken)"
                }
                if let broken = trails.checkOrder(of: roots.1) {
                    return "the trails of instrument \(number): \(broken)"
                }
                if let broken = checkWaiting(number, side: side) {
                    return "instrument \(number): \(broken)"
                }
                waiting += triggers.count(of: roots.0)
            }
            guard waiting == Int(market.waitingCount) else {
                return "\(waiting) orders wait in \(number), \(market.waitingCount) are counted"
            }
            guard instruments[number].usualLotsMax == usualLots(number) else {
                return "\(waiting) orders wait in \(number), and its orders go the wrong way"
            }
            guard !market.isUncrossing && !market.owesIndication || market.isInLine else {
                return "\(number) has something to tell, and is not in line"
            }
            guard
                market.callEndSeconds == MarketState.noEnd
                    || market.trading == .auction && (market.isInLine || !isCallOver(number))
            else { return "\(number) has a call to end, and is not about to" }
            if market.trading == .auction { auctions += 1 }
            if market.isInLine { inLine += 1 }
            seen += waiting
        }
        guard auctions == auctionCount else {
            return "\(auctions) instruments are in an auction, \(auctionCount) are counted"
        }
        var number = firstInLine
        while number != 0 {
            inLine -= 1
            guard markets[number].isInLine else { return "\(number) is in line and does not know" }
            guard markets[number].nextInLine != 0 || lastInLine == number else {
                return "\(number) is the last in line, not \(lastInLine)"
            }
            number = markets[number].nextInLine
        }
        return inLine == 0 ? checkLinks() : "the line lacks \(inLine) of those in it"
    }

    private func checkWaiting(_ instrument: UInt32, side: Int) -> String? {
        var broken: String?
        var trailing = 0
        triggers.forEach(of: markets[instrument].triggers[side]) { extra in
            let entry = extras[extra]
            let node = orders[entry.slot]
            if !entry.waits || entry.triggerSide != side || node.extra != extra
                || node.instrument != instrument || node.executedLots | entry.displayedLots != 0
                || findOrder(session: node.session, orderID: node.orderID) != entry.slot
            {
                broken = "order \(node.orderID) waits and is wrong"
            }
            if entry.trails { trailing += 1 }
        }
        let count = trails.count(of: markets[instrument].trails[side])
        return broken ?? (count == trailing ? nil : "\(count) of \(trailing) trail")
    }

    private func checkLinks() -> String? {
        for slot in 1...limits.orderCapacity where isOpen(slot) && orders[slot].extra != 0 {
            let partner = extras[orders[slot].extra].partner
            guard partner != 0 else { continue }
            guard partner != slot, isOpen(partner), orders[partner].extra != 0,
                extras[orders[partner].extra].partner == slot
            else { return "order \(orders[slot].orderID) is linked to one that is not" }
        }
        return nil
    }
}
