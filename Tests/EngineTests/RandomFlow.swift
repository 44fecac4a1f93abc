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
    private var sequences: [UInt32: UInt32] = [:]

    init(seed: UInt64, limits: EngineLimits, idCount: UInt64 = 40, rules: UInt32 = 1) {
        self.rules = rules
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
        for (instrument, lowest, highest) in [(1, 90, 110), (2, -40, 4600)] as [(_, Int64, _)] {
            commands.append(
                Command(
                    .defineInstrument(
                        instrument: UInt32(instrument), lowestPriceTicks: lowest,
                        highestPriceTicks: Int64(highest), quantityLotsMax: 100, operatorID: 7),
                    detail.continuation))
        }
        for session in 1...limits.sessionCapacity {
            commands.append(Command(logon(session)))
        }
        return commands
    }

    mutating func next() -> Command {
        switch random.below(1000) {
        case 0..<560: newOrder()
        case 560..<700: cancel(.cancelOrder)
        case 700..<780: cancel(.reduceOrder)
        case 780..<930: replace()
        case 930..<940: Command(massCancel())
        case 940..<960: refused()
        case 960..<966: Command(sequence(LogRecord(kind: .logout, session: session())))
        case 966..<972: Command(LogRecord(kind: .sessionTimeout, session: session()))
        case 972..<990: Command(logon(session()))
        case 990..<994: wild()
        default: control()
        }
    }

    private mutating func chance(_ oneIn: UInt64) -> Bool { random.below(oneIn) == 0 }
    private mutating func session() -> UInt32 {
        chance(200) ? limits.sessionCapacity + 1 : UInt32(random.below(4)) + 1
    }
    private mutating func id() -> UInt64 { chance(100) ? 0 : random.below(idCount) + 1 }
    private mutating func instrument() -> UInt32 {
        chance(60) ? UInt32(random.below(6)) : chance(3) ? 2 : 1
    }
    private mutating func price(_ instrument: UInt32) -> Int64 {
        if chance(60) { return [Int64.min, .max, 89, 111, -41, 4601][Int(random.below(6))] }
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
        let type = chance(10) ? OrderType.market : chance(80) ? .stop : .limit
        var timeInForce = TimeInForce.day
        switch random.below(12) {
        case 0, 1: timeInForce = .immediateOrCancel
        case 2: timeInForce = .fillOrKill
        case 3, 4: timeInForce = .goodTillCancel
        case 5: timeInForce = chance(8) ? .goodTillTime : .day
        default: break
        }
        let mode = chance(3) ? SelfTradePrevention(rawValue: UInt8(random.below(4))) : .none
        var flags = mode.flags
        if chance(10) { flags |= RecordFlags.postOnly }
        if chance(100) { flags |= 1 << UInt16(3 + random.below(12)) }
        let price = type == .market && !chance(20) ? 0 : price(instrument)
        var record = LogRecord(
            kind: .newOrder, session: session(), orderID: id(), priceTicks: price,
            quantityLots: lots(), account: UInt32(random.below(3)), instrument: instrument,
            attributes: OrderAttributes(
                side: Side(rawValue: UInt8(random.below(2))), type: type,
                timeInForce: timeInForce), flags: flags)
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
            quantityLots: lots(), flags: chance(100) ? 4 : 0)
        record.originalOrderID = id()
        record.orderID = chance(3) ? record.originalOrderID : id()
        return Command(sequence(record))
    }

    private mutating func massCancel() -> LogRecord {
        sequence(
            LogRecord(
                kind: .massCancel, session: session(), orderID: random.next(),
                instrument: UInt32(random.below(5)),
                attributes: OrderAttributes(rawValue: UInt8(random.below(4))),
                flags: chance(20) ? 1 : 0))
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
            flags: chance(2) ? RecordFlags.cancelOnDisconnect : 0)
    }

    private mutating func control() -> Command {
        switch random.below(6) {
        case 0: return Command(LogRecord(kind: .timeAdvance))
        case 1: return Command(LogRecord(kind: .filler))
        case 2:
            var limits = limits
            if chance(2) { limits.orderCapacity += 1 }
            return Command(
                .epochStart(
                    epoch: 2, rulesVersion: chance(4) ? UInt32(random.below(4)) : rules,
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
                version: chance(3) ? UInt32(random.below(5)) : 2, operatorID: 9)
            if chance(8) { record.orderID |= 1 << 32 }
            return Command(record)
        default: return Command(LogRecord(kind: .setInstrumentState, instrument: 1))
        }
    }

    /// A kind that nobody knows.
    private mutating func wild() -> Command {
        let known: Set<UInt8> = [1, 2, 3, 4, 5, 6, 7, 32, 33, 64, 65, 69, 70, 126]
        var kind = UInt8(random.below(256))
        while known.contains(kind) { kind = UInt8(random.below(256)) }
        return Command(LogRecord(kind: CommandKind(rawValue: kind), session: 1))
    }
}
