// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Since rules 3: what an instrument asks of each order, and the tick tables that its prices are in.
// A table is whole before an instrument may name it, and stays as it is while one does: nothing is
// ever half in force. What rests was asked when it came; what matching itself chooses is not asked,
// but for the price to which a post-only order slides.

/// A tick table. Its rows are in `tickRows`.
struct TickTableState: BitwiseCopyable {
    var count: UInt32  //  rows that there are
    var due: UInt32  //    rows that there will be
    var users: UInt32  //  instruments that name it

    var isWhole: Bool { count != 0 && count == due }
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
        rules.allowsAny(upTo: instruments[instrument].quantityLotsMax)
            && (rules.tickTable == 0 || tickTables[rules.tickTable].isWhole)
    }

    /// Gives an instrument rules that it may have.
    func give(_ instrument: UInt32, _ rules: OrderRules) {
        // Table 0 is nobody's, and counts for nothing.
        tickTables[orderRules[instrument].tickTable].users &-= 1
        tickTables[rules.tickTable].users &+= 1
        orderRules[instrument] = rules
        setUsual(instrument)
    }

    /// Refused: before rules 3 (`unsupported`); a table that an instrument names; the first row of
    /// a table is always next, and else the one behind the last, of as many; a row that may not
    /// stand behind the last (`invalidControl`).
    @inline(never)
    mutating func setTickTableRow(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        guard let row = record.tickTableRow, tickTables[row.table].users == 0, add(row) else {
            return rejectControl(.invalidControl, into: &outbox)
        }
        emit(Event(kind: .controlApplied, attributes: closing), into: &outbox)
        return true
    }

    /// Puts a row into its table; false if it may not stand there.
    func add(_ row: TickTableRow) -> Bool {
        let isFirst = row.number == 1
        let table = tickTables[row.table]
        guard isFirst || row.number == table.count &+ 1 && row.count == table.due else {
            return false
        }
        let place = Self.tickRowPlace(row.table, row.number)
        guard row.row.isValid(behind: isFirst ? nil : tickRows[place &- 1].fromTicks) else {
            return false
        }
        tickRows[place] = row.row
        tickTables[row.table].count = row.number
        tickTables[row.table].due = row.count
        return true
    }

    /// Where a row of a table is, numbered from 1.
    static func tickRowPlace(_ table: UInt32, _ number: UInt32) -> UInt32 {
        (table &- 1) &* TickTable.rowsMax &+ number &- 1
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
        guard rules.tickTable == 0 || isOnTable(rules.tickTable, priceTicks) else {
            return .invalidTick
        }
        return rules.allows(totalLots, at: priceTicks) ? .none : .orderValueTooLarge
    }

    /// The place of the row of a table in which a price lies. The first one reaches down to all
    /// prices below it.
    @inline(__always)
    private func tickRowPlace(_ table: UInt32, at priceTicks: Int64) -> UInt32 {
        let first = Self.tickRowPlace(table, 1)
        var place = first &+ tickTables[table].count &- 1
        while place > first, tickRows[place].fromTicks > priceTicks { place &-= 1 }
        return place
    }

    @inline(never)
    private func isOnTable(_ table: UInt32, _ priceTicks: Int64) -> Bool {
        tickRows[tickRowPlace(table, at: priceTicks)].ticksAbove(priceTicks) == 0
    }

    /// The next tick, from one on and away from the other side, whose price is on the instrument's
    /// tick table; it may be outside of the ladder.
    @inline(never)
    func validTick(_ instrument: UInt32, isSell: Bool, _ tick: Int64) -> Int64 {
        let table = orderRules[instrument].tickTable
        guard table != 0 else { return tick }
        let price = instruments[instrument].lowestPriceTicks &+ tick
        let place = tickRowPlace(table, at: price)
        let above = tickRows[place].ticksAbove(price)
        guard above != 0 else { return tick }
        // A row begins with one of its own multiples, so nothing lies between it and the next down.
        guard isSell else { return tick &- Int64(above) }
        var distance = UInt64(tickRows[place].stepTicks &- above)
        if place < Self.tickRowPlace(table, tickTables[table].count) {
            let toNext = UInt64(bitPattern: tickRows[place &+ 1].fromTicks &- price)
            distance = min(distance, toNext)
        }
        return tick &+ Int64(distance)
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
