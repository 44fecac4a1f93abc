// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the second record of an order has its 64 bytes under other names, any of which are one.
internal import Wire

/// Records that say what could be, mostly: any bytes with what they say brought into small ranges,
/// so that they meet.
enum Righted {
    private static let sessions = limits.sessionCapacity

    /// A record that comes before `sequence` is taken; `next` says which message of a session is.
    static func record(
        _ given: LogRecord, before sequence: UInt64, next: (UInt32) -> UInt64
    ) -> LogRecord {
        switch given.kind.rawValue {
        case 1...7: flow(given, next)
        case 32, 33: session(given)
        default: control(given, before: sequence)
        }
    }

    private static func flow(_ given: LogRecord, _ next: (UInt32) -> UInt64) -> LogRecord {
        var record = given
        record.session = record.session % sessions + 1
        record.sessionSequence = UInt32(truncatingIfNeeded: next(record.session))
        record.orderID &= 31
        record.priceTicks %= 100
        // Of some as far away as may be.
        if given.priceTicks >> 61 == 3 { record.priceTicks <<= given.priceTicks >> 7 & 63 }
        record.quantityLots &= 1023
        if record.kind == .replaceOrder {
            record.originalOrderID &= 31
        } else {
            record.account &= 3
            record.instrument &= 3
        }
        return record
    }

    private static func session(_ given: LogRecord) -> LogRecord {
        var record = given
        record.session = record.session % sessions + 1
        record.flags &= 7
        return record
    }

    private static func control(_ given: LogRecord, before sequence: UInt64) -> LogRecord {
        var record = given
        record.instrument &= 3
        record.orderID &= 31
        record.quantityLots &= 31
        record.flags &= 1
        record.attributes.rawValue &= 7
        switch record.kind {
        case .epochStart:
            record.sessionSequence &= 3
            record.flags = RecordFlags.pair
        case .defineInstrument:
            record.priceTicks %= 60
            record.quantityLots = UInt64(bitPattern: record.priceTicks + Int64(record.quantityLots))
            record.flags = RecordFlags.pair
        case .setInstrumentState:
            record.quantityLots = 0
            record.priceTicks = record.flags == 0 ? 0 : record.priceTicks % 100
        case .killSwitch: record.orderID &= 3
        case .activateRules: record.orderID &= 3
        case .timeAdvance: record.timestampNanos = record.timestampNanos % 64 * 1_000_000_000
        case .setPriceBands:
            record.priceTicks = 0
            record.attributes.rawValue &= 1
            record.account = record.attributes.rawValue == 0 ? 0 : record.account & 3
        case .rollBusinessDay: record = .rollBusinessDay(to: day(record), operatorID: 1)
        case .setOrderRules:
            record.orderID &= 7
            record.priceTicks &= 0x3FFF
            record.account &= 3
            (record.flags, record.attributes.rawValue) = (0, 0)
        case .setTickTableRow:
            record.orderID &= 3
            record.quantityLots &= 3
            record.priceTicks %= 60
            record.account = record.account & 3 | (record.account >> 16 & 3) << 16
            record.instrument = 0
            (record.flags, record.attributes.rawValue) = (0, 0)
        case .setTradeGroup:
            record = .setTradeGroup(
                account: record.account & 3, group: UInt32(record.orderID & 3), operatorID: 1)
        case .bustTrade: bust(&record, of: given, before: sequence)
        default: return given
        }
        return record
    }

    private static func day(_ record: LogRecord) -> BusinessDay {
        BusinessDay(rawValue: UInt32(record.orderID) + 1)
    }

    private static func bust(
        _ record: inout LogRecord, of given: LogRecord, before sequence: UInt64
    ) {
        record.orderID = given.orderID % sequence
        record.sessionSequence = 0
        record.priceTicks %= 100
        record.account &= 3
        record.attributes.rawValue = given.attributes.rawValue & 0b10_0001
        record.flags = RecordFlags.pair
    }

    // MARK: Second records

    /// A second record, for what the first one has become.
    static func second(_ given: LogRecord, of record: LogRecord) -> LogRecord {
        var second = given
        second.kind = .continuation
        switch record.kind {
        case .newOrder: return order(second)
        case .epochStart: return limits.continuation
        case .bustTrade:
            second.attributes.rawValue = 0
            second.flags = 0
            let resting = UInt64(UInt32(truncatingIfNeeded: second.orderID) % sessions + 1)
            second.orderID = resting | (second.orderID >> 32 & 3) << 32
            second.account = second.account % sessions + 1
            second.instrument &= 3
        default: return given
        }
        return second
    }

    private static func order(_ given: LogRecord) -> LogRecord {
        var rare = unsafe unsafeBitCast(given, to: OrderContinuation.self)
        rare.triggerPriceTicks %= 100
        rare.peakLots &= 63
        // Of a trailing stop the step is in the high half.
        rare.minimumLots &= 7 << 32 | 31
        rare.expirySeconds &= 63
        rare.triggerCondition &= 0x11
        return unsafe unsafeBitCast(rare, to: LogRecord.self)
    }
}
