// SPDX-License-Identifier: Apache-2.0
import Engine
import NICGateway
import OrderEntryClient
import Pipeline
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

/// A book made of public reports alone: dictionaries, obviously right.
struct PublicBook {
    struct Order: Equatable {
        var instrument: UInt32
        var side: Side
        var priceTicks: Int64
        var lots: UInt64
    }
    private(set) var orders: [UInt64: Order] = [:]
    private(set) var problems: [String] = []

    mutating func take(_ report: PublicReport) {
        let reference = report.reference
        switch report.kind {
        case .instrument: return
        case .added:
            if orders[reference] != nil { problems.append("\(reference) is added twice") }
            orders[reference] = Order(
                instrument: report.instrument, side: report.side,
                priceTicks: report.priceTicks, lots: report.quantityLots)
        case .executed:
            guard let order = orders[reference], order.lots >= report.quantityLots,
                order.priceTicks == report.priceTicks
            else { return problems.append("\(reference) trades what it has not: \(report)") }
            orders[reference]?.lots -= report.quantityLots
            if order.lots == report.quantityLots { orders[reference] = nil }
        case .reduced:
            guard let order = orders[reference], order.lots > report.quantityLots else {
                return problems.append("\(reference) is not reduced: \(report)")
            }
            orders[reference]?.lots = report.quantityLots
        case .deleted:
            guard let order = orders.removeValue(forKey: reference),
                order.lots == report.quantityLots
            else { return problems.append("\(reference) is not deleted: \(report)") }
        default: problems.append("a kind that nobody knows: \(report)")
        }
    }

    /// Lots at each price of one side.
    func levels(_ instrument: UInt32, _ side: Side) -> [Int64: UInt64] {
        var found: [Int64: UInt64] = [:]
        for order in orders.values where order.instrument == instrument && order.side == side {
            found[order.priceTicks, default: 0] += order.lots
        }
        return found
    }
}

@Suite struct `The public stream` {
    @Test(arguments: 0..<6)
    func `is gapless and holds all that makes the book`(run: UInt64) throws {
        let seed = TestSeed.run &+ run
        var flow = MessageFlow(seed: seed, sessionCount: 4)
        let rig = try ShardRig { $0.publicGroup = 0xEF01_0101 }
        var clients = (1...4).map { TestClient($0) }
        for index in clients.indices { clients[index].logOn(rig) }
        var book = PublicBook()
        var seen = 0
        var next: UInt64 = 1
        for _ in 0..<60 {
            for index in clients.indices {
                let messages = (0..<20).map { _ in flow.message(session: index) }
                rig.inject(clients[index].frame(messages))
            }
            rig.settle()
            _ = rig.sent()
            for frame in rig.publicFrames[seen...] {
                #expect(frame.header.publicSequence == next)
                #expect(frame.destinationAddress == 0xEF01_0101)
                #expect(Array(frame.frame[0..<6]) == [1, 0, 0x5E, 1, 1, 1])
                next += UInt64(frame.header.messageCount)
                for report in frame.publicReports { book.take(report) }
            }
            seen = rig.publicFrames.count
            for instrument in [UInt32(1), 2] {
                for side in [Side.buy, .sell] {
                    let levels = rig.shard.loop.engine.levels(instrument: instrument, side: side)
                    let expected = book.levels(instrument, side)
                    #expect(levels.count == expected.count)
                    #expect(levels.allSatisfy { expected[$0.priceTicks] == $0.quantityLots })
                }
            }
        }
        #expect(
            book.problems.isEmpty, "seed \(String(seed, radix: 16)): \(book.problems.prefix(3))")
        #expect(next > 1_000)
    }

    @Test func `tells once a second of silence what comes next`() throws {
        let rig = try ShardRig { $0.publicGroup = 0xEF01_0101 }
        rig.wait(millis: 1_030)
        _ = rig.sent()
        let last = try #require(rig.publicFrames.last)
        #expect(last.header.messageCount == 0)
        #expect(last.header.publicSequence == 3)
        #expect(last.header.session == 0)
    }
}
