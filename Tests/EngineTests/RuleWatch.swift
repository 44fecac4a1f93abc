// SPDX-License-Identifier: Apache-2.0
import Wire

/// Looks at commands and what was told of them, and at nothing else: whether an order was ever taken
/// that its instrument's order rules do not allow.
struct RuleWatch {
    private var rules: [UInt32: OrderRules] = [:]
    private var tables: [UInt32: [TickRow]] = [:]
    /// Orders of instruments with rules that were taken, and those of them with a tick table.
    private(set) var seen = 0
    private(set) var seenOnTables = 0

    /// What is wrong with what a command did, or nil.
    mutating func flaw(_ record: LogRecord, _ events: [Event]) -> String? {
        if record.kind == .setTickTableRow, events[0].kind == .controlApplied {
            let row = record.tickTableRow!
            tables[row.table] = (row.number == 1 ? [] : tables[row.table]!) + [row.row]
        }
        if record.kind == .setOrderRules, events[0].kind == .controlApplied {
            rules[record.instrument] = record.orderRules
        }
        for event in events where event.kind == .accepted || event.kind == .reduced {
            guard let rules = rules[event.instrument], rules.isSet else { continue }
            seen += 1
            guard event.quantityLots >= rules.quantityLotsMin else { return "too small: \(event)" }
            guard event.quantityLots % max(rules.lotStep, 1) == 0 else {
                return "no whole lots: \(event)"
            }
            guard event.kind == .accepted else { continue }
            // A market order says 0, which is worth nothing and on every table.
            if let rows = tables[rules.tickTable] {
                seenOnTables += 1
                let row = rows.last { $0.fromTicks <= event.priceTicks } ?? rows[0]
                guard event.priceTicks % Int64(row.stepTicks) == 0 else {
                    return "off its tick table: \(event)"
                }
            }
            // By the price that was asked for, from which one that slides goes away.
            let value = UInt128(record.priceTicks.magnitude) * UInt128(event.quantityLots)
            guard rules.valueMax == 0 || value <= UInt128(rules.valueMax) else {
                return "worth too much: \(event)"
            }
        }
        return nil
    }
}
