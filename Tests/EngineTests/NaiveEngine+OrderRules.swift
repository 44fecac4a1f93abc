// SPDX-License-Identifier: Apache-2.0
import Wire

// Order rules and tick tables.
extension NaiveEngine {
    struct Rules {
        var step: UInt64 = 1
        var smallest: UInt64 = 1
        var value: UInt64 = 0
        var table: UInt64 = 0
    }

    struct Ticks {
        var rows: [(from: Int64, step: Int64)] = []
        var due: UInt32 = 0

        func step(at price: Int64) -> Int64 {
            (rows.last { $0.from <= price } ?? rows[0]).step
        }
    }

    mutating func setRules(_ record: LogRecord) {
        guard rules >= 3 else { return control(.unsupported) }
        guard let instrument = instruments[record.instrument] else {
            return control(.unknownInstrument, instrument: record.instrument)
        }
        // Nothing said is 1.
        let step = max(record.orderID, 1)
        let smallest = max(record.quantityLots, 1)
        let table = tables[UInt64(record.account)]
        let wrong: [Bool] = [
            record.attributes.rawValue != 0,
            record.flags != 0,
            step > instrument.quantityMax,
            // The largest whole multiple that may be.
            instrument.quantityMax / step * step < smallest,
            record.account != 0 && (table == nil || table!.rows.count != Int(table!.due)),
        ]
        if wrong.contains(true) {
            return control(.invalidControl, instrument: record.instrument)
        }
        orderRules[record.instrument] = Rules(
            step: step, smallest: smallest, value: UInt64(bitPattern: record.priceTicks),
            table: UInt64(record.account))
        events.append(Event(kind: .controlApplied, instrument: record.instrument))
    }

    mutating func setTickRow(_ record: LogRecord) {
        guard rules >= 3 else { return control(.unsupported) }
        let row = record.account % 65_536
        let count = record.account / 65_536
        let old = tables[record.orderID] ?? Ticks()
        let price = record.priceTicks
        var wrong: [Bool] = [
            record.attributes.rawValue != 0,
            record.flags != 0,
            record.instrument != 0,
            !(1...16).contains(record.orderID),
            !(1...32).contains(count),
            row < 1 || row > count,
            record.quantityLots < 1 || record.quantityLots > 4_294_967_295,
            orderRules.values.contains { $0.table == record.orderID },
        ]
        if !wrong.contains(true) {
            wrong += [
                price % Int64(record.quantityLots) != 0,
                row > 1 && (Int(row) != old.rows.count + 1 || count != old.due),
                row > 1 && !old.rows.isEmpty && price <= old.rows.last!.from,
            ]
        }
        if wrong.contains(true) { return control(.invalidControl) }
        var table = row == 1 ? Ticks() : old
        table.rows.append((price, Int64(record.quantityLots)))
        table.due = count
        tables[record.orderID] = table
        events.append(Event(kind: .controlApplied))
    }

    func isOnTable(_ price: Int64, _ instrument: UInt32) -> Bool {
        guard let all = orderRules[instrument], let table = tables[all.table] else { return true }
        return price % table.step(at: price) == 0
    }

    func totalRefusal(_ total: UInt64, _ instrument: UInt32) -> Reason {
        let all = orderRules[instrument] ?? Rules()
        if total < all.smallest { return .quantityTooSmall }
        return total % all.step == 0 ? .none : .invalidLot
    }

    /// What an instrument asks of an order that is new, or is to be another's replacement.
    func ruleRefusal(_ order: Order, isNew: Bool) -> Reason {
        let all = orderRules[order.instrument] ?? Rules()
        let reason = totalRefusal(order.total, order.instrument)
        if reason != .none { return reason }
        if isNew, order.peak % all.step != 0 || order.minimum % all.step != 0 {
            return .invalidLot
        }
        if order.type == .market {
            return all.value != 0 && order.quoteLeft ?? 0 > all.value ? .orderValueTooLarge : .none
        }
        guard isOnTable(order.price, order.instrument) else { return .invalidTick }
        let value = UInt128(order.price.magnitude) * UInt128(order.total)
        return all.value != 0 && value > UInt128(all.value) ? .orderValueTooLarge : .none
    }
}
