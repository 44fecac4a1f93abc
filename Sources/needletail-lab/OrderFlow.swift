// SPDX-License-Identifier: Apache-2.0
import Engine
import Platform
import Wire

/// A seeded order flow over many sessions: passive orders at geometric distances from a drifting
/// middle, cancels (mostly of recent orders), replaces, and orders that cross. It knows what is
/// open by folding its own engine, so every command means something.
///
/// SAFETY: `slots` has 1,024 events from `init` to `deinit`; a slice of the engine writes fewer.
@safe struct OrderFlow: ~Copyable {
    /// Shares of each kind in a thousand; the rest crosses.
    struct Profile {
        let name: String
        let passive: Int
        let cancels: Int
        let replaces: Int

        /// 45 % add, 45 % cancel, 5 % replace, 5 % marketable.
        static let a = Profile(name: "a", passive: 450, cancels: 450, replaces: 50)
        /// 40 % add, 17 % cancel, 3 % replace, 40 % marketable.
        static let b = Profile(name: "b", passive: 400, cancels: 170, replaces: 30)
    }

    /// 1…; a shard has one of its own.
    private let instrument: UInt32
    static let lowestPriceTicks: Int64 = 90_000
    static let highestPriceTicks: Int64 = 110_000
    private static let openOrdersTarget = 10_000

    private let profile: Profile
    private var random: SeededRandom
    private var engine: Engine
    private let slots: UnsafeMutablePointer<Event>
    private var middleTicks: Int64 = 100_000
    private var openOrders: [[(id: UInt64, side: Side)]]
    private var openCount = 0
    private var nextOrderID: [UInt64]
    private var sessionSequences: [UInt32]
    private var sequence: UInt64 = 0
    private let observe: ((LogRecord, LogRecord?) -> Void)?

    /// Limits of an engine that folds the flow.
    static func limits(sessions: Int) -> EngineLimits {
        EngineLimits(
            orderCapacity: 1 << 18, sessionCapacity: UInt32(sessions), instrumentCapacity: 4,
            ladderTickCapacity: 1 << 17, sessionOpenOrdersMax: 1 << 18)
    }

    /// `observe` gets each command as it is folded, those of the opening too.
    init(
        profile: Profile, sessions: Int, seed: UInt64, instrument: UInt32 = 1,
        observe: ((LogRecord, LogRecord?) -> Void)? = nil
    ) throws {
        self.profile = profile
        self.instrument = instrument
        self.observe = observe
        random = SeededRandom(seed: seed)
        let limits = Self.limits(sessions: sessions)
        engine = try Engine(limits: limits)
        unsafe slots = .allocate(capacity: 1 << 10)
        openOrders = Array(repeating: [], count: sessions + 1)
        nextOrderID = Array(repeating: 1, count: sessions + 1)
        sessionSequences = Array(repeating: 1, count: sessions + 1)
        fold(
            LogRecord.epochStart(
                epoch: 1, rulesVersion: 1, lastCarriedSequence: 0, indexSeed: 1, shard: 0, host: 0),
            limits.continuation)
        fold(
            LogRecord.defineInstrument(
                instrument: instrument, lowestPriceTicks: Self.lowestPriceTicks,
                highestPriceTicks: Self.highestPriceTicks, quantityLotsMax: 1 << 40, operatorID: 0),
            InstrumentDetail(symbol: "FLOW", priceDecimals: 2, quantityDecimals: 0).continuation)
        for session in 1...UInt32(sessions) {
            fold(
                LogRecord.logon(
                    session: session, nonce: 1, token: 1, heartbeatMillis: 1_000, source: 0,
                    flags: 0), nil)
        }
    }

    deinit { unsafe slots.deallocate() }

    /// Of its own engine.
    var stateHash: UInt64 { engine.stateHash }

    /// Orders that rest now.
    var restingOrders: Int { openCount }

    /// The next message of a session, as it goes on the wire.
    mutating func next(session: Int) -> [UInt8] {
        if random.next() & 63 == 0 {
            middleTicks += random.next() & 1 == 0 ? 1 : -1
            middleTicks = min(max(middleTicks, 98_000), 102_000)
        }
        switch draw(session) {
        case .cancelOrder: return cancel(session)
        case .replaceOrder: return replace(session)
        case .newOrder: return order(session, crosses: false)
        default: return order(session, crosses: true)
        }
    }

    private mutating func draw(_ session: Int) -> CommandKind {
        let dice = Int(random.next() % 1_000)
        if openCount < Self.openOrdersTarget / 2 { return .newOrder }
        if dice < profile.passive {
            let tooMany = openCount > Self.openOrdersTarget * 102 / 100
            return tooMany && random.next() & 3 == 0 && !openOrders[session].isEmpty
                ? .cancelOrder : .newOrder
        }
        if openOrders[session].isEmpty { return .newOrder }
        if dice < profile.passive + profile.cancels { return .cancelOrder }
        if dice < profile.passive + profile.cancels + profile.replaces { return .replaceOrder }
        return .filler
    }

    private mutating func order(_ session: Int, crosses: Bool) -> [UInt8] {
        let id = nextOrderID[session]
        nextOrderID[session] += 1
        let side = random.next() & 1 == 0 ? Side.buy : .sell
        let order = NewOrder(
            orderID: id, instrument: instrument, side: side,
            priceTicks: price(side, crosses: crosses), quantityLots: quantity())
        fold(
            LogRecord(
                kind: .newOrder, session: UInt32(session),
                sessionSequence: takeSequence(session), orderID: id,
                priceTicks: order.priceTicks, quantityLots: order.quantityLots,
                instrument: instrument, attributes: OrderAttributes(side: side)), nil)
        return unsafe withUnsafeBytes(of: order) { unsafe Array($0) }
    }

    private mutating func cancel(_ session: Int) -> [UInt8] {
        let id = pick(session).id
        fold(
            LogRecord(
                kind: .cancelOrder, session: UInt32(session),
                sessionSequence: takeSequence(session), orderID: id, instrument: instrument),
            nil)
        let message = CancelOrder(orderID: id, instrument: instrument)
        return unsafe withUnsafeBytes(of: message) { unsafe Array($0) }
    }

    private mutating func replace(_ session: Int) -> [UInt8] {
        let (original, side) = pick(session)
        let id = nextOrderID[session]
        nextOrderID[session] += 1
        let message = ReplaceOrder(
            originalOrderID: original, newOrderID: id, priceTicks: price(side, crosses: false),
            totalLots: quantity())
        var record = LogRecord(
            kind: .replaceOrder, session: UInt32(session), sessionSequence: takeSequence(session),
            orderID: id, priceTicks: message.priceTicks, quantityLots: message.totalLots)
        record.originalOrderID = original
        fold(record, nil)
        return unsafe withUnsafeBytes(of: message) { unsafe Array($0) }
    }

    private mutating func takeSequence(_ session: Int) -> UInt32 {
        defer { sessionSequences[session] += 1 }
        return sessionSequences[session]
    }

    private mutating func quantity() -> UInt64 {
        random.next() & 7 == 0 ? 1 + random.next() % 99 : 100 * (1 + random.next() % 10)
    }

    private mutating func price(_ side: Side, crosses: Bool) -> Int64 {
        let bid = engine.bestBid(instrument: instrument) ?? middleTicks - 1
        let ask = engine.bestAsk(instrument: instrument) ?? middleTicks + 1
        if crosses { return side == .buy ? ask + 5 : bid - 5 }
        // Geometric with mean 15: each step further is 15 in 16.
        var distance: Int64 = 0
        while distance < 100, random.next() & 15 != 0 { distance += 1 }
        return side == .buy
            ? min(middleTicks - 1 - distance, ask - 1) : max(middleTicks + 1 + distance, bid + 1)
    }

    /// An open order of the session: in six of ten cases among the latest.
    private mutating func pick(_ session: Int) -> (id: UInt64, side: Side) {
        let count = openOrders[session].count
        let recent = random.next() % 10 < 6 ? min(count, 4) : count
        return openOrders[session][count - 1 - Int(random.next() % UInt64(recent))]
    }

    /// Folds one command, and keeps the lists of open orders by its events.
    private mutating func fold(_ record: LogRecord, _ continuation: LogRecord?) {
        var record = record
        sequence += 1
        record.sequence = sequence
        if continuation != nil { sequence += 1 }
        observe?(record, continuation)
        var outbox = unsafe EventOutbox(slots: slots, capacity: 1 << 10, position: 0)
        var isComplete = engine.apply(record, continuation: continuation, into: &outbox)
        note(outbox)
        while !isComplete {
            outbox.position = 0
            isComplete = engine.resume(into: &outbox)
            note(outbox)
        }
    }

    private mutating func note(_ outbox: EventOutbox) {
        for index in 0..<Int(outbox.position) {
            let event = unsafe slots[index]
            let session = Int(event.session)
            switch event.kind {
            case .accepted where event.attributes.contains(.resting), .rested:
                openOrders[session].append((event.orderID, event.attributes.side))
                openCount += 1
            case .traded where !event.attributes.contains(.aggressor) && event.leavesLots == 0,
                .cancelled where event.attributes.contains(.resting),
                .replaced:
                if let at = openOrders[session].lastIndex(where: { $0.id == event.orderID }) {
                    openOrders[session].remove(at: at)
                    openCount -= 1
                }
            default: break
            }
        }
    }
}
