// SPDX-License-Identifier: Apache-2.0
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What scenarios are too short for: see also `Scenarios/order-rules.yaml`.
@Suite struct `Order rules` {
    /// Random flows all the time, with a watch that knows nothing of the engine.
    @Test func `are kept by every order that is taken in the random flow`() throws {
        announce(TestSeed.run)
        var flow = RandomFlow(seed: TestSeed.run, limits: smallLimits, rules: 3)
        var rig = try Rig(smallLimits)
        var watch = RuleWatch()
        var reasons: [Reason: Int] = [:]
        var queue = flow.opening()[...]
        for number in 0..<40_000 {
            let command = queue.popFirst() ?? flow.next()
            let events = rig.apply(command)
            let flaw = watch.flaw(command.record, events)
            #expect(flaw == nil, "command \(number)")
            guard flaw == nil else { return }
            for event in events where event.kind != .traded {
                reasons[event.reason, default: 0] += 1
            }
        }
        print("\(watch.seen) orders taken under rules, \(watch.seenOnTables) on tick tables")
        #expect(watch.seen > 300 && watch.seenOnTables > 100)
        for reason in [.invalidTick, .invalidLot, .orderValueTooLarge, .quantityTooSmall]
            as [Reason]
        {
            #expect(reasons[reason, default: 0] > 20, "\(reason)")
        }
    }

    @Test func `that are watched are seen to be broken`() {
        var watch = RuleWatch()
        let applied = [Event(kind: .controlApplied)]
        for (number, row) in [
            TickRow(fromTicks: 0, stepTicks: 1), TickRow(fromTicks: 100, stepTicks: 5),
        ].enumerated() {
            let place = TickTableRow(table: 3, number: UInt32(number) + 1, of: 2, row)
            #expect(watch.flaw(.setTickTableRow(place, operatorID: 1), applied) == nil)
        }
        let rules = OrderRules(lotStep: 10, quantityLotsMin: 20, valueMax: 10_000, tickTable: 3)
        #expect(
            watch.flaw(.setOrderRules(instrument: 1, rules, operatorID: 1), applied) == nil)
        func take(_ price: Int64, _ lots: UInt64) -> Bool {
            let record = LogRecord(
                kind: .newOrder, priceTicks: price, quantityLots: lots, instrument: 1)
            let event = Event(
                kind: .accepted, instrument: 1, priceTicks: price, quantityLots: lots)
            return watch.flaw(record, [event]) == nil
        }
        #expect(take(99, 20) && take(100, 20) && take(105, 90))
        #expect(!take(101, 20) && !take(100, 25) && !take(100, 10) && !take(105, 100))
    }

    /// Each tick of each ladder is as near to the best on the other side as it may be.
    @Test(arguments: [Int64.min, -37, 0, Int64.max - 40])
    func `let a post-only order slide to the next price of its table`(lowest: Int64) throws {
        let rows = [(-20, 3), (-9, 1), (4, 4), (20, 7)].map {
            TickRow(
                fromTicks: Int64($0.0) / Int64($0.1) * Int64($0.1), stepTicks: UInt32($0.1))
        }
        for side in [Side.buy, .sell] {
            for best in lowest + 1..<lowest + 40 {
                var desk = try Desk(
                    smallLimits, lowest: lowest, highest: lowest + 40, rules: 3)
                // Its maker is from before the rules, at any price.
                _ = desk.order(1, 1, side.opposite, best, 1)
                for (number, row) in rows.enumerated() {
                    let place = TickTableRow(
                        table: 2, number: UInt32(number) + 1, of: UInt32(rows.count), row)
                    let set = Command(.setTickTableRow(place, operatorID: 1))
                    #expect(desk.rig.apply(set)[0].kind == .controlApplied)
                }
                let set = LogRecord.setOrderRules(
                    instrument: 1, OrderRules(tickTable: 2), operatorID: 1)
                #expect(desk.rig.apply(Command(set))[0].kind == .controlApplied)
                func isRight(_ price: Int64) -> Bool {
                    let row = rows.last { $0.fromTicks <= price } ?? rows[0]
                    return price % Int64(row.stepTicks) == 0
                }
                let inside = lowest...lowest + 40
                let right = inside.filter(isRight)
                let expected = side == .buy ? right.last { $0 < best } : right.first { $0 > best }
                guard let price = side == .buy ? right.last : right.first,
                    side == .buy ? price >= best : price <= best
                else { continue }
                let event = desk.order(
                    2, 1, side, price, 1, flags: RecordFlags.postOnly | RecordFlags.slide)[0]
                #expect(event.kind == (expected == nil ? .rejected : .accepted))
                #expect(event.priceTicks == expected ?? price)
                #expect(desk.rig.engine.checkInvariants() == nil)
            }
        }
    }

    @Test func `bound a value without overflow`() throws {
        var desk = try Desk(smallLimits, lowest: .max - 9, highest: .max, rules: 3)
        for (valueMax, isTaken) in [
            (UInt64.max, true), (UInt64.max / 2, false), (UInt64(Int64.max - 9) * 2, true),
        ] {
            let set = LogRecord.setOrderRules(
                instrument: 1, OrderRules(valueMax: valueMax), operatorID: 1)
            #expect(desk.rig.apply(Command(set))[0].kind == .controlApplied)
            let kind = desk.order(1, valueMax & 0xFFFF | 1, .buy, .max - 9, 2)[0].kind
            #expect(kind == (isTaken ? .accepted : .rejected))
            #expect(desk.order(2, 9, .buy, .max - 9, 3)[0].reason == .orderValueTooLarge)
        }
    }
}
