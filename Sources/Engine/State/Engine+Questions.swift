// SPDX-License-Identifier: Apache-2.0
internal import Wire

// What operators ask while the engine works: by its own thread, between two commands. Each answer
// is a bounded look, and nothing is allocated for it.
extension Engine {
    /// Writes what is asked into its place. The last command is complete.
    public func answer(_ question: EngineQuestion, into answer: inout EngineAnswer) {
        answer.businessDay = businessDay
        switch question {
        case .instruments(let first): list(from: first, into: &answer.instruments)
        case .sessions(let first): list(from: first, into: &answer.sessions)
        case .tradeGroups(let first): list(from: first, into: &answer.tradeGroups)
        case .book(let instrument, let depth):
            list(instrument, isSell: false, depth, into: &answer.bids)
            list(instrument, isSell: true, depth, into: &answer.asks)
        case .order(let session, let orderID):
            answer.order = openOrder(session: session, orderID: orderID)
        case .tickTable(let table): list(table, into: &answer.tickTable)
        case .room:
            answer.room.limits = limits
            answer.room.rangeTicksMax = rangeTicksMax
        }
    }

    // MARK: Lists

    private func list(from first: UInt32, into page: inout EnginePage<InstrumentRow>) {
        let numbers = Self.numbers(from: first, through: limits.instrumentCapacity)
        page.empty()
        for number in numbers where isDefined(instrument: number) {
            guard page.count < EngineAnswer.rowsMax else {
                page.next = number
                return
            }
            page.append(row(instrument: number))
        }
        page.next = numbers.upperBound > limits.instrumentCapacity ? 0 : numbers.upperBound
    }

    private func list(from first: UInt32, into page: inout EnginePage<SessionRow>) {
        let numbers = Self.numbers(from: first, through: limits.sessionCapacity)
        page.empty()
        for number in numbers {
            let state = sessions[number]
            guard state.expectedSequence != 1 || state.reportSequence != 0 || state.flags != 0
            else { continue }
            guard page.count < EngineAnswer.rowsMax else {
                page.next = number
                return
            }
            page.append(
                SessionRow(
                    number: number, isLoggedOn: state.flags & SessionState.loggedOn != 0,
                    isKilled: state.flags & SessionState.killed != 0,
                    expectedSequence: state.expectedSequence, reportSequence: state.reportSequence,
                    openOrders: state.openOrders))
        }
        page.next = numbers.upperBound > limits.sessionCapacity ? 0 : numbers.upperBound
    }

    /// The numbers that one look goes through.
    private static func numbers(from first: UInt32, through last: UInt32) -> Range<UInt32> {
        let first = min(max(first, 1), last &+ 1)
        return first..<min(first &+ EngineAnswer.numbersPerLook, last &+ 1)
    }

    private func row(instrument number: UInt32) -> InstrumentRow {
        let state = instruments[number]
        let market = markets[number]
        return InstrumentRow(
            number: number, lowestPriceTicks: state.lowestPriceTicks,
            highestPriceTicks: state.lowestPriceTicks &+ (state.tickCount &- 1),
            quantityLotsMax: market.quantityLotsMax, tradingState: market.trading,
            isUncrossing: market.isUncrossing, phaseSeconds: market.phaseSeconds,
            referencePriceTicks: price(state, market.referenceTick),
            staticReferenceTicks: price(state, market.staticTick), bands: market.bands,
            orderRules: orderRules[number],
            bestBidTicks: bestPrice(state, isSell: false),
            bestAskTicks: bestPrice(state, isSell: true))
    }

    private func price(_ state: InstrumentState, _ tick: Int64) -> Int64? {
        tick == InstrumentState.noTick ? nil : state.lowestPriceTicks &+ tick
    }

    private func bestPrice(_ state: InstrumentState, isSell: Bool) -> Int64? {
        let rank = state.best(isSell: isSell)
        guard rank != InstrumentState.none else { return nil }
        return state.lowestPriceTicks &+ state.rank(isSell: isSell, rank)
    }

    private func list(_ table: UInt32, into answer: inout TickTableRows) {
        answer.empty()
        answer.isWhole = ticks.states[table].isWhole
        answer.users = ticks.states[table].users
        for place in 0..<ticks.states[table].count {
            answer.append(ticks.rows[TickTables.place(table, 1) &+ place])
        }
    }

    // MARK: One book

    private func list(_ instrument: UInt32, isSell: Bool, _ depth: Int, into side: inout BookSide) {
        side.empty()
        var left = min(depth, EngineAnswer.depthMax)
        var countsLeft = EngineAnswer.countedMax
        walkLevels(instrument: instrument, isSell: isSell) { price, level in
            guard left > 0 else { return false }
            left -= 1
            var row = BookRow(priceTicks: price, quantityLots: level.quantityLots)
            var slot = level.head
            while slot != 0, countsLeft > 0 {
                row.orderCount &+= 1
                countsLeft &-= 1
                slot = links[slot].next
            }
            row.isCounted = slot == 0
            side.append(row)
            return true
        }
    }

    // MARK: One order

    private func openOrder(session: UInt32, orderID: UInt64) -> OpenOrder? {
        guard session &- 1 < limits.sessionCapacity else { return nil }
        let slot = findOrder(session: session, orderID: orderID)
        guard slot != 0 else { return nil }
        let node = orders[slot]
        var order = OpenOrder(resting: restingOrder(slot))
        guard node.extra != 0 else { return order }
        let extra = extras[node.extra]
        if extra.expirySeconds != 0 { order.expirySeconds = extra.expirySeconds }
        if extra.isIceberg { order.peakLots = extra.peakLots }
        if extra.partner != 0 { order.linkedOrderID = orders[extra.partner].orderID }
        guard extra.waits else { return order }
        order.isWaiting = true
        order.resting.displayedLots = 0
        order.triggerPriceTicks = instruments[node.instrument].lowestPriceTicks &+ extra.triggerTick
        return order
    }
}
