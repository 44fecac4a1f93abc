// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What a command leaves over that cancels more orders than one command may.
@Suite struct `What is left over` {
    private let limits = EngineLimits(
        orderCapacity: 6000, sessionCapacity: 3, instrumentCapacity: 1, ladderTickCapacity: 1000,
        sessionOpenOrdersMax: 6000)

    private func desk(orders: UInt64, bounds: StepBounds = StepBounds()) throws -> Desk {
        var desk = try Desk(limits, lowest: 1, highest: 1000, rules: 3, bounds: bounds)
        for id in 1...orders { _ = desk.order(1, id, .buy, 1 + Int64(id % 7), 1) }
        return desk
    }

    private func count(_ events: [Event]) -> Int { events.count { $0.kind == .cancelled } }

    private let time = Command(LogRecord(kind: .timeAdvance))

    @Test func `of a mass cancel is 1,024 orders less, and goes on by 16 and by 256`() throws {
        var desk = try desk(orders: 3_000)
        #expect(count(desk.send(LogRecord(kind: .massCancel, session: 1, orderID: 5))) == 1_024)
        #expect(desk.rig.engine.backlogSize == 1)
        #expect(count(desk.order(2, 1, .sell, 900, 1)) == 16)
        #expect(count(desk.rig.apply(time)) == 256)
        var cancelled = 1_024 + 16 + 256
        var last: [Event] = []
        while desk.rig.engine.backlogSize != 0 {
            last = desk.rig.apply(time)
            cancelled += count(last)
        }
        #expect(cancelled == 3_000)
        #expect(last.map(\.kind).suffix(2) == [.massCancelDone, .closed])
        #expect(last[last.count - 2].quantityLots == 3_000 && last[last.count - 2].orderID == 5)
        // Nothing is late any more.
        #expect(desk.order(2, 2, .sell, 900, 1).map(\.attributes) == [[.sell, .resting, .last]])
        #expect(desk.rig.engine.checkInvariants() == nil)
    }

    @Test func `stays bounded for the others when one session asks for it again and again`() throws
    {
        var desk = try desk(orders: 5_000)
        var most = 0
        var isRefused = 0
        for request in 1...20 as ClosedRange<UInt64> {
            let mass = desk.send(LogRecord(kind: .massCancel, session: 1, orderID: request))
            isRefused += mass.count { $0.reason == .massCancelUnderWay }
            most = max(most, mass.count, desk.order(2, request, .sell, 900, 1).count)
        }
        #expect(most == 1_024 + 1 && isRefused == 19)
    }

    @Test func `names the kill switch that it is of where it ends`() throws {
        var desk = try desk(orders: 1_100)
        let kill = desk.rig.upcomingSequence
        let first = desk.rig.apply(
            Command(.killSwitch(.session, number: 1, stops: true, operatorID: 9)))
        #expect(first.last?.kind == .closed)
        let events = desk.rig.apply(time)
        let done = try #require(events.last { $0.kind == .controlApplied })
        #expect(done.reference == kill && done.quantityLots == 1_100 && done.session == 1)
    }

    @Test func `of a day's end goes on through an image, and the engine behind it ends the same`()
        throws
    {
        var desk = try desk(orders: 1_100)
        for id in 1...3_000 as ClosedRange<UInt64> {
            let timeInForce: TimeInForce = id % 2 == 0 ? .day : .goodTillCancel
            _ = desk.order(2, id, .buy, 1 + Int64(id % 7), 1, timeInForce: timeInForce)
        }
        let record = desk.rig.upcomingSequence
        let day = BusinessDay(rawValue: 20_000)
        let first = desk.rig.apply(Command(.rollBusinessDay(to: day, operatorID: 9)))
        #expect(first.first?.kind == .businessDayRolled && count(first) == 1_024)
        #expect(desk.rig.engine.businessDay == day && desk.rig.engine.backlogSize == 1)
        var other = Rig(
            try restore(desk.rig.engine.encodeImage()),
            upcomingSequence: desk.rig.upcomingSequence)
        var commands = Array(repeating: time, count: 13)
        commands[3] = Command(
            LogRecord(
                kind: .newOrder, session: 3, sessionSequence: 1, orderID: 5, priceTicks: 900,
                quantityLots: 1, instrument: 1, attributes: OrderAttributes(side: .sell)))
        var last: [Event] = []
        for command in commands {
            last = desk.rig.apply(command)
            #expect(other.apply(command).map(\.kind) == last.map(\.kind))
        }
        let hashes = (desk.rig.engine.stateHash, other.engine.stateHash)
        #expect(hashes.0 == hashes.1 && desk.rig.engine.digest() == other.engine.digest())
        #expect(desk.rig.engine.backlogSize == 0 && other.engine.businessDay == day)
        // The order that came in behind the day's end is of the new day.
        #expect(desk.rig.engine.openOrders == 1_500 + 1)
        let done = try #require(last.last { $0.kind == .controlApplied })
        #expect(done.reference == record && done.quantityLots == 2_600)
        #expect(done.reason == .dayEnded)
    }

    /// Without a place in the queue a command goes on in slices of its own, and all wait for it.
    @Test func `is nothing where the queue is full`() throws {
        var desk = try desk(orders: 400, bounds: StepBounds(own: 1, behind: 1, behindTime: 1))
        let places = Int(Engine.backlogCapacity(limits))
        for _ in 1..<places {
            let kill = Command(.killSwitch(.session, number: 1, stops: true, operatorID: 9))
            #expect(desk.rig.apply(kill).last?.kind == .closed)
        }
        #expect(desk.rig.engine.backlogSize == places - 1)
        let kill = Command(.killSwitch(.account, number: 1, stops: true, operatorID: 9))
        let events = desk.rig.apply(kill)
        #expect(count(events) > 380 && desk.rig.engine.openOrders == 0)
        #expect(desk.rig.engine.checkInvariants() == nil)
    }
}
