// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Since rules 3: market orders in calls. Each side of an instrument has one level more than prices,
// at which they rest; it is on no page, so that nothing which looks for a price finds it. They
// trade first when the call ends, and what is left of them then is cancelled: where orders trade as
// they come in, none rests. All of them have an `OrderExtra`, so the usual way knows nothing of
// them.
extension Engine {
    /// Where the market orders of a side rest: behind the levels of all prices.
    @inline(__always)
    func marketLevel(_ instrument: UInt32, isSell: Bool) -> UInt32 {
        ladder.priceLevelCount &+ 2 &* instrument &+ (isSell ? 1 : 0)
    }

    /// Whether a level is at no price.
    @inline(__always)
    func isMarketLevel(_ level: UInt32) -> Bool { level >= ladder.priceLevelCount }

    /// The market order of a side that trades first, or 0.
    func firstAtMarket(_ instrument: UInt32, isSell: Bool) -> UInt32 {
        levels[marketLevel(instrument, isSell: isSell)].head
    }

    func hasMarketOrders(_ instrument: UInt32) -> Bool {
        firstAtMarket(instrument, isSell: false) | firstAtMarket(instrument, isSell: true) != 0
    }

    /// Whether there may be any: in a call, where one is halted, and while an auction trades.
    func mayHaveMarketOrders(_ instrument: UInt32) -> Bool {
        markets[instrument].trading.mayBeCrossed || markets[instrument].isUncrossing
    }

    /// Why an order may not be entered, or be replaced by another, in the state of its instrument,
    /// or `none`: in a call only what can rest or wait there. `isBound`: a market order that trades
    /// only so far, or for so much; there is nothing in a call that it could count from.
    @inline(__always)
    func stateRefusal(
        _ instrument: UInt32, _ traits: OrderTraits, waits: Bool, isBound: Bool
    ) -> Reason {
        let market = markets[instrument]
        if market.isContinuous { return .none }
        guard market.trading.isCall, waits || traits.staysOpen && !traits.isPostOnly else {
            return .instrumentNotOpen
        }
        return isBound ? .unsupportedCombination : .none
    }

    /// Whether an order that is taken rests before every price.
    @inline(__always)
    func ranksFirst(_ instrument: UInt32, _ type: OrderType) -> Bool {
        type == .market && markets[instrument].trading.isCall
    }

    /// The auction is over: cancels the next market order that is left, buys before sells, the
    /// oldest first. False: there is none.
    mutating func cancelAtMarket(_ instrument: UInt32, into outbox: inout EventOutbox) -> Bool {
        let buy = firstAtMarket(instrument, isSell: false)
        let slot = buy != 0 ? buy : firstAtMarket(instrument, isSell: true)
        guard slot != 0 else { return false }
        pending.triggersLeft &-= 1
        cancel(slot, because: .marketRemainder, last: [], into: &outbox)
        return true
    }
}
