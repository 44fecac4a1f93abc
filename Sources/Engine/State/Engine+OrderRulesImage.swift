// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// One row of a tick table, behind the price bands of an image: 64 bytes.
struct TickRowImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  6
    var table: UInt32 = 0  //               4  ascending
    var number: UInt32 = 0  //              8  of the row, from 1
    var count: UInt32 = 0  //              12  rows that the table will have
    var fromTicks: Int64 = 0  //           16
    var stepTicks: UInt32 = 0  //          24
    var reserved0: UInt32 = 0  //          28  zero
    var reserved1: UInt64 = 0  //          32  zero
    var reserved2: UInt64 = 0  //          40  zero
    var reserved3: UInt64 = 0  //          48  zero
    var reserved4: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 6
}

/// The order rules of an instrument that has any, behind the tick tables of an image: 64 bytes.
struct OrderRulesImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  7
    var number: UInt32 = 0  //              4  of the instrument, ascending
    var lotStep: UInt64 = 0  //             8
    var quantityLotsMin: UInt64 = 0  //    16
    var valueMax: UInt64 = 0  //           24
    var tickTable: UInt32 = 0  //          32
    var reserved0: UInt32 = 0  //          36  zero
    var reserved1: UInt64 = 0  //          40  zero
    var reserved2: UInt64 = 0  //          48  zero
    var reserved3: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 7
}

extension Engine {
    /// Visits the rows of all tick tables.
    func forEachTickRow(_ visit: (TickTableRow) -> Void) {
        for table in 1...TickTable.numberMax where ticks.states[table].count != 0 {
            for number in 1...ticks.states[table].count {
                visit(
                    TickTableRow(
                        table: table, number: number, of: ticks.states[table].due,
                        ticks.rows[TickTables.place(table, number)]))
            }
        }
    }

    /// Visits the instruments that have order rules.
    func forEachRuled(_ visit: (UInt32) -> Void) {
        for number in 1...limits.instrumentCapacity where orderRules[number].isSet {
            visit(number)
        }
    }

    /// From a row on.
    func encodeOrderRules(_ header: ImageHeader, from first: Int, _ writer: inout ImageWriter) {
        var row = first
        forEachTickRow { entry in
            writer.store(
                TickRowImage(
                    table: entry.table, number: entry.number, count: entry.count,
                    fromTicks: entry.row.fromTicks, stepTicks: entry.row.stepTicks),
                at: header.byteOffset(.rare, row))
            row += 1
        }
        forEachRuled { number in
            let rules = orderRules[number]
            writer.store(
                OrderRulesImage(
                    number: number, lotStep: rules.lotStep,
                    quantityLotsMin: rules.quantityLotsMin, valueMax: rules.valueMax,
                    tickTable: rules.tickTable),
                at: header.byteOffset(.rare, row))
            row += 1
        }
    }

    func decodeTickTables(
        _ image: borrowing ImageView, _ header: ImageHeader, _ rows: Range<Int>
    ) throws(EngineImageError) {
        var last: UInt32 = 0
        for row in rows {
            let place = ImagePlace(.rare, header.byteOffset(.rare, row))
            let entry = image.load(TickRowImage.self, at: place.byteOffset)
            try place.check(
                entry.number == 1 ? entry.table > last : entry.table == last,
                "row \(entry.number) of tick table \(entry.table)",
                "behind those of table \(last)", at: 4)
            try place.check(
                UInt64(entry.reserved0) | entry.reserved1 | entry.reserved2 | entry.reserved3
                    | entry.reserved4 == 0, "reserved bytes are set", "zero", at: 28)
            let record = LogRecord.setTickTableRow(
                TickTableRow(
                    table: entry.table, number: entry.number & 0xFFFF, of: entry.count & 0xFFFF,
                    TickRow(fromTicks: entry.fromTicks, stepTicks: entry.stepTicks)),
                operatorID: 0)
            var isRow = false
            if let row = record.tickTableRow, (entry.number | entry.count) >> 16 == 0 {
                isRow = ticks.add(row)
            }
            try place.check(
                isRow, "row \(entry.number) of \(entry.count), from \(entry.fromTicks)",
                "such as may stand there", at: 8)
            last = entry.table
        }
    }

    func decodeOrderRules(
        _ image: borrowing ImageView, _ header: ImageHeader, _ rows: Range<Int>
    ) throws(EngineImageError) {
        var last: UInt32 = 0
        for row in rows {
            let place = ImagePlace(.rare, header.byteOffset(.rare, row))
            let entry = image.load(OrderRulesImage.self, at: place.byteOffset)
            try place.check(
                entry.number > last && isDefined(instrument: entry.number),
                "instrument \(entry.number)", "above \(last), and defined", at: 4)
            try place.check(
                UInt64(entry.reserved0) | entry.reserved1 | entry.reserved2 | entry.reserved3 == 0,
                "reserved bytes are set", "zero", at: 36)
            let rules = OrderRules(
                lotStep: entry.lotStep, quantityLotsMin: entry.quantityLotsMin,
                valueMax: entry.valueMax, tickTable: entry.tickTable)
            try place.check(
                entry.lotStep != 1 && entry.quantityLotsMin != 1
                    && entry.tickTable <= TickTable.numberMax && rules.isSet
                    && mayHave(rules, entry.number),
                "order rules of instrument \(entry.number)", "such as it may have", at: 8)
            give(entry.number, rules)
            last = entry.number
        }
    }

    /// What is broken in order rules and tick tables, or nil.
    func checkOrderRules() -> String? {
        var users = [UInt32](repeating: 0, count: Int(TickTable.numberMax) + 1)
        for number in 1...limits.instrumentCapacity where orderRules[number].isSet {
            guard isDefined(instrument: number), mayHave(orderRules[number], number) else {
                return "instrument \(number) has rules that it may not have"
            }
            users[Int(orderRules[number].tickTable)] += 1
        }
        for table in 1...TickTable.numberMax where ticks.states[table].users != users[Int(table)] {
            return "tick table \(table) counts \(ticks.states[table].users) instruments, "
                + "\(users[Int(table)]) name it"
        }
        var broken: String?
        forEachTickRow { entry in
            let place = TickTables.place(entry.table, entry.number)
            let last = entry.number == 1 ? nil : ticks.rows[place - 1].fromTicks
            if !entry.row.isValid(behind: last) || entry.number > entry.count {
                broken = "row \(entry.number) of tick table \(entry.table) may not stand there"
            }
        }
        return broken
    }
}
