// SPDX-License-Identifier: Apache-2.0
import Platform
import Wire

// Order rules and tick tables in the random flow.
extension RandomFlow {
    /// Loose more often than not, so that most orders are entered; mostly with a table that is
    /// likely to be whole.
    mutating func orderRules(of instrument: UInt32) -> Command {
        var rules = OrderRules()
        if random.below(3) != 0 {
            if random.below(3) == 0 { rules.lotStep = 1 + random.below(4) }
            if random.below(4) == 0 { rules.quantityLotsMin = random.below(5) }
            if random.below(3) == 0 {
                rules.valueMax = (instrument == 1 ? 100 : 2000) * (1 + random.below(9))
            }
            if random.below(2) == 0 { rules.tickTable = 1 + UInt32(random.below(3)) }
        }
        var record = LogRecord.setOrderRules(instrument: instrument, rules, operatorID: 9)
        switch random.below(40) {
        case 0: record.flags |= 1
        case 1: record.attributes.rawValue |= 2
        case 2: record.account = UInt32(random.below(30))
        case 3: record.orderID = [100, 101, 60, .max][Int(random.below(4))]
        case 4: record.quantityLots = [100, 101, 97, .max][Int(random.below(4))]
        case 5: record.priceTicks = -1
        default: break
        }
        return Command(record)
    }

    /// The rows of a table, one after the other; now and then it is left unfinished.
    mutating func tickTableRow() -> Command {
        if nextRow.number > nextRow.count || random.below(20) == 0 {
            nextRow = TickTableRow(
                table: 1 + UInt32(random.below(3)), number: 1, of: 1 + UInt32(random.below(3)),
                TickRow(fromTicks: 0, stepTicks: 1))
            nextRow.row.fromTicks = [-50, 0, 96][Int(random.below(3))]
        }
        let step = [1, 2, 3, 4, 5][Int(random.below(5))] as Int64
        let far = random.below(2) == 0 ? 6 : 2000 as UInt64
        let from = nextRow.row.fromTicks + Int64(1 + random.below(far))
        nextRow.row = TickRow(fromTicks: (from + 4) / step * step, stepTicks: UInt32(step))
        var record = LogRecord.setTickTableRow(nextRow, operatorID: 9)
        nextRow.number += 1
        switch random.below(60) {
        case 0: record.flags |= 1
        case 1: record.attributes.rawValue |= 2
        case 2: record.account = UInt32(random.below(40)) | UInt32(random.below(40)) << 16
        case 3: record.orderID = [0, 17, 1 << 32 | 1, .max][Int(random.below(4))]
        case 4: record.quantityLots = [0, 1 << 32, .max][Int(random.below(3))]
        case 5: record.priceTicks -= 7
        case 6: record.instrument = 1
        default: break
        }
        return Command(record)
    }
}
