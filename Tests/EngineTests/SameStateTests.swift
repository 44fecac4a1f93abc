// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import OrderEntryClient
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// The engine as it runs live: what is not a pair in bursts.
///
/// SAFETY: `ring` has `Rig.ringCapacity` events from `init` to `deinit`; nobody reads them.
@safe struct LiveRig: ~Copyable {
    private let ring: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    var engine: Engine

    init(_ limits: EngineLimits) throws {
        unsafe ring = .allocate(capacity: Rig.ringCapacity)
        outbox = unsafe EventOutbox(slots: ring, capacity: Rig.ringCapacity, position: 1)
        engine = try Engine(limits: limits)
    }

    deinit { unsafe ring.deallocate() }

    mutating func apply(_ commands: ArraySlice<Command>, _ random: inout SeededRandom) {
        var rest = commands
        while let first = rest.first {
            if first.continuation != nil {
                _ = engine.apply(first.record, continuation: first.continuation, into: &outbox)
                rest = rest.dropFirst()
            } else {
                let length = 1 + Int(random.below(90))
                let records = rest.prefix(length).prefix { $0.continuation == nil }.map(\.record)
                let applied = unsafe records.withUnsafeBufferPointer { buffer in
                    engine.applyBurst(
                        buffer.baseAddress!, count: records.count,
                        roomEnd: outbox.position + 900, into: &outbox)
                }
                rest = rest.dropFirst(applied)
            }
            while !engine.isComplete { _ = engine.resume(into: &outbox) }
        }
    }
}

@Suite struct `A live run, a replay, and a snapshot with the tail` {
    /// Gives the replay's events, of all commands, when all three agree.
    @discardableResult
    private func check(
        _ unnumbered: [Command], _ limits: EngineLimits, _ random: inout SeededRandom
    ) throws -> [Event] {
        var commands = unnumbered
        var ends: [UInt64] = []
        for index in commands.indices {
            commands[index].record.sequence = (ends.last ?? 0) + 1
            ends.append((ends.last ?? 0) + (commands[index].continuation == nil ? 1 : 2))
        }
        let path = NSTemporaryDirectory() + "needletail-same-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let count = UInt64(commands.count)
        let points = Set((0..<6).map { _ in 1 + Int(random.below(count - 1)) }).sorted()
        let store = SnapshotStore(path: path, shard: 1, keptCount: points.count)
        var live = try LiveRig(limits)
        var replay = Fold(rig: try Rig(limits, sliceEvents: 1 + Int(random.below(256))))
        var events: [Event] = []
        var done = 0
        for point in points + [commands.count] {
            live.apply(commands[done..<point], &random)
            for command in commands[done..<point] { events += replay.rig.apply(command) }
            done = point
            let image = live.engine.encodeImage()
            #expect(replay.encodeImage() == image && replay.stateHash == live.engine.stateHash)
            guard point < commands.count else { continue }
            try store.save(
                replay,
                at: SnapshotPosition(
                    shard: 1, epoch: 1, rulesVersion: 1, sequence: ends[point - 1],
                    recordCRC32C: 0, timestampNanos: 0, publicReportCount: 0))
            #expect(try store.load(sequence: ends[point - 1]).image == image)
        }
        let image = live.engine.encodeImage()
        for point in points {
            let sequence = ends[point - 1]
            let restored = try store.restore(Fold.self, sequence: sequence, limits: limits).take()
            var rig = Rig(
                try restore(restored.encodeImage(), sliceEvents: 1 + Int(random.below(256))),
                upcomingSequence: sequence + 1)
            for command in commands[point...] { _ = rig.apply(command) }
            #expect(rig.engine.stateHash == live.engine.stateHash, "from command \(point)")
            #expect(rig.engine.encodeImage() == image, "from command \(point)")
            #expect(rig.engine.checkInvariants() == nil)
        }
        return events
    }

    @Test(arguments: [MarketFlow.Profile.a, .b])
    func `agree on a flow as the yardstick's`(profile: MarketFlow.Profile) throws {
        announce(TestSeed.run)
        var random = SeededRandom(seed: ~TestSeed.run)
        var flow = MarketFlow(profile, seed: TestSeed.run)
        var commands = flow.opening()
        for _ in 0..<12_000 { commands.append(flow.next()) }
        let events = try check(commands, MarketFlow.limits, &random)
        let trades = events.count { $0.kind == .traded } / 2
        let refused = events.count { $0.kind == .rejected }
        #expect(trades > 600 && refused < 10, "\(trades) trades, \(refused) orders refused")
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `agree on commands of all kinds, right and wrong`(round: UInt64) throws {
        let seed = TestSeed.run &+ round
        announce(seed)
        var random = SeededRandom(seed: ~seed)
        var flow = RandomFlow(seed: seed, limits: smallLimits, rules: UInt32(round % 3) + 1)
        var commands = flow.opening()
        for _ in 0..<4_000 { commands.append(flow.next()) }
        try check(commands, smallLimits, &random)
    }

    @Test(.enabled(if: RecordedSet.folder != nil, "the golden set is not on this machine"))
    func `agree on the golden set`() throws {
        announce(TestSeed.run)
        let golden = try RecordedSet.read()
        let limits = EngineLimits(
            orderCapacity: 4096, sessionCapacity: 1, instrumentCapacity: 1,
            ladderTickCapacity: 1_000_001, sessionOpenOrdersMax: 4096)
        var commands = firstCommands(
            limits: limits, lowestPriceTicks: 8_000_000, highestPriceTicks: 9_000_000)
        for (index, command) in golden.commands.enumerated() {
            commands.append(Command(RecordedSet.record(command, sequence: UInt32(index) + 1)))
        }
        var random = SeededRandom(seed: ~TestSeed.run)
        let events = try check(commands, limits, &random)
        // The right orders were in it: what the set says of trades is what came of them.
        let trades = events.filter { $0.kind == .traded && $0.attributes.contains(.aggressor) }
        #expect(trades.map(\.quantityLots) == golden.settlements.map(\.quantityLots))
        #expect(trades.count > 100)
    }
}

/// A small spot exchange with everything that must come of its orders.
enum RecordedSet {
    /// Its files; nil where they are not.
    static let folder: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let root =
            ProcessInfo.processInfo.environment["NEEDLETAIL_DATA"]
            ?? package.appendingPathComponent("../shared/data").path
        let folder = "\(root)/exchange_golden/small"
        return FileManager.default.fileExists(atPath: "\(folder)/orders.csv") ? folder : nil
    }()

    static func read() throws -> GoldenSet {
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(folder ?? "")/\(name)", encoding: .utf8)
        }
        return try GoldenSet(
            orders: text("orders.csv"), ledger: text("expected_ledger.csv"),
            orderBook: text("expected_orderbook.csv"), instrument: 1)
    }

    /// As the gateway would log it for session 1.
    static func record(_ command: GoldenSet.Command, sequence: UInt32) -> LogRecord {
        switch command {
        case .place(let order):
            LogRecord(
                kind: .newOrder, session: 1, sessionSequence: sequence, orderID: order.orderID,
                priceTicks: order.priceTicks, quantityLots: order.quantityLots,
                account: UInt32(order.account), instrument: 1,
                attributes: OrderAttributes(
                    side: Side(rawValue: order.side), timeInForce: .goodTillCancel))
        case .cancel(let cancel):
            LogRecord(
                kind: .cancelOrder, session: 1, sessionSequence: sequence, orderID: cancel.orderID,
                instrument: 1)
        }
    }
}
