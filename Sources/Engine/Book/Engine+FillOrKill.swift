// SPDX-License-Identifier: Apache-2.0
internal import Wire

// A fill-or-kill order looks before it leaps: it is accepted, what it could trade is counted, and
// then it either trades in full or is cancelled without a trade.
//
// With `cancelNewest` and `cancelBoth` counting stops at the first order of the same account, as
// matching would; with `cancelOldest` such orders are passed over, as matching would cancel them.
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
        return scan(into: &outbox)
    }

    /// Goes on counting, and when that is settled, with the order.
    @inline(never)
    mutating func scan(into outbox: inout EventOutbox) -> Bool {
        let steps = sliceEvents &* Self.scanStepsPerEvent
        guard let canFill = count(steps: steps) else { return false }
        pending.phase = .none
        var order = pending.order
        guard canFill else { return leave(order, because: .fillOrKill, into: &outbox) }
        return sweep(&order, into: &outbox)
    }

    /// Whether the order can be filled, or nil when the steps are used up first.
    private mutating func count(steps: UInt64) -> Bool? {
        let order = pending.order
        let isSell = order.traits.isSell
        let prevention = order.traits.selfTradePrevention
        let instrument = instruments[order.instrument]
        let bits = instrument.bits(words, isSell: !isSell)
        let limit = instrument.rank(isSell: !isSell, order.limit)
        var stepsLeft = steps
        while pending.rank <= limit {
            let tick = instrument.rank(isSell: !isSell, pending.rank)
            let level = instrument.levelBase &+ UInt32(truncatingIfNeeded: tick)
            if prevention == .none {
                guard stepsLeft > 0 else { return nil }
                stepsLeft &-= 1
                pending.countedLots &+= levels[level].quantityLots
            } else {
                if pending.slot == 0 { pending.slot = levels[level].head }
                while pending.slot != 0 {
                    guard stepsLeft > 0 else { return nil }
                    stepsLeft &-= 1
                    if orders[pending.slot].account != order.account {
                        pending.countedLots &+= orders[pending.slot].leavesLots
                    } else if prevention != .cancelOldest {
                        return pending.countedLots >= order.leavesLots
                    }
                    pending.slot = links[pending.slot].next
                }
            }
            if pending.countedLots >= order.leavesLots { return true }
            pending.rank = bits.next(after: pending.rank)
        }
        return false
    }
}
