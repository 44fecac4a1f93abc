// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One price of a book, as tools see it.
public struct BookLevel: Equatable, Sendable {
    /// The price, ticks.
    public var priceTicks: Int64
    /// What all orders there leave, lots.
    public var quantityLots: UInt64
    /// Orders there.
    public var orderCount: Int
}

/// One resting order, as tools see it.
public struct RestingOrder: Equatable, Sendable {
    /// The client's own id.
    public var orderID: UInt64
    /// The exchange's reference.
    public var reference: UInt64
    /// Its session.
    public var session: UInt32
    /// Its account.
    public var account: UInt32
    /// Its instrument.
    public var instrument: UInt32
    /// Buy or sell.
    public var side: Side
    /// Ticks; 0 of a market order.
    public var priceTicks: Int64
    /// Whether it is a market order, in a call: before every price.
    public var isAtMarket: Bool
    /// Total, lots.
    public var totalLots: UInt64
    /// Executed so far, lots.
    public var executedLots: UInt64
    /// What the public sees of it, lots: a peak of an iceberg, nothing of a hidden or market order.
    public var displayedLots: UInt64
}

/// A session, as tools see it.
public struct SessionView: Equatable, Sendable {
    /// The sequence of the next sequenced command, from 1.
    public var expectedSequence: UInt64
    /// Events reported so far.
    public var reportSequence: UInt64
    /// Orders in the book.
    public var openOrders: UInt32
    /// Whether it is logged on.
    public var isLoggedOn: Bool
    /// Whether its orders are cancelled when it ends.
    public var cancelsOnDisconnect: Bool
    /// Whether then also those good till cancel or till time; since rules 3.
    public var cancelsAllOnDisconnect: Bool
    /// Whether a kill switch has stopped it.
    public var isKilled: Bool
    /// Whether it asked for the long reports.
    public var wantsExtendedReports: Bool
    /// The token of its logon; 0 when it is not logged on.
    public var token: UInt32
    /// The client's nonce of its logon.
    public var nonce: UInt64
    /// IPv4 address and port of its logon.
    public var source: UInt64
    /// Heartbeat interval of its logon, milliseconds.
    public var heartbeatMillis: UInt32
}

/// An instrument, as tools see it.
public struct InstrumentView: Equatable, Sendable {
    /// Lowest price, ticks.
    public var lowestPriceTicks: Int64
    /// Highest price, ticks.
    public var highestPriceTicks: Int64
    /// Largest quantity of one order, lots.
    public var quantityLotsMax: UInt64
}

// Reading, for tools, tests and the gateway's session cache: never on the order path.
extension Engine {
    /// Orders in all books.
    public var openOrders: UInt32 { openOrderCount }

    /// Whether the instrument is defined.
    public func isDefined(instrument: UInt32) -> Bool {
        instrument != 0 && instrument <= limits.instrumentCapacity
            && instruments[instrument].tickCount != 0
    }

    /// Ticks of the widest range of prices that an instrument may have which is defined next:
    /// before rules 3 all of them are taken out of those that the log was begun with.
    public var rangeTicksMax: UInt64 {
        let capacity = UInt64(limits.ladderTickCapacity)
        return rulesVersion < 3
            ? capacity - min(ladderTicksUsed, capacity) : InstrumentState.tickCountMax
    }

    /// An instrument, or nil when it is not defined.
    public func instrument(_ number: UInt32) -> InstrumentView? {
        guard isDefined(instrument: number) else { return nil }
        let state = instruments[number]
        return InstrumentView(
            lowestPriceTicks: state.lowestPriceTicks,
            highestPriceTicks: state.lowestPriceTicks + (state.tickCount - 1),
            quantityLotsMax: markets[number].quantityLotsMax)
    }

    /// A session's state, or nil when its number is 0 or above the limit.
    public func session(_ number: UInt32) -> SessionView? {
        guard number &- 1 < limits.sessionCapacity else { return nil }
        let state = sessions[number]
        return SessionView(
            expectedSequence: state.expectedSequence, reportSequence: state.reportSequence,
            openOrders: state.openOrders, isLoggedOn: state.flags & SessionState.loggedOn != 0,
            cancelsOnDisconnect: state.flags & SessionState.cancelOnDisconnect != 0,
            cancelsAllOnDisconnect: state.flags & SessionState.cancelAllOnDisconnect != 0,
            isKilled: state.flags & SessionState.killed != 0,
            wantsExtendedReports: state.flags & SessionState.extendedReports != 0,
            token: state.token, nonce: state.nonce, source: state.source,
            heartbeatMillis: state.heartbeatMillis)
    }

    /// The highest price of a buy, ticks, or nil.
    public func bestBid(instrument: UInt32) -> Int64? {
        levels(instrument: instrument, side: .buy, depth: 1).first?.priceTicks
    }

    /// The lowest price of a sell, ticks, or nil.
    public func bestAsk(instrument: UInt32) -> Int64? {
        levels(instrument: instrument, side: .sell, depth: 1).first?.priceTicks
    }

    /// The best `depth` prices of one side, best first; empty if there is no such instrument.
    public func levels(instrument: UInt32, side: Side, depth: Int = .max) -> [BookLevel] {
        var found: [BookLevel] = []
        walkLevels(instrument: instrument, isSell: side == .sell) { price, level in
            guard found.count < depth else { return false }
            var count = 0
            var slot = level.head
            while slot != 0 {
                count += 1
                slot = links[slot].next
            }
            found.append(
                BookLevel(
                    priceTicks: price, quantityLots: level.quantityLots, orderCount: count))
            return true
        }
        return found
    }

    /// Visits the resting orders of one side: market orders of a call, whose price is 0, oldest
    /// first; then best price first, at one price in the order in which they would trade: those
    /// displayed, oldest first, then those hidden, oldest first.
    public func forEachRestingOrder(
        instrument: UInt32, side: Side, _ visit: (RestingOrder) -> Void
    ) {
        walkOrders(instrument: instrument, isSell: side == .sell) { slot in
            visit(restingOrder(slot))
        }
    }

    /// An open order as tools see it.
    func restingOrder(_ slot: UInt32) -> RestingOrder {
        let node = orders[slot]
        return RestingOrder(
            orderID: node.orderID, reference: node.reference, session: node.session,
            account: node.account, instrument: node.instrument, side: node.isSell ? .sell : .buy,
            priceTicks: node.priceTicks, isAtMarket: isMarketLevel(node.level),
            totalLots: node.totalLots, executedLots: node.executedLots,
            displayedLots: displayedLots(slot))
    }

    /// What the public sees of a resting order, lots.
    func displayedLots(_ slot: UInt32) -> UInt64 {
        let extra = orders[slot].extra == 0 ? OrderExtra() : extras[orders[slot].extra]
        return extra.isUnseen ? 0 : extra.isIceberg ? extra.displayedLots : orders[slot].leavesLots
    }

    /// Visits the slots of the resting orders of one side, market orders first, then best price
    /// first, in the order in which they would trade.
    func walkOrders(instrument: UInt32, isSell: Bool, _ visit: (UInt32) -> Void) {
        func walk(from head: UInt32) {
            var slot = head
            while slot != 0 {
                visit(slot)
                slot = links[slot].next
            }
        }
        guard isDefined(instrument: instrument) else { return }
        walk(from: firstAtMarket(instrument, isSell: isSell))
        walkLevels(instrument: instrument, isSell: isSell) { _, level in
            walk(from: level.head)
            return true
        }
    }

    /// Visits the levels of prices, best first, until `visit` answers false.
    func walkLevels(
        instrument: UInt32, isSell: Bool, _ visit: (Int64, Level) -> Bool
    ) {
        guard isDefined(instrument: instrument) else { return }
        let state = instruments[instrument]
        var rank = state.best(isSell: isSell)
        while rank != InstrumentState.none {
            let tick = state.rank(isSell: isSell, rank)
            let level = levels[ladder.level(state, isSell: isSell, tick)]
            guard visit(state.lowestPriceTicks &+ tick, level) else { return }
            rank = ladder.nextRank(state, isSell: isSell, after: rank)
        }
    }

    /// A digest of the whole state, computed from scratch: instruments, sessions, and the orders in
    /// the order of their books. Like `stateHash` it leaves out what differs from run to run:
    /// timestamps, tokens, the epoch, slots and the seed of the index. For tests and snapshots.
    public func digest() -> UInt64 {
        var hash: UInt64 = 1
        add(timeSeconds)
        add(UInt64(businessDay.rawValue))
        add(shownReferenceCount)
        forEachTableWord(add)
        for position in 0..<backlogCount {
            let work = backlog[backlogOrder[position]]
            let next = nextOrder(ofWorkAt: backlogOrder[position])
            add(work.reference)
            add(work.cancelledCount)
            add(UInt64(work.session) | UInt64(work.flags) << 32)
            add(next == 0 ? 0 : orders[next].orderID)
        }
        func add(_ word: UInt64) { hash = StateHash.mix(hash, word: word) }
        for number in 1...limits.sessionCapacity {
            let state = sessions[number]
            guard state.expectedSequence != 1 || state.flags != 0 else { continue }
            add(UInt64(number) | UInt64(state.flags) << 32)
            add(state.expectedSequence)
            add(state.reportSequence)
            add(UInt64(state.openOrders))
            var slot = entered(after: limits.orderCapacity + number)
            while slot != 0 {
                add(orders[slot].orderID)
                slot = entered(after: slot)
            }
        }
        for number in 1...limits.instrumentCapacity where isDefined(instrument: number) {
            let state = instruments[number]
            add(UInt64(number))
            add(UInt64(state.tickCount))
            add(UInt64(bitPattern: state.lowestPriceTicks))
            add(markets[number].quantityLotsMax)
            for word in words(ofMarket: number) { add(word) }
            for side in [Side.buy, .sell] {
                forEachRestingOrder(instrument: number, side: side) { order in
                    add(order.displayedLots)
                    add(order.orderID)
                    add(order.reference)
                    add(UInt64(order.session) | UInt64(order.account) << 32)
                    add(UInt64(bitPattern: order.priceTicks))
                    add(order.totalLots)
                    add(order.executedLots)
                }
            }
        }
        forEachWaiting { slot in
            add(orders[slot].orderID)
            add(orders[slot].reference)
            add(UInt64(bitPattern: extras[orders[slot].extra].triggerTick))
        }
        return hash
    }

    /// What the tables hold that operators fill, for the digest.
    private func forEachTableWord(_ add: (UInt64) -> Void) {
        for position in 0..<killedAccountCount { add(UInt64(killedAccounts[position])) }
        for position in 0..<tradeGroupCount {
            let member = tradeGroups[position]
            add(UInt64(member.account) | UInt64(member.group) << 32)
        }
        add(dayBeganSequence)
        for position in 0..<bustCount {
            add(busts[position].sequence)
            add(busts[position].index)
        }
        forEachTickRow { entry in
            add(UInt64(entry.table) | UInt64(entry.number) << 16 | UInt64(entry.count) << 32)
            add(UInt64(bitPattern: entry.row.fromTicks))
            add(UInt64(entry.row.stepTicks))
        }
    }

    /// What a market has, for the digest.
    private func words(ofMarket number: UInt32) -> [UInt64] {
        let market = markets[number]
        let bands = market.bands
        let rules = orderRules[number]
        let doing: UInt64 =
            market.isPriced ? 3 : market.isUncrossing ? 1 : market.owesIndication ? 2 : 0
        return [
            UInt64(market.trading.rawValue) | doing << 32,
            UInt64(bitPattern: market.referenceTick), UInt64(bitPattern: market.staticTick),
            UInt64(market.callEndSeconds) | UInt64(market.phaseSeconds) << 32,
            UInt64(bands.staticWidth) | UInt64(bands.dynamicWidth) << 32,
            UInt64(bands.auctionSeconds) | UInt64(bands.action.rawValue) << 32
                | (bands.isInBasisPoints ? 1 << 40 : 0),
            rules.lotStep, rules.quantityLotsMin, rules.valueMax, UInt64(rules.tickTable),
        ]
    }
}
