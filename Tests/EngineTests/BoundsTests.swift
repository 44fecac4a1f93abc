// SPDX-License-Identifier: Apache-2.0
@testable import Engine
import Testing
import Wire

/// What bounds the work of one command.
@Suite struct `The bounds of one command` {
    private let limits = EngineLimits(
        orderCapacity: 6000, sessionCapacity: 2, instrumentCapacity: 2, ladderTickCapacity: 1000,
        sessionOpenOrdersMax: 3000)

    private func stop(_ id: UInt64) -> Command {
        var second = OrderContinuation()
        second.triggerPriceTicks = 101
        return Command(
            LogRecord(
                kind: .newOrder, session: 1, orderID: id, quantityLots: 1, instrument: 1,
                attributes: OrderAttributes(side: .buy, type: .stop), flags: RecordFlags.pair),
            unsafe unsafeBitCast(second, to: LogRecord.self))
    }

    private func limit(_ session: UInt32, _ id: UInt64, _ side: Side, _ lots: UInt64) -> Command {
        Command(
            LogRecord(
                kind: .newOrder, session: session, orderID: id, priceTicks: 101,
                quantityLots: lots, instrument: 1, attributes: OrderAttributes(side: side)))
    }

    @Test(arguments: [256, 1])
    func `leave triggers to the next command, whatever that is, also in a restored engine`(
        sliceEvents: Int
    ) throws {
        let stopCount: UInt64 = 1_100
        var commands = openMarket(limits)
        commands += (1...stopCount).map(stop)
        commands.append(limit(2, 1, .sell, 50_000))
        let trade = commands.count
        commands.append(limit(2, 2, .buy, 1))
        commands.append(Command(LogRecord(kind: .filler)))
        commands.append(Command(LogRecord(kind: .filler)))
        var rig = try Rig(limits, sliceEvents: sliceEvents)
        var naive = NaiveEngine(limits: limits)
        var sequences: [UInt32: UInt32] = [:]
        var triggered: [Int] = []
        for (number, command) in commands.enumerated() {
            var command = command
            if (1...7).contains(command.record.kind.rawValue) {
                sequences[command.record.session, default: 0] += 1
                command.record.sessionSequence = sequences[command.record.session]!
            }
            command.record.sequence = rig.upcomingSequence
            let expected = naive.apply(command.record, command.continuation)
            let events = rig.apply(command)
            #expect(events.map(bytes) == expected.map(bytes), "command \(number)")
            #expect((rig.engine.nextExpirySeconds != nil) == (number == trade))
            if number >= trade { triggered.append(events.count { $0.kind == .triggered }) }
            if number == trade {
                let image = rig.engine.encodeImage()
                let restored = try restore(image, limits: limits, sliceEvents: sliceEvents)
                #expect(restored.checkInvariants() == nil)
                #expect(restored.encodeImage() == image)
                rig = Rig(restored, upcomingSequence: rig.upcomingSequence)
            }
        }
        #expect(triggered == [1_024, 76, 0])
        #expect(rig.engine.checkInvariants() == nil)
        #expect(rig.engine.openOrders == 1)
    }

    private func iceberg(_ id: UInt64) -> Command {
        var second = OrderContinuation()
        second.peakLots = 1
        return Command(
            LogRecord(
                kind: .newOrder, session: 1, orderID: id, priceTicks: 101, quantityLots: 256,
                instrument: 1, attributes: OrderAttributes(side: .sell), flags: RecordFlags.pair),
            unsafe unsafeBitCast(second, to: LogRecord.self))
    }

    /// 70 icebergs of 256 parts each are 17,920 orders to whoever meets them.
    @Test(arguments: [TimeInForce.day, .fillOrKill])
    func `end an order that meets too many, and kill one that would`(
        timeInForce: TimeInForce
    ) throws {
        var commands = openMarket(limits)
        commands += (1...70 as ClosedRange<UInt64>).map(iceberg)
        var order = limit(2, 1, .buy, 20_000)
        order.record.attributes = OrderAttributes(side: .buy, timeInForce: timeInForce)
        if timeInForce == .fillOrKill { order.record.quantityLots = 17_000 }
        commands.append(order)
        var rig = try Rig(limits)
        var sequences: [UInt32: UInt32] = [:]
        var last: [Event] = []
        for var command in commands {
            if (1...7).contains(command.record.kind.rawValue) {
                sequences[command.record.session, default: 0] += 1
                command.record.sessionSequence = sequences[command.record.session]!
            }
            last = rig.apply(command)
        }
        let isKilled = timeInForce == .fillOrKill
        #expect(last.count { $0.kind == .traded } == (isKilled ? 0 : 2 * 16_384))
        #expect(last.last?.kind == .cancelled)
        #expect(last.last?.reason == (isKilled ? .fillOrKill : .stepLimit))
        #expect(last.last?.quantityLots == (isKilled ? 17_000 : 20_000 - 16_384))
        #expect(rig.engine.checkInvariants() == nil)
    }

    /// The most that a slice may be asked to hold: the last step begins one event before it is full
    /// and writes three, and the order rests as an iceberg in a command that is closed late.
    @Test func `leave room for the longest end behind a slice that is nearly full`() throws {
        var commands = openMarket(limits)
        commands.append(stop(1))
        commands[commands.count - 1].continuation!.timestampNanos = 400
        func sell(_ id: UInt64, peak: UInt64) -> Command {
            var command = iceberg(id)
            command.record.session = 2
            command.record.quantityLots = peak == 0 ? 1 : 2
            if peak == 0 {
                command.record.flags = 0
                command.continuation = nil
            }
            return command
        }
        for id in 1...256 as ClosedRange<UInt64> {
            commands.append(sell(id, peak: id == 129 || id == 256 ? 1 : 0))
        }
        var buy = iceberg(2)
        buy.record.session = 2
        buy.record.orderID = 1_000
        buy.record.quantityLots = 1_000
        buy.record.flags |= RecordFlags.decrement
        buy.record.attributes = OrderAttributes(side: .buy)
        buy.continuation!.session = 4
        commands.append(buy)
        var rig = try Rig(limits)
        var naive = NaiveEngine(limits: limits)
        var sequences: [UInt32: UInt32] = [:]
        for var command in commands {
            if (1...7).contains(command.record.kind.rawValue) {
                sequences[command.record.session, default: 0] += 1
                command.record.sessionSequence = sequences[command.record.session]!
            }
            command.record.sequence = rig.upcomingSequence
            let expected = naive.apply(command.record, command.continuation)
            #expect(rig.apply(command).map(bytes) == expected.map(bytes))
        }
        #expect(rig.longestSlice > Engine.eventsPerSliceTarget + 4)
        #expect(rig.engine.checkInvariants() == nil)
    }
}
