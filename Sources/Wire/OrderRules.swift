// SPDX-License-Identifier: Apache-2.0

/// What an instrument asks of each order beside its range of prices and its largest quantity:
/// docs/formats/order-rules.md. All zero: nothing. Since rules 3.
public struct OrderRules: Equatable, BitwiseCopyable, Sendable {
    /// Quantities are whole multiples of it, lots; 0 = any.
    public var lotStep: UInt64
    /// Smallest total of an order, lots; 0 = any.
    public var quantityLotsMin: UInt64
    /// Largest price times total of an order, ticks times lots; 0 = any.
    public var valueMax: UInt64
    /// The tick table that its prices are in, 1 ... ``TickTable/numberMax``; 0 = every tick.
    public var tickTable: UInt32

    /// From its parts; nothing unless it is said. A step or a smallest total of 1 is none.
    @inlinable
    public init(
        lotStep: UInt64 = 0, quantityLotsMin: UInt64 = 0, valueMax: UInt64 = 0,
        tickTable: UInt32 = 0
    ) {
        self.lotStep = lotStep == 1 ? 0 : lotStep
        self.quantityLotsMin = quantityLotsMin == 1 ? 0 : quantityLotsMin
        self.valueMax = valueMax
        self.tickTable = tickTable
    }

    /// Whether anything is asked at all.
    @inlinable public var isSet: Bool {
        lotStep | quantityLotsMin | valueMax | UInt64(tickTable) != 0
    }

    /// Whether there is a quantity that may be entered where orders have `quantityLotsMax` at most.
    @inlinable
    public func allowsAny(upTo quantityLotsMax: UInt64) -> Bool {
        let largest = quantityLotsMax &- quantityLotsMax % max(lotStep, 1)
        return largest != 0 && largest >= quantityLotsMin
    }
}

/// One row of a tick table: from a price on up to that of the next row, prices are whole multiples
/// of a step. Both are counted from price 0, below it too.
public struct TickRow: Equatable, BitwiseCopyable, Sendable {
    /// The lowest price of the row, ticks: a whole multiple of the step.
    public var fromTicks: Int64
    /// Ticks, 1 or more.
    public var stepTicks: UInt32

    /// From its parts.
    @inlinable
    public init(fromTicks: Int64, stepTicks: UInt32) {
        self.fromTicks = fromTicks
        self.stepTicks = stepTicks
    }

    /// Whether it may stand behind a row that begins at `last`, or be the first with nil.
    @inlinable
    public func isValid(behind last: Int64?) -> Bool {
        stepTicks != 0 && fromTicks % Int64(stepTicks) == 0
            && (last.map { fromTicks > $0 } ?? true)
    }

    /// How many ticks a price is above the next whole multiple of the step at or below it.
    @inlinable
    public func ticksAbove(_ priceTicks: Int64) -> UInt32 {
        let remainder = priceTicks % Int64(stepTicks)
        return UInt32(
            truncatingIfNeeded: remainder < 0 ? remainder &+ Int64(stepTicks) : remainder)
    }
}

/// How many tick tables a shard has, and how long they are.
public enum TickTable {
    /// Tables are numbered from 1 to here.
    @inlinable public static var numberMax: UInt32 { 16 }
    /// Rows of one table, at most.
    @inlinable public static var rowsMax: UInt32 { 32 }
}

/// One row of a tick table, with its place, as a record says it.
public struct TickTableRow: Equatable, BitwiseCopyable, Sendable {
    /// Of the table, 1 ... ``TickTable/numberMax``.
    public var table: UInt32
    /// From 1; the first one begins the table anew.
    public var number: UInt32
    /// Rows that the table will have, 1 ... ``TickTable/rowsMax``.
    public var count: UInt32
    /// What it says.
    public var row: TickRow

    /// From its parts.
    @inlinable
    public init(table: UInt32, number: UInt32, of count: UInt32, _ row: TickRow) {
        self.table = table
        self.number = number
        self.count = count
        self.row = row
    }
}

extension LogRecord {
    /// Sets the order rules of an instrument, or takes them away: `session` the operator, `orderID`
    /// the lot step, `quantityLots` the smallest total, `priceTicks` the largest value, `account`
    /// the tick table.
    @inlinable
    public static func setOrderRules(
        instrument: UInt32, _ rules: OrderRules, operatorID: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .setOrderRules, session: operatorID, orderID: rules.lotStep,
            priceTicks: Int64(bitPattern: rules.valueMax), quantityLots: rules.quantityLotsMin,
            account: rules.tickTable, instrument: instrument)
    }

    /// Of a record that sets order rules; nil where it says something that none could be.
    @inlinable public var orderRules: OrderRules? {
        guard attributes.rawValue == 0, flags == 0, account <= TickTable.numberMax else {
            return nil
        }
        return OrderRules(
            lotStep: orderID, quantityLotsMin: quantityLots,
            valueMax: UInt64(bitPattern: priceTicks), tickTable: account)
    }

    /// Sets one row of a tick table: `session` the operator, `orderID` the table, `account` the
    /// row and how many there will be, `priceTicks` from which price, `quantityLots` the step.
    @inlinable
    public static func setTickTableRow(_ row: TickTableRow, operatorID: UInt32) -> LogRecord {
        LogRecord(
            kind: .setTickTableRow, session: operatorID, orderID: UInt64(row.table),
            priceTicks: row.row.fromTicks, quantityLots: UInt64(row.row.stepTicks),
            account: row.number | row.count << 16)
    }

    /// Of a record that sets a row of a tick table; nil where it says something that none could be.
    @inlinable public var tickTableRow: TickTableRow? {
        let (number, count) = (account & 0xFFFF, account >> 16)
        guard attributes.rawValue == 0, flags == 0, instrument == 0,
            1...UInt64(TickTable.numberMax) ~= orderID, let step = UInt32(exactly: quantityLots),
            1...TickTable.rowsMax ~= count, 1...count ~= number
        else { return nil }
        return TickTableRow(
            table: UInt32(truncatingIfNeeded: orderID), number: number, of: count,
            TickRow(fromTicks: priceTicks, stepTicks: step))
    }
}
