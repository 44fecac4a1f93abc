// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The price of an auction, and what trades at it: nothing where there is no price.
///
/// It is looked for from the lowest to the highest of all limits and the reference. A market order
/// takes part at every price, so it is as good as one at the end of these that is best for the
/// other side: then the book is one of limits.
///
/// Best buys against best sells, level by level, give the largest volume, and the prices between
/// the last sell and the last buy that took part are those at which so much trades. From there up
/// fewer buys are left over and more sells, so the prices with the least imbalance lie together as
/// well, around the gap between the best buy and the best sell that are left.
struct AuctionPrice {
    /// Ticks from the instrument's lowest price.
    var tick: Int64 = 0
    var volumeLots: UInt64 = 0
    /// What would trade more at this price if somebody were on the other side.
    var imbalanceLots: UInt64 = 0
    var isSellImbalance = false
}

/// One side of a crossed book as an auction uses it up, best first.
private struct AuctionSide {
    let state: InstrumentState
    let ladder: PriceLadder
    let isSell: Bool
    var rank: Int64
    /// Left at `rank`.
    var lots: UInt64 = 0

    init(_ state: InstrumentState, _ ladder: PriceLadder, isSell: Bool) {
        self.state = state
        self.ladder = ladder
        self.isSell = isSell
        rank = state.best(isSell: isSell)
        load()
    }

    /// From the lowest to the highest limit; nothing where there is none.
    var span: TickBand {
        guard !isEmpty else { return .nothing }
        let worst = state.rank(
            isSell: isSell, ladder.lastRank(state, isSell: isSell))
        return TickBand(low: min(tick, worst), high: max(tick, worst))
    }

    /// Puts market orders at a tick that no limit is better than.
    mutating func add(atMarket lots: UInt64, at tick: Int64) {
        guard lots != 0 else { return }
        rank = state.rank(isSell: isSell, tick)
        load()
        self.lots &+= lots
    }

    var isEmpty: Bool { rank == InstrumentState.none }
    /// Outside of the ladder, behind its end, when nothing is left.
    var tick: Int64 {
        isEmpty ? (isSell ? state.tickCount : -1) : state.rank(isSell: isSell, rank)
    }
    /// The tick of the next level behind this one, or what `tick` is when there is none.
    var nextTick: Int64 {
        var next = self
        next.advance()
        return next.tick
    }

    mutating func take(_ lots: UInt64) {
        self.lots &-= lots
        if self.lots == 0 { advance() }
    }

    private mutating func advance() {
        guard !isEmpty else { return }
        rank = ladder.nextRank(state, isSell: isSell, after: rank)
        load()
    }

    private mutating func load() {
        lots = isEmpty ? 0 : ladder.levels[ladder.level(state, isSell: isSell, tick)].quantityLots
    }
}

extension Engine {
    /// The price at which a crossed book trades: of most volume, then of the least imbalance, then
    /// nearest to `reference`, which is the last trade where none was given (`noTick`). Without
    /// either the middle; of two middles the higher one if buys are left over at it, else the
    /// lower. Takes as long as there are levels that trade. Nothing trades where only market orders
    /// are left and there is no reference.
    func auctionPrice(_ instrument: UInt32, near reference: Int64) -> AuctionPrice {
        let state = instruments[instrument]
        var buys = AuctionSide(state, ladder, isSell: false)
        var sells = AuctionSide(state, ladder, isSell: true)
        let near = reference == InstrumentState.noTick ? state.lastTick : reference
        var price = AuctionPrice()
        if hasMarketOrders(instrument) {
            var span = buys.span.joined(with: sells.span)
            if near != InstrumentState.noTick {
                span = span.joined(with: TickBand(low: near, high: near))
            }
            guard span.low <= span.high else { return price }
            buys.add(atMarket: lotsAtMarket(instrument, isSell: false), at: span.high)
            sells.add(atMarket: lotsAtMarket(instrument, isSell: true), at: span.low)
        }
        // Where the last lot that trades stands: at these prices and between them all of it trades.
        var (high, low) = (buys.tick, sells.tick)
        while buys.tick >= sells.tick, !buys.isEmpty, !sells.isEmpty {
            (high, low) = (buys.tick, sells.tick)
            let lots = min(buys.lots, sells.lots)
            price.volumeLots &+= lots
            buys.take(lots)
            sells.take(lots)
        }
        // From the best buy that is left down there are too many buys, from the best sell up too
        // many sells, and between them neither.
        let (lastShort, firstLong) = (buys.tick, sells.tick)
        let isBalanced = max(low, lastShort &+ 1) <= min(high, firstLong &- 1)
        if isBalanced {
            low = max(low, lastShort &+ 1)
            high = min(high, firstLong &- 1)
        } else {
            let buysCount = lastShort >= low && !buys.isEmpty
            let sellsCount = firstLong <= high && !sells.isEmpty
            let fromBuys = max(low, buys.nextTick &+ 1)
            let toSells = min(high, sells.nextTick &- 1)
            if buysCount, !sellsCount || buys.lots < sells.lots {
                (low, high) = (fromBuys, min(high, lastShort))
            } else if !buysCount || sells.lots < buys.lots {
                (low, high) = (max(low, firstLong), toSells)
            } else {
                (low, high) = (fromBuys, toSells)
            }
        }
        price.tick = nearest(low, high, near, buysThrough: lastShort)
        price.isSellImbalance = price.tick >= firstLong
        price.imbalanceLots =
            price.tick <= lastShort ? buys.lots : price.isSellImbalance ? sells.lots : 0
        return price
    }

    private func lotsAtMarket(_ instrument: UInt32, isSell: Bool) -> UInt64 {
        levels[marketLevel(instrument, isSell: isSell)].quantityLots
    }

    /// The tick of `low ... high` nearest to the reference; buys are left over up to `buysThrough`.
    private func nearest(
        _ low: Int64, _ high: Int64, _ reference: Int64, buysThrough: Int64
    ) -> Int64 {
        guard reference == InstrumentState.noTick else {
            return max(low, min(high, reference))
        }
        let middle = low &+ (high &- low) / 2
        let isBetween = (high &- low) & 1 != 0
        return isBetween && middle &+ 1 <= buysThrough ? middle &+ 1 : middle
    }
}
