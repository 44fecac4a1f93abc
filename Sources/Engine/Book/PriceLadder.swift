// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// The prices of all instruments, and which of them have orders.
///
/// A price has levels, one of buys and one of sells, only while there are orders within its page of
/// 64 ticks: pages come out of one pool when the first of them rests, and go back when the last is
/// gone. So a range of prices costs nothing, and may be as wide as it likes. From instrument to
/// page lead nodes, each of 64 of what is below: a tree of a fixed height that is there only where
/// it has pages. The node of pages in which an order last came to a new price is looked into first,
/// and is nearly always right: of the ladder around the market it has 4,096 ticks, and it follows
/// the market by being another one.
///
/// What is in use follows from the orders and from nothing else.
struct PriceLadder {
    /// 128 of each page: 64 of buys, 64 of sells, for in a call both may stand at one price. Those
    /// of page 0 are always empty. Behind all pages those that are at no price.
    let levels: Table<Level>
    let pages: Table<PriceBlock>
    let nodes: Table<PriceBlock>
    /// 64 of each node: pages or nodes, 0 = none. Node 0 has nothing.
    let children: Table<UInt32>

    /// Levels of all pages: the first that is at no price.
    @inline(__always) var priceLevelCount: UInt32 {
        UInt32(truncatingIfNeeded: pages.count &* 128)
    }

    // MARK: Levels

    /// The level of a tick on one side; where no order rests near it, one that is always empty.
    @inline(__always)
    func level(_ instrument: InstrumentState, isSell: Bool, _ tick: Int64) -> UInt32 {
        level(ofPage: page(instrument, tick), isSell: isSell, tick)
    }

    @inline(__always)
    func level(ofPage page: UInt32, isSell: Bool, _ tick: Int64) -> UInt32 {
        page &<< 7 | UInt32(truncatingIfNeeded: sideIndex(isSell: isSell)) &<< 6
            | UInt32(truncatingIfNeeded: tick) & 63
    }

    /// The page of a tick, or 0. Who only fetches memory may ask for ticks that there are not.
    @inline(__always)
    func page(_ instrument: InstrumentState, _ tick: Int64) -> UInt32 {
        var node = instrument.rootNode
        if instrument.tickCount > PriceBlock.span(height: 1) {
            if instrument.tickCount <= PriceBlock.span(height: 2) {
                node = children[Self.childIndex(in: node, tick, height: 2)]
            } else {
                node = instrument.nearNode
                guard nodes[node].number == tick &>> 12 else {
                    return Self.farPage(root: instrument.rootNode, tick, nodes, children)
                }
            }
        }
        return children[Self.childIndex(in: node, tick, height: 1)]
    }

    /// Fetches where the page of a tick is told, in a narrow instrument: up to 4,096 ticks.
    @inline(__always)
    func prefetchPage(_ instrument: InstrumentState, _ tick: Int64) {
        children.prefetch(Self.childIndex(in: instrument.rootNode, tick, height: 1))
    }

    /// Not of a ladder, which would have to be in memory for a call.
    @inline(never)
    private static func farPage(
        root: UInt32, _ tick: Int64, _ nodes: Table<PriceBlock>, _ children: Table<UInt32>
    ) -> UInt32 {
        var node = root
        while nodes[node].height > 1 { node = children[childIndex(in: node, tick, nodes)] }
        return children[childIndex(in: node, tick, nodes)]
    }

    /// Where among the children a node has what is for a tick.
    @inline(__always)
    func childIndex(in node: UInt32, _ tick: Int64) -> UInt32 {
        Self.childIndex(in: node, tick, nodes)
    }

    @inline(__always)
    private static func childIndex(
        in node: UInt32, _ tick: Int64, _ nodes: Table<PriceBlock>
    ) -> UInt32 {
        childIndex(in: node, tick, height: nodes[node].height)
    }

    @inline(__always)
    private static func childIndex(in node: UInt32, _ tick: Int64, height: UInt32) -> UInt32 {
        node &<< 6 | UInt32(truncatingIfNeeded: tick &>> Int64(6 &* height)) & 63
    }

    @inline(never)
    func hasPage(_ instrument: InstrumentState, _ tick: Int64) -> Bool {
        page(instrument, tick) != 0
    }

    /// How many nodes are lacking on the way to a tick.
    @inline(never)
    func nodesLacking(_ instrument: InstrumentState, _ tick: Int64) -> UInt32 {
        var height = PriceBlock.rootHeight(tickCount: instrument.tickCount)
        var node = instrument.rootNode
        while node != 0 {
            height &-= 1
            guard height != 0 else { return 0 }
            node = children[childIndex(in: node, tick)]
        }
        return height
    }

    // MARK: Prices that have orders, the best first

    /// The best tick of one side on a page that has some.
    func firstTick(ofPage page: UInt32, isSell: Bool) -> Int64 {
        tick(
            ofPage: page, UInt32(pages[page].bits(isSell: isSell).trailingZeroBitCount),
            isSell: isSell)
    }

    private func tick(ofPage page: UInt32, _ digit: UInt32, isSell: Bool) -> Int64 {
        pages[page].number &<< 6 | Int64(PriceBlock.place(digit, isSell: isSell))
    }

    /// The page with the best price of one side below a node that has some.
    func firstPage(below node: UInt32, isSell: Bool) -> UInt32 {
        firstPage(below: node, nodes[node].bits(isSell: isSell), isSell: isSell)
    }

    /// The same of those of its children that `bits` names.
    private func firstPage(below top: UInt32, _ topBits: UInt64, isSell: Bool) -> UInt32 {
        var (node, bits) = (top, topBits)
        while true {
            let digit = UInt32(bits.trailingZeroBitCount)
            let child = children[node &<< 6 | PriceBlock.place(digit, isSell: isSell)]
            guard nodes[node].height > 1 else { return child }
            node = child
            bits = nodes[node].bits(isSell: isSell)
        }
    }

    /// The next rank behind another at which one side has orders, or `InstrumentState.none`.
    func nextRank(_ instrument: InstrumentState, isSell: Bool, after rank: Int64) -> Int64 {
        let tick = instrument.rank(isSell: isSell, rank)
        let page = page(instrument, tick)
        let near = pages[page].bits(
            behind: PriceBlock.digit(tick, isSell: isSell), isSell: isSell)
        guard near == 0 else {
            let digit = UInt32(near.trailingZeroBitCount)
            return instrument.rank(
                isSell: isSell, self.tick(ofPage: page, digit, isSell: isSell))
        }
        // The lowest node on the way that has something behind it.
        var (found, bits): (UInt32, UInt64) = (0, 0)
        var node = instrument.rootNode
        while node != 0 {
            let number = tick &>> Int64(6 &* nodes[node].height)
            let behind = nodes[node].bits(
                behind: PriceBlock.digit(number, isSell: isSell), isSell: isSell)
            if behind != 0 { (found, bits) = (node, behind) }
            guard nodes[node].height > 1 else { break }
            node = children[childIndex(in: node, tick)]
        }
        guard found != 0 else { return InstrumentState.none }
        let next = firstPage(below: found, bits, isSell: isSell)
        return instrument.rank(isSell: isSell, firstTick(ofPage: next, isSell: isSell))
    }

    /// The worst rank at which one side has orders; it has some.
    func lastRank(_ instrument: InstrumentState, isSell: Bool) -> Int64 {
        var node = instrument.rootNode
        while true {
            let last = PriceBlock.place(nodes[node].lastDigit(isSell: isSell), isSell: isSell)
            let child = children[node &<< 6 | last]
            guard nodes[node].height > 1 else {
                let digit = pages[child].lastDigit(isSell: isSell)
                return instrument.rank(
                    isSell: isSell, tick(ofPage: child, digit, isSell: isSell))
            }
            node = child
        }
    }
}

/// 64 neighbours among the prices of one instrument, and which of them have orders: a page has 64
/// ticks, a node has 64 pages, or 64 nodes.
///
///     node of nodes                 0 ... 262,143 ticks from the lowest price
///      └─ node of pages, number 5   20,480 ... 24,575
///          └─ page 325              20,800 ... 20,863
///
/// A digit is where among its neighbours something is, counted as ranks are: see `InstrumentState`.
struct PriceBlock: BitwiseCopyable {
    private var sides: [2 of UInt64]  // 0  bit n: there are orders at digit n
    var number: Int64  //              16  its first tick, in units of all that it spans
    var parent: UInt32  //             24  the node that it is in; 0 = none, it is the root
    var height: UInt32  //             28  0 a page, 1 a node of pages, 2 a node of such, …

    /// One without orders.
    init(number: Int64 = 0, parent: UInt32 = 0, height: UInt32 = 0) {
        sides = [0, 0]
        self.number = number
        self.parent = parent
        self.height = height
    }

    /// The node where there is none: it has the number of no tick.
    static let none = PriceBlock(number: -1)
    /// Ticks of a page.
    static let tickCount: UInt32 = 64
    /// Nodes between an instrument and a page, at most: 64^11 ticks are more than there may be.
    static let nodesPerPageMax: UInt32 = 10

    /// Ticks of a block.
    @inline(__always) static func span(height: Int64) -> Int64 { 64 &<< (6 &* height) }

    /// Pages of so many ticks, the last of them perhaps in part.
    static func pages(ofTicks ticks: UInt64) -> UInt64 { (ticks &+ 63) / UInt64(tickCount) }

    /// The height of the node in which so many ticks are.
    static func rootHeight(tickCount: Int64) -> UInt32 {
        var height: UInt32 = 1
        while (tickCount &- 1) >> Int64(6 &* (height &+ 1)) != 0 { height &+= 1 }
        return height
    }

    /// The digit of a tick, or of a block with a number.
    @inline(__always) static func digit(_ number: Int64, isSell: Bool) -> UInt32 {
        place(UInt32(truncatingIfNeeded: number) & 63, isSell: isSell)
    }

    /// Where a digit is in memory; and the other way round.
    @inline(__always) static func place(_ digit: UInt32, isSell: Bool) -> UInt32 {
        digit ^ ((UInt32(truncatingIfNeeded: sideIndex(isSell: isSell)) &- 1) & 63)
    }

    @inline(__always) func bits(isSell: Bool) -> UInt64 { sides[sideIndex(isSell: isSell)] }

    /// Those behind a digit.
    @inline(__always) func bits(behind digit: UInt32, isSell: Bool) -> UInt64 {
        bits(isSell: isSell) & ~1 &<< UInt64(digit)
    }

    /// The worst that has orders; there is one.
    func lastDigit(isSell: Bool) -> UInt32 {
        63 &- UInt32(bits(isSell: isSell).leadingZeroBitCount)
    }

    var isEmpty: Bool { sides[0] | sides[1] == 0 }

    /// Says that there are orders at a digit; answers what there was on that side.
    @inline(__always) mutating func set(_ digit: UInt32, isSell: Bool) -> UInt64 {
        let before = bits(isSell: isSell)
        sides[sideIndex(isSell: isSell)] = before | 1 &<< UInt64(digit)
        return before
    }

    /// Says that there are none any more; answers what is left on that side.
    @inline(__always) mutating func clear(_ digit: UInt32, isSell: Bool) -> UInt64 {
        let left = bits(isSell: isSell) & ~(1 &<< UInt64(digit))
        sides[sideIndex(isSell: isSell)] = left
        return left
    }
}
