// SPDX-License-Identifier: Apache-2.0
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What scenarios are too short for: see also `Scenarios/price-bands.yaml`.
@Suite struct `A price band` {
    /// Random flows all the time, with a watch that knows nothing of the engine.
    @Test func `has trades inside, and orders that stop at its ends, in the random flow`() throws {
        announce(TestSeed.run)
        var flow = RandomFlow(seed: TestSeed.run, limits: smallLimits, rules: 3)
        var rig = try Rig(smallLimits)
        var watch = BandWatch()
        var stopped = 0
        var calls = 0
        var queue = flow.opening()[...]
        for number in 0..<80_000 {
            let command = queue.popFirst() ?? flow.next()
            let events = rig.apply(command)
            let flaw = watch.flaw(command.record, events, rules: rig.engine.rulesVersion)
            #expect(flaw == nil, "command \(number)")
            guard flaw == nil else { return }
            stopped += events.count { $0.kind == .cancelled && $0.reason == .outsidePriceBand }
            calls += events.count { $0.kind == .tradingStateSet && $0.reference == 1 }
        }
        print("\(watch.seen) trades inside, \(stopped) orders stopped, \(calls) states by itself")
        #expect(watch.seen > 100 && stopped > 50 && calls > 20)
    }

    @Test func `that is watched is seen to be broken`() {
        var watch = BandWatch()
        let set = LogRecord.setPriceBands(
            instrument: 1, PriceBands(dynamicWidth: 2), operatorID: 1)
        #expect(watch.flaw(set, [Event(kind: .controlApplied)], rules: 3) == nil)
        func order(_ price: Int64) -> [Event] {
            [
                Event(kind: .accepted, instrument: 1),
                Event(kind: .traded, instrument: 1, priceTicks: price),
                Event(kind: .traded, attributes: .aggressor, instrument: 1, priceTicks: price),
            ]
        }
        let record = LogRecord(kind: .newOrder, instrument: 1)
        #expect(watch.flaw(record, order(100), rules: 3) == nil)
        #expect(watch.flaw(record, order(102), rules: 3) == nil)
        #expect(watch.flaw(record, order(105), rules: 3) != nil)
    }

    @Test(arguments: [Int64.max - 9, 1 << 40])
    func `reaches to the ends of prices of any size`(lowest: Int64) throws {
        var desk = try Desk(smallLimits, lowest: lowest, highest: lowest + 9, rules: 3)
        let bands = PriceBands(staticWidth: 10_000, isInBasisPoints: true)
        for record in [
            .setPriceBands(instrument: 1, bands, operatorID: 1),
            .setInstrumentState(instrument: 1, .open, referencePriceTicks: lowest, operatorID: 1),
        ] as [LogRecord] {
            #expect(desk.rig.apply(Command(record))[0].kind != .controlRejected)
        }
        _ = desk.order(1, 1, .sell, lowest + 9, 1)
        #expect(desk.order(2, 1, .buy, lowest + 9, 1).map(\.kind) == [.accepted, .traded, .traded])
        #expect(desk.rig.engine.checkInvariants() == nil)
    }

    /// Orders that are to trade go while the auction of very many trades goes on, so that the rest
    /// would trade elsewhere.
    @Test(arguments: [256, 1])
    func `holds for what an auction has left when those who were to trade have gone`(
        sliceEvents: Int
    ) throws {
        let limits = EngineLimits(
            orderCapacity: 1_000, sessionCapacity: 2, instrumentCapacity: 2,
            ladderTickCapacity: 1_000, sessionOpenOrdersMax: 1_000)
        var rig = try Rig(limits, sliceEvents: sliceEvents)
        var watch = BandWatch()
        func apply(_ command: Command) -> [Event] {
            let events = rig.apply(command)
            #expect(watch.flaw(command.record, events, rules: 3) == nil)
            return events
        }
        for command in openMarket(limits) { _ = apply(command) }
        _ = apply(
            Command(
                .setPriceBands(instrument: 1, PriceBands(staticWidth: 5), operatorID: 1)))
        _ = apply(
            Command(
                .setInstrumentState(
                    instrument: 1, .auction, referencePriceTicks: 100, operatorID: 1)))
        var second = OrderContinuation()
        second.peakLots = 1
        // Each trades 256 times, more all together than one command may.
        for id in 1...193 as ClosedRange<UInt64> {
            _ = apply(
                Command(
                    LogRecord(
                        kind: .newOrder, session: 1, sessionSequence: UInt32(id), orderID: id,
                        priceTicks: 101, quantityLots: 256, instrument: 1,
                        attributes: OrderAttributes(side: .buy), flags: RecordFlags.pair),
                    unsafe unsafeBitCast(second, to: LogRecord.self)))
        }
        func order(_ session: UInt32, _ id: UInt64, _ side: Side, _ price: Int64, _ lots: UInt64)
            -> Command
        {
            Command(
                LogRecord(
                    kind: .newOrder, session: session, sessionSequence: UInt32(id), orderID: id,
                    priceTicks: price, quantityLots: lots, instrument: 1,
                    attributes: OrderAttributes(side: side)))
        }
        _ = apply(order(2, 1, .sell, 85, 193 * 256))
        _ = apply(order(2, 2, .buy, 90, 50))
        let open = Command(.setInstrumentState(instrument: 1, .open, operatorID: 1))
        let first = apply(open)
        #expect(first[0].kind == .tradingStateSet && first[1].priceTicks == 100)
        #expect(first.last?.kind == .closed)
        let rest = apply(
            Command(LogRecord(kind: .massCancel, session: 1, sessionSequence: 194, orderID: 9)))
        #expect(!rest.contains { $0.kind == .traded })
        let turned = rest.filter { $0.kind == .tradingStateSet }
        #expect(turned.map(\.reference) == [1])
        #expect(turned.map(\.detail) == [UInt16(TradingState.auction.rawValue)])
        #expect(rig.engine.checkInvariants() == nil)
        #expect(apply(open)[0].reason == .priceOutsideBand)
        let moved = apply(
            Command(
                .setInstrumentState(
                    instrument: 1, .open, referencePriceTicks: 90, operatorID: 1)))
        #expect(moved.count { $0.kind == .traded } == 2)
        #expect(rig.engine.openOrders == 1 && rig.engine.checkInvariants() == nil)
    }
}
