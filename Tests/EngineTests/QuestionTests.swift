// SPDX-License-Identifier: Apache-2.0
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What operators ask, against the unbounded views that tools have.
@Suite struct `A question to an engine` {
    private let limits = EngineLimits(
        orderCapacity: 2_000, sessionCapacity: 4, instrumentCapacity: 600,
        ladderTickCapacity: 5_000, sessionOpenOrdersMax: 2_000)

    private func ask(_ desk: borrowing Desk, _ question: EngineQuestion) -> EngineAnswer {
        var answer = EngineAnswer()
        desk.rig.engine.answer(question, into: &answer)
        return answer
    }

    private func expectBook(_ desk: borrowing Desk, depth: Int, _ seed: UInt64) {
        let answer = ask(desk, .book(instrument: 1, depth: depth))
        for (rows, side) in [(answer.bids.rows, Side.buy), (answer.asks.rows, .sell)] {
            let levels = desk.rig.engine.levels(instrument: 1, side: side, depth: min(depth, 20))
            #expect(rows.map(\.priceTicks) == levels.map(\.priceTicks), "\(repeatLine(seed))")
            #expect(rows.map(\.quantityLots) == levels.map(\.quantityLots), "\(repeatLine(seed))")
            var left = 256
            for (row, level) in zip(rows, levels) {
                let count = min(left, level.orderCount)
                left -= count
                #expect(Int(row.orderCount) == count, "\(repeatLine(seed))")
                #expect(row.isCounted == (count == level.orderCount), "\(repeatLine(seed))")
            }
        }
    }

    private func expectOrders(_ desk: borrowing Desk, ids: ClosedRange<UInt64>, _ seed: UInt64) {
        var open: [UInt64: RestingOrder] = [:]
        for side in [Side.buy, .sell] {
            desk.rig.engine.forEachRestingOrder(instrument: 1, side: side) {
                open[UInt64($0.session) << 32 | $0.orderID] = $0
            }
        }
        for session in UInt32(1)...4 {
            for id in ids {
                let order = ask(desk, .order(session: session, orderID: id)).order
                let key = UInt64(session) << 32 | id
                #expect(order?.resting == open[key], "\(repeatLine(seed))")
                #expect(order?.isWaiting != true, "\(repeatLine(seed))")
            }
        }
    }

    @Test func `shows a book, its orders and its sessions as they are`() throws {
        let seed = TestSeed.run
        var random = SeededRandom(seed: seed)
        var desk = try Desk(limits, lowest: 1, highest: 200, rules: 3)
        for round in UInt64(1)...6 {
            let ids = round * 100...round * 100 + 99
            for id in ids {
                // Few prices in some rounds, so that one has more orders than are counted.
                let price = 100 + Int64(random.below(round % 2 == 0 ? 3 : 60))
                let isSell = random.below(2) == 0
                for session in UInt32(1)...3 {
                    _ = desk.order(
                        session, id, isSell ? .sell : .buy, isSell ? price + 30 : price - 30,
                        1 + random.below(9),
                        flags: random.below(4) == 0 ? RecordFlags.hidden : 0)
                }
            }
            for depth in [1, 7, 20, 50] { expectBook(desk, depth: depth, seed) }
            expectOrders(desk, ids: ids, seed)
            let rows = ask(desk, .sessions(from: 1)).sessions.rows
            #expect(rows.map(\.number) == [1, 2, 3, 4])
            for row in rows {
                let found = desk.rig.engine.session(row.number)
                let view = try #require(found)
                #expect(row.isLoggedOn == view.isLoggedOn && row.isKilled == view.isKilled)
                #expect(row.expectedSequence == view.expectedSequence)
                #expect(row.reportSequence == view.reportSequence)
                #expect(row.openOrders == view.openOrders)
            }
        }
        #expect(ask(desk, .book(instrument: 2, depth: 5)).bids.rows.isEmpty)
        #expect(ask(desk, .order(session: 0, orderID: 100)).order == nil)
        #expect(ask(desk, .order(session: 5, orderID: 100)).order == nil)
        #expect(ask(desk, .order(session: 1, orderID: 1)).order == nil)
    }

    @Test func `shows what is rare of an order, and what it waits for`() throws {
        var desk = try Desk(limits, lowest: 1, highest: 200, rules: 3)
        _ = desk.rare(1, 1, .sell, 150, 9) { $0.peakLots = 2 }
        _ = desk.rare(1, 2, .sell, 0, 9, type: .stop) { $0.triggerPriceTicks = 40 }
        _ = desk.rare(1, 3, .buy, 20, 9, timeInForce: .goodTillTime) { $0.expirySeconds = 77 }
        _ = desk.rare(1, 4, .sell, 160, 9, flags: RecordFlags.linked) { $0.peakLots = 2 }
        let iceberg = try #require(ask(desk, .order(session: 1, orderID: 1)).order)
        #expect(iceberg.peakLots == 2 && iceberg.resting.displayedLots == 2)
        #expect(!iceberg.isWaiting && iceberg.triggerPriceTicks == nil)
        let stop = try #require(ask(desk, .order(session: 1, orderID: 2)).order)
        #expect(stop.isWaiting && stop.triggerPriceTicks == 40 && stop.linkedOrderID == 4)
        #expect(stop.resting.displayedLots == 0 && stop.resting.totalLots == 9)
        #expect(ask(desk, .order(session: 1, orderID: 3)).order?.expirySeconds == 77)
        #expect(ask(desk, .order(session: 1, orderID: 4)).order?.linkedOrderID == 2)
    }

    @Test func `is answered in pages that leave nothing out and go over no bound`() throws {
        var desk = try Desk(limits, lowest: 1, highest: 200, rules: 3)
        // In one page more than fit, in another none, and the last number.
        let numbers = [UInt32](2...90) + [400, 600]
        for number in numbers {
            let define = LogRecord.defineInstrument(
                instrument: number, lowestPriceTicks: Int64(number), highestPriceTicks: 601,
                quantityLotsMax: 7, operatorID: 1)
            _ = desk.rig.apply(Command(define, LogRecord(kind: .continuation)))
        }
        let defined = (UInt32(1)...600).filter { desk.rig.engine.isDefined(instrument: $0) }
        #expect(defined.count == numbers.count + 1)
        var found: [UInt32] = []
        var next: UInt32 = 1
        var looks = 0
        while next != 0 {
            let page = ask(desk, .instruments(from: next)).instruments
            #expect(page.rows.count <= 64 && (page.next == 0 || page.next <= next + 256))
            for row in page.rows {
                let found = desk.rig.engine.instrument(row.number)
                let view = try #require(found)
                #expect(row.lowestPriceTicks == view.lowestPriceTicks)
                #expect(row.highestPriceTicks == view.highestPriceTicks)
                #expect(row.quantityLotsMax == view.quantityLotsMax)
                #expect(row.bestBidTicks == nil && row.bestAskTicks == nil)
            }
            found += page.rows.map(\.number)
            next = page.next
            looks += 1
        }
        #expect(found == defined && looks <= 5)
        #expect(ask(desk, .instruments(from: 601)).instruments.rows.isEmpty)
        #expect(ask(desk, .instruments(from: .max)).instruments.next == 0)
        #expect(ask(desk, .sessions(from: .max)).sessions.rows.isEmpty)
        _ = desk.order(1, 1, .buy, 50, 1)
        _ = desk.order(1, 2, .sell, 60, 1)
        let row = ask(desk, .instruments(from: 1)).instruments.rows[0]
        #expect(row.bestBidTicks == 50 && row.bestAskTicks == 60)
        #expect(row.tradingState == .open && row.referencePriceTicks == nil)
        _ = desk.rig.apply(
            Command(
                .setInstrumentState(
                    instrument: 1, .auction, referencePriceTicks: 55, phaseSeconds: 70,
                    operatorID: 1)))
        _ = desk.rig.apply(
            Command(.rollBusinessDay(to: BusinessDay(rawValue: 20_000), operatorID: 1)))
        let called = ask(desk, .instruments(from: 1)).instruments.rows[0]
        #expect(called.tradingState == .auction && called.referencePriceTicks == 55)
        #expect(!called.isUncrossing && called.phaseSeconds == 70)
        #expect(ask(desk, .room).businessDay.rawValue == 20_000)
        let room = ask(desk, .room).room
        let ticksMax = desk.rig.engine.rangeTicksMax
        #expect(room.limits == limits && room.rangeTicksMax == ticksMax)
    }

    @Test func `changes nothing`() throws {
        var desk = try Desk(limits, lowest: 1, highest: 200, rules: 3)
        _ = desk.order(1, 1, .buy, 50, 1)
        let digest = desk.rig.engine.digest()
        let hash = desk.rig.engine.stateHash
        let questions: [EngineQuestion] = [
            .instruments(from: 0), .sessions(from: 0), .book(instrument: 1, depth: 20), .room,
            .order(session: 1, orderID: 1),
        ]
        for question in questions { _ = ask(desk, question) }
        let after = (desk.rig.engine.digest(), desk.rig.engine.stateHash)
        #expect(after == (digest, hash))
        let broken = desk.rig.engine.checkInvariants()
        #expect(broken == nil)
    }
}
