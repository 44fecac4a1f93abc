// SPDX-License-Identifier: Apache-2.0
import Engine
import Pipeline
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

@testable import OrderEntryClient

@Suite struct `The book that a client makes of its reports` {
    @Test func `has its open orders as the engine has them, whatever they ask for`() throws {
        var kinds: [EventKind: Int] = [:]
        for run in 0..<6 as Range<UInt64> { try follow(TestSeed.run &+ run, &kinds) }
        // One flow alone may come to no prevention.
        for kind in [EventKind.accepted, .traded, .prevented, .triggered, .replaced, .cancelled] {
            #expect(kinds[kind, default: 0] > 0, "\(kind) is there")
        }
    }

    /// Holds the book of one client against the engine's, message by message, and counts what it is
    /// told of.
    private func follow(_ seed: UInt64, _ kinds: inout [EventKind: Int]) throws {
        let text = "seed \(String(seed, radix: 16))"
        Simulation.begin(seed: 1)
        defer { Simulation.end() }
        var flow = MessageFlow(seed: seed, sessionCount: 1)
        let rig = try ShardRig(
            ShardRig.configuration { _ in }, port: ShardRig.port(buffers: 2_047), number: 0,
            steering: nil, clock: .ofNanoseconds())
        var client = TestClient(1)
        client.flags = 2
        client.logOn(rig)
        var book = ReportBook()
        for step in 0..<1_500 as Range<UInt64> {
            let utc = 1_700_000_000 + step / 50
            Simulation.set(
                monotonicNanos: (1 + step) * 1_000_000_000, utcNanos: utc * 1_000_000_000)
            flow.expirySeconds = UInt32(utc)...UInt32(utc + 4)
            let sent = rig.exchange(client.frame([flow.message(session: 0)]))
            for bytes in sent.flatMap(\.reports) {
                let report: ExtendedExecutionReport = value(bytes, at: 0)
                kinds[report.core.executionType, default: 0] += 1
                _ = book.apply(SessionReport(report: report, isExtended: true))
            }
            var open: [UInt64: ReportBook.Order] = [:]
            for instrument in [UInt32(1), 2] {
                for side in [Side.buy, .sell] {
                    rig.shard.loop.engine.forEachRestingOrder(
                        instrument: instrument, side: side
                    ) {
                        open[$0.orderID] = ReportBook.Order(
                            orderID: $0.orderID, account: $0.account, side: $0.side,
                            priceTicks: $0.priceTicks, leavesLots: $0.totalLots - $0.executedLots)
                    }
                }
            }
            // The others wait for their triggers, in no book.
            try #require(
                book.orders.count == rig.session(1).openOrders
                    && open.allSatisfy { book.orders[$0] == $1 }, "\(text), step \(step)")
        }
        #expect(book.contradictions == 0, "\(text)")
    }
}
