// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What scenarios are too short for: see also `Scenarios/market-orders-in-calls.yaml`.
@Suite struct `Market orders in a call` {
    private let limits = EngineLimits(
        orderCapacity: 8_000, sessionCapacity: 2, instrumentCapacity: 2,
        ladderTickCapacity: 1_000, sessionOpenOrdersMax: 8_000)

    private func buy(_ sequence: UInt32) -> Command {
        Command(
            LogRecord(
                kind: .newOrder, session: 1, sessionSequence: sequence, orderID: UInt64(sequence),
                quantityLots: 1, instrument: 1,
                attributes: OrderAttributes(side: .buy, type: .market)))
    }

    private func state(_ state: TradingState) -> Command {
        Command(.setInstrumentState(instrument: 1, state, operatorID: 1))
    }

    @Test(arguments: [256, 1])
    func `that are very many go behind later commands, and nothing comes in before the last`(
        sliceEvents: Int
    ) throws {
        var rig = try Rig(limits, sliceEvents: sliceEvents)
        for command in openMarket(limits) + [state(.auction)] { _ = rig.apply(command) }
        for id in 1...1_500 as ClosedRange<UInt32> { _ = rig.apply(buy(id)) }
        let first = rig.apply(state(.closed))
        #expect(first.first?.kind == .tradingStateSet && first.last?.kind == .closed)
        #expect(first.count { $0.reason == .marketRemainder } == 1_024)
        #expect(first.dropFirst().first?.orderID == 1)
        #expect(rig.engine.checkInvariants() == nil)

        let image = rig.engine.encodeImage()
        let restored = try restore(image, limits: limits, sliceEvents: sliceEvents)
        #expect(restored.checkInvariants() == nil)
        #expect(restored.encodeImage() == image && restored.digest() == rig.engine.digest())
        rig = Rig(restored, upcomingSequence: rig.upcomingSequence)

        let second = rig.apply(state(.open))
        #expect(second[0].reason == .invalidControl)
        #expect(second.count { $0.reason == .marketRemainder } == 476)
        #expect(rig.engine.openOrders == 0)
        #expect(rig.apply(state(.open)).map(\.kind) == [.tradingStateSet])
        #expect(rig.engine.checkInvariants() == nil)
    }

    @Test func `are as few as may be rare, and leave others their room`() throws {
        var rig = try Rig(limits)
        for command in openMarket(limits) + [state(.preOpen)] { _ = rig.apply(command) }
        for id in 1...2_000 as ClosedRange<UInt32> {
            #expect(rig.apply(buy(id)).map(\.kind) == [.accepted])
        }
        #expect(rig.apply(buy(2_001)).map(\.reason) == [.orderPoolExhausted])
        let limit = LogRecord(
            kind: .newOrder, session: 1, sessionSequence: 2_002, orderID: 2_002, priceTicks: 100,
            quantityLots: 1, instrument: 1, attributes: OrderAttributes(side: .buy))
        #expect(rig.apply(Command(limit)).map(\.kind) == [.accepted])
        #expect(rig.engine.bestBid(instrument: 1) == 100)
        #expect(rig.engine.levels(instrument: 1, side: .buy).count == 1)
    }
}
