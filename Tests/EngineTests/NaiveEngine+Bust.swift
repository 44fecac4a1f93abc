// SPDX-License-Identifier: Apache-2.0
import Wire

// Trades that an operator declares void.
extension NaiveEngine {
    mutating func bust(_ record: LogRecord, _ second: LogRecord?) {
        guard rules >= 3 else { return control(.unsupported) }
        func no(_ reason: Reason) { control(reason, instrument: record.instrument) }
        let wrong: [Bool] = [
            second == nil || second!.attributes.rawValue != 0 || second!.flags != 0,
            record.sessionSequence != 0,
            record.account > 65_535,
            ![0, 1, 32, 33].contains(record.attributes.rawValue),
            record.flags & 0x7FFF != 0,
            record.quantityLots == 0,
        ]
        guard !wrong.contains(true), let second else { return no(.invalidControl) }
        guard let instrument = instruments[record.instrument] else {
            return no(.unknownInstrument)
        }
        // What the second record says of the order that was in the book, and of the other.
        let resting = (
            id: second.timestampNanos, reference: word(second.session, second.sessionSequence),
            session: UInt32(second.orderID & 0xFFFF_FFFF), account: UInt32(second.orderID >> 32)
        )
        let aggressor = (
            id: UInt64(bitPattern: second.priceTicks), reference: second.quantityLots,
            session: second.account, account: second.instrument
        )
        let isTrade: [Bool] = [
            record.orderID >= 1 && record.orderID < record.sequence,
            (instrument.lowest...instrument.highest).contains(record.priceTicks),
            record.quantityLots <= instrument.quantityMax,
            isSession(resting.session), isSession(aggressor.session),
        ]
        guard !isTrade.contains(false) else { return no(.invalidControl) }
        guard record.orderID >= dayBegan else { return no(.tradeOfEarlierDay) }
        let trade = [record.orderID, UInt64(record.account)]
        guard !busts.contains(trade) else { return no(.alreadyBusted) }
        guard busts.count < min(Int(limits.orderCapacity), 16_384) else {
            return no(.tooManyBusts)
        }
        busts.insert(trade)
        let isSell = record.attributes.rawValue & 1
        let auction: UInt8 = record.attributes.rawValue & 32
        for (isFirst, side) in [(true, resting), (false, aggressor)] {
            var event = Event(
                kind: .busted, detail: UInt16(record.account), session: side.session,
                account: side.account, instrument: record.instrument, orderID: side.id,
                reference: side.reference, priceTicks: record.priceTicks,
                quantityLots: record.quantityLots, executedLots: record.orderID)
            event.attributes = EventAttributes(
                rawValue: (isFirst ? isSell | 4 : (1 - isSell) | 2) | auction)
            events.append(event)
        }
        events.append(Event(kind: .controlApplied, instrument: record.instrument))
    }

    private func word(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) << 32 }
}
