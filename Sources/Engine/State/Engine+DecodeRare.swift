// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// What there is since rules 3. The rows of few orders are read before the orders: extra number n is
// that of the n-th row, and names its order by the slot that the order will have. Those of few
// instruments follow, price bands, tick tables, order rules, trade groups, void trades, stopped
// accounts, and what goes on, and are read before the orders too.
extension Engine {
    mutating func decodeRare(
        _ image: borrowing ImageView, _ header: ImageHeader
    ) throws(EngineImageError) {
        var last = -1
        var row = 0
        while row < header.count(.rare) {
            let byteOffset = header.byteOffset(.rare, row)
            guard image.load(UInt32.self, at: byteOffset) == 1 else { break }
            let entry = image.load(RareOrderImage.self, at: byteOffset)
            let place = ImagePlace(.rare, byteOffset)
            try place.check(
                Int(entry.position) > last && Int(entry.position) < header.count(.orders),
                "position \(entry.position)",
                "above \(last) and below \(header.count(.orders))", at: 4)
            try place.check(
                row < Int(extraPool.capacity), "row \(row + 1) of an order",
                "at most \(extraPool.capacity)")
            try place.check(entry.reserved == 0, "reserved bytes are set", "zero", at: 60)
            try place.check(
                entry.flags & ~OrderExtra.knownFlags == 0, "flags \(entry.flags)", "known ones",
                at: 36)
            try place.check(
                Int(entry.partner) <= header.count(.orders), "a partner at \(entry.partner)",
                "one of \(header.count(.orders)) orders", at: 56)
            let extra = extraPool.allocate()
            assert(Int(extra) == row + 1, "a new pool hands its slots out in order")
            extras[extra] = OrderExtra(
                entryReference: entry.entryReference, peakLots: entry.peakLots,
                displayedLots: entry.displayedLots, expirySeconds: entry.expirySeconds,
                flags: entry.flags, slot: entry.position + 1, partner: entry.partner,
                trailOffsetTicks: entry.trailOffsetTicks, trailStepTicks: entry.trailStepTicks,
                triggerTick: entry.triggerPriceTicks)
            try place.check(extras[extra].isNeeded, "an order with nothing rare", "left out")
            if entry.expirySeconds != 0 { expiries.insert(extra, into: &expiryRoot) }
            last = Int(entry.position)
            row += 1
        }
        try decodeTables(image, header, from: row)
    }

    /// What does not belong to an order: from a row on.
    private mutating func decodeTables(
        _ image: borrowing ImageView, _ header: ImageHeader, from row: Int
    ) throws(EngineImageError) {
        // From the end on, so that all kinds of rows are looked at by whoever reads them.
        func start(of kind: UInt32, before end: Int) -> Int {
            var start = end
            while start > row,
                image.load(UInt32.self, at: header.byteOffset(.rare, start - 1)) == kind
            {
                start -= 1
            }
            return start
        }
        let works = start(of: WorkImage.kind, before: header.count(.rare))
        let killed = start(of: KilledAccountImage.kind, before: works)
        let busted = start(of: BustImage.kind, before: killed)
        let grouped = start(of: TradeGroupImage.kind, before: busted)
        let ruled = start(of: OrderRulesImage.kind, before: grouped)
        let tickRows = start(of: TickRowImage.kind, before: ruled)
        let banded = start(of: BandsImage.kind, before: tickRows)
        try decodeMarkets(image, header, row..<banded)
        try decodeBands(image, header, banded..<tickRows)
        try decodeTickTables(image, header, tickRows..<ruled)
        try decodeOrderRules(image, header, ruled..<grouped)
        for row in grouped..<busted {
            try decodeTradeGroup(image, ImagePlace(.rare, header.byteOffset(.rare, row)))
        }
        try decodeBusts(image, header, busted..<killed)
        try decodeKilled(image, header, killed..<works)
        for row in works..<header.count(.rare) {
            try decodeBacklog(image, ImagePlace(.rare, header.byteOffset(.rare, row)))
        }
    }

    private mutating func decodeMarkets(
        _ image: borrowing ImageView, _ header: ImageHeader, _ rows: Range<Int>
    ) throws(EngineImageError) {
        var last: UInt32 = 0
        var line: [UInt32: UInt32] = [:]
        for row in rows {
            let byteOffset = header.byteOffset(.rare, row)
            let entry = image.load(MarketImage.self, at: byteOffset)
            let place = ImagePlace(.rare, byteOffset)
            try place.check(
                entry.kind == 10, "kind \(entry.kind)", "1, then 10, 5, 6, 7, 8, 9, 3 and 4")
            try place.check(
                entry.number > last && isDefined(instrument: entry.number),
                "instrument \(entry.number)", "above \(last), and defined", at: 4)
            try decodeTrading(entry, place)
            try place.check(
                entry.lastTrade | entry.reference | entry.staticReference != 0
                    || entry.place | entry.phaseSeconds | UInt32(entry.trading) != 0
                    || entry.highTick != 0 || entry.lowTick != 0,
                "an instrument that is simply open", "left out")
            try place.check(
                entry.lastTrade <= UInt64(instruments[entry.number].tickCount),
                "last trade \(entry.lastTrade)", "at one of the instrument's ticks", at: 8)
            instruments[entry.number].lastTick = Int64(entry.lastTrade) - 1
            markets[entry.number].highTick = entry.highTick
            markets[entry.number].lowTick = entry.lowTick
            if entry.place != 0 {
                try place.check(
                    line[entry.place] == nil, "place \(entry.place) again", "once", at: 48)
                line[entry.place] = entry.number
            }
            last = entry.number
        }
        for number in 0..<UInt32(line.count) {
            guard let instrument = line[number + 1] else {
                throw .damaged(
                    section: .rare, byteOffset: header.byteOffset(.rare, rows.lowerBound),
                    found: "no place \(number + 1) in line", right: "1 ... \(line.count)")
            }
            standInLine(instrument)
        }
    }

    /// Orders that wait: those behind the ones that rest, as `forEachWaiting` visits them.
    mutating func decodeWaiting(
        _ image: borrowing ImageView, _ header: ImageHeader, from first: Int
    ) throws(EngineImageError) {
        var lastKey: (UInt32, Int, Int64, UInt64) = (0, 0, 0, 0)
        for position in first..<header.count(.orders) {
            let byteOffset = header.byteOffset(.orders, position)
            let entry = image.load(OrderImage.self, at: byteOffset)
            let place = ImagePlace(.orders, byteOffset)
            let extra = rareExtra(of: UInt32(position) + 1)
            try place.check(
                extra != 0 && extras[extra].waits, "an order in no book", "one that waits")
            try checkWaiting(entry, extras[extra], place)
            let slot = try open(entry, of: entry.instrument, level: 0, place)
            extras[extra].triggerTick &-= instruments[entry.instrument].lowestPriceTicks
            let isFalling = extras[extra].triggersFalling
            let trigger = extras[extra].triggerTick
            let key = (
                entry.instrument, isFalling ? 1 : 0, isFalling ? -trigger : trigger,
                extras[extra].entryReference
            )
            try place.check(key > lastKey, "an order that waits", "behind that before")
            lastKey = key
            insertWaiting(slot)
            markets[entry.instrument].waitingCount += 1
            setUsual(entry.instrument)
        }
        try checkMarkets(header)
    }

    /// What an order that waits must be.
    private func checkWaiting(
        _ entry: OrderImage, _ extra: OrderExtra, _ place: ImagePlace
    ) throws(EngineImageError) {
        try place.check(
            isDefined(instrument: entry.instrument), "instrument \(entry.instrument)", "defined",
            at: 48)
        let traits = OrderTraits(rawValue: UInt8(truncatingIfNeeded: entry.traits))
        let isMarket = traits.isMarket
        try place.check(
            entry.traits < 0x100 && !traits.isPostOnly && !traits.isImmediateOrCancel
                && !traits.isFillOrKill, "traits \(entry.traits)", "of an order that waits", at: 52)
        try place.check(
            isMarket ? entry.priceTicks == 0 : isInLadder(entry.priceTicks, of: entry.instrument),
            "price \(entry.priceTicks)", isMarket ? "0" : "one of the instrument's", at: 16)
        try place.check(entry.executedLots == 0, "executed \(entry.executedLots)", "0", at: 32)
        // Until here the row's price, from here on counted from the lowest.
        try place.check(
            isInLadder(extra.triggerTick, of: entry.instrument),
            "trigger \(extra.triggerTick)", "one of the instrument's prices")
        try place.check(
            extra.trails
                ? extra.trailOffsetTicks != 0 && isMarket
                    && extra.triggersFalling == traits.isSell : extra.trailOffsetTicks == 0,
            "a trigger that trails by \(extra.trailOffsetTicks)", "by both, and a stop")
        try checkQuantity(entry, of: entry.instrument, place)
        try place.check(
            extra.peakLots | extra.displayedLots == 0
                && extra.flags & ~(OrderExtra.waits | OrderExtra.triggersFalling)
                    == 0,
            "an order that waits and is more", "nothing else")
        try place.check(
            extra.expirySeconds == 0 || UInt64(extra.expirySeconds) > timeSeconds || isExpiring,
            "expiry \(extra.expirySeconds)", "after the time, \(timeSeconds)")
        try place.check(
            entry.reference == extra.entryReference && entry.reference < 1 << 63,
            "reference \(entry.reference)", "its own, \(extra.entryReference)", at: 8)
    }

    /// Where orders wait there is a row that says what they see; elsewhere none says so.
    private func checkMarkets(_ header: ImageHeader) throws(EngineImageError) {
        let place = ImagePlace(.rare, header.byteOffset(.rare, 0))
        for number in 1...limits.instrumentCapacity where isDefined(instrument: number) {
            let market = markets[number]
            let ticks = instruments[number].tickCount
            let last = instruments[number].lastTick
            let hasTraded = last != InstrumentState.noTick
            let isRight =
                market.waitingCount == 0
                ? market.highTick == 0 && market.lowTick == 0
                : hasTraded
                    ? market.lowTick >= 0 && market.lowTick <= last
                        && market.highTick >= last && market.highTick < ticks
                    : market.highTick == .min && market.lowTick == .max
            try place.check(
                isRight, "high \(market.highTick) and low \(market.lowTick) of \(number)",
                "around its last trade, where orders wait")
        }
    }

    /// Each linked order's partner is linked to it.
    func checkPartners(_ header: ImageHeader) throws(EngineImageError) {
        for extra in 1...max(extraPool.count, 1) where extraPool.count != 0 {
            let partner = extras[extra].partner
            guard partner != 0 else { continue }
            let slot = extras[extra].slot
            let other = orders[partner].extra == 0 ? OrderExtra() : extras[orders[partner].extra]
            let isPair =
                partner != slot && other.partner == slot && !(other.waits && extras[extra].waits)
                && orders[partner].session == orders[slot].session
                && orders[partner].instrument == orders[slot].instrument
                && orders[partner].isSell == orders[slot].isSell
                && extras[extra].undisclosed.isEmpty
            try ImagePlace(.rare, header.byteOffset(.rare, Int(extra) - 1)).check(
                isPair, "a partner at \(partner)", "one that is linked to it", at: 56)
        }
    }

    /// The extra that names a slot, or 0: rows are in the order of their slots.
    func rareExtra(of slot: UInt32) -> UInt32 {
        let extra = extras.position(in: 1..<extraPool.count &+ 1) { $0.slot < slot }
        return extra <= extraPool.count && extras[extra].slot == slot ? extra : 0
    }

    /// What an extra must be beside its order, which is about to join its level.
    func checkRare(_ slot: UInt32, _ place: ImagePlace) throws(EngineImageError) {
        let node = orders[slot]
        try place.check(
            node.extra != 0 || node.reference < 1 << 63, "reference \(node.reference)",
            "that of a record", at: 8)
        let last = levels[node.level].last
        let hidesLast = last != 0 && levels[node.level].endsHidden
        let ranksFirst = node.extra != 0 && extras[node.extra].ranksFirst
        try place.check(
            ranksFirst == node.traits.isMarket, "a market order, or one that ranks first", "both")
        guard node.extra != 0 else {
            return try place.check(!hidesLast, "an order behind a hidden one", "before it")
        }
        let extra = extras[node.extra]
        try place.check(extra.isHidden || !hidesLast, "an order behind a hidden one", "before it")
        try place.check(
            !extra.isHidden || !extra.isIceberg && !node.traits.isPostOnly,
            "a hidden order that is more", "hidden only")
        try place.check(
            !ranksFirst
                || extra.flags == OrderExtra.ranksFirst && !extra.isIceberg && extra.partner == 0
                    && extra.expirySeconds == 0,
            "a market order that is more", "nothing else")
        let isPeak =
            extra.isIceberg
            ? extra.displayedLots > 0 && extra.displayedLots <= extra.peakLots
                && extra.displayedLots <= node.leavesLots
                && (node.totalLots - 1) >> 8 < extra.peakLots
            : extra.displayedLots == 0
        try place.check(isPeak, "\(extra.displayedLots) lots of \(extra.peakLots) shown", "a peak")
        try place.check(
            !extra.slides || node.traits.isPostOnly, "an order that slides", "post-only")
        let waitsInVain =
            extra.flags & (OrderExtra.waits | OrderExtra.triggersFalling) != 0
            || extra.triggerTick != 0 || extra.trailOffsetTicks | extra.trailStepTicks != 0
        try place.check(!waitsInVain, "an order that waits in a book", "behind the books")
        try place.check(
            extra.expirySeconds == 0 || UInt64(extra.expirySeconds) > timeSeconds || isExpiring,
            "expiry \(extra.expirySeconds)", "after the time, \(timeSeconds)")
        let isOwn = node.reference == extra.entryReference
        let isShown =
            extra.isIceberg && node.reference > 1 << 63
            && node.reference & ~(1 << 63) <= shownReferenceCount
        try place.check(
            isOwn && node.reference < 1 << 63 || isShown, "reference \(node.reference)",
            "its own, \(extra.entryReference), or one that was given", at: 8)
    }
}
