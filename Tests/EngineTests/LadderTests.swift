// SPDX-License-Identifier: Apache-2.0
import Platform
import Testing
import Wire

@testable @_spi(Testing) import Engine

@Suite struct `The prices of all instruments` {
    private func byteCount(instruments: UInt32, prices: UInt32) throws -> Int {
        let engine = try Engine(
            limits: EngineLimits(
                orderCapacity: 1_000, sessionCapacity: 10, instrumentCapacity: instruments,
                ladderTickCapacity: prices, sessionOpenOrdersMax: 1_000), oldestRules: 3)
        return engine.memory.reduce(0) { $0 + $1.byteCount }
    }

    @Test func `cost an instrument that is only listed at most 256 bytes`() throws {
        let (few, many) = try (
            byteCount(instruments: 1, prices: 64), byteCount(instruments: 100_001, prices: 64)
        )
        let each = (many - few) / 100_000
        print("\(each) bytes an instrument")
        #expect(each <= 256)
    }

    /// Of prices on five pages with ten nodes above them, as a range of any width may have.
    @Test func `cost a small book at most 32 KiB, whatever its range`() throws {
        let (few, many) = try (
            byteCount(instruments: 1, prices: 64), byteCount(instruments: 1, prices: 640_064)
        )
        // Of each page there are two nodes.
        let page = (many - few) / 10_000
        print("\(page) bytes a page, with two nodes")
        #expect(page * 5 <= 32 * 1_024)
    }

    @Test func `are given back, and the same ones come to the same places again`() throws {
        var limits = smallLimits
        limits.ladderTickCapacity = 640
        var desk = try Desk(limits, lowest: -1 << 60, highest: 1 << 60, rules: 3)
        let empty = desk.rig.engine.encodeImage()
        for round in 0..<3 as Range<UInt64> {
            for number in 0..<10 as Range<UInt64> {
                let side: Side = number % 2 == 0 ? .buy : .sell
                let price = Int64(number) * 64 + (side == .buy ? -1 << 50 : 0)
                let events = desk.order(1, round * 10 + number + 1, side, price, 1)
                #expect(events.map(\.kind) == [.accepted])
            }
            #expect(desk.rig.engine.bestBid(instrument: 1) == -1 << 50 + 512)
            #expect(desk.rig.engine.bestAsk(instrument: 1) == 64)
            #expect(desk.rig.engine.pagePool.count == 10)
            #expect(desk.rig.engine.checkInvariants() == nil)
            #expect(desk.order(1, 99, .sell, 1 << 55, 1).map(\.kind) == [.rejected])
            for number in 0..<10 as Range<UInt64> {
                let cancel = LogRecord(
                    kind: .cancelOrder, session: 1, orderID: round * 10 + number + 1, instrument: 1)
                #expect(desk.send(cancel).map(\.kind) == [.cancelled])
            }
            #expect(desk.rig.engine.pagePool.count == 0 && desk.rig.engine.nodePool.count == 0)
            #expect(desk.rig.engine.encodeImage().count == empty.count)
        }
    }
}
