// SPDX-License-Identifier: Apache-2.0
import Engine
import Hardware
import NICGateway
import OrderEntryClient
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

@testable import Pipeline

/// A book made of public reports alone, as docs/formats/public-stream.md tells how: dictionaries,
/// obviously right.
struct PublicBook {
    struct Order: Equatable {
        var reference: UInt64
        var instrument: UInt32
        var side: Side
        var priceTicks: Int64
        var lots: UInt64
    }
    /// With its place: who was added later stands behind.
    private var orders: [UInt64: (order: Order, place: Int)] = [:]
    private var addedCount = 0
    private(set) var problems: [String] = []
    private(set) var counts: [PublicKind: Int] = [:]
    /// Trading states that no operator has set.
    private(set) var ownStates: Set<TradingState> = []

    mutating func take(_ report: PublicReport) {
        counts[report.kind, default: 0] += 1
        let reference = report.reference
        let order = orders[reference]?.order
        switch report.kind {
        case .tradingState where reference == 1:
            ownStates.insert(TradingState(rawValue: UInt8(report.quantityLots)))
        case .instrument, .tradingState, .auctionPriced, .auctionIndicated, .businessDay: return
        case .crossed:
            for (reference, side) in [
                (reference, Side.buy), (report.aggressorReference, .sell),
            ] where reference != 0 {
                guard let order = orders[reference]?.order, order.lots >= report.quantityLots,
                    order.side == side
                else { return problems.append("\(reference) trades what it has not: \(report)") }
                orders[reference]?.order.lots -= report.quantityLots
                if order.lots == report.quantityLots { orders[reference] = nil }
            }
        case .traded:
            if reference != 0 { problems.append("a hidden order is named: \(report)") }
        case .added:
            if order != nil { problems.append("\(reference) is added twice") }
            addedCount += 1
            let order = Order(
                reference: reference, instrument: report.instrument, side: report.side,
                priceTicks: report.priceTicks, lots: report.quantityLots)
            orders[reference] = (order, addedCount)
        case .executed:
            guard let order, order.lots >= report.quantityLots,
                order.priceTicks == report.priceTicks
            else { return problems.append("\(reference) trades what it has not: \(report)") }
            orders[reference]?.order.lots -= report.quantityLots
            if order.lots == report.quantityLots { orders[reference] = nil }
        case .reduced:
            guard let order, order.lots > report.quantityLots else {
                return problems.append("\(reference) is not reduced: \(report)")
            }
            orders[reference]?.order.lots = report.quantityLots
        case .deleted:
            guard let order, order.lots == report.quantityLots else {
                return problems.append("\(reference) is not deleted: \(report)")
            }
            orders[reference] = nil
        default: problems.append("a kind that nobody knows: \(report)")
        }
    }

    /// One side, best price first, at one price in the order in which they would trade.
    func side(_ instrument: UInt32, _ side: Side) -> [Order] {
        let found = orders.values.filter {
            $0.order.instrument == instrument && $0.order.side == side
        }
        return found.sorted { one, other in
            let (price, otherPrice) = (one.order.priceTicks, other.order.priceTicks)
            guard price == otherPrice else {
                return side == .buy ? price > otherPrice : price < otherPrice
            }
            return one.place < other.place
        }.map(\.order)
    }
}

extension ShardRig {
    /// Asks for another trading state; it comes with the next poll.
    func set(_ state: TradingState, instrument: UInt32 = 1) {
        ask(.setInstrumentState(instrument: instrument, state, operatorID: 1))
    }

    /// The same of any command of an operator.
    func ask(_ record: LogRecord) { shard.opening!.desk.commands.ask(OperatorCommand(record)) }

    /// What the engine displays of one side, in the same order.
    fileprivate func displayed(_ instrument: UInt32, _ side: Side) -> [PublicBook.Order] {
        var found: [PublicBook.Order] = []
        shard.loop.engine.forEachRestingOrder(instrument: instrument, side: side) { order in
            guard order.displayedLots != 0 else { return }
            found.append(
                PublicBook.Order(
                    reference: order.reference, instrument: instrument, side: side,
                    priceTicks: order.priceTicks, lots: order.displayedLots))
        }
        return found
    }
}

@Suite struct `The public stream` {
    @Test(arguments: 0..<6)
    func `is gapless and holds all that makes the displayed book, at every command`(
        run: UInt64
    ) throws {
        let seed = TestSeed.run &+ run
        Simulation.begin(seed: 1)
        defer { Simulation.end() }
        var flow = MessageFlow(seed: seed, sessionCount: 4)
        let rig = try ShardRig(
            ShardRig.configuration { $0.publicGroup = 0xEF01_0101 },
            port: ShardRig.port(buffers: 2_047), number: 0, steering: nil,
            clock: .ofNanoseconds())
        var clients = (1...4).map { TestClient($0) }
        for index in clients.indices { clients[index].logOn(rig) }
        var book = PublicBook()
        var seen = 0
        var next: UInt64 = 1
        for step in 0..<2_000 as Range<UInt64> where book.problems.isEmpty {
            // The time goes on, so that some expire.
            let utc = 1_700_000_000 + step / 50
            Simulation.set(
                monotonicNanos: (1 + step) * 1_000_000_000, utcNanos: utc * 1_000_000_000)
            flow.expirySeconds = UInt32(utc)...UInt32(utc + 4)
            // Calls, which end soon; in the second half some that orders begin, and the time ends.
            if step == 1_000 {
                let bands = PriceBands(dynamicWidth: 1, action: .auction, auctionSeconds: 1)
                rig.ask(.setPriceBands(instrument: 1, bands, operatorID: 1))
            } else if step > 1_010 {
                // Nobody else sets anything.
            } else if step % 30 == 0 || step % 30 == 12 {
                rig.set(
                    step % 30 == 0 ? .auction : .open, instrument: 1 + UInt32(step / 30 % 2))
            }
            if step % 400 == 205 {
                let day = BusinessDay(rawValue: 20_000 + UInt32(step))
                rig.shard.opening!.desk.commands.ask(
                    OperatorCommand(.rollBusinessDay(to: day, operatorID: 1)))
            }
            let index = Int(step % 4)
            rig.inject(clients[index].frame([flow.message(session: index)]))
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
                    let isSame = book.side(instrument, side) == rig.displayed(instrument, side)
                    try #require(isSame, "seed \(String(seed, radix: 16)), step \(step)")
                }
            }
        }
        #expect(
            book.problems.isEmpty, "seed \(String(seed, radix: 16)): \(book.problems.prefix(3))")
        let kinds: [PublicKind] = [
            .added, .executed, .reduced, .deleted, .traded, .crossed, .tradingState,
            .auctionPriced, .auctionIndicated, .businessDay,
        ]
        for kind in kinds {
            #expect(book.counts[kind, default: 0] > 0, "\(kind) is there")
        }
        #expect(book.ownStates == [.auction, .open])
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
