// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Orders that wait for their trigger: stops, those that take a profit, and those that trail. They
// are open, and in no book.
extension Engine {
    /// Accepts an order that waits, and notes what it waits for.
    @inline(never)
    mutating func acceptWaiting(
        _ order: IncomingOrder, _ attributes: EventAttributes, into outbox: inout EventOutbox
    ) -> Bool {
        accept(order, attributes, into: &outbox)
        let slot = take(order)
        let instrument = order.instrument
        if markets[instrument].waitingCount == 0 { forgetTrades(instrument) }
        markets[instrument].waitingCount &+= 1
        setUsual(instrument)
        insertWaiting(slot)
        standInLine(instrument)
        return true
    }

    /// The orders whose trigger is not met yet, by when it would be.
    var triggers: WaitingTree { WaitingTree(kind: .trigger, extras: extras, seed: indexSeed) }
    /// Those of them whose trigger moves, by when it would.
    var trails: WaitingTree { WaitingTree(kind: .trail, extras: extras, seed: indexSeed) }

    /// Puts an order that waits into the trees of its market.
    func insertWaiting(_ slot: UInt32) {
        let extra = orders[slot].extra
        let instrument = orders[slot].instrument
        let side = extras[extra].triggerSide
        setMoveTick(extra)
        triggers.insert(extra, into: &markets[instrument].triggers[side])
        if extras[extra].trails { trails.insert(extra, into: &markets[instrument].trails[side]) }
    }

    /// Takes an order that waits out of the trees, and out of the count.
    mutating func removeWaiting(_ slot: UInt32) {
        let extra = orders[slot].extra
        let instrument = orders[slot].instrument
        removeFromTrees(extra, instrument)
        extras[extra].flags &= ~(OrderExtra.waits | OrderExtra.triggersFalling)
        markets[instrument].waitingCount &-= 1
        setUsual(instrument)
    }

    private func removeFromTrees(_ extra: UInt32, _ instrument: UInt32) {
        let side = extras[extra].triggerSide
        triggers.remove(extra, from: &markets[instrument].triggers[side])
        if extras[extra].trails { trails.remove(extra, from: &markets[instrument].trails[side]) }
    }

    /// At which price of the market the trigger of an order that trails moves next.
    private func setMoveTick(_ extra: UInt32) {
        let away = Int64(extras[extra].trailOffsetTicks) &+ Int64(extras[extra].trailStepTicks)
        let trigger = extras[extra].triggerTick
        extras[extra].moveTick =
            extras[extra].triggersFalling ? trigger &+ away : trigger &- away
    }

    /// Only where nobody waits may an order go the usual way, for its trades are looked at by
    /// nobody, only where orders trade as they come in, only where they do at any price, and only
    /// where nothing else is asked of them: see `newRuledOrder`.
    func usualLots(_ instrument: UInt32) -> UInt64 {
        markets[instrument].isUsual && !orderRules[instrument].isSet
            ? markets[instrument].quantityLotsMax : 0
    }

    func setUsual(_ instrument: UInt32) {
        instruments[instrument].usualLotsMax = usualLots(instrument)
    }

    // MARK: The market as triggers see it

    /// A trade: triggers will be looked at, if there are any.
    @inline(never)
    mutating func noteTrade(_ instrument: UInt32, _ tick: Int64) {
        guard markets[instrument].waitingCount != 0 else { return }
        markets[instrument].highTick = max(markets[instrument].highTick, tick)
        markets[instrument].lowTick = min(markets[instrument].lowTick, tick)
        standInLine(instrument)
    }

    /// What counts from here on is the last trade.
    func forgetTrades(_ instrument: UInt32) {
        let last = instruments[instrument].lastTick
        let hasTraded = last != InstrumentState.noTick
        markets[instrument].highTick = hasTraded ? last : .min
        markets[instrument].lowTick = hasTraded ? last : .max
    }

    mutating func standInLine(_ instrument: UInt32) {
        guard !markets[instrument].isInLine else { return }
        markets[instrument].isInLine = true
        markets[instrument].nextInLine = 0
        if lastInLine == 0 {
            firstInLine = instrument
        } else {
            markets[lastInLine].nextInLine = instrument
        }
        lastInLine = instrument
    }

    mutating func leaveLine() {
        let instrument = firstInLine
        markets[instrument].isInLine = false
        firstInLine = markets[instrument].nextInLine
        if firstInLine == 0 { lastInLine = 0 }
    }

    // MARK: Trails

    /// Moves the trigger of the next order that trails so far behind the last trade as it may be,
    /// in whole steps; false when none is to move. Those triggered from above come first.
    mutating func moveTrail(_ instrument: UInt32) -> Bool {
        guard instruments[instrument].lastTick != InstrumentState.noTick else { return false }
        return moveTrail(instrument, side: 1) || moveTrail(instrument, side: 0)
    }

    private mutating func moveTrail(_ instrument: UInt32, side: Int) -> Bool {
        let extra = trails.first(of: markets[instrument].trails[side])
        guard extra != 0 else { return false }
        // Who is triggered from above follows a market that rises.
        let sign: Int64 = side == 1 ? 1 : -1
        let last = instruments[instrument].lastTick
        let ticks = (last &- extras[extra].moveTick) &* sign
        guard ticks >= 0 else { return false }
        let step = Int64(extras[extra].trailStepTicks)
        removeFromTrees(extra, instrument)
        // One step, and as many more as fit.
        extras[extra].triggerTick &+= sign &* (ticks / step &+ 1) &* step
        insertWaiting(extras[extra].slot)
        return true
    }
}
