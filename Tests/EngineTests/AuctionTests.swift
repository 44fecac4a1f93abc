// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What scenarios are too short for: see also `Scenarios/auctions.yaml`.
@Suite struct `An auction` {
    private let limits = EngineLimits(
        orderCapacity: 1_000, sessionCapacity: 2, instrumentCapacity: 2, ladderTickCapacity: 1_000,
        sessionOpenOrdersMax: 1_000)

    private func opening() -> [Command] {
        openMarket(limits) + [Command(.setInstrumentState(instrument: 1, .auction, operatorID: 1))]
    }

    /// 256 lots, of which one is shown at a time: 256 trades.
    private func iceberg(_ id: UInt64) -> Command {
        var second = OrderContinuation()
        second.peakLots = 1
        return Command(
            LogRecord(
                kind: .newOrder, session: 1, sessionSequence: UInt32(id), orderID: id,
                priceTicks: 101, quantityLots: 256, instrument: 1,
                attributes: OrderAttributes(side: .buy), flags: RecordFlags.pair),
            unsafe unsafeBitCast(second, to: LogRecord.self))
    }

    private func sell(_ sequence: UInt32, _ lots: UInt64) -> Command {
        Command(
            LogRecord(
                kind: .newOrder, session: 2, sessionSequence: sequence, orderID: UInt64(sequence),
                priceTicks: 99, quantityLots: lots, instrument: 1,
                attributes: OrderAttributes(side: .sell)))
    }

    private let open = Command(.setInstrumentState(instrument: 1, .open, operatorID: 1))
    private let filler = Command(LogRecord(kind: .filler))

    @Test(arguments: [256, 1])
    func `goes on behind later commands when its trades are very many, and takes nothing meanwhile`(
        sliceEvents: Int
    ) throws {
        var rig = try Rig(limits, sliceEvents: sliceEvents)
        for command in opening() { _ = rig.apply(command) }
        for id in 1...200 as ClosedRange<UInt64> { _ = rig.apply(iceberg(id)) }
        _ = rig.apply(sell(1, 51_200))
        let first = rig.apply(open)
        #expect(first[0].kind == .tradingStateSet && first[1].kind == .auctionPriced)
        #expect(first[1].quantityLots == 51_200 && first.last?.kind == .closed)
        let trades = first.count { $0.kind == .traded } / 2
        #expect(trades == Int(Engine.tradesPerCommand) + 1)
        #expect(rig.engine.checkInvariants() == nil)
        #expect(rig.engine.nextExpirySeconds != nil)

        let image = rig.engine.encodeImage()
        let restored = try restore(image, limits: limits, sliceEvents: sliceEvents)
        #expect(restored.checkInvariants() == nil)
        #expect(restored.encodeImage() == image)
        rig = Rig(restored, upcomingSequence: rig.upcomingSequence)

        // The whole rest is behind the next command, which is refused.
        let second = rig.apply(sell(2, 1))
        #expect(second[0].reason == .instrumentNotOpen)
        #expect(second.count { $0.kind == .traded } / 2 + trades == 51_200)
        #expect(second.filter { $0.kind == .traded }.allSatisfy { $0.priceTicks == 100 })
        #expect(rig.apply(filler).map(\.kind) == [.nothing])
        #expect(rig.apply(sell(3, 1)).map(\.kind) == [.accepted])
        #expect(rig.engine.checkInvariants() == nil)
        #expect(rig.engine.openOrders == 1)
    }

    @Test func `is over when those who were to trade have gone, and another state may be set`()
        throws
    {
        var rig = try Rig(limits)
        for command in opening() { _ = rig.apply(command) }
        for id in 1...200 as ClosedRange<UInt64> { _ = rig.apply(iceberg(id)) }
        _ = rig.apply(sell(1, 51_200))
        _ = rig.apply(open)
        let refused = rig.apply(open)
        #expect(refused[0].kind == .controlRejected && refused[0].reason == .invalidControl)
        #expect(rig.apply(open).map(\.kind) == [.tradingStateSet])
        #expect(rig.engine.checkInvariants() == nil)
    }
}
