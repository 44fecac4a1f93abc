// SPDX-License-Identifier: Apache-2.0
import Engine
import Testing
import Wire

/// The rules at their edges, each by hand.
@Suite struct `The rules` {
    private func desk() throws -> Desk { try Desk(smallLimits, lowest: 1, highest: 1000) }

    private func said(_ events: [Event]) -> [String] {
        events.map { event in
            let reason = event.kind == .traded ? "" : " r\(event.detail)"
            return "\(event.kind.rawValue)#\(event.orderID) \(event.quantityLots)@"
                + "\(event.priceTicks) l\(event.leavesLots) x\(event.executedLots)\(reason)"
        }
    }

    @Test func `an order that rests untouched has one event`() throws {
        var desk = try desk()
        let events = desk.order(1, 5, .buy, 100, 7)
        #expect(said(events) == ["1#5 7@100 l7 x0 r0"])
        #expect(events[0].attributes == [.resting, .last])
    }

    @Test func `a trade has the resting order's price, its event first`() throws {
        var desk = try desk()
        _ = desk.order(1, 5, .sell, 100, 7)
        let events = desk.order(2, 6, .buy, 120, 9)
        #expect(
            said(events) == [
                "1#6 9@120 l9 x0 r0", "3#5 7@100 l0 x7", "3#6 7@100 l2 x7", "16#6 9@120 l2 x7 r0",
            ])
        #expect(events[1].attributes == [.sell])
        #expect(events[2].attributes == [.aggressor])
        #expect(events[3].attributes == [.last])
    }

    @Test func `a fill-or-kill order that lacks one lot trades nothing`() throws {
        var desk = try desk()
        _ = desk.order(1, 5, .sell, 100, 7)
        let events = desk.order(2, 6, .buy, 100, 8, timeInForce: .fillOrKill)
        #expect(said(events) == ["1#6 8@100 l8 x0 r0", "4#6 8@100 l0 x0 r66"])
        let filled = desk.order(2, 6, .buy, 100, 7, timeInForce: .fillOrKill)
        #expect(said(filled) == ["1#6 7@100 l7 x0 r0", "3#5 7@100 l0 x7", "3#6 7@100 l0 x7"])
    }

    @Test func `a market order trades through and never rests`() throws {
        var desk = try desk()
        _ = desk.order(1, 5, .buy, 100, 7)
        let events = desk.order(2, 6, .sell, 0, 9, type: .market)
        #expect(said(events).last == "4#6 2@0 l0 x7 r67")
        #expect(desk.rig.engine.openOrders == 0)
    }

    @Test func `a post-only order is rejected at the touch and rests behind it`() throws {
        var desk = try desk()
        _ = desk.order(1, 5, .sell, 100, 7)
        let crossing = desk.order(2, 6, .buy, 100, 1, flags: RecordFlags.postOnly)
        #expect(crossing.map(\.reason) == [.postOnlyWouldTrade])
        let behind = desk.order(2, 6, .buy, 99, 1, flags: RecordFlags.postOnly)
        #expect(behind.map(\.kind) == [.accepted])
    }

    @Test func `a replace keeps what was executed and loses its place`() throws {
        var desk = try desk()
        _ = desk.order(1, 5, .buy, 100, 10)
        _ = desk.order(1, 6, .buy, 100, 10)
        _ = desk.order(2, 1, .sell, 100, 4)
        let events = desk.replace(1, 5, with: 7, 100, total: 6)
        #expect(said(events) == ["6#5 10@100 l0 x4 r0", "1#7 6@100 l2 x4 r0"])
        #expect(events[1].attributes == [.resting, .replacement, .last])
        #expect(said(desk.order(2, 2, .sell, 100, 1))[1] == "3#6 1@100 l9 x1")
        #expect(said(desk.replace(1, 7, with: 8, 100, total: 4)) == ["4#7 2@100 l0 x4 r73"])
    }

    @Test func `a replace that fails leaves the original`() throws {
        var desk = try desk()
        _ = desk.order(1, 5, .buy, 100, 10)
        _ = desk.order(1, 6, .buy, 99, 10)
        #expect(desk.replace(1, 5, with: 6, 100, total: 5).map(\.reason) == [.duplicateOrderID])
        #expect(desk.replace(1, 5, with: 7, 1001, total: 5).map(\.reason) == [.priceOutOfRange])
        #expect(desk.replace(1, 5, with: 7, 100, total: 0).map(\.reason) == [.zeroQuantity])
        #expect(desk.rig.engine.levels(instrument: 1, side: .buy).map(\.quantityLots) == [10, 10])
        #expect(desk.replace(1, 5, with: 5, 98, total: 5).map(\.kind) == [.replaced, .accepted])
    }

    @Test(arguments: [
        (SelfTradePrevention.none, ["1", "3", "3"]),
        (.cancelNewest, ["1", "4"]), (.cancelOldest, ["1", "4", "16"]),
        (.cancelBoth, ["1", "4", "4"]),
    ])
    func `self-trade prevention does what the incoming order asks`(
        mode: SelfTradePrevention, kinds: [String]
    ) throws {
        var desk = try desk()
        _ = desk.order(1, 5, .sell, 100, 7, account: 9)
        let events = desk.order(2, 6, .buy, 100, 7, flags: mode.flags, account: 9)
        #expect(events.map { String($0.kind.rawValue) } == kinds)
        #expect(events.last?.attributes.contains(.last) == true)
    }

    @Test func `a session that is not logged on uses its sequence up and gets a reject`() throws {
        var desk = try desk()
        #expect(desk.send(LogRecord(kind: .logout, session: 1)).map(\.kind) == [.loggedOut])
        #expect(desk.order(1, 5, .buy, 100, 1).map(\.reason) == [.notLoggedOn])
        #expect(desk.rig.engine.session(1)?.expectedSequence == 3)
        #expect(desk.rig.engine.session(1)?.reportSequence == 2)
    }

    @Test func `the whole ladder can be used, beyond one word of the top storey too`() throws {
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
}
