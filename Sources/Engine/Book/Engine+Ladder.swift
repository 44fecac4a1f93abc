// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// The ladder as orders come and go: pages and nodes that are taken and given back, and which prices
// have orders. See `PriceLadder`.
//
//     pageCapacity     what a log may use by its limits and the rules that it was begun under; an
//                      engine has memory for at least that
//     pagesAllowed     the same of this log: every host, and every image, comes to the same
//     arePagesShort    whether `hasRoom` has to look; kept by `countPages`
//     hasRoom          the answer for one price
extension Engine {
    /// Pages that may be in use in a log that was begun under these rules: of all ticks. Before
    /// rules 3 an instrument has room for its whole range, which need not be a multiple of 64: so
    /// there is one more for each.
    static func pageCapacity(_ limits: EngineLimits, rules: UInt32) -> UInt32 {
        let pages = UInt32(PriceBlock.pages(ofTicks: UInt64(limits.ladderTickCapacity)))
        return rules < 3
            ? pages &+ min(limits.instrumentCapacity, limits.ladderTickCapacity) : pages
    }

    /// Nodes that there may be: two for each page, for prices that are close to each other share
    /// theirs, and so many that one instrument alone finds all that a page needs, however wide it
    /// is. Enough for all pages of ranges that have so many together: n pages in a row have at most
    /// n/64 + 1 nodes of pages, n/64² + 1 above these, and so on, which is never above 2n.
    static func nodeCapacity(pageCapacity: UInt32) -> UInt32 { 2 &* pageCapacity &+ 16 }

    /// Two levels for each price of all pages and of page 0, and for each instrument two at no
    /// price.
    static func levelCount(_ limits: EngineLimits, pageCapacity: UInt32) -> Int {
        2
            * ((Int(pageCapacity) + 1) * Int(PriceBlock.tickCount)
                + Int(limits.instrumentCapacity) + 1)
    }

    /// Prices of so many in a row as they count when they all have orders: in whole pages.
    public static func pricesInPages(_ prices: UInt64) -> UInt64 {
        PriceBlock.pages(ofTicks: prices) * UInt64(PriceBlock.tickCount)
    }

    /// Whether levels have numbers of 32 bits, whatever the rules.
    static func hasLevelNumbers(for limits: EngineLimits) -> Bool {
        let pages = pageCapacity(limits, rules: RulesRange.build.oldest)
        return levelCount(limits, pageCapacity: pages) < 1 << 32
            && nodeCapacity(pageCapacity: pages) < 1 << 26
    }

    /// Of levels, and of what nodes have.
    static func ladderByteCount(_ limits: EngineLimits, pageCapacity: UInt32) -> Int {
        levelCount(limits, pageCapacity: pageCapacity) * MemoryLayout<Level>.stride
            + (Int(nodeCapacity(pageCapacity: pageCapacity)) + 1) * 64
            * MemoryLayout<UInt32>.stride
    }

    /// Pages that may be in use: what the log was begun with says it, and no memory that there is.
    private var pagesAllowed: UInt32 {
        Self.pageCapacity(limits, rules: max(firstRules, oldestRules))
    }

    /// Pages that may still be taken.
    var pagesLeft: UInt32 { pagesAllowed &- min(pagesAllowed, pagePool.count) }

    private var nodesLeft: UInt32 {
        let allowed = Self.nodeCapacity(pageCapacity: pagesAllowed)
        return allowed &- min(allowed, nodePool.count)
    }

    /// Whether a page may be taken wherever it is: all that there could be have room, and then so
    /// have their nodes, or there is still enough.
    var hasRoomAnywhere: Bool {
        rangePages <= UInt64(pagesAllowed)
            || pagesLeft != 0 && nodesLeft >= PriceBlock.nodesPerPageMax
    }

    /// Whether an order may rest at a tick: there is its page, or there are a free one and the
    /// nodes that it lacks. It is asked when nothing has happened yet, and of who has traded first
    /// once more; in between pages are only given back.
    @inline(__always)
    func hasRoom(_ instrument: UInt32, _ tick: Int64) -> Bool {
        guard arePagesShort else { return true }
        return pagesLeft == 0
            ? ladder.hasPage(instruments[instrument], tick)
            : ladder.nodesLacking(instruments[instrument], tick) <= nodesLeft
    }

    /// Pages were taken or given back, or what may be in use is another.
    mutating func countPages() {
        arePagesShort = !hasRoomAnywhere
        setUsualOrdersMax()
    }

    /// While pages are short, or any account is stopped, no new order is usual.
    mutating func setUsualOrdersMax() {
        usualOrdersMax =
            killedAccountCount == 0 && !arePagesShort ? memoryLimits.orderCapacity : 0
    }

    /// The level at which an order is about to rest; `hasRoom` is true of it.
    @inline(__always)
    mutating func levelToRest(_ instrument: UInt32, isSell: Bool, _ tick: Int64) -> UInt32 {
        var page = ladder.page(instruments[instrument], tick)
        if page == 0 { page = takePage(instrument, tick) }
        return ladder.level(ofPage: page, isSell: isSell, tick)
    }

    // MARK: Pages

    @inline(never)
    private mutating func takePage(_ instrument: UInt32, _ tick: Int64) -> UInt32 {
        let children = ladder.children
        var node = instruments[instrument].rootNode
        if node == 0 {
            let height = PriceBlock.rootHeight(tickCount: instruments[instrument].tickCount)
            node = takeNode(PriceBlock(height: height))
            instruments[instrument].rootNode = node
        }
        while ladder.nodes[node].height > 1 {
            let index = ladder.childIndex(in: node, tick)
            if children[index] == 0 {
                let height = ladder.nodes[node].height &- 1
                children[index] = takeNode(
                    PriceBlock(
                        number: tick &>> Int64(6 &* (height &+ 1)), parent: node, height: height))
            }
            node = children[index]
        }
        let page = pagePool.allocate()
        precondition(page != 0, "who rests was told that there is room")
        ladder.pages[page] = PriceBlock(number: tick &>> 6, parent: node)
        children[ladder.childIndex(in: node, tick)] = page
        countPages()
        return page
    }

    private mutating func takeNode(_ block: PriceBlock) -> UInt32 {
        let node = nodePool.allocate()
        precondition(node != 0, "who rests was told that there is room")
        ladder.nodes[node] = block
        return node
    }

    /// Gives a page without orders back, and the nodes that have nothing then.
    private mutating func freePage(_ page: UInt32, of instrument: UInt32) {
        let tick = ladder.pages[page].number &<< 6
        var node = ladder.pages[page].parent
        pagePool.free(page)
        ladder.children[ladder.childIndex(in: node, tick)] = 0
        while node != 0, ladder.nodes[node].isEmpty {
            let parent = ladder.nodes[node].parent
            nodePool.free(node)
            if instruments[instrument].nearNode == node { instruments[instrument].nearNode = 0 }
            if parent == 0 {
                instruments[instrument].rootNode = 0
            } else {
                ladder.children[ladder.childIndex(in: parent, tick)] = 0
            }
            node = parent
        }
        countPages()
    }

    // MARK: Prices that have orders

    /// A level has its first order.
    @inline(never)
    mutating func openLevel(of slot: UInt32) {
        let instrument = orders[slot].instrument
        let level = orders[slot].level
        let (page, isSell) = (level &>> 7, level & 64 != 0)
        let pages = ladder.pages
        let digit = PriceBlock.digit(Int64(level), isSell: isSell)
        if pages[page].set(digit, isSell: isSell) == 0 { openPage(page, isSell: isSell) }
        instruments[instrument].nearNode = pages[page].parent
        let tick = pages[page].number &<< 6 | Int64(level & 63)
        let rank = instruments[instrument].rank(isSell: isSell, tick)
        if rank < instruments[instrument].best(isSell: isSell) {
            instruments[instrument].setBest(isSell: isSell, rank, level: level)
        }
    }

    /// A level has lost its last order.
    @inline(never)
    mutating func closeLevel(of slot: UInt32) {
        let instrument = orders[slot].instrument
        let level = orders[slot].level
        let (page, isSell) = (level &>> 7, level & 64 != 0)
        let digit = PriceBlock.digit(Int64(level), isSell: isSell)
        let left = ladder.pages[page].clear(digit, isSell: isSell)
        let wasBest = instruments[instrument].bestLevel(isSell: isSell) == level
        guard left != 0 else {
            return closePage(page, of: instrument, isSell: isSell, wasBest: wasBest)
        }
        // Whoever is left was behind the best.
        if wasBest { setBest(instrument, isSell: isSell, toFirstOf: page) }
    }

    /// A page has its first order of a side, and so may have the nodes above.
    private func openPage(_ page: UInt32, isSell: Bool) {
        let nodes = ladder.nodes
        var (number, node) = (ladder.pages[page].number, ladder.pages[page].parent)
        while node != 0,
            nodes[node].set(PriceBlock.digit(number, isSell: isSell), isSell: isSell) == 0
        {
            (number, node) = (nodes[node].number, nodes[node].parent)
        }
    }

    /// A page has lost the last order of a side.
    @inline(never)
    private mutating func closePage(
        _ page: UInt32, of instrument: UInt32, isSell: Bool, wasBest: Bool
    ) {
        let nodes = ladder.nodes
        var (number, node) = (ladder.pages[page].number, ladder.pages[page].parent)
        while node != 0,
            nodes[node].clear(PriceBlock.digit(number, isSell: isSell), isSell: isSell) == 0
        {
            (number, node) = (nodes[node].number, nodes[node].parent)
        }
        if wasBest {
            if node == 0 {
                instruments[instrument].setBest(isSell: isSell, InstrumentState.none, level: 0)
            } else {
                let next = ladder.firstPage(below: node, isSell: isSell)
                setBest(instrument, isSell: isSell, toFirstOf: next)
            }
        }
        if ladder.pages[page].isEmpty { freePage(page, of: instrument) }
    }

    @inline(__always)
    private func setBest(_ instrument: UInt32, isSell: Bool, toFirstOf page: UInt32) {
        let tick = ladder.firstTick(ofPage: page, isSell: isSell)
        instruments[instrument].setBest(
            isSell: isSell, instruments[instrument].rank(isSell: isSell, tick),
            level: ladder.level(ofPage: page, isSell: isSell, tick))
    }
}
