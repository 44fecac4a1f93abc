// SPDX-License-Identifier: Apache-2.0
import Wire

@_spi(Testing) import Engine

/// The oracle: the rules as they are written at `Engine.apply`, with dictionaries and arrays, slow
/// and obviously right. It shares nothing with the engine but the formats and the type of its bounds.
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
        var isHidden = false
        var slides = false
        var minimum: UInt64 = 0
        var expiry: UInt32 = 0
        /// Shown at a time, and now; 0 = no iceberg.
        var peak: UInt64 = 0
        var displayed: UInt64 = 0
        /// The worst price of a market order, and what it may still spend.
        var worst: Int64?
        /// The last trade before it came in, or was triggered.
        var lastBefore: Int64?
        var quoteLeft: UInt64?
        /// Whether a market order says how far it trades, or for how much.
        var isBound = false
        /// Its place among those like it at its price.
        var priority = 0
        /// The record that entered it, and its place among all, in order of entry.
        var entered: UInt64 = 0
        var place = 0
        /// While it waits: for which price, from above or from below, and how it trails.
        var trigger: Int64?
        var triggersFalling = false
        var isMarketWhenTriggered = false
        var offset: Int64 = 0
        var step: Int64 = 0
        /// The id of the order that it is linked to.
        var partner: UInt64?
        var leaves: UInt64 { total - executed }
        var mayRest: Bool {
            type == .limit
                && [.day, .goodTillCancel, .goodTillTime].contains(timeInForce)
        }
        /// As it rests in a call: a market order that waits for nothing.
        var ranksFirst: Bool { type == .market && trigger == nil }
        var isRare: Bool {
            isHidden || slides || expiry != 0 || peak != 0 || trigger != nil || partner != nil
                || ranksFirst
        }
    }
    struct Session {
        var expected: UInt64 = 1
        var reports: UInt64 = 0
        var isLoggedOn = false
        var cancelsOnDisconnect = false
        var cancelsAll = false
        var isKilled = false
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
    /// Those that the log was begun under.
    var firstRules: UInt32 = 0
    var time: UInt64 = 0
    var day: UInt64 = 0
    /// The record that began it, and the trades of it that are void.
    var dayBegan: UInt64 = 0
    var busts: Set<[UInt64]> = []
    var priorities = 0
    var shownReferences: UInt64 = 0
    var killedAccounts: Set<UInt32> = []
    var groups: [UInt32: UInt32] = [:]
    var markets: [UInt32: Market] = [:]
    var tradings: [UInt32: Trading] = [:]
    var bands: [UInt32: Bands] = [:]
    var orderRules: [UInt32: Rules] = [:]
    var tables: [UInt64: Ticks] = [:]
    /// Instruments whose triggers are to be looked at.
    var line: [UInt32] = []
    /// Whether the command under way ends with `closed`.
    var isLate = false
    let bounds: StepBounds
    /// Orders that have come to a place so far.
    var places = 0
    /// What goes on behind later commands, the next first.
    var backlog: [Work] = []
    /// Steps that the command under way may take at it.
    var stepsBehind = 0

    init(limits: EngineLimits, bounds: StepBounds = StepBounds()) {
        self.limits = limits
        self.bounds = bounds
    }

    mutating func apply(_ record: LogRecord, _ continuation: LogRecord?) -> [Event] {
        events = []
        tradeIndex = 0
        isLate = !line.isEmpty || !backlog.isEmpty
        stepsBehind = Int(record.kind == .timeAdvance ? bounds.behindTime : bounds.behind)
        if (1...7).contains(record.kind.rawValue) {
            sequenced(record, continuation)
        } else {
            unsequenced(record, continuation)
        }
        if isLate { finish() }
        events[events.count - 1].attributes.insert(.last)
        if record.isPair { events[events.count - 1].attributes.insert(.pair) }
        for event in events where event.kind.isReported {
            sessions[event.session, default: Session()].reports += 1
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
            guard !session.isKilled, !killedAccounts.contains(record.account) else {
                return reject(.rejected, .killed, record)
            }
            newOrder(record, continuation)
        case .cancelOrder:
            guard session.isLoggedOn else { return reject(.cancelRejected, .notLoggedOn, record) }
            cancelOrder(record)
        case .reduceOrder:
            guard session.isLoggedOn else { return reject(.reduceRejected, .notLoggedOn, record) }
            reduceOrder(record)
        case .replaceOrder:
            guard session.isLoggedOn else { return reject(.replaceRejected, .notLoggedOn, record) }
            guard !session.isKilled else { return reject(.replaceRejected, .killed, record) }
            replaceOrder(record)
        case .massCancel:
            guard session.isLoggedOn else { return reject(.rejected, .notLoggedOn, record) }
            massCancel(record)
        default:
            guard session.isLoggedOn else { return reject(.rejected, .notLoggedOn, record) }
            end(record, .loggedOut)
        }
    }

    mutating func unsequenced(_ record: LogRecord, _ continuation: LogRecord?) {
        switch record.kind {
        case .logon:
            guard isSession(record.session) else {
                return control(.unknownSession, session: record.session)
            }
            let isEnding = backlog.contains { $0.endsSession && $0.session == record.session }
            guard !isEnding else { return control(.sessionInUse, session: record.session) }
            var session = sessions[record.session] ?? Session()
            session.isLoggedOn = true
            session.cancelsOnDisconnect = record.flags & RecordFlags.cancelOnDisconnect != 0
            session.cancelsAll = rules == 3 && record.flags & 0b101 == 0b101
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
            end(record, .sessionTimedOut)
        case .epochStart:
            guard let continuation, EngineLimits(continuation: continuation) == limits,
                [1, 2, 3].contains(record.sessionSequence),
                rules < 3 || record.sessionSequence == 3
            else { return control(.invalidControl) }
            if rules < 3 { markets = [:] }
            rules = record.sessionSequence
            if firstRules == 0 { firstRules = rules }
            events.append(Event(kind: .epochStarted))
        case .activateRules:
            guard rules < 3, record.orderID == UInt64(rules) + 1 else {
                return control(.invalidControl)
            }
            if rules < 3 { markets = [:] }
            rules += 1
            events.append(Event(kind: .controlApplied))
        case .defineInstrument: define(record, continuation)
        case .timeAdvance:
            if rules == 3 {
                let seconds = record.timestampNanos / 1_000_000_000
                if seconds > time {
                    time = seconds
                    oweIndications()
                }
            }
            if backlog.contains(where: \.isExpiry) {
                events.append(Event(kind: .controlApplied))
            } else {
                begin(Work(isExpiry: true, end: Event(kind: .controlApplied)))
            }
        case .killSwitch: kill(record)
        case .rollBusinessDay: roll(record)
        case .bustTrade: bust(record, continuation)
        case .setInstrumentState: setState(record)
        case .setPriceBands: setBands(record)
        case .setTradeGroup: setGroup(record)
        case .setOrderRules: setRules(record)
        case .setTickTableRow: setTickRow(record)
        case .filler: events.append(Event(kind: .nothing))
        default: control(.unsupported)
        }
    }

    mutating func define(_ record: LogRecord, _ continuation: LogRecord?) {
        let number = record.instrument
        let lowest = record.priceTicks
        let highest = Int64(bitPattern: record.quantityLots)
        let used =
            rules < 3 ? instruments.values.reduce(0) { $0 + $1.highest - $1.lowest + 1 } : 0
        let widest = rules < 3 ? Int64(limits.ladderTickCapacity) : 1 << 62
        let (span, overflow) = highest.subtractingReportingOverflow(lowest)
        guard continuation != nil, number >= 1, number <= limits.instrumentCapacity,
            instruments[number] == nil, lowest <= highest, !overflow,
            span < widest - used, record.orderID > 0,
            record.orderID <= UInt64.max / UInt64(limits.orderCapacity)
        else { return control(.invalidControl, instrument: number) }
        instruments[number] = Instrument(
            lowest: lowest, highest: highest, quantityMax: record.orderID)
        events.append(
            Event(
                kind: .instrumentDefined, instrument: number, priceTicks: lowest,
                quantityLots: record.quantityLots, leavesLots: record.orderID))
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
        let timeInForce = record.attributes.timeInForce
        let flags = record.flags
        var order = Order(
            id: record.orderID, reference: record.sequence, session: record.session,
            account: record.account, instrument: record.instrument,
            side: record.attributes.side, price: record.priceTicks, total: record.quantityLots,
            executed: 0, isPostOnly: flags & RecordFlags.postOnly != 0,
            prevention: SelfTradePrevention(flags: flags), type: type,
            timeInForce: timeInForce)
        order.entered = record.sequence
        let reason =
            rules < 3 ? plain(order, record, continuation) : rare(&order, record, continuation)
        guard reason == .none else { return no(reason) }
        guard isTaken(order) else { return no(.instrumentNotOpen) }
        let isInCall = isCall(order.instrument)
        if isInCall && order.isBound { return no(.unsupportedCombination) }
        guard order.total > 0 else { return no(.zeroQuantity) }
        guard order.total <= instrument.quantityMax else { return no(.quantityTooLarge) }
        if type == .market || order.isMarketWhenTriggered {
            guard order.price == 0 else { return no(.priceOutOfRange) }
        } else {
            guard order.price >= instrument.lowest && order.price <= instrument.highest else {
                return no(.priceOutOfRange)
            }
        }
        let rule = ruleRefusal(order, isNew: true)
        guard rule == .none else { return no(rule) }
        if order.peak > order.total || order.peak != 0 && order.peak < (order.total + 255) / 256 {
            return no(.invalidPeak)
        }
        guard order.minimum <= order.total else { return no(.invalidMinimum) }
        if order.mayRest || order.trigger != nil || isInCall {
            let link = linkRefusal(order)
            guard link == .none else { return no(link) }
            let mine = orders.count { $0.session == record.session }
            guard mine < Int(limits.sessionOpenOrdersMax) else { return no(.sessionOrderLimit) }
            guard orders.count < Int(limits.orderCapacity) else {
                return no(.orderPoolExhausted)
            }
            var rare = orders.count(where: \.isRare) + (order.isRare ? 1 : 0)
            if let partner = order.partner, !orders[find(order.session, partner)!].isRare {
                rare += 1
            }
            guard !order.isRare || rare <= rareCapacity else { return no(.orderPoolExhausted) }
        }
        let postOnly = slide(&order)
        guard postOnly == .none else { return no(postOnly) }
        guard hasRoomOnEntry(order) else { return no(.noRoomForPrice) }
        enter(order, [])
    }

    /// A post-only order that would trade: moved away if it slides, else why it is rejected.
    func slide(_ order: inout Order) -> Reason {
        guard order.isPostOnly, let best = bestOpposite(order) else { return .none }
        guard order.slides else { return .postOnlyWouldTrade }
        let instrument = instruments[order.instrument]!
        order.price = best.price
        order.lastBefore = markets[order.instrument]?.last
        repeat {
            order.price += order.side == .buy ? -1 : 1
            guard order.price >= instrument.lowest && order.price <= instrument.highest else {
                return .priceOutOfRange
            }
        } while !isOnTable(order.price, order.instrument)
        return mayTrade(order, at: order.price) ? .none : .priceOutsideBand
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
                orders[index], rules >= 2 && isUntouched ? .byClient : .totalExecuted)
        }
        let rule = totalRefusal(record.quantityLots, record.instrument)
        guard rule == .none else { return reject(.reduceRejected, rule, record) }
        orders[index].total = record.quantityLots
        say(
            .reduced, orders[index], orders[index].trigger == nil ? .resting : [],
            quantity: record.quantityLots)
        trim(index)
    }

    mutating func replaceOrder(_ record: LogRecord) {
        guard record.flags == 0 || rules == 3 && record.flags <= 3 else {
            return reject(.replaceRejected, .invalidFlags, record)
        }
        let originalID = UInt64(record.account) | UInt64(record.instrument) << 32
        guard let index = find(record.session, originalID) else {
            if record.flags & 2 != 0 {
                return events.append(
                    Event(
                        kind: .nothing, detail: UInt16(Reason.unknownOrder.rawValue),
                        session: record.session, orderID: record.orderID))
            }
            return reject(.replaceRejected, .unknownOrder, record)
        }
        let original = orders[index]
        let instrument = instruments[original.instrument]!
        var order = original
        order.id = record.orderID
        order.reference = record.sequence
        order.entered = record.sequence
        order.price = record.priceTicks
        order.total = record.quantityLots
        var reason = Reason.none
        if killedAccounts.contains(original.account) {
            reason = .killed
        } else if order.id == 0 {
            reason = .invalidOrderID
        } else if order.id != original.id && find(record.session, order.id) != nil {
            reason = .duplicateOrderID
        } else if !isTaken(order) {
            reason = .instrumentNotOpen
        } else if order.total == 0 {
            reason = .zeroQuantity
        } else if order.total > instrument.quantityMax {
            reason = .quantityTooLarge
        } else if original.type == .market
            ? order.price != 0
            : order.price < instrument.lowest || order.price > instrument.highest
        {
            reason = .priceOutOfRange
        } else if ruleRefusal(order, isNew: false) != .none {
            reason = ruleRefusal(order, isNew: false)
        } else if order.peak != 0 && order.peak < (order.total + 255) / 256 {
            reason = .invalidPeak
        } else if order.total <= original.executed {
            return cancelResting(original, .totalExecuted)
        } else {
            reason = slide(&order)
            if reason == .none && !hasRoomOnEntry(order) { reason = .noRoomForPrice }
        }
        guard reason == .none else {
            if record.flags & 1 != 0, ![.killed, .instrumentNotOpen].contains(reason) {
                return cancelResting(original, .replaceInvalid)
            }
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
        say(
            .replaced, original, original.trigger == nil ? .resting : [],
            quantity: original.total, leaves: 0)
        unshow(original)
        orders.remove(at: index)
        enter(order, .replacement)
    }
}
