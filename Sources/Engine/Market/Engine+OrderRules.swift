// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Since rules 3: what an instrument asks of each order, and the tick tables that its prices are in.
// A table is whole before an instrument may name it, and stays as it is while one does: nothing is
// ever half in force. What rests was asked when it came; what matching itself chooses is not asked,
// but for the price to which a post-only order slides.

/// The tick tables of a shard. Handed on as a value: asked through the engine, an order would carry
/// a copy of that.
struct TickTables {
    /// One of them.
    struct State: BitwiseCopyable {
        var count: UInt32  //  rows that there are
        var due: UInt32  //    rows that there will be
        var users: UInt32  //  instruments that name it

        var isWhole: Bool { count != 0 && count == due }
    }

    /// By their numbers; 0 is nobody's.
    let states: Table<State>
    let rows: Table<TickRow>
    /// Of each instrument: in which row the last price lay that was looked for. The next one is
    /// hardly ever far from it.
    let lastRows: Table<UInt32>

    init(_ arena: inout Arena, instrumentCapacity: UInt32) {
        states = Table(&arena, count: Int(TickTable.numberMax) + 1)
        rows = Table(&arena, count: Int(TickTable.numberMax * TickTable.rowsMax))
        lastRows = Table(&arena, count: Int(instrumentCapacity) + 1)
    }

    static func byteCount(instrumentCapacity: UInt32) -> Int {
        (Int(TickTable.numberMax) + 1) * MemoryLayout<State>.stride
            + Int(TickTable.numberMax * TickTable.rowsMax) * MemoryLayout<TickRow>.stride
            + (Int(instrumentCapacity) + 1) * MemoryLayout<UInt32>.stride
    }

    /// Where a row of a table is, numbered from 1.
    @inline(__always)
    static func place(_ table: UInt32, _ number: UInt32) -> UInt32 {
        (table &- 1) &* TickTable.rowsMax &+ number &- 1
    }

    /// Puts a row into its table; false if it may not stand there.
    func add(_ row: TickTableRow) -> Bool {
        let isFirst = row.number == 1
        let state = states[row.table]
        guard isFirst || row.number == state.count &+ 1 && row.count == state.due else {
            return false
        }
        let place = Self.place(row.table, row.number)
        guard row.row.isValid(behind: isFirst ? nil : rows[place &- 1].fromTicks) else {
            return false
        }
        rows[place] = row.row
        states[row.table].count = row.number
        states[row.table].due = row.count
        return true
    }

    /// The place of the row of an instrument's table in which a price lies. The first one reaches
    /// down to all prices below it.
    @inline(__always)
    private func place(_ instrument: UInt32, _ table: UInt32, at priceTicks: Int64) -> UInt32 {
        let first = Self.place(table, 1)
        let last = Self.place(table, states[table].count)
        var place = first &+ lastRows[instrument]
        while place > first, rows[place].fromTicks > priceTicks { place &-= 1 }
        while place < last, rows[place &+ 1].fromTicks <= priceTicks { place &+= 1 }
        lastRows[instrument] = place &- first
        return place
    }

    /// How far a price is above the next one at or below it that is on an instrument's table.
    @inline(__always)
    func ticksAbove(_ instrument: UInt32, _ table: UInt32, _ priceTicks: Int64) -> UInt32 {
        rows[place(instrument, table, at: priceTicks)].ticksAbove(priceTicks)
    }

    /// How far a price is from the next one that is on an instrument's table: for a sell above it,
    /// for a buy below.
    @inline(never)
    func distance(
        _ instrument: UInt32, _ table: UInt32, _ priceTicks: Int64, isSell: Bool
    ) -> Int64 {
        let place = place(instrument, table, at: priceTicks)
        let above = rows[place].ticksAbove(priceTicks)
        // A row begins with one of its own multiples, so nothing lies between it and the next down.
        guard isSell, above != 0 else { return Int64(above) }
        let distance = UInt64(rows[place].stepTicks &- above)
        guard place < Self.place(table, states[table].count) else { return Int64(distance) }
        let toNext = UInt64(bitPattern: rows[place &+ 1].fromTicks &- priceTicks)
        return Int64(min(distance, toNext))
    }
}

extension OrderRules {
    @inline(__always)
    func isWhole(_ lots: UInt64) -> Bool { lotStep == 0 || lots == 0 || lots % lotStep == 0 }

    /// Why a quantity may not be entered, or `none`.
    @inline(__always)
    func refusal(ofTotal totalLots: UInt64) -> Reason {
        guard totalLots >= quantityLotsMin else { return .quantityTooSmall }
        return isWhole(totalLots) ? .none : .invalidLot
    }

    @inline(__always)
    func allows(_ lots: UInt64, at priceTicks: Int64) -> Bool {
        guard valueMax != 0 else { return true }
        let value = priceTicks.magnitude.multipliedFullWidth(by: lots)
        return value.high == 0 && value.low <= valueMax
    }
}

extension Engine {
    /// Refused: before rules 3 (`unsupported`); an instrument that is not defined
    /// (`unknownInstrument`); rules that no order could keep, and a tick table that is not whole
    /// (`invalidControl`). What rests stays.
    @inline(never)
    mutating func setOrderRules(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        let instrument = record.instrument
        guard isDefined(instrument: instrument) else {
            return rejectControl(.unknownInstrument, instrument: instrument, into: &outbox)
        }
        guard let rules = record.orderRules, mayHave(rules, instrument) else {
            return rejectControl(.invalidControl, instrument: instrument, into: &outbox)
        }
        give(instrument, rules)
        emit(
            Event(kind: .controlApplied, attributes: closing, instrument: instrument),
            into: &outbox)
        return true
    }

    func mayHave(_ rules: OrderRules, _ instrument: UInt32) -> Bool {
        rules.allowsAny(upTo: markets[instrument].quantityLotsMax)
            && (rules.tickTable == 0 || ticks.states[rules.tickTable].isWhole)
    }

    /// Gives an instrument rules that it may have.
    func give(_ instrument: UInt32, _ rules: OrderRules) {
        // Table 0 is nobody's, and counts for nothing.
        ticks.states[orderRules[instrument].tickTable].users &-= 1
        ticks.states[rules.tickTable].users &+= 1
        ticks.lastRows[instrument] = 0
        orderRules[instrument] = rules
        setUsual(instrument)
    }

    /// Refused: before rules 3 (`unsupported`); a table that an instrument names; the first row of
    /// a table is always next, and else the one behind the last, of as many; a row that may not
    /// stand behind the last (`invalidControl`).
    @inline(never)
    mutating func setTickTableRow(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        guard let row = record.tickTableRow, ticks.states[row.table].users == 0, ticks.add(row)
        else {
            return rejectControl(.invalidControl, into: &outbox)
        }
        emit(Event(kind: .controlApplied, attributes: closing), into: &outbox)
        return true
    }

    // MARK: Orders

    /// Why an order may not be entered under its instrument's rules, or `none`: its total, not
    /// below the smallest (`quantityTooSmall`); total, peak and minimum whole lots (`invalidLot`);
    /// its price on the tick table (`invalidTick`); price times total, or what a market order may
    /// spend, not above the largest value (`orderValueTooLarge`). A market order has no price.
    @inline(__always)
    func ruleRefusal(
        _ instrument: UInt32, totalLots: UInt64, priceTicks: Int64?,
        peakLots: UInt64 = 0, minimumLots: UInt64 = 0, quoteMax: UInt64 = 0
    ) -> Reason {
        // Who asks is on the way of orders that nearly never have rules.
        guard instruments[instrument].usualLotsMax == 0, orderRules[instrument].isSet else {
            return .none
        }
        let rules = orderRules[instrument]
        let reason = rules.refusal(ofTotal: totalLots)
        guard reason == .none else { return reason }
        guard rules.isWhole(peakLots), rules.isWhole(minimumLots) else { return .invalidLot }
        guard let priceTicks else {
            return rules.valueMax == 0 || quoteMax <= rules.valueMax ? .none : .orderValueTooLarge
        }
        guard rules.tickTable == 0 || ticks.ticksAbove(instrument, rules.tickTable, priceTicks) == 0
        else {
            return .invalidTick
        }
        return rules.allows(totalLots, at: priceTicks) ? .none : .orderValueTooLarge
    }

    /// The next tick, from one on and away from the other side, whose price is on the instrument's
    /// tick table; it may be outside of the ladder.
    @inline(__always)
    func validTick(_ instrument: UInt32, isSell: Bool, _ tick: Int64) -> Int64 {
        let table = orderRules[instrument].tickTable
        guard table != 0 else { return tick }
        let distance = ticks.distance(
            instrument, table, instruments[instrument].lowestPriceTicks &+ tick, isSell: isSell)
        return isSell ? tick &+ distance : tick &- distance
    }

    /// A new order of an instrument that is usual but for its order rules, if it keeps these and is
    /// usual itself.
    @inline(never)
    mutating func newRuledOrder(
        _ record: RecordView, _ indexHash: UInt32, into outbox: inout EventOutbox
    ) -> Course {
        let instrument = record.instrument
        guard instrument <= limits.instrumentCapacity, orderRules[instrument].isSet,
            markets[instrument].isUsual,
            ruleRefusal(
                instrument, totalLots: record.quantityLots, priceTicks: record.priceTicks) == .none
        else { return .unusual }
        return newUsualOrder(record, indexHash, isRuled: true, into: &outbox)
    }
}
