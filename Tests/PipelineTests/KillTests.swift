// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import NICGateway
import ShardRig
import Testing
import Wire

@testable import Pipeline

@Suite(.serialized) struct `A kill switch` {
    private func record(
        _ target: KillTarget, _ number: UInt64, stops: Bool = true
    ) -> LogRecord {
        .killSwitch(target, number: number, stops: stops, operatorID: 9)
    }

    /// What one shard says, alone, once it has gone through all of it.
    private func thrown(_ rig: ShardRig, _ record: LogRecord) -> CommandAnswer? {
        let desk = rig.shard.opening!.desk.commands
        #expect(desk.isFree)
        desk.ask(OperatorCommand(record))
        #expect(!desk.isFree && desk.answer == nil)
        Nap.until {
            rig.settle()
            return desk.answer != nil
        }
        return desk.answer
    }

    @Test func `is in the log with its operator, and its session is told`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        _ = rig.exchange(client.frame([bytes(order(1)), bytes(order(2, .buy, 90))]))
        let answer = try #require(thrown(rig, record(.session, 1)))
        #expect(answer.reason == .none && answer.quantityLots == 2)
        #expect(answer.sequence == rig.logged)
        let logged = try #require(rig.records().last)
        #expect(logged.kind == .killSwitch && logged.session == 9 && logged.orderID == 1)
        let told = rig.sent().flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }
        #expect(told.map(\.reason) == [.killSwitch, .killSwitch] && told.map(\.orderID) == [1, 2])
        let sent = rig.exchange(client.frame(order(3))).flatMap(\.reports)
        #expect(sent.map { value($0, at: 0, as: ExecutionReport.self).reason } == [.killed])
        #expect(thrown(rig, record(.session, 1, stops: false))?.quantityLots == 0)
        let entered = rig.exchange(client.frame(order(4))).flatMap(\.reports)
        let kinds = entered.map { value($0, at: 0, as: ExecutionReport.self).executionType }
        #expect(kinds == [.accepted])
    }

    @Test func `is refused in words that say why, and the engine has the last one`() throws {
        let rig = try ShardRig()
        #expect(thrown(rig, record(.session, 17))?.reason == .unknownSession)
        #expect(thrown(rig, record(.account, 1 << 32))?.reason == .invalidControl)
        let old = try ShardRig { $0.rules = RulesRange(oldest: 1, newest: 2) }
        let control = KillControl(desks: [old.shard.opening!.desk], cluster: nil)
        let logged = old.logged
        #expect(
            control.turn(.session, 1, stops: true, by: 9).contains(
                "the log is under rules 2, and there is a kill switch since rules 3: activate"))
        old.settle()
        #expect(old.logged == logged)
    }

    @Test func `that is called off is not written`() throws {
        let rig = try ShardRig()
        let desk = rig.shard.opening!.desk.commands
        desk.ask(OperatorCommand(record(.session, 1)))
        #expect(desk.withdraw() && desk.isFree)
        let logged = rig.logged
        rig.settle()
        #expect(rig.logged == logged && !desk.withdraw())
        // One of an epoch that is over keeps nobody from the next.
        desk.ask(OperatorCommand(record(.session, 1)))
        #expect(desk.takeWish() != nil && !desk.withdraw())
        desk.forget()
        #expect(desk.isFree && desk.answer == nil)
    }

    @Test func `stays thrown over a start, from the log and from a snapshot`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig()
        _ = thrown(rig!, record(.session, 3))
        _ = thrown(rig!, record(.account, 44))
        for _ in 0..<2 {
            rig!.settle()
            rig!.shard.history?.snapshots.request()
            _ = try #require(rig!.waitForSnapshot(1))
            rig = nil
            rig = try folder.rig()
            let killed = (3...4).map { rig!.shard.loop.engine.session($0)?.isKilled }
            let isAccountKilled = rig!.shard.loop.engine.isKilled(account: 44)
            #expect(killed == [true, false] && isAccountKilled)
        }
    }

    @Test func `of a pair is on the primary, and goes over to the heir`() throws {
        let pair = try Pair()
        try pair.start(1)
        try pair.start(2)
        try #require(pair.becomePair(primary: 1), "\(pair.ask(1, "cluster status"))")
        #expect(
            pair[2].admin.kills.turn(.account, 5, stops: true, by: 7).contains(
                "commands are the primary's, ask there"))
        #expect(
            pair[1].admin.kills.turn(.account, 5, stops: true, by: 7)
                == #"{"ok":true,"kill":{"target":"account","number":5,"isStopped":true,"#
                + #""ordersCancelled":0}}"#)
        #expect(
            pair[1].admin.kills.turn(.session, 9_999, stops: true, by: 7).contains(
                "there is no session 9999"))
        #expect(
            pair[1].admin.kills.turn(.account, 1 << 32, stops: true, by: 7).contains(
                "account 4294967296 cannot be stopped"))
        try #require(pair.switchesOver(from: 1), "\(pair.ask(1, "cluster status"))")
        try #require(pair.speaks(2))
        #expect(
            pair[2].admin.kills.turn(.account, 5, stops: false, by: 7).contains(
                #""isStopped":false"#))
    }
}
