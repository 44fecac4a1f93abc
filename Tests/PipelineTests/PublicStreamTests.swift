// SPDX-License-Identifier: Apache-2.0
import Engine
import Hardware
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

@Suite struct `The end of the public stream, after a take-over` {
    private static let reportCount = 6_000

    /// A primary whose public stream has instruments, orders that rest, trades, and rests of
    /// aggressors, and the bytes of it; and a client of it.
    private func primary(
        events: Int = 262_144
    ) throws -> (rig: ShardRig, client: TestClient, stream: [[UInt8]]) {
        let rig = try ShardRig {
            $0.host.rings.logRecords = 16_384
            $0.host.rings.events = events
            $0.publicGroup = 0xEF01_0101
        }
        var client = TestClient(1)
        client.logOn(rig)
        var id: UInt64 = 0
        while rig[.publicReports] < Self.reportCount {
            var orders: [[UInt8]] = []
            for (side, lots) in [(Side.sell, UInt64(1)), (.buy, 2), (.sell, 1)] {
                id += 1
                orders.append(bytes(order(id, side, 100, lots: lots)))
            }
            _ = rig.exchange(client.frame(orders))
        }
        client.receivedThrough = UInt32(rig.session(1).reportSequence)
        let stream = rig.publicFrames.flatMap(\.publicReports).map { bytes($0) }
        return (rig, client, stream)
    }

    private func heir(_ rig: ShardRig, toldSequence: UInt64) throws -> ShardRig {
        let heir = try rig.follower()
        heir.takeOver(
            epoch: 8, lastCarriedSequence: Int(rig.logged), toldSequence: toldSequence)
        return heir
    }

    /// Each number is there once and has the bytes that it had before; the first number.
    private func expectSame(_ frames: [SentFrame], _ stream: [[UInt8]]) throws -> Int {
        let first = try #require(frames.first).header.publicSequence
        var next = first
        for frame in frames {
            #expect(frame.header.epoch == 8 && frame.header.publicSequence == next)
            #expect((frame.header.flags == OrderEntryHeader.resentFlag) == (next <= stream.count))
            for report in frame.publicReports {
                if next <= stream.count { #expect(bytes(report) == stream[Int(next) - 1]) }
                next += 1
            }
        }
        #expect(next > stream.count)
        return Int(first)
    }

    /// A client learns of the heir's epoch, and sends an order in it, which waits in the port.
    private func orderAfterEpoch(_ heir: ShardRig, _ before: TestClient) -> TestClient {
        var client = before
        heir.inject(client.heartbeat(client.next))
        heir.poll(1)
        #expect(heir.sent().first?.type == .epochChanged)
        client.epoch = 8
        heir.inject(client.frame(order(1_000_000, .sell, 900)))
        return client
    }

    @Test(arguments: [3_000, 500, 0])
    func `is published again from the last report that was told, and some before it`(
        untold: Int
    ) throws {
        let (rig, client, stream) = try primary()
        let told = value(stream[stream.count - 1 - untold], at: 8, as: UInt64.self)
        let heir = try heir(rig, toldSequence: told)
        heir.settlePublicTail()
        let first = try expectSame(heir.publicFrames, stream)
        #expect(first <= stream.count - max(untold, 2_048) + 1)
        // A command has few reports: no more than its are sent beside.
        #expect(first > stream.count - max(untold, 2_048) - 8)
        #expect(heir[.resentPublicReports] == UInt64(stream.count - first + 1))
        withExtendedLifetime(client) {}
    }

    @Test func `is published again from before the report window, where no more was told`() throws {
        let (rig, before, stream) = try primary(events: 16_384)
        // Two events a public report: more than half of the ring.
        let untold = 5_500
        let told = value(stream[stream.count - 1 - untold], at: 8, as: UInt64.self)
        let heir = try heir(rig, toldSequence: told)
        var client = orderAfterEpoch(heir, before)
        heir.settlePublicTail()
        #expect(try expectSame(heir.publicFrames, stream) <= stream.count - untold + 1)
        // What a client said meanwhile has waited, and follows.
        #expect(heir.publicFrames.last?.publicReports.last?.priceTicks == 900)
        _ = heir.exchange(client.frame(order(1_000_001, .sell, 901)))
        #expect(heir.publicFrames.last?.publicReports.last?.priceTicks == 901)
    }

    @Test func `is published again as far as it is in memory, when nobody knows what was told`()
        throws
    {
        let (rig, _, stream) = try primary()
        let heir = try heir(rig, toldSequence: 0)
        heir.settlePublicTail()
        let first = try expectSame(heir.publicFrames, stream)
        #expect(first < stream.count - 3_000)
    }

    @Test(arguments: [UInt32(2_047), 64, 16])
    func `keeps no client waiting, and what happens meanwhile follows it`(buffers: UInt32) throws {
        let (rig, before, stream) = try primary()
        let heir = try ShardRig(
            rig.configuration, port: ShardRig.port(buffers: buffers), number: 0, steering: nil,
            opened: false)
        heir.follow(rig.records())
        heir.takeOver(epoch: 8, lastCarriedSequence: Int(rig.logged), toldSequence: 0)
        var client = orderAfterEpoch(heir, before)
        heir.poll(2)
        #expect(heir.sent().flatMap(\.reports).count == 1)
        #expect(heir[.resentPublicReports] < 4_000 && heir[.publicReports] == 0)
        heir.settlePublicTail()
        _ = try expectSame(heir.publicFrames, stream)
        let last = try #require(heir.publicFrames.last?.publicReports.last)
        #expect(last.kind == .added && last.priceTicks == 900)
        #expect(heir[.publicReports] == 1)
        // And from there on it is as ever.
        _ = heir.exchange(client.frame(order(1_000_001, .sell, 901)))
        #expect(heir.publicFrames.last?.header.publicSequence == UInt64(stream.count) + 2)
        #expect(heir.publicFrames.last?.header.flags == 0)
    }
}
