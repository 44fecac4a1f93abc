// SPDX-License-Identifier: Apache-2.0
import Platform
import TestSeed
import Testing
import Wire

@_spi(Testing) import Engine

@Suite struct `An engine` {
    /// Applies the same random flow to the engine and to the oracle.
    static func compare(
        seed: UInt64, commands: Int, limits: EngineLimits, sliceEvents: Int, idCount: UInt64 = 40,
        rules: UInt32 = 1, isWide: Bool = false, bounds: StepBounds = StepBounds()
    ) throws -> UInt64 {
        var flow = RandomFlow(
            seed: seed, limits: limits, idCount: idCount, rules: rules, isWide: isWide)
        var list = flow.opening()
        while list.count < commands { list.append(flow.next()) }
        let pair = SideBySide(limits: limits, sliceEvents: sliceEvents, bounds: bounds)
        let outcome = try pair.play(list)
        guard outcome.disagreement == nil else {
            announce(seed)
            Issue.record("\(try pair.report(list, seed: seed))")
            return 0
        }
        return outcome.hash
    }

    @Test(arguments: 0..<12 as Range<UInt64>, [1, 2, 3] as [UInt32])
    func `gives the same events as the naive one`(round: UInt64, rules: UInt32) throws {
        let seed = TestSeed.run &+ round
        print("round \(round):", terminator: " ")
        announce(seed)
        _ = try Self.compare(
            seed: seed, commands: 6000, limits: smallLimits, sliceEvents: 256, rules: rules)
    }

    /// With prices far from each other, and room for few of them or for many.
    @Test(arguments: 0..<8 as Range<UInt64>, [1, 256, 5_000] as [UInt32])
    func `gives the same events as the naive one over all prices`(
        round: UInt64, ticks: UInt32
    ) throws {
        let seed = TestSeed.run &+ round &* 77
        announce(seed)
        var limits = smallLimits
        limits.ladderTickCapacity = ticks
        _ = try Self.compare(
            seed: seed, commands: 4000, limits: limits, sliceEvents: [1, 256][Int(round % 2)],
            rules: 3, isWide: true)
    }

    /// Where a command may take few steps, something is left over most of the time.
    @Test(arguments: 0..<8 as Range<UInt64>, [256, 1, 2, 3])
    func `gives the same events as the naive one while much is left over`(
        round: UInt64, sliceEvents: Int
    ) throws {
        let seed = TestSeed.run &+ round &* 31
        announce(seed)
        _ = try Self.compare(
            seed: seed, commands: 3000, limits: smallLimits, sliceEvents: sliceEvents, rules: 3,
            bounds: StepBounds(own: 1 + UInt32(round % 3), behind: 1, behindTime: 2))
    }

    @Test func `gives the same events, hash and digest whatever the slices`() throws {
        announce(TestSeed.run)
        let limits = EngineLimits(
            orderCapacity: 400, sessionCapacity: 4, instrumentCapacity: 3,
            ladderTickCapacity: 5000, sessionOpenOrdersMax: 300)
        let whole = try Self.compare(
            seed: TestSeed.run, commands: 2500, limits: limits, sliceEvents: 256, idCount: 400)
        for sliceEvents in [1, 2, 3, 128] {
            let sliced = try Self.compare(
                seed: TestSeed.run, commands: 2500, limits: limits, sliceEvents: sliceEvents,
                idCount: 400)
            #expect(sliced == whole)
        }
    }

    @Test func `meets every kind of event and every reason in the random flow`() throws {
        var kinds: Set<UInt8> = []
        var reasons: Set<UInt16> = []
        for rules in [1, 3] as [UInt32] {
            var flow = RandomFlow(seed: 42, limits: smallLimits, idCount: 80, rules: rules)
            var rig = try Rig(
                smallLimits,
                bounds: rules == 1 ? StepBounds() : StepBounds(own: 1, behind: 1, behindTime: 1))
            var queue = flow.opening()[...]
            for _ in 0..<120_000 {
                for event in rig.apply(queue.popFirst() ?? flow.next()) {
                    kinds.insert(event.kind.rawValue)
                    if event.kind != .traded, event.kind != .busted { reasons.insert(event.detail) }
                }
            }
        }
        let expectedKinds = Set(1...12 as ClosedRange<UInt8>).union(13...15).union([30]).union(
            16...28)
        #expect(kinds == expectedKinds, "missing \(expectedKinds.subtracting(kinds))")
        let expectedReasons: [Reason] = [
            .none, .unknownInstrument, .unknownOrder, .duplicateOrderID, .zeroQuantity,
            .quantityTooLarge, .priceOutOfRange, .orderPoolExhausted, .sessionOrderLimit,
            .invalidOrderType, .invalidTimeInForce, .invalidFlags, .postOnlyWouldTrade,
            .wrongInstrument, .totalNotReduced, .throttled, .notLoggedOn, .unsupported,
            .sessionSequenceBroken, .invalidOrderID, .unknownSession, .invalidControl, .byClient,
            .immediateOrCancel, .fillOrKill, .marketRemainder, .selfTradePrevented,
            .massCancelled, .sessionEnded, .totalExecuted, .unsupportedCombination,
            .invalidExpiry, .invalidPeak, .invalidMinimum, .invalidTrigger, .expired,
            .minimumQuantity, .invalidLink, .linkedTraded, .killed, .killSwitch,
            .massCancelUnderWay, .sessionInUse,
            .instrumentNotOpen, .priceOutsideBand, .outsidePriceBand, .dayEnded, .alreadyBusted,
            .tradeOfEarlierDay, .invalidTick, .invalidLot, .orderValueTooLarge,
            .quantityTooSmall,
        ]
        let missing = expectedReasons.filter { !reasons.contains(UInt16($0.rawValue)) }
        #expect(missing.isEmpty, "missing \(missing)")
    }

    @Test func `has a hash that times, checksums, epochs, tokens and seeds do not enter`() throws {
        var hashes: Set<UInt64> = []
        for variant in 0..<3 as Range<UInt64> {
            var flow = RandomFlow(seed: 7, limits: smallLimits)
            var rig = try Rig(smallLimits)
            let opening = flow.opening()
            for number in 0..<3000 {
                var command = number < opening.count ? opening[number] : flow.next()
                command.record.timestampNanos = variant * 1000
                command.record.crc32c = UInt32(variant)
                if command.record.kind == .epochStart {
                    command.record.session += UInt32(variant)
                    command.record.priceTicks ^= Int64(variant) << 40
                    command.record.orderID += variant
                }
                if command.record.kind == .logon {
                    command.record.account ^= UInt32(variant)
                    command.record.orderID ^= variant
                    command.record.quantityLots ^= variant
                }
                _ = rig.apply(command)
            }
            hashes.insert(rig.engine.stateHash)
            hashes.insert(rig.engine.digest() ^ 0xFFFF)
        }
        #expect(hashes.count == 2)
    }

    @Test func `changes its hash with every event`() throws {
        var flow = RandomFlow(seed: 9, limits: smallLimits)
        var rig = try Rig(smallLimits)
        var seen: Set<UInt64> = [rig.engine.stateHash]
        for command in flow.opening() {
            _ = rig.apply(command)
            seen.insert(rig.engine.stateHash)
        }
        let count = seen.count
        for _ in 0..<2000 {
            _ = rig.apply(flow.next())
            seen.insert(rig.engine.stateHash)
        }
        #expect(seen.count == count + 2000)
    }

    @Test func `sweeps more orders than a slice holds, in price-time order`() throws {
        let limits = EngineLimits(
            orderCapacity: 1000, sessionCapacity: 2, instrumentCapacity: 1,
            ladderTickCapacity: 300_000, sessionOpenOrdersMax: 1000)
        var desk = try Desk(limits, lowest: 1, highest: 300_000)
        for number in 1...600 as ClosedRange<UInt64> {
            let price = Int64(number % 7 + 1) * 40_000
            _ = desk.order(1, number, .sell, price, 2)
        }
        let slicesBefore = desk.rig.slices
        let events = desk.order(2, 1, .buy, 300_000, 5000)
        #expect(desk.rig.slices - slicesBefore > 2)
        #expect(events.count == 1 + 2 * 600 + 1)
        let prices = events.filter { $0.kind == .traded }.map(\.priceTicks)
        #expect(prices == prices.sorted())
        #expect(events.last?.kind == .rested)
        #expect(events.last?.leavesLots == 5000 - 1200)
        #expect(desk.rig.engine.bestBid(instrument: 1) == 300_000)
        #expect(desk.rig.engine.checkInvariants() == nil)
    }

    @Test func `uses the whole ladder, beyond one word of the top storey too`() throws {
        let limits = EngineLimits(
            orderCapacity: 16, sessionCapacity: 2, instrumentCapacity: 1,
            ladderTickCapacity: 1 << 21, sessionOpenOrdersMax: 16)
        var desk = try Desk(limits, lowest: -(1 << 20), highest: (1 << 20) - 1)
        let highest: Int64 = 0xF_FFFF
        let lowest: Int64 = -(1 << 20)
        _ = desk.order(1, 1, .sell, highest, 1)
        _ = desk.order(1, 2, .buy, lowest, 1)
        _ = desk.order(1, 3, .buy, -5, 1)
        _ = desk.order(1, 4, .sell, -4, 1)
        #expect(desk.rig.engine.bestBid(instrument: 1) == -5)
        #expect(desk.rig.engine.bestAsk(instrument: 1) == -4)
        _ = desk.order(2, 1, .buy, -4, 1)
        _ = desk.order(2, 2, .sell, -5, 1)
        #expect(desk.rig.engine.bestBid(instrument: 1) == lowest)
        #expect(desk.rig.engine.bestAsk(instrument: 1) == highest)
        #expect(desk.rig.engine.checkInvariants() == nil)
    }

    @Test func `refuses an epoch with other limits than its own`() throws {
        var desk = try Desk(smallLimits, lowest: 1, highest: 10)
        var other = smallLimits
        other.sessionCapacity += 1
        let record = LogRecord.epochStart(
            epoch: 2, rulesVersion: 1, lastCarriedSequence: 0, indexSeed: 1, shard: 1, host: 1)
        let events = desk.rig.apply(Command(record, other.continuation))
        #expect(events.map(\.kind) == [.controlRejected])
        #expect(events.first?.reason == .invalidControl)
        #expect(events.first?.attributes == [.last, .pair])
    }
}

/// A rig with one instrument and logged-on sessions, and short words for what clients do.
struct Desk: ~Copyable {
    var rig: Rig
    private var sequences: [UInt32: UInt32] = [:]

    init(
        _ limits: EngineLimits, lowest: Int64, highest: Int64, rules: UInt32 = 1,
        bounds: StepBounds = StepBounds()
    ) throws {
        rig = try Rig(limits, bounds: bounds)
        _ = rig.apply(
            Command(
                .epochStart(
                    epoch: 1, rulesVersion: rules, lastCarriedSequence: 0, indexSeed: 3, shard: 1,
                    host: 1), limits.continuation))
        let define = LogRecord.defineInstrument(
            instrument: 1, lowestPriceTicks: lowest, highestPriceTicks: highest,
            quantityLotsMax: 100_000, operatorID: 1)
        _ = rig.apply(Command(define, LogRecord(kind: .continuation)))
        for session in 1...limits.sessionCapacity {
            _ = rig.apply(
                Command(
                    .logon(
                        session: session, nonce: 1, token: 1, heartbeatMillis: 1, source: 1,
                        flags: 0)))
        }
    }

    mutating func send(_ record: LogRecord, _ continuation: LogRecord? = nil) -> [Event] {
        var record = record
        sequences[record.session, default: 0] += 1
        record.sessionSequence = sequences[record.session, default: 0]
        return rig.apply(Command(record, continuation))
    }

    /// An order with a second record.
    mutating func rare(
        _ session: UInt32, _ id: UInt64, _ side: Side, _ price: Int64, _ lots: UInt64,
        type: OrderType = .limit, timeInForce: TimeInForce = .day, flags: UInt16 = 0,
        _ ask: (inout OrderContinuation) -> Void
    ) -> [Event] {
        var second = OrderContinuation()
        ask(&second)
        return send(
            LogRecord(
                kind: .newOrder, session: session, orderID: id, priceTicks: price,
                quantityLots: lots, account: session, instrument: 1,
                attributes: OrderAttributes(side: side, type: type, timeInForce: timeInForce),
                flags: flags | RecordFlags.pair),
            unsafe unsafeBitCast(second, to: LogRecord.self))
    }

    mutating func order(
        _ session: UInt32, _ id: UInt64, _ side: Side, _ price: Int64, _ lots: UInt64,
        type: OrderType = .limit, timeInForce: TimeInForce = .day, flags: UInt16 = 0,
        account: UInt32? = nil
    ) -> [Event] {
        send(
            LogRecord(
                kind: .newOrder, session: session, orderID: id, priceTicks: price,
                quantityLots: lots, account: account ?? session, instrument: 1,
                attributes: OrderAttributes(side: side, type: type, timeInForce: timeInForce),
                flags: flags))
    }

    mutating func replace(
        _ session: UInt32, _ original: UInt64, with id: UInt64, _ price: Int64, total: UInt64
    ) -> [Event] {
        var record = LogRecord(
            kind: .replaceOrder, session: session, orderID: id, priceTicks: price,
            quantityLots: total)
        record.originalOrderID = original
        return send(record)
    }
}
