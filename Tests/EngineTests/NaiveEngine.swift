// SPDX-License-Identifier: Apache-2.0
import Wire

/// The oracle: the rules as they are written at `Engine.apply`, with dictionaries and arrays, slow
/// and obviously right. It shares nothing with the engine but the formats.
struct NaiveEngine {
    struct Order {
        var id: UInt64
        var reference: UInt64
        var session: UInt32
        var account: UInt32
        var instrument: UInt32
        var side: Side
        var price: Int64
        var total: UInt64
        var executed: UInt64
        var isPostOnly: Bool
        var prevention: SelfTradePrevention
        var type = OrderType.limit
        var timeInForce = TimeInForce.day
        var leaves: UInt64 { total - executed }
        var mayRest: Bool {
            type == .limit && (timeInForce == .day || timeInForce == .goodTillCancel)
        }
    }
    struct Session {
        var expected: UInt64 = 1
        var reports: UInt64 = 0
        var isLoggedOn = false
        var cancelsOnDisconnect = false
    }
    struct Instrument {
        var lowest: Int64
        var highest: Int64
        var quantityMax: UInt64
    }

    let limits: EngineLimits
    /// All resting orders, in order of entry.
    var orders: [Order] = []
    var sessions: [UInt32: Session] = [:]
    var instruments: [UInt32: Instrument] = [:]
    var events: [Event] = []
    var tradeIndex = 0
    var rules: UInt32 = 0

    init(limits: EngineLimits) { self.limits = limits }

    mutating func apply(_ record: LogRecord, _ continuation: LogRecord?) -> [Event] {
        events = []
        tradeIndex = 0
        if (1...7).contains(record.kind.rawValue) {
            sequenced(record, continuation)
        } else {
            unsequenced(record, continuation)
        }
        events[events.count - 1].attributes.insert(.last)
        if record.isPair { events[events.count - 1].attributes.insert(.pair) }
        for event in events where event.kind.isReported {
            sessions[event.session]!.reports += 1
        }
        return events
    }

    // MARK: Sessions and control

    mutating func control(
        _ reason: Reason, session: UInt32 = 0, instrument: UInt32 = 0
    ) {
        events.append(
            Event(
                kind: .controlRejected, detail: UInt16(reason.rawValue), session: session,
                instrument: instrument))
    }

    func isSession(_ number: UInt32) -> Bool {
        number >= 1 && number <= limits.sessionCapacity
    }

    mutating func sequenced(_ record: LogRecord, _ continuation: LogRecord?) {
        guard isSession(record.session) else {
            return control(.unknownSession, session: record.session)
        }
        var session = sessions[record.session] ?? Session()
        guard UInt32(truncatingIfNeeded: session.expected) == record.sessionSequence else {
            return control(.sessionSequenceBroken, session: record.session)
        }
        session.expected += 1
        sessions[record.session] = session
        if record.kind == .refused {
            return reject(.refused, Reason(rawValue: UInt8(record.flags & 0xFF)), record)
        }
        switch record.kind {
        case .newOrder:
            guard session.isLoggedOn else { return reject(.rejected, .notLoggedOn, record) }
            newOrder(record, continuation)
        case .cancelOrder:
            guard session.isLoggedOn else { return reject(.cancelRejected, .notLoggedOn, record) }
            cancelOrder(record)
        case .reduceOrder:
            guard session.isLoggedOn else { return reject(.reduceRejected, .notLoggedOn, record) }
            reduceOrder(record)
        case .replaceOrder:
            guard session.isLoggedOn else { return reject(.replaceRejected, .notLoggedOn, record) }
            replaceOrder(record)
        case .massCancel:
            guard session.isLoggedOn else { return reject(.rejected, .notLoggedOn, record) }
            massCancel(record)
        default:
            guard session.isLoggedOn else { return reject(.rejected, .notLoggedOn, record) }
            end(record.session, .loggedOut)
        }
    }

    mutating func unsequenced(_ record: LogRecord, _ continuation: LogRecord?) {
        switch record.kind {
        case .logon:
            guard isSession(record.session) else {
                return control(.unknownSession, session: record.session)
            }
            var session = sessions[record.session] ?? Session()
            session.isLoggedOn = true
            session.cancelsOnDisconnect = record.flags & RecordFlags.cancelOnDisconnect != 0
            sessions[record.session] = session
            events.append(
                Event(
                    kind: .sessionOpened, session: record.session,
                    quantityLots: session.expected,
                    leavesLots: UInt64(orders.count { $0.session == record.session }),
                    executedLots: session.reports))
        case .sessionTimeout:
            guard isSession(record.session) else {
                return control(.unknownSession, session: record.session)
            }
            guard sessions[record.session]?.isLoggedOn == true else {
                return control(.notLoggedOn, session: record.session)
            }
            end(record.session, .sessionTimedOut)
        case .epochStart:
            guard let continuation, EngineLimits(continuation: continuation) == limits,
                [1, 2].contains(record.sessionSequence)
            else { return control(.invalidControl) }
            rules = record.sessionSequence
            events.append(Event(kind: .epochStarted))
        case .activateRules:
            guard rules < 2, record.orderID == UInt64(rules) + 1 else {
                return control(.invalidControl)
            }
            rules += 1
            events.append(Event(kind: .controlApplied))
        case .defineInstrument: define(record, continuation)
        case .timeAdvance: events.append(Event(kind: .controlApplied))
        case .filler: events.append(Event(kind: .nothing))
        default: control(.unsupported)
        }
    }

    mutating func define(_ record: LogRecord, _ continuation: LogRecord?) {
        let number = record.instrument
        let lowest = record.priceTicks
        let highest = Int64(bitPattern: record.quantityLots)
        let used = instruments.values.reduce(0) { $0 + Int($1.highest - $1.lowest) + 1 }
        let (span, overflow) = highest.subtractingReportingOverflow(lowest)
        guard continuation != nil, number >= 1, number <= limits.instrumentCapacity,
            instruments[number] == nil, lowest <= highest, !overflow,
            span < Int64(limits.ladderTickCapacity) - Int64(used), record.orderID > 0,
            record.orderID <= UInt64.max / UInt64(limits.orderCapacity)
        else { return control(.invalidControl, instrument: number) }
        instruments[number] = Instrument(
            lowest: lowest, highest: highest, quantityMax: record.orderID)
        events.append(
            Event(
                kind: .instrumentDefined, instrument: number, priceTicks: lowest,
                quantityLots: record.quantityLots, leavesLots: record.orderID))
    }

    mutating func end(_ session: UInt32, _ answer: EventKind) {
        var count: UInt64 = 0
        if sessions[session]!.cancelsOnDisconnect {
            for order in orders where order.session == session {
                cancelResting(order, .sessionEnded)
                count += 1
            }
        }
        sessions[session]!.isLoggedOn = false
        sessions[session]!.cancelsOnDisconnect = false
        events.append(Event(kind: answer, session: session, quantityLots: count))
    }

    mutating func massCancel(_ record: LogRecord) {
        guard record.flags == 0 else { return reject(.rejected, .invalidFlags, record) }
        guard record.instrument == 0 || instruments[record.instrument] != nil else {
            return reject(.rejected, .unknownInstrument, record)
        }
        let sides = record.attributes.rawValue & 0b11
        var count: UInt64 = 0
        for order in orders where order.session == record.session {
            guard record.instrument == 0 || record.instrument == order.instrument else { continue }
            guard sides == 0 || sides & (order.side == .buy ? 1 : 2) != 0 else { continue }
            cancelResting(order, .massCancelled)
            count += 1
        }
        events.append(
            Event(
                kind: .massCancelDone, session: record.session, instrument: record.instrument,
                orderID: record.orderID, quantityLots: count))
    }

    // MARK: Verbs

    mutating func reject(_ kind: EventKind, _ reason: Reason, _ record: LogRecord) {
        let isReplace = record.kind == .replaceOrder
        events.append(
            Event(
                kind: kind,
                attributes: record.kind == .newOrder
                    ? EventAttributes(side: record.attributes.side) : [],
                detail: UInt16(reason.rawValue), session: record.session,
                account: isReplace ? 0 : record.account,
                instrument: isReplace ? 0 : record.instrument, orderID: record.orderID,
                priceTicks: record.priceTicks, quantityLots: record.quantityLots))
    }

    func find(_ session: UInt32, _ id: UInt64) -> Int? {
        orders.firstIndex { $0.session == session && $0.id == id }
    }

    mutating func newOrder(_ record: LogRecord, _ continuation: LogRecord?) {
        func no(_ reason: Reason) { reject(.rejected, reason, record) }
        guard let instrument = instruments[record.instrument] else {
            return no(.unknownInstrument)
        }
        guard record.orderID != 0 else { return no(.invalidOrderID) }
        guard find(record.session, record.orderID) == nil else { return no(.duplicateOrderID) }
        let type = record.attributes.type
        guard type == .limit || type == .market else { return no(.invalidOrderType) }
        let timeInForce = record.attributes.timeInForce
        guard [.day, .immediateOrCancel, .fillOrKill, .goodTillCancel].contains(timeInForce)
        else { return no(.invalidTimeInForce) }
        let postOnly = record.flags & RecordFlags.postOnly != 0
        let order = Order(
            id: record.orderID, reference: record.sequence, session: record.session,
            account: record.account, instrument: record.instrument,
            side: record.attributes.side, price: record.priceTicks, total: record.quantityLots,
            executed: 0, isPostOnly: postOnly,
            prevention: SelfTradePrevention(flags: record.flags), type: type,
            timeInForce: timeInForce)
        let known = RecordFlags.postOnly | RecordFlags.selfTradePreventionMask | RecordFlags.pair
        guard record.flags & ~known == 0, !postOnly || order.mayRest else {
            return no(.invalidFlags)
        }
        if record.isPair {
            guard let continuation, continuation.timestampNanos == 0,
                continuation.session == 0, continuation.sessionSequence == 0,
                continuation.orderID == 0, continuation.priceTicks & 0xFFFF_FFFF == 0,
                continuation.instrument >> 24 == 0
            else { return no(.unsupported) }
        }
        guard order.total > 0 else { return no(.zeroQuantity) }
        guard order.total <= instrument.quantityMax else { return no(.quantityTooLarge) }
        if type == .market {
            guard order.price == 0 else { return no(.priceOutOfRange) }
        } else {
            guard order.price >= instrument.lowest && order.price <= instrument.highest else {
                return no(.priceOutOfRange)
            }
        }
        if order.mayRest {
            let mine = orders.count { $0.session == record.session }
            guard mine < Int(limits.sessionOpenOrdersMax) else { return no(.sessionOrderLimit) }
            guard orders.count < Int(limits.orderCapacity) else {
                return no(.orderPoolExhausted)
            }
            if postOnly && bestOpposite(order) != nil { return no(.postOnlyWouldTrade) }
        }
        enter(order, [])
    }

    mutating func cancelOrder(_ record: LogRecord) {
        guard record.flags == 0 else { return reject(.cancelRejected, .invalidFlags, record) }
        guard let index = find(record.session, record.orderID) else {
            return reject(.cancelRejected, .unknownOrder, record)
        }
        guard orders[index].instrument == record.instrument else {
            return reject(.cancelRejected, .wrongInstrument, record)
        }
        cancelResting(orders[index], .byClient)
    }

    mutating func reduceOrder(_ record: LogRecord) {
        guard record.flags == 0 else { return reject(.reduceRejected, .invalidFlags, record) }
        guard let index = find(record.session, record.orderID) else {
            return reject(.reduceRejected, .unknownOrder, record)
        }
        guard orders[index].instrument == record.instrument else {
            return reject(.reduceRejected, .wrongInstrument, record)
        }
        guard record.quantityLots < orders[index].total else {
            return reject(.reduceRejected, .totalNotReduced, record)
        }
        guard record.quantityLots > orders[index].executed else {
            let isUntouched = orders[index].executed == 0
            return cancelResting(
                orders[index], rules == 2 && isUntouched ? .byClient : .totalExecuted)
        }
        orders[index].total = record.quantityLots
        say(.reduced, orders[index], .resting, quantity: record.quantityLots)
    }

    mutating func replaceOrder(_ record: LogRecord) {
        guard record.flags == 0 else { return reject(.replaceRejected, .invalidFlags, record) }
        let originalID = UInt64(record.account) | UInt64(record.instrument) << 32
        guard let index = find(record.session, originalID) else {
            return reject(.replaceRejected, .unknownOrder, record)
        }
        let original = orders[index]
        let instrument = instruments[original.instrument]!
        var order = original
        order.id = record.orderID
        order.reference = record.sequence
        order.price = record.priceTicks
        order.total = record.quantityLots
        var reason = Reason.none
        if order.id == 0 {
            reason = .invalidOrderID
        } else if order.id != original.id && find(record.session, order.id) != nil {
            reason = .duplicateOrderID
        } else if order.total == 0 {
            reason = .zeroQuantity
        } else if order.total > instrument.quantityMax {
            reason = .quantityTooLarge
        } else if order.price < instrument.lowest || order.price > instrument.highest {
            reason = .priceOutOfRange
        } else if order.total <= original.executed {
            return cancelResting(original, .totalExecuted)
        } else if order.isPostOnly && bestOpposite(order) != nil {
            reason = .postOnlyWouldTrade
        }
        guard reason == .none else {
            events.append(
                Event(
                    kind: .replaceRejected, attributes: EventAttributes(side: original.side),
                    detail: UInt16(reason.rawValue), session: record.session,
                    account: original.account, instrument: original.instrument,
                    orderID: record.orderID, reference: original.reference,
                    priceTicks: record.priceTicks, quantityLots: record.quantityLots,
                    leavesLots: original.leaves, executedLots: original.executed))
            return
        }
        say(.replaced, original, .resting, quantity: original.total, leaves: 0)
        orders.remove(at: index)
        enter(order, .replacement)
    }
}
