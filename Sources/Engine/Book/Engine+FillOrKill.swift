// SPDX-License-Identifier: Apache-2.0
internal import Wire

// A fill-or-kill order, and one with a minimum quantity, looks before it leaps: it is accepted,
// what it could trade is counted, and then it either trades that much or is cancelled without a
// trade.
//
// With `cancelOldest` orders of the same account or trade group are passed over, as matching would
// cancel them; with every other prevention counting stops at the first of them.
extension Engine {
    /// Steps (levels or orders looked at) of one slice for each event that a slice may have.
    private static var scanStepsPerEvent: UInt64 { 8 }

    /// Starts counting for an accepted order; answers whether the command is complete.
    @inline(never)
    mutating func startScan(_ order: IncomingOrder, into outbox: inout EventOutbox) -> Bool {
        pending.phase = .scan
        pending.order = order
        pending.rank = instruments[order.instrument].best(isSell: !order.traits.isSell)
        pending.slot = 0
        pending.countedLots = 0
        pending.countedSteps = 0
        return scan(into: &outbox)
    }

    /// Goes on counting, and when that is settled, with the order.
    @inline(never)
    mutating func scan(into outbox: inout EventOutbox) -> Bool {
        let steps = sliceEvents &* Self.scanStepsPerEvent
        guard let canFill = count(steps: steps) else { return false }
        pending.phase = .none
        var order = pending.order
        guard canFill else {
            return leave(order, because: untradedReason(order), into: &outbox)
        }
        return sweep(&order, into: &outbox)
    }

    /// The steps that it takes to trade all of a resting order.
    @inline(__always)
    private func steps(with slot: UInt32) -> UInt64 {
        let extra = orders[slot].extra
        guard extra != 0, extras[extra].isIceberg else { return 1 }
        let unseen = orders[slot].leavesLots &- extras[extra].displayedLots
        let peak = extras[extra].peakLots
        return 1 &+ unseen / peak &+ (unseen % peak == 0 ? 0 : 1)
    }

    /// Why an order leaves that trades nothing at all.
    @inline(__always)
    func untradedReason(_ order: borrowing IncomingOrder) -> Reason {
        let traits = order.traits
        guard order.minimumLots != 0, !traits.isFillOrKill else { return remainderReason(traits) }
        return .minimumQuantity
    }

    /// Whether the order can trade its minimum, or nil when the steps are used up first.
    private mutating func count(steps: UInt64) -> Bool? {
        let order = pending.order
        let isSell = order.traits.isSell
        let prevention = order.traits.selfTradePrevention
        let instrument = order.instrument
        let limit = instruments[instrument].rank(isSell: !isSell, order.limit)
        var stepsLeft = steps
        while pending.rank <= limit {
            let tick = instruments[instrument].rank(isSell: !isSell, pending.rank)
            let level = ladder.level(instruments[instrument], isSell: !isSell, tick)
            if prevention == .none, rulesVersion < 3 {
                guard stepsLeft > 0 else { return nil }
                stepsLeft &-= 1
                pending.countedLots &+= levels[level].quantityLots
            } else {
                if pending.slot == 0 { pending.slot = levels[level].head }
                while pending.slot != 0 {
                    guard stepsLeft > 0 else { return nil }
                    stepsLeft &-= 1
                    pending.countedSteps &+= self.steps(with: pending.slot)
                    guard pending.countedSteps <= UInt64(order.stepsLeft) else { return false }
                    if prevention == .none || !areOne(orders[pending.slot].account, order.account) {
                        pending.countedLots &+= orders[pending.slot].leavesLots
                    } else if prevention != .cancelOldest {
                        return pending.countedLots >= order.minimumLots
                    }
                    if pending.countedLots >= order.minimumLots { return true }
                    pending.slot = links[pending.slot].next
                }
            }
            if pending.countedLots >= order.minimumLots { return true }
            pending.rank = ladder.nextRank(
                instruments[instrument], isSell: !isSell, after: pending.rank)
        }
        return false
    }
}
