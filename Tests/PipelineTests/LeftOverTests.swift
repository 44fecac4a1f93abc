// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import NICGateway
import Platform
import ShardRig
import Testing
import Wire

@testable import Pipeline

/// What a command cancels beyond 1,024 orders goes on behind later commands, and the gateway writes
/// some for it.
@Suite struct `What is left over of a command` {
    private static let count = 1_500

    /// A session with that many open orders.
    private func open(_ rig: ShardRig, flags: UInt8 = 0) throws -> TestClient {
        var client = TestClient(1)
        client.flags = flags
        try #require(client.logOn(rig) != nil)
        for first in stride(from: 1, through: Self.count, by: 30) {
            let orders = (first..<first + 30).map { bytes(order(UInt64($0), .buy, 90)) }
            _ = rig.exchange(client.frame(orders))
        }
        try #require(rig.shard.loop.engine.openOrders == UInt32(Self.count))
        return client
    }

    private func reports(_ frames: [SentFrame]) -> [ExecutionReport] {
        frames.flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }
    }

    private func told(_ rig: ShardRig) -> Int {
        rig.records().count { $0.kind == .timeAdvance }
    }

    @Test func `is done at once when nobody says anything more`() throws {
        let rig = try ShardRig()
        var client = try open(rig)
        let told = reports(rig.exchange(client.frame(MassCancel(requestID: 7))))
        #expect(told.count == Self.count + 1)
        #expect(told.dropLast().map(\.orderID) == (1...UInt64(Self.count)).map { $0 })
        let done = try #require(told.last)
        #expect(done.executionType == .massCancelDone && done.orderID == 7)
        #expect(done.quantityLots == UInt64(Self.count))
        // 476 are left over, and 256 go behind each.
        #expect(self.told(rig) == 2 && rig.shard.progress.backlog == 0)
        rig.settle()
        #expect(self.told(rig) == 2)
        let refold = try Refold(rig.configuration, rig.records())
        #expect(refold.stateHash == rig.stateHash)
    }

    @Test func `lets others in between, and their answers out`() throws {
        let rig = try ShardRig()
        var client = try open(rig)
        var other = TestClient(2)
        other.logOn(rig)
        rig.inject(client.frame(MassCancel(requestID: 7)))
        rig.inject(other.frame(order(1, .sell, 200)))
        rig.settle()
        let frames = rig.sent()
        let isOthers = frames.map { $0.header.session == 2 && !$0.reports.isEmpty }
        let answer = try #require(isOthers.firstIndex(of: true))
        let cancelled = reports(Array(frames[answer...])).count { $0.reason == .massCancelled }
        // Two more times were told behind it.
        #expect(cancelled >= Self.count - 1_024 - 16 - 256)
        #expect(reports(frames).count == Self.count + 2)
    }

    @Test func `of a kill switch has its answer at the end`() throws {
        let rig = try ShardRig()
        _ = try open(rig)
        let desk = rig.shard.opening!.desk.commands
        let kill = LogRecord.killSwitch(.session, number: 1, stops: true, operatorID: 9)
        desk.ask(OperatorCommand(kill))
        let sequence = rig.logged + 1
        rig.settle()
        let answer = try #require(desk.answer)
        #expect(answer.quantityLots == UInt64(Self.count) && answer.sequence == sequence)
        #expect(rig.logged > sequence && rig.shard.loop.engine.openOrders == 0)
    }

    /// They have no end of their own: what is left over of another goes on behind them.
    @Test func `keeps from no operator that a kill switch or a day's end is refused`() throws {
        let refused = [
            LogRecord.killSwitch(.session, number: 17, stops: true, operatorID: 9),
            .rollBusinessDay(to: BusinessDay(rawValue: 0), operatorID: 9),
        ]
        for (record, reason) in zip(refused, [Reason.unknownSession, .invalidControl]) {
            let rig = try ShardRig()
            var client = try open(rig)
            rig.inject(client.frame(MassCancel(requestID: 7)))
            while rig.shard.loop.engine.backlogSize == 0 { rig.poll(1) }
            let desk = rig.shard.opening!.desk.commands
            desk.ask(OperatorCommand(record))
            rig.settle()
            #expect(desk.answer?.reason == reason && desk.isFree)
            #expect(rig.shard.loop.engine.openOrders == 0)
        }
    }

    @Test func `of a logout is told before the session's end, and a logon waits for it`() throws {
        let rig = try ShardRig()
        var client = try open(rig, flags: 1)
        rig.inject(client.frame([bytes(Logout())]))
        var again = client
        again.nonce += 1
        rig.inject(again.logonFrame())
        rig.settle()
        let frames = rig.sent()
        // The logon was refused, and nobody was told.
        #expect(rig.records().contains { $0.kind == .logon && $0.orderID == again.nonce })
        #expect(!frames.contains { $0.type == .logonAccepted || $0.type == .logonRejected })
        #expect(rig.shard.loop.engine.openOrders == 0)
        again.nextReportSequence = 1 + UInt32(Self.count)
        let answer = again.logOn(rig)
        let accepted = try #require(answer)
        // So many accepted, so many cancelled, and the last word.
        #expect(accepted.nextReportSequence == UInt32(2 * Self.count) + 2)
        client = again
        #expect(reports(rig.exchange(client.frame(order(1)))).last?.executionType == .accepted)
    }

    @Test func `goes on after a start from the log`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig(.none)
        var client = try open(rig)
        rig.inject(client.frame(MassCancel(requestID: 7)))
        while rig.shard.loop.engine.backlogSize == 0 { rig.poll(1) }
        #expect(rig.shard.loop.engine.openOrders == UInt32(Self.count) - 1_024)
        // The order path stands still meanwhile.
        Nap.until {
            _ = rig.shard.journal!.poll()
            return rig.shard.journal!.status.durable.load() >= rig.logged
        }
        let heir = try folder.copy().rig(.none)
        #expect(heir.shard.loop.engine.backlogSize == 1)
        heir.settle()
        #expect(heir.shard.loop.engine.openOrders == 0)
        #expect(heir.shard.loop.engine.backlogSize == 0)
        #expect(heir.shard.loop.engine.checkInvariants() == nil)
        #expect(heir.session(1).reportSequence == 2 * UInt64(Self.count) + 1)
    }
}
