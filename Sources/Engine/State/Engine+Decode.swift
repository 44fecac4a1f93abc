// SPDX-License-Identifier: Apache-2.0
public import Platform
public import Wire

// An engine out of an image. Every field is checked before it is used, and so is what the engine
// itself keeps true: an image that passes gives a state that `checkInvariants` finds nothing in.
extension Engine {
    /// The engine whose state `image` holds, byte for byte what ``encodeImage()`` gave.
    ///
    /// Takes memory as ``init(limits:node:)`` does. Throws ``EngineImageError`` when anything in
    /// the image is not what it must be, when its limits are not `limits` (nil: any will do; the
    /// memory of those in the image is then taken), and when memory is refused.
    public static func decodeImage(
        _ image: RawSpan, limits: EngineLimits? = nil, node: NUMANode? = nil
    ) throws(EngineImageError) -> Engine {
        try decodeImage(
            image, limits: limits, node: node, sliceEvents: Self.eventsPerSliceTarget)
    }

    /// With slices of another size and other bounds, for tests.
    @_spi(Testing)
    public static func decodeImage(
        _ image: RawSpan, limits: EngineLimits? = nil, node: NUMANode? = nil, sliceEvents: Int,
        bounds: StepBounds = StepBounds()
    ) throws(EngineImageError) -> Engine {
        let image = ImageView(image)
        let header = try image.checkedHeader(limits: limits)
        try image.checkSections(header)
        var engine = try empty(
            limits: header.limits, node: node, sliceEvents: sliceEvents, bounds: bounds)
        engine.rulesVersion = header.rulesVersion
        // Which of those before 3 is no matter, but that there were some.
        engine.firstRules = header.firstRules != 0 ? header.firstRules : min(header.rulesVersion, 1)
        engine.countPages()
        engine.timeSeconds = header.timeSeconds
        engine.businessDay = BusinessDay(rawValue: header.businessDay)
        engine.shownReferenceCount = header.shownReferenceCount
        engine.dayBeganSequence = header.dayBeganSequence
        engine.setIndexSeed(header.indexSeed)
        engine.hash = StateHash(lanes: header.hashLanes)
        try engine.decodeInstruments(image, header)
        try engine.decodeSessions(image, header)
        try engine.decodeRare(image, header)
        try engine.decodeBooks(image, header)
        try engine.decodeEntries(image, header)
        try engine.checkPartners(header)
        try engine.decodeMarks(header)
        return engine
    }

    private static func empty(
        limits: EngineLimits, node: NUMANode?, sliceEvents: Int, bounds: StepBounds
    ) throws(EngineImageError) -> Engine {
        do {
            return try Engine(
                limits: limits, node: node, sliceEvents: sliceEvents, bounds: bounds)
        } catch {
            throw .memory(error)
        }
    }

    private mutating func decodeInstruments(
        _ image: borrowing ImageView, _ header: ImageHeader
    ) throws(EngineImageError) {
        var last: UInt32 = 0
        for row in 0..<header.count(.instruments) {
            let byteOffset = header.byteOffset(.instruments, row)
            let entry = image.load(InstrumentImage.self, at: byteOffset)
            let place = ImagePlace(.instruments, byteOffset)
            try place.check(
                entry.number > last && entry.number <= limits.instrumentCapacity,
                "number \(entry.number)",
                "above \(last) and not above the limit, \(limits.instrumentCapacity)")
            let ticksMax = rangeTicksMax
            try place.check(
                entry.tickCount > 0 && entry.tickCount <= ticksMax,
                "\(entry.tickCount) ticks", "1 ... \(ticksMax)", at: 4)
            try place.check(
                !entry.lowestPriceTicks.addingReportingOverflow(Int64(entry.tickCount) - 1)
                    .overflow,
                "lowest price \(entry.lowestPriceTicks)", "such that the highest fits 64 bits",
                at: 8)
            let quantityMax = UInt64.max / UInt64(limits.orderCapacity)
            try place.check(
                entry.quantityLotsMax > 0 && entry.quantityLotsMax <= quantityMax,
                "largest quantity \(entry.quantityLotsMax)", "1 ... \(quantityMax)", at: 16)
            try place.check(
                UInt64(entry.reserved0) | entry.reserved1 == 0, "reserved bytes are set", "zero",
                at: 52)
            addInstrument(
                entry.number, lowestPriceTicks: entry.lowestPriceTicks,
                tickCount: Int64(entry.tickCount), quantityLotsMax: entry.quantityLotsMax)
            last = entry.number
        }
        try ImagePlace(.header, 52).check(
            UInt64(header.ladderTicksUsed) == (rulesVersion < 3 ? ladderTicksUsed : 0),
            "\(header.ladderTicksUsed) ticks in use",
            "the sum of the instruments', \(ladderTicksUsed), or 0 since rules 3")
    }

    private mutating func decodeSessions(
        _ image: borrowing ImageView, _ header: ImageHeader
    ) throws(EngineImageError) {
        var last: UInt32 = 0
        for row in 0..<header.count(.sessions) {
            let byteOffset = header.byteOffset(.sessions, row)
            let entry = image.load(SessionImage.self, at: byteOffset)
            let place = ImagePlace(.sessions, byteOffset)
            try place.check(
                entry.number > last && entry.number <= limits.sessionCapacity,
                "number \(entry.number)",
                "above \(last) and not above the limit, \(limits.sessionCapacity)")
            let known =
                SessionState.loggedOn | SessionState.cancelOnDisconnect
                | SessionState.extendedReports
                | (rulesVersion < 3
                    ? 0 : SessionState.cancelAllOnDisconnect | SessionState.killed)
            let isLoggedOn = entry.flags & SessionState.loggedOn != 0
            try place.check(
                entry.flags & ~known == 0
                    && (entry.flags & ~SessionState.killed == 0 || isLoggedOn)
                    && (entry.flags & SessionState.cancelAllOnDisconnect == 0
                        || entry.flags & SessionState.cancelOnDisconnect != 0),
                "flags \(entry.flags)", "0, or 1 with known ones that go together", at: 4)
            try place.check(
                entry.expectedSequence > 0, "expected sequence 0", "1 or more", at: 8)
            try place.check(
                entry.openOrders <= limits.sessionOpenOrdersMax,
                "\(entry.openOrders) open orders", "at most \(limits.sessionOpenOrdersMax)", at: 24)
            try place.check(
                isLoggedOn
                    || UInt64(entry.token | entry.heartbeatMillis) | entry.nonce | entry.source
                        == 0,
                "a logon's fields are set", "zero in a session that is not logged on", at: 28)
            try place.check(
                UInt64(entry.reserved0) | entry.reserved1 == 0, "reserved bytes are set", "zero",
                at: 36)
            let state = SessionState(
                expectedSequence: entry.expectedSequence, reportSequence: entry.reportSequence,
                openOrders: entry.openOrders, reserved0: 0, reserved1: 0, flags: entry.flags,
                token: entry.token, heartbeatMillis: entry.heartbeatMillis, nonce: entry.nonce,
                source: entry.source, reserved: 0)
            try place.check(!state.isUnused, "a session never used", "left out")
            sessions[entry.number] = state
            last = entry.number
        }
    }

    private mutating func decodeBooks(
        _ image: borrowing ImageView, _ header: ImageHeader
    ) throws(EngineImageError) {
        var position = 0
        for row in 0..<header.count(.instruments) {
            let byteOffset = header.byteOffset(.instruments, row)
            let entry = image.load(InstrumentImage.self, at: byteOffset)
            let place = ImagePlace(.instruments, byteOffset)
            for isSell in [false, true] {
                let count = Int(isSell ? entry.sellOrders : entry.buyOrders)
                let left = header.count(.orders) - position
                try place.check(
                    count <= left, "\(count) orders of a side", "at most \(left), all that follow",
                    at: isSell ? 28 : 24)
                let lots = try decodeSide(
                    entry.number, isSell: isSell, position..<position + count, image, header)
                let stated = isSell ? entry.sellLots : entry.buyLots
                try place.check(
                    stated == lots, "\(stated) lots of a side", "the sum of its orders', \(lots)",
                    at: isSell ? 40 : 32)
                position += count
            }
            if let bid = bestBid(instrument: entry.number),
                let ask = bestAsk(instrument: entry.number)
            {
                let market = markets[entry.number]
                try place.check(
                    bid < ask || market.trading.mayBeCrossed || market.isUncrossing,
                    "a book with bid \(bid) and ask \(ask)", "uncrossed")
            }
            try place.check(
                !hasMarketOrders(entry.number) || mayHaveMarketOrders(entry.number),
                "a book with market orders", "that of a call")
        }
        try ImagePlace(.header, EngineImageSection.orders.rowByteOffset + 8).check(
            position == header.count(.orders) || rulesVersion >= 3,
            "\(header.count(.orders)) orders", "the sum of the instruments', \(position)")
        try decodeWaiting(image, header, from: position)
    }

    /// Puts the orders of one side into the book; answers the sum of what they leave.
    private mutating func decodeSide(
        _ instrument: UInt32, isSell: Bool, _ positions: Range<Int>,
        _ image: borrowing ImageView, _ header: ImageHeader
    ) throws(EngineImageError) -> UInt64 {
        let state = instruments[instrument]
        var lastRank = Int64.min
        var lastReference: UInt64 = 0
        var lots: UInt64 = 0
        for position in positions {
            let byteOffset = header.byteOffset(.orders, position)
            let entry = image.load(OrderImage.self, at: byteOffset)
            let place = ImagePlace(.orders, byteOffset)
            try checkOrder(entry, of: instrument, isSell: isSell, place)
            let isAtMarket = OrderTraits(rawValue: UInt8(truncatingIfNeeded: entry.traits)).isMarket
            let tick = entry.priceTicks &- state.lowestPriceTicks
            // Before every price.
            let rank = isAtMarket ? .min : state.rank(isSell: isSell, tick)
            try place.check(
                rank >= lastRank, "price \(entry.priceTicks)", "not better than that before",
                at: 16)
            // Since rules 3 an order may come to its price late.
            try place.check(
                rank > lastRank || entry.reference > lastReference
                    || rulesVersion >= 3 && !isAtMarket,
                "reference \(entry.reference)", "above that before, \(lastReference)", at: 8)
            try place.check(
                isAtMarket || hasRoom(instrument, tick), "price \(entry.priceTicks)",
                "one of those that there is room for", at: 16)
            let level =
                isAtMarket
                ? marketLevel(instrument, isSell: isSell)
                : levelToRest(instrument, isSell: isSell, tick)
            let slot = try open(entry, of: instrument, level: level, place)
            try checkRare(slot, place)
            let leaves = entry.totalLots - entry.executedLots
            join(slot)
            levels[level].quantityLots &+= leaves
            lots &+= leaves
            lastRank = rank
            lastReference = entry.reference
        }
        return lots
    }

    /// Gives the next order its slot, and makes it findable.
    mutating func open(
        _ entry: OrderImage, of instrument: UInt32, level: UInt32, _ place: ImagePlace
    ) throws(EngineImageError) -> UInt32 {
        let indexHash = index.hash(session: entry.session, orderID: entry.orderID)
        try place.check(
            index.find(
                hash: indexHash, session: entry.session, orderID: entry.orderID, in: orders)
                == 0,
            "id \(entry.orderID) again", "unique in its session")
        let slot = pool.allocate()
        orders[slot] = OrderNode(
            orderID: entry.orderID, reference: entry.reference, priceTicks: entry.priceTicks,
            totalLots: entry.totalLots, level: level, indexPosition: 0,
            executedLots: entry.executedLots, session: entry.session, account: entry.account,
            instrumentAndTraits: instrument | entry.traits << 24, extra: rareExtra(of: slot))
        enterInIndex(slot, indexHash, index.vacancy(hash: indexHash))
        return slot
    }

    /// What an order must be on its own.
    private func checkOrder(
        _ entry: OrderImage, of instrument: UInt32, isSell: Bool, _ place: ImagePlace
    ) throws(EngineImageError) {
        let state = instruments[instrument]
        let traits = OrderTraits(rawValue: UInt8(truncatingIfNeeded: entry.traits))
        try checkQuantity(entry, of: instrument, place)
        try place.check(
            traits.isMarket ? entry.priceTicks == 0 : isInLadder(entry.priceTicks, of: instrument),
            "price \(entry.priceTicks)",
            "one of \(state.tickCount) from \(state.lowestPriceTicks) up, or 0 at market", at: 16)
        try place.check(
            entry.instrument == instrument, "instrument \(entry.instrument)", "\(instrument)",
            at: 48)
        try place.check(
            entry.traits < (rulesVersion < 3 ? 0x80 : 0x100)
                && (traits.mayRest || traits.ranksFirst && rulesVersion >= 3)
                && traits.isSell == isSell,
            "traits \(entry.traits)", "those of a \(isSell ? "sell" : "buy") that may rest", at: 52)
    }

    /// Id, quantities, session and reserved bytes of any open order.
    func checkQuantity(
        _ entry: OrderImage, of instrument: UInt32, _ place: ImagePlace
    ) throws(EngineImageError) {
        try place.check(entry.orderID != 0, "id 0", "1 or more")
        try place.check(
            entry.totalLots > 0 && entry.totalLots <= markets[instrument].quantityLotsMax,
            "total \(entry.totalLots)", "1 ... \(markets[instrument].quantityLotsMax)", at: 24)
        try place.check(
            entry.executedLots < entry.totalLots, "executed \(entry.executedLots)",
            "below the total, \(entry.totalLots)", at: 32)
        try place.check(
            entry.session &- 1 < limits.sessionCapacity, "session \(entry.session)",
            "1 ... \(limits.sessionCapacity)", at: 40)
        try place.check(
            !isKilled(session: entry.session, account: entry.account)
                || isBeingStopped(session: entry.session, account: entry.account),
            "an open order of session \(entry.session), account \(entry.account)",
            "cancelled, since one of them is stopped", at: 40)
        try place.check(entry.reserved0 == 0, "reserved bytes are set", "zero", at: 56)
    }

    /// Threads the orders of each session, as they were entered: each once, for the references of
    /// a session ascend and there are as many entries as orders.
    private mutating func decodeEntries(
        _ image: borrowing ImageView, _ header: ImageHeader
    ) throws(EngineImageError) {
        var entry = 0
        for row in 0..<header.count(.sessions) {
            let session = image.load(
                UInt32.self, at: header.byteOffset(.sessions, row))
            let end = limits.orderCapacity &+ session
            var last = end
            var lastReference: UInt64 = 0
            for _ in 0..<sessions[session].openOrders {
                let place = ImagePlace(.entries, header.byteOffset(.entries, entry))
                try place.check(
                    entry < header.count(.entries), "too few entries of session \(session)",
                    "one for each of \(sessions[session].openOrders)")
                let position = image.load(UInt32.self, at: place.byteOffset)
                try place.check(
                    position < openOrderCount, "position \(position)", "below \(openOrderCount)")
                let slot = position + 1
                try place.check(
                    orders[slot].session == session, "an order of session \(orders[slot].session)",
                    "of session \(session)")
                let reference = orders[slot].reference
                try place.check(
                    reference > lastReference || rulesVersion >= 3, "reference \(reference)",
                    "above that entered before, \(lastReference)")
                try place.check(
                    links[slot].sessionPrevious == 0, "position \(position) again", "once")
                links[last].sessionNext = slot
                links[slot].sessionPrevious = last
                lastReference = reference
                last = slot
                entry += 1
            }
            links[last].sessionNext = end
            links[end].sessionPrevious = last
        }
        try ImagePlace(.header, EngineImageSection.entries.rowByteOffset + 8).check(
            entry == header.count(.entries), "\(header.count(.entries)) entries",
            "the sum of the sessions' open orders, \(entry)")
    }
}
