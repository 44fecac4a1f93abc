// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// What there is since rules 3, as bytes.
extension Engine {
    /// Rows of the section of what is rare.
    var rareCount: Int {
        var count = Int(extraPool.count)
        forEachMarket { _ in count += 1 }
        forEachBanded { _ in count += 1 }
        forEachTickRow { _ in count += 1 }
        forEachRuled { _ in count += 1 }
        return count
    }

    /// Orders that wait, behind those that rest.
    func encodeWaiting(
        _ header: ImageHeader, _ positions: inout [UInt32], _ writer: inout ImageWriter
    ) {
        var position = Int(openOrderCount)
        forEachWaiting { _ in position -= 1 }
        forEachWaiting { slot in
            writer.store(orderImage(slot), at: header.byteOffset(.orders, position))
            positions[Int(slot)] = UInt32(position)
            position += 1
        }
    }

    /// Visits the slots of all orders that wait: by instrument, those triggered from below before
    /// those from above, as their triggers would be met.
    func forEachWaiting(_ visit: (UInt32) -> Void) {
        for number in 1...limits.instrumentCapacity where markets[number].waitingCount != 0 {
            for side in 0...1 {
                triggers.forEach(of: markets[number].triggers[side]) { visit(extras[$0].slot) }
            }
        }
    }

    /// Visits the instruments that have traded, are waited in, or are not simply open; none before
    /// rules 3.
    private func forEachMarket(_ visit: (UInt32) -> Void) {
        guard rulesVersion >= 3 else { return }
        for number in 1...limits.instrumentCapacity
        where isDefined(instrument: number)
            && (instruments[number].lastTick != InstrumentState.noTick
                || markets[number].waitingCount != 0 || markets[number].isInLine
                || markets[number].trading != .open
                || markets[number].referenceTick != InstrumentState.noTick
                || markets[number].staticTick != InstrumentState.noTick
                || markets[number].phaseSeconds != 0)
        {
            visit(number)
        }
    }

    /// What few orders have, in the order of the orders, and what few instruments have.
    func encodeRare(
        _ header: ImageHeader, _ positions: [UInt32], _ writer: inout ImageWriter
    ) {
        var slots: [UInt32] = []
        for slot in 1...limits.orderCapacity where isOpen(slot) && orders[slot].extra != 0 {
            slots.append(slot)
        }
        slots.sort { positions[Int($0)] < positions[Int($1)] }
        for (row, slot) in slots.enumerated() {
            writer.store(
                rareOrderImage(slot, positions), at: header.byteOffset(.rare, row))
        }
        var row = slots.count
        let places = placesInLine()
        forEachMarket { number in
            let market = markets[number]
            let isWaitedIn = market.waitingCount != 0
            writer.store(
                MarketImage(
                    // 1 + "none" is 0.
                    number: number, lastTrade: UInt64(instruments[number].lastTick &+ 1),
                    highTick: isWaitedIn ? market.highTick : 0,
                    lowTick: isWaitedIn ? market.lowTick : 0,
                    reference: UInt64(market.referenceTick &+ 1),
                    staticReference: UInt64(market.staticTick &+ 1), place: places[number] ?? 0,
                    callEndSeconds: market.callEndSeconds, phaseSeconds: market.phaseSeconds,
                    trading: market.trading.rawValue,
                    doing: (market.isUncrossing ? MarketImage.uncrosses : 0)
                        | (market.isPriced ? MarketImage.isPriced : 0)
                        | (market.owesIndication ? MarketImage.owesIndication : 0)),
                at: header.byteOffset(.rare, row))
            row += 1
        }
        encodeBands(header, from: row, &writer)
        forEachBanded { _ in row += 1 }
        encodeOrderRules(header, from: row, &writer)
    }

    private func rareOrderImage(_ slot: UInt32, _ positions: [UInt32]) -> RareOrderImage {
        let extra = extras[orders[slot].extra]
        let lowest = instruments[orders[slot].instrument].lowestPriceTicks
        return RareOrderImage(
            position: positions[Int(slot)], entryReference: extra.entryReference,
            peakLots: extra.peakLots, displayedLots: extra.displayedLots,
            expirySeconds: extra.expirySeconds, flags: extra.flags,
            triggerPriceTicks: extra.waits ? lowest &+ extra.triggerTick : 0,
            trailOffsetTicks: extra.trailOffsetTicks, trailStepTicks: extra.trailStepTicks,
            partner: extra.partner == 0 ? 0 : positions[Int(extra.partner)] + 1)
    }

    private func placesInLine() -> [UInt32: UInt32] {
        var places: [UInt32: UInt32] = [:]
        var number = firstInLine
        while number != 0 {
            places[number] = UInt32(places.count) + 1
            number = markets[number].nextInLine
        }
        return places
    }

    /// Whether a slot has an order: its session's index entry leads to it.
    func isOpen(_ slot: UInt32) -> Bool {
        let node = orders[slot]
        return node.session != 0
            && findOrder(session: node.session, orderID: node.orderID) == slot
    }
}
