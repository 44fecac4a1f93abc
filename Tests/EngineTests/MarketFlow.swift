// SPDX-License-Identifier: Apache-2.0
import Platform
import Wire

/// A flow as the yardstick's, from a few sessions in one instrument: passive orders at geometric
/// distances from a drifting middle, cancels, replaces, and orders that cross. It knows nothing of
/// what trades, so some cancels and replaces come too late, as they do.
struct MarketFlow {
    /// Shares in a hundred; the rest crosses.
    struct Profile: Sendable {
        var name: String
        var passive: UInt64
        var cancels: UInt64
        var replaces: UInt64

        static let a = Profile(name: "a", passive: 45, cancels: 45, replaces: 5)
        static let b = Profile(name: "b", passive: 40, cancels: 17, replaces: 3)
    }

    static let limits = EngineLimits(
        orderCapacity: 4096, sessionCapacity: 8, instrumentCapacity: 1, ladderTickCapacity: 2001,
        sessionOpenOrdersMax: 4096)

    private let profile: Profile
    private var random: SeededRandom
    private var middleTicks: Int64 = 1000
    private var nextOrderID: UInt64 = 1
    private var open: [(session: UInt32, id: UInt64, isBuy: Bool)] = []
    private var sequences = [UInt32](repeating: 0, count: 9)

    init(_ profile: Profile, seed: UInt64) {
        self.profile = profile
        random = SeededRandom(seed: seed)
    }

    /// Epoch, instrument, sessions.
    func opening() -> [Command] {
        firstCommands(limits: Self.limits, lowestPriceTicks: 0, highestPriceTicks: 2000)
    }

    mutating func next() -> Command {
        if random.below(64) == 0 {
            middleTicks = min(max(middleTicks + (random.below(2) == 0 ? 1 : -1), 800), 1200)
        }
        let dice = random.below(100)
        let isTooSmall = open.count < 200
        if isTooSmall || dice < profile.passive { return order(crosses: false) }
        if dice < profile.passive + profile.cancels { return Command(cancel()) }
        if dice < profile.passive + profile.cancels + profile.replaces { return Command(replace()) }
        return order(crosses: true)
    }

    private mutating func price(isBuy: Bool, crosses: Bool) -> Int64 {
        var distance: Int64 = 1
        while distance < 100, random.below(16) != 0 { distance += 1 }
        return middleTicks + (isBuy == crosses ? 1 : -1) * (crosses ? 5 : distance)
    }

    private mutating func sequence(_ session: UInt32) -> UInt32 {
        sequences[Int(session)] += 1
        return sequences[Int(session)]
    }

    private mutating func order(crosses: Bool) -> Command {
        let session = UInt32(random.below(8)) + 1
        let isBuy = random.below(2) == 0
        let id = nextOrderID
        nextOrderID += 1
        open.append((session, id, isBuy))
        return Command(
            LogRecord(
                kind: .newOrder, session: session, sessionSequence: sequence(session), orderID: id,
                priceTicks: price(isBuy: isBuy, crosses: crosses),
                quantityLots: 1 + random.below(100), account: session, instrument: 1,
                attributes: OrderAttributes(
                    side: isBuy ? .buy : .sell,
                    timeInForce: crosses && random.below(4) == 0 ? .immediateOrCancel : .day)))
    }

    private mutating func cancel() -> LogRecord {
        let (session, id, _) = open.remove(at: Int(random.below(UInt64(open.count))))
        return LogRecord(
            kind: .cancelOrder, session: session, sessionSequence: sequence(session), orderID: id,
            instrument: 1)
    }

    private mutating func replace() -> LogRecord {
        let index = Int(random.below(UInt64(open.count)))
        let (session, id, isBuy) = open[index]
        var record = LogRecord(
            kind: .replaceOrder, session: session, sessionSequence: sequence(session),
            orderID: nextOrderID, priceTicks: price(isBuy: isBuy, crosses: false),
            quantityLots: 1 + random.below(100))
        record.originalOrderID = id
        open[index].id = nextOrderID
        nextOrderID += 1
        return record
    }
}

/// The first commands of a log with one instrument, number 1.
func firstCommands(
    limits: EngineLimits, lowestPriceTicks: Int64, highestPriceTicks: Int64
) -> [Command] {
    let epoch = LogRecord.epochStart(
        epoch: 1, rulesVersion: 1, lastCarriedSequence: 0, indexSeed: 77, shard: 1, host: 1)
    let instrument = LogRecord.defineInstrument(
        instrument: 1, lowestPriceTicks: lowestPriceTicks, highestPriceTicks: highestPriceTicks,
        quantityLotsMax: 1 << 40, operatorID: 1)
    let detail = InstrumentDetail(symbol: "ONE", priceDecimals: 2, quantityDecimals: 0)
    return [
        Command(epoch, limits.continuation), Command(instrument, detail.continuation),
    ]
        + (1...limits.sessionCapacity).map {
            Command(
                .logon(
                    session: $0, nonce: 1, token: 1, heartbeatMillis: 1000, source: 0, flags: 0))
        }
}
