// SPDX-License-Identifier: Apache-2.0
import Wire

// Price bands, and the calls that they set off.
extension NaiveEngine {
    struct Bands {
        var fixed: UInt64 = 0
        var moving: UInt64 = 0
        var isInBasisPoints = false
        var startsAuction = false
        var seconds: UInt64 = 0
        /// What the fixed one is around.
        var reference: Int64?
        /// When the call ends that an order has set off.
        var end = End.never
    }

    enum End: Equatable {
        case never
        /// So long behind the next time that is told.
        case seconds
        case at(UInt64)
    }

    mutating func setBands(_ record: LogRecord) {
        guard rules >= 3 else { return control(.unsupported) }
        guard let instrument = instruments[record.instrument] else {
            return control(.unknownInstrument, instrument: record.instrument)
        }
        let action = record.attributes.rawValue
        let isNothing = record.orderID == 0 && record.quantityLots == 0
        let widest =
            record.flags == 1
            ? 10_000 : min(UInt64(instrument.highest - instrument.lowest), 0xFFFF_FFFF)
        let wrong: [Bool] = [
            record.priceTicks != 0,
            record.flags > 1,
            record.flags == 1 && instrument.lowest <= 0,
            action > 1,
            record.orderID > widest || record.quantityLots > widest,
            action == 0 && record.account != 0,
            action == 1 && !(1...86_400).contains(record.account),
            isNothing && (record.flags != 0 || action != 0),
            tradings[record.instrument]?.isUncrossing == true,
        ]
        if wrong.contains(true) {
            return control(.invalidControl, instrument: record.instrument)
        }
        var all = bands[record.instrument] ?? Bands()
        all.fixed = record.orderID
        all.moving = record.quantityLots
        all.isInBasisPoints = record.flags == 1
        all.startsAuction = action == 1
        all.seconds = UInt64(record.account)
        bands[record.instrument] = all
        events.append(Event(kind: .controlApplied, instrument: record.instrument))
    }

    private func isNear(
        _ price: Int64, _ reference: Int64?, _ width: UInt64, isInBasisPoints: Bool
    ) -> Bool {
        guard width != 0, let reference else { return true }
        let distance = Int128(price) - Int128(reference)
        // A ten-thousandth is a basis point.
        let most = isInBasisPoints ? Int128(reference) * Int128(width) / 10_000 : Int128(width)
        return abs(distance) <= most
    }

    func isInFixedBand(_ price: Int64, _ number: UInt32, around reference: Int64?) -> Bool {
        let all = bands[number] ?? Bands()
        return isNear(price, reference, all.fixed, isInBasisPoints: all.isInBasisPoints)
    }

    /// Whether an order may trade at a price, as things were before it came.
    func mayTrade(_ order: Order, at price: Int64) -> Bool {
        let all = bands[order.instrument] ?? Bands()
        return isInFixedBand(price, order.instrument, around: all.reference)
            && isNear(price, order.lastBefore, all.moving, isInBasisPoints: all.isInBasisPoints)
    }

    /// What is left of an order that would trade outside.
    mutating func stopAtBand(_ order: Order) {
        let all = bands[order.instrument]!
        guard all.startsAuction else { return leave(order, .outsidePriceBand) }
        guard hasRoom(order) else { return leave(order, .noRoomToRest) }
        call(order.instrument, end: .seconds)
        guard order.mayRest else { return leave(order, .outsidePriceBand) }
        say(.rested, order, [], quantity: order.total)
        rest(order)
    }

    // MARK: Calls that nobody asked for

    mutating func call(_ number: UInt32, end: End) {
        bands[number, default: Bands()].end = end
        turn(number, .auction)
    }

    private mutating func turn(_ number: UInt32, _ state: TradingState) {
        tradings[number, default: Trading()].state = state
        tradings[number]!.owesIndication = false
        events.append(
            Event(
                kind: .tradingStateSet, detail: UInt16(state.rawValue), instrument: number,
                reference: 1))
    }

    /// The time was told.
    mutating func countCall(_ number: UInt32) {
        guard bands[number]?.end == .seconds else { return }
        bands[number]!.end = .at(time + bands[number]!.seconds)
    }

    func isCallOver(_ number: UInt32) -> Bool {
        guard case .at(let end) = bands[number]?.end else { return false }
        return end <= time
    }

    mutating func endCall(_ number: UInt32) {
        let all = bands[number]!
        bands[number]!.end = .never
        let price = auctionPrice(number, near: tradings[number]!.reference)
        if let price, !isInFixedBand(price, number, around: all.reference) {
            return turn(number, .auction)
        }
        turn(number, .open)
        tradings[number]!.isUncrossing = price != nil || hasMarketOrders(number)
    }
}
