// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// What a command sets off: the trades of an auction, see `uncross`, and triggers. Behind it, and
// behind each order that was triggered, the triggers are looked at: those met from below by the
// highest trade since they were last looked at, lowest trigger first; then those met from above by
// the lowest, highest trigger first; of one trigger the older first. When none is met any more,
// what trails moves by the last trade.
//
// A command takes so many steps at most; what is left goes on behind the next command, whatever
// that is. A command behind which something may follow ends with `closed`.
extension Engine {
    /// Orders triggered and triggers moved behind one command, at most.
    static let triggersPerCommand: UInt32 = 1_024
    /// No more are triggered when a command has made so many trades: their numbers have 16 bits.
    static let tradesPerCommand = UInt16.max - UInt16(stepsPerOrder)

    /// From here on the command's events are not its last.
    mutating func closeLate() {
        guard !pending.isLate else { return }
        pending.isLate = true
        pending.triggersLeft = Self.triggersPerCommand
        pending.closing = closing
        closing = []
    }

    /// Goes on with what was set off; answers whether the command is complete.
    @inline(never)
    mutating func finish(into outbox: inout EventOutbox) -> Bool {
        pending.phase = .finish
        while firstInLine != 0, pending.triggersLeft != 0,
            pending.tradeIndex <= Self.tradesPerCommand
        {
            if sliceIsFull(outbox) { return false }
            let instrument = firstInLine
            guard markets[instrument].isContinuous else {
                // What waits is looked at again when trading goes on.
                if markets[instrument].isUncrossing {
                    uncross(instrument, into: &outbox)
                } else if isCallOver(instrument) {
                    endCall(instrument, into: &outbox)
                } else {
                    indicateIfDue(instrument, into: &outbox)
                    leaveLine()
                }
                continue
            }
            let extra = nextTriggered(instrument)
            if extra != 0 {
                pending.triggersLeft &-= 1
                pending.phase = .none
                guard trigger(extra, into: &outbox) else { return false }
                pending.phase = .finish
                continue
            }
            // A trigger that moves is not met by the trades that were before.
            forgetTrades(instrument)
            if moveTrail(instrument) {
                pending.triggersLeft &-= 1
            } else {
                leaveLine()
            }
        }
        guard workOff(into: &outbox) else { return false }
        pending.phase = .none
        pending.isLate = false
        emit(Event(kind: .closed, attributes: pending.closing), into: &outbox)
        return true
    }

    /// The next order of an instrument whose trigger is met, or 0.
    private func nextTriggered(_ instrument: UInt32) -> UInt32 {
        let rising = triggers.first(of: markets[instrument].triggers[0])
        if rising != 0, extras[rising].triggerTick <= markets[instrument].highTick {
            return rising
        }
        let falling = triggers.first(of: markets[instrument].triggers[1])
        return falling != 0 && extras[falling].triggerTick >= markets[instrument].lowTick
            ? falling : 0
    }

    /// Sends an order that waited through the book, as if it came in now; answers whether it is
    /// done.
    private mutating func trigger(_ extra: UInt32, into outbox: inout EventOutbox) -> Bool {
        let slot = extras[extra].slot
        let node = orders[slot]
        report(node.event(.triggered, [], lots: node.totalLots), into: &outbox)
        removeWaiting(slot)
        extras[extra].trailStepTicks = 0
        extras[extra].trailOffsetTicks = 0
        let keeps = extras[extra].isNeeded
        detach(slot)
        if !keeps { extraPool.free(extra) }
        let state = instruments[node.instrument]
        var order = IncomingOrder(
            orderID: node.orderID, reference: node.reference, priceTicks: node.priceTicks,
            totalLots: node.totalLots, leavesLots: node.leavesLots,
            limit: node.traits.isMarket
                ? state.worstTick(isSell: node.isSell)
                : node.priceTicks &- state.lowestPriceTicks,
            session: node.session, account: node.account, instrument: node.instrument,
            traits: node.traits, tradeIndex: pending.tradeIndex,
            indexHash: index.hash(session: node.session, orderID: node.orderID),
            extra: keeps ? extra : 0, stepsLeft: stepsAllowed)
        if markets[node.instrument].bands.isSet { bind(&order) }
        return sweep(&order, into: &outbox)
    }
}
