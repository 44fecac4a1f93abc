// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Invariants of prices: pages and nodes are there exactly where there are orders, and lead to them.
extension Engine {
    /// Walks the prices of all instruments, and adds the orders that rest to those seen.
    func checkLadder(seen: inout Int) -> String? {
        var pages: Set<UInt32> = []
        var nodeCount: UInt32 = 0
        for instrument in 1...limits.instrumentCapacity where isDefined(instrument: instrument) {
            var own: [UInt32] = []
            if let broken = checkTree(of: instrument, pages: &own, nodeCount: &nodeCount) {
                return "instrument \(instrument): \(broken)"
            }
            pages.formUnion(own)
            for isSell in [false, true] {
                if let broken = checkSide(instrument, isSell: isSell, own, seen: &seen) {
                    return "instrument \(instrument), \(isSell ? "sells" : "buys"): \(broken)"
                }
            }
        }
        guard pages.count == pagePool.count, nodeCount == nodePool.count else {
            return "\(pages.count) pages and \(nodeCount) nodes are there, "
                + "\(pagePool.count) and \(nodePool.count) are taken from their pools"
        }
        guard arePagesShort != hasRoomAnywhere else {
            return
                "pages are \(arePagesShort ? "" : "not ")short, it is said, and \(pagesLeft) left"
        }
        let isUsual = killedAccountCount == 0 && !arePagesShort
        guard usualOrdersMax == (isUsual ? limits.orderCapacity : 0) else {
            return "\(killedAccountCount) accounts are stopped, and orders take the way for others"
        }
        return nil
    }

    /// Walks an instrument's nodes, and collects its pages.
    private func checkTree(
        of instrument: UInt32, pages: inout [UInt32], nodeCount: inout UInt32
    ) -> String? {
        let state = instruments[instrument]
        guard state.rootNode != 0 else {
            return state.nearNode == 0 ? nil : "node \(state.nearNode) is near, and there is none"
        }
        let root = ladder.nodes[state.rootNode]
        guard root.height == PriceBlock.rootHeight(tickCount: state.tickCount), root.number == 0,
            root.parent == 0
        else { return "its root is of height \(root.height)" }
        var isNearFound = state.nearNode == 0
        var left = [state.rootNode]
        while let node = left.popLast() {
            nodeCount += 1
            let block = ladder.nodes[node]
            if node == state.nearNode { isNearFound = block.height == 1 }
            for place in 0..<UInt32(64) {
                let child = ladder.children[node << 6 | place]
                let below =
                    child == 0
                    ? PriceBlock() : block.height > 1 ? ladder.nodes[child] : ladder.pages[child]
                for isSell in [false, true] {
                    let digit = PriceBlock.place(place, isSell: isSell)
                    let isSet = block.bits(isSell: isSell) >> UInt64(digit) & 1 != 0
                    guard isSet == (below.bits(isSell: isSell) != 0) else {
                        return "node \(node) is wrong about its child \(place)"
                    }
                }
                guard child != 0 else { continue }
                guard !below.isEmpty, below.parent == node, below.height == block.height - 1,
                    below.number == block.number << 6 | Int64(place)
                else { return "child \(place) of node \(node) is none of it" }
                if block.height > 1 { left.append(child) } else { pages.append(child) }
            }
        }
        return isNearFound ? nil : "node \(state.nearNode) is near, and none of its pages"
    }

    private func checkSide(
        _ instrument: UInt32, isSell: Bool, _ pages: [UInt32], seen: inout Int
    ) -> String? {
        let state = instruments[instrument]
        var ranks: [Int64] = []
        for page in pages {
            for place in 0..<UInt32(64) {
                let level = page << 7 | (isSell ? 64 : 0) | place
                let digit = PriceBlock.place(place, isSell: isSell)
                let isSet = ladder.pages[page].bits(isSell: isSell) >> UInt64(digit) & 1 != 0
                guard isSet == (levels[level].head != 0) else {
                    return "page \(page) is wrong about its level \(level)"
                }
                guard isSet else { continue }
                let tick = ladder.pages[page].number << 6 | Int64(place)
                guard ladder.level(state, isSell: isSell, tick) == level,
                    orders[levels[level].head].priceTicks == state.lowestPriceTicks &+ tick
                else { return "level \(level) is not that of tick \(tick)" }
                ranks.append(state.rank(isSell: isSell, tick))
                if let broken = checkLevel(level, of: instrument, isSell: isSell, seen: &seen) {
                    return broken
                }
            }
        }
        ranks.sort()
        let best = ranks.first ?? InstrumentState.none
        let bestLevel =
            best == InstrumentState.none
            ? 0 : ladder.level(state, isSell: isSell, state.rank(isSell: isSell, best))
        guard state.best(isSell: isSell) == best, state.bestLevel(isSell: isSell) == bestLevel
        else { return "the best rank is \(best), not \(state.best(isSell: isSell))" }
        for (rank, next) in zip(ranks, ranks.dropFirst() + [InstrumentState.none])
        where ladder.nextRank(state, isSell: isSell, after: rank) != next {
            return "rank \(next) does not follow rank \(rank)"
        }
        guard ranks.isEmpty || ladder.lastRank(state, isSell: isSell) == ranks.last else {
            return "the last rank is not \(ranks.last ?? 0)"
        }
        return checkLevel(
            marketLevel(instrument, isSell: isSell), of: instrument, isSell: isSell, seen: &seen)
    }
}
