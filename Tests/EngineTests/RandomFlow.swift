// SPDX-License-Identifier: Apache-2.0
import Platform
import Wire

/// Random commands of all kinds, right and wrong, over few sessions, ids and prices, so that they
/// meet often.
struct RandomFlow {
    var random: SeededRandom
    let limits: EngineLimits
    let idCount: UInt64
    /// Of the first epoch; later ones, and activations, change them.
    let rules: UInt32
    /// Whether instrument 3 is there from the start, with prices as far from each other as may be.
    let isWide: Bool
    private var sequences: [UInt32: UInt32] = [:]
    private var timeSeconds: UInt64 = 100
    private var day: UInt64 = 20_000
    /// A limit order that may rest, for others to be linked to.
    private var partner: LogRecord?
    private var lastBust: Command?
    /// Commands so far: a little less than their records.
    private var count: UInt64 = 0
    /// Who has just mass cancelled and does so again.
    private var impatient: UInt32?
    /// Of the tick table that is being set.
    var nextRow = TickTableRow(
        table: 1, number: 1, of: 1, TickRow(fromTicks: 0, stepTicks: 1))

    init(
        seed: UInt64, limits: EngineLimits, idCount: UInt64 = 40, rules: UInt32 = 1,
        isWide: Bool = false
    ) {
        self.rules = rules
        self.isWide = isWide
        random = SeededRandom(seed: seed)
        self.limits = limits
        self.idCount = idCount
    }

    /// What comes before the flow: epoch, two instruments, all sessions.
    mutating func opening() -> [Command] {
        var commands = [
            Command(
                .epochStart(
                    epoch: 1, rulesVersion: rules, lastCarriedSequence: 0,
                    indexSeed: random.next(),
                    shard: 1, host: 1), limits.continuation)
        ]
        let detail = InstrumentDetail(symbol: "TEST", priceDecimals: 2, quantityDecimals: 0)
        let ranges: [(Int64, Int64)] = [(90, 110), (-40, 4600), (-Self.farthest, Self.farthest)]
        for (instrument, (lowest, highest)) in ranges.enumerated() where instrument < 2 || isWide {
            commands.append(
                Command(
                    .defineInstrument(
                        instrument: UInt32(instrument + 1), lowestPriceTicks: lowest,
                        highestPriceTicks: highest, quantityLotsMax: 100, operatorID: 7),
                    detail.continuation))
        }
        for session in 1...limits.sessionCapacity {
            commands.append(Command(logon(session)))
        }
        return commands
    }

    mutating func next() -> Command {
        count += 1
        if let session = impatient {
            impatient = nil
            return Command(massCancel(session))
        }
        if rules >= 3, chance(60) { return tradingState() }
        if rules >= 3, chance(250) { return roll() }
        if rules >= 3, chance(100) { return tradeGroup() }
        if rules >= 3, chance(80) { return bust() }
        if rules >= 3, chance(60) { return chance(2) ? priceBands() : time() }
        if rules >= 3, chance(60) {
            return chance(3) ? orderRules(of: instrument()) : tickTableRow()
        }
        return switch random.below(1000) {
        case 0..<560: newOrder()
        case 560..<700: cancel(.cancelOrder)
        case 700..<780: cancel(.reduceOrder)
        case 780..<930: replace()
        case 930..<940: Command(massCancel(session()))
        case 940..<960: refused()
        case 960..<966: Command(sequence(LogRecord(kind: .logout, session: session())))
        case 966..<972: Command(LogRecord(kind: .sessionTimeout, session: session()))
        case 972..<986: Command(logon(session()))
        case 986..<990: kill()
        case 990..<992: wild()
        case 992..<994: rules < 3 ? wild() : time()
        default: control()
        }
    }

    private mutating func chance(_ oneIn: UInt64) -> Bool { random.below(oneIn) == 0 }
    private mutating func session() -> UInt32 {
        chance(200) ? limits.sessionCapacity + 1 : UInt32(random.below(4)) + 1
    }
    private mutating func id() -> UInt64 { chance(100) ? 0 : random.below(idCount) + 1 }
    private mutating func instrument() -> UInt32 {
        if isWide, chance(2) { return 3 }
        return chance(60) ? UInt32(random.below(6)) : chance(3) ? 2 : 1
    }
    private static let farthest: Int64 = 1 << 61 - 1
    /// Where prices of instrument 3 are: on both sides of what pages and nodes end at.
    private static let places: [Int64] = [
        -farthest, -1 << 60, -4_100, -70, 0, 1 << 12, 1 << 18, 1 << 40, farthest - 80,
    ]
    private mutating func price(_ instrument: UInt32) -> Int64 {
        if chance(60) { return [Int64.min, .max, 89, 111, -41, 4601][Int(random.below(6))] }
        if isWide, instrument == 3 {
            return Self.places[Int(random.below(UInt64(Self.places.count)))]
                + Int64(random.below(4)) * 20
        }
        guard instrument == 2 else { return 95 + Int64(random.below(11)) }
        return chance(4) ? -40 + Int64(random.below(4641)) : 2000 + Int64(random.below(4)) * 64
    }
    private mutating func lots() -> UInt64 {
        chance(60)
            ? [0, 101, .max][Int(random.below(3))]
            : chance(20) ? 100 : 1 + random.below(9)
    }
    /// The next sequence of the session, or now and then another.
    private mutating func sequence(_ record: LogRecord) -> LogRecord {
        var record = record
        let next = (sequences[record.session] ?? 0) + 1
        if chance(150) {
            record.sessionSequence = next &+ UInt32(random.below(3)) &* 7 &+ 1
            return record
        }
        record.sessionSequence = next
        if record.session <= limits.sessionCapacity { sequences[record.session] = next }
        return record
    }

    private mutating func newOrder() -> Command {
        let instrument = instrument()
        let type = type()
        var timeInForce = TimeInForce.day
        switch random.below(12) {
        case 0, 1: timeInForce = .immediateOrCancel
        case 2: timeInForce = .fillOrKill
        case 3, 4: timeInForce = .goodTillCancel
        case 5: timeInForce = chance(rules < 3 ? 8 : 2) ? .goodTillTime : .day
        default: break
        }
        let mode = chance(3) ? SelfTradePrevention(rawValue: UInt8(random.below(4))) : .none
        var flags = mode.flags
        if chance(10) { flags |= RecordFlags.postOnly }
        if chance(100) { flags |= 1 << UInt16(3 + random.below(12)) }
        if rules >= 3 { flags |= rareFlags() }
        let isAtMarket = [.market, .stop, .trailingStop].contains(type)
        let price = isAtMarket && !chance(20) ? 0 : price(instrument)
        var record = LogRecord(
            kind: .newOrder, session: session(), orderID: id(), priceTicks: price,
            quantityLots: lots(), account: UInt32(random.below(3)), instrument: instrument,
            attributes: OrderAttributes(
                side: Side(rawValue: UInt8(random.below(2))), type: type,
                timeInForce: timeInForce), flags: flags)
        let isLinked = record.flags & RecordFlags.linked != 0
        // By chance alone two hardly ever meet.
        if isLinked, !chance(4), let partner {
            return link(record, to: partner)
        }
        if record.flags == 0, type == .limit, timeInForce == .day { partner = record }
        let isRare = timeInForce == .goodTillTime || isLinked || waits(type)
        if rules >= 3, isRare ? !chance(20) : chance(3) {
            record.flags |= RecordFlags.pair
            return Command(sequence(record), rareContinuation(record))
        }
        guard chance(12) else { return Command(sequence(record)) }
        record.flags |= RecordFlags.pair
        var second = LogRecord(kind: .continuation)
        switch random.below(12) {
        case 0: second.timestampNanos = 5
        case 1: second.session = 1
        case 2: second.sessionSequence = 1
        case 3: second.orderID = 9
        case 4: second.priceTicks = 12
        case 5: second.instrument = 1 << 24
        case 6: second.priceTicks = 77 << 32
        case 7: second.quantityLots = 0x1234
        case 8: second.instrument = 0x00FF_FFFF
        default: break
        }
        return Command(sequence(record), second)
    }

    /// A stop order beside an order of the same session, instrument and side.
    private mutating func link(_ order: LogRecord, to partner: LogRecord) -> Command {
        var record = order
        record.session = partner.session
        record.instrument = partner.instrument
        record.priceTicks = 0
        record.attributes = OrderAttributes(side: partner.attributes.side, type: .stop)
        record.flags = RecordFlags.linked | RecordFlags.pair
        var rare = OrderContinuation()
        rare.peakLots = partner.orderID
        rare.triggerPriceTicks = price(partner.instrument)
        let second = unsafe unsafeBitCast(rare, to: LogRecord.self)
        return Command(sequence(record), second)
    }

    private mutating func type() -> OrderType {
        if chance(10) { return .market }
        guard rules >= 3 else { return chance(80) ? .stop : .limit }
        return chance(5) ? [.stop, .stopLimit, .trailingStop][Int(random.below(3))] : .limit
    }

    private func waits(_ type: OrderType) -> Bool {
        [.stop, .stopLimit, .trailingStop].contains(type)
    }

    private mutating func rareFlags() -> UInt16 {
        switch random.below(18) {
        case 0: RecordFlags.postOnly | RecordFlags.slide
        case 1: RecordFlags.slide
        case 2, 3, 4: RecordFlags.hidden
        case 5, 6: RecordFlags.decrement
        case 7, 8: RecordFlags.linked
        default: 0
        }
    }

    /// What goes with an order now and then, and more often than not with this one.
    private mutating func rareContinuation(_ record: LogRecord) -> LogRecord {
        var rare = OrderContinuation()
        let attributes = record.attributes
        if attributes.timeInForce == .goodTillTime || chance(40) {
            rare.expirySeconds = UInt32(timeSeconds + random.below(40))
        }
        if record.flags & RecordFlags.linked != 0 { rare.peakLots = id() }
        if waits(attributes.type), !chance(20) {
            rare.triggerPriceTicks = price(record.instrument)
            if attributes.type == .trailingStop {
                if chance(2) { rare.triggerPriceTicks = 0 }
                rare.minimumLots = random.below(6) | (1 + random.below(3)) << 32
            } else if chance(3) {
                rare.triggerCondition = 0x10
            }
            if chance(40) { rare.triggerCondition |= 1 }
            return unsafe unsafeBitCast(rare, to: LogRecord.self)
        }
        switch random.below(5) {
        case 0 where attributes.timeInForce == .immediateOrCancel || chance(8):
            rare.minimumLots = 1 + random.below(12)
        case 1, 2:
            rare.peakLots =
                attributes.type == .market
                ? random.below(8000) : 1 + random.below(max(record.quantityLots & 0xFF, 1))
            if chance(20) { rare.peakLots = record.quantityLots &+ 1 }
        case 3 where attributes.type == .market:
            rare.triggerPriceTicks = chance(20) ? .min : Int64(random.below(5))
        case 4 where chance(10):
            rare.triggerPriceTicks = 100
        default: break
        }
        if chance(50) { rare.triggerCondition = 1 }
        return unsafe unsafeBitCast(rare, to: LogRecord.self)
    }

    /// The time goes on, or as a clock may: not, or back.
    private mutating func time() -> Command {
        var record = LogRecord(kind: .timeAdvance)
        timeSeconds += random.below(12)
        record.timestampNanos = (chance(8) ? timeSeconds / 2 : timeSeconds) * 1_000_000_000
        record.timestampNanos += random.below(1_000_000_000)
        return Command(record)
    }

    private mutating func cancel(_ kind: CommandKind) -> Command {
        Command(
            sequence(
                LogRecord(
                    kind: kind, session: session(), orderID: id(),
                    quantityLots: kind == .cancelOrder || chance(60) ? 0 : lots(),
                    instrument: instrument(),
                    flags: chance(100) ? 4 : 0)))
    }

    private mutating func replace() -> Command {
        var record = LogRecord(
            kind: .replaceOrder, session: session(), priceTicks: price(chance(3) ? 2 : 1),
            quantityLots: lots(), flags: chance(100) ? 4 : chance(3) ? UInt16(random.below(4)) : 0)
        record.originalOrderID = id()
        record.orderID = chance(3) ? record.originalOrderID : id()
        return Command(sequence(record))
    }

    private mutating func massCancel(_ session: UInt32) -> LogRecord {
        if chance(4) { impatient = session }
        var record = LogRecord(
            kind: .massCancel, session: session, orderID: random.next(),
            instrument: UInt32(random.below(5)),
            attributes: OrderAttributes(rawValue: UInt8(random.below(4))),
            flags: chance(20) ? UInt16(random.below(4)) : rules >= 3 && chance(2) ? 1 : 0)
        if record.flags & RecordFlags.byAccount != 0 { record.account = UInt32(random.below(4)) }
        return sequence(record)
    }

    private mutating func refused() -> Command {
        Command(
            sequence(
                LogRecord(
                    kind: .refused, session: session(), orderID: id(), instrument: 1,
                    flags: UInt16(Reason.throttled.rawValue))))
    }

    private mutating func logon(_ session: UInt32) -> LogRecord {
        .logon(
            session: session, nonce: random.next(), token: UInt32(random.below(1 << 32)),
            heartbeatMillis: 1000, source: random.next(),
            flags: chance(40) ? UInt16(random.below(8)) : [0, 0, 1, 5][Int(random.below(4))])
    }

    private mutating func control() -> Command {
        switch random.below(6) {
        case 0: return time()
        case 1: return Command(LogRecord(kind: .filler))
        case 2:
            var limits = limits
            if chance(2) { limits.orderCapacity += 1 }
            return Command(
                .epochStart(
                    epoch: 2, rulesVersion: chance(4) ? UInt32(random.below(5)) : rules,
                    lastCarriedSequence: 5, indexSeed: random.next(), shard: 1, host: 1),
                limits.continuation)
        case 3:
            let lowest = Int64(random.below(100))
            let record = LogRecord.defineInstrument(
                instrument: UInt32(random.below(5)), lowestPriceTicks: lowest,
                highestPriceTicks: chance(3) ? 2000 : chance(2) ? Int64.max : lowest - 1,
                quantityLotsMax: 5, operatorID: 1)
            return Command(record, LogRecord(kind: .continuation))
        case 4:
            var record = LogRecord.activateRules(
                version: chance(3) ? UInt32(random.below(5)) : rules + 1, operatorID: 9)
            if chance(8) { record.orderID |= 1 << 32 }
            return Command(record)
        default: return Command(LogRecord(kind: .setInstrumentState, instrument: 1))
        }
    }

    /// Releases more often than it stops, so that most orders are entered.
    private mutating func kill() -> Command {
        let target = chance(12) ? UInt8(random.below(5)) : 1 + UInt8(random.below(2))
        let number = target == 1 ? 1 + random.below(4) : random.below(4)
        var record = LogRecord.killSwitch(
            KillTarget(rawValue: target), number: number, stops: chance(8), operatorID: 9)
        if chance(12) { record.orderID = [0, 1 << 32 | 1, 9, .max][Int(random.below(4))] }
        if chance(20) { record.flags |= 2 }
        return Command(record)
    }

    /// Open more often than not, so that calls end and orders trade.
    private mutating func tradingState() -> Command {
        let state = chance(2) ? 0 : chance(3) ? UInt8(random.below(7)) : 2 + UInt8(random.below(2))
        let instrument = instrument()
        var record = LogRecord.setInstrumentState(
            instrument: instrument, TradingState(rawValue: state),
            referencePriceTicks: chance(3) ? price(instrument) : nil,
            phaseSeconds: chance(3) ? UInt32(timeSeconds) : 0, operatorID: 9)
        if chance(60) { record.quantityLots |= 1 << 32 }
        if chance(30) { record.flags ^= [1, 2, 3][Int(random.below(3))] }
        return Command(record)
    }

    /// Two groups and none, so that accounts meet in them and part again.
    private mutating func tradeGroup() -> Command {
        var record = LogRecord.setTradeGroup(
            account: UInt32(random.below(3)), group: UInt32(random.below(3)), operatorID: 9)
        switch random.below(40) {
        case 0: record.orderID |= 1 << 32
        case 1: record.flags = 1
        case 2: record.instrument = 1
        case 3: record.priceTicks = 1
        case 4: record.quantityLots = 1
        case 5: record.attributes.rawValue = 1
        default: break
        }
        return Command(record)
    }

    /// Mostly to a later day.
    private mutating func roll() -> Command {
        day += random.below(4)
        var record = LogRecord.rollBusinessDay(
            to: BusinessDay(rawValue: UInt32(day)), operatorID: 9)
        if chance(20) {
            record.orderID = [0, 1, 2_932_897, 1 << 32 | 30_000][Int(random.below(4))]
        }
        if chance(40) { record.flags = 1 }
        return Command(record)
    }

    /// Of few commands, so that one is void twice now and then: the engine keeps no trades.
    private mutating func bust() -> Command {
        if chance(2), let lastBust { return lastBust }
        let instrument = instrument()
        let isSell = Side(rawValue: UInt8(random.below(2)))
        func side() -> BustedSide {
            BustedSide(
                orderID: id(), otherReference: random.below(1_000), session: session(),
                account: UInt32(random.below(3)))
        }
        let bust = TradeBust(
            tradeSequence: count - random.below(chance(8) ? count + 1 : min(count, 30) + 1),
            tradeIndex: UInt16(random.below(3)),
            instrument: instrument, priceTicks: price(instrument), quantityLots: lots(),
            isOfAuction: chance(3), restingSide: isSell, resting: side(), aggressor: side())
        var record = bust.record(operatorID: 9)
        switch random.below(60) {
        case 0: record.flags |= 2
        case 1: record.attributes.rawValue |= 4
        case 2: record.account |= 1 << 16
        case 3:
            record.flags = 0
            return Command(record)
        default: break
        }
        lastBust = Command(record, bust.continuation)
        return Command(record, bust.continuation)
    }

    /// Narrow more often than not, so that orders come to their ends.
    private mutating func priceBands() -> Command {
        let instrument = instrument()
        var bands = PriceBands()
        if !chance(5) {
            let widest: UInt64 = chance(20) ? 30_000 : instrument == 1 ? 9 : 300
            bands.isInBasisPoints = chance(3)
            if chance(2) { bands.staticWidth = UInt32(random.below(widest)) }
            if chance(2) { bands.dynamicWidth = UInt32(random.below(widest)) }
            if bands.isInBasisPoints {
                bands.staticWidth *= 100
                bands.dynamicWidth *= 100
            }
            if chance(2) {
                bands.action = .auction
                bands.auctionSeconds = 1 + UInt32(random.below(15))
            }
        }
        var record = LogRecord.setPriceBands(instrument: instrument, bands, operatorID: 9)
        switch random.below(40) {
        case 0: record.flags |= 2
        case 1: record.attributes.rawValue |= 2
        case 2: record.account ^= 90_000
        case 3: record.orderID |= 1 << 32
        case 4: record.priceTicks = 1
        default: break
        }
        return Command(record)
    }

    /// A kind that nobody knows.
    private mutating func wild() -> Command {
        let known: Set<UInt8> = [
            1, 2, 3, 4, 5, 6, 7, 32, 33, 64, 65, 68, 69, 70, 71, 72, 73, 74, 76, 79, 126,
        ]
        var kind = UInt8(random.below(256))
        while known.contains(kind) { kind = UInt8(random.below(256)) }
        return Command(LogRecord(kind: CommandKind(rawValue: kind), session: 1))
    }
}
