// SPDX-License-Identifier: Apache-2.0
import Hardware
import Engine
import NICGateway
import Pipeline
import ShardRig
import Testing
import Wire

@Suite struct `Reports of a session` {
    /// Two sessions that trade with each other: 40 resting orders and one that takes them all,
    /// and everything that each of them was told.
    static func traded(
        flags: UInt8, _ change: @escaping (inout Configuration) -> Void = { _ in }
    ) throws -> (rig: ShardRig, maker: TestClient, taker: TestClient, told: [[[UInt8]]]) {
        let rig = try ShardRig(change)
        var maker = TestClient(1)
        var taker = TestClient(2)
        maker.flags = flags
        taker.flags = flags
        maker.logOn(rig)
        taker.logOn(rig)
        var sent = rig.exchange(maker.frame((1...30).map { bytes(order($0, .sell)) }))
        sent += rig.exchange(maker.frame((31...40).map { bytes(order($0, .sell)) }))
        sent += rig.exchange(taker.frame(order(1, .buy, 100, lots: 40)))
        let told = [UInt32(1), 2].map { session in
            sent.filter { $0.header.session == session }.flatMap(\.reports)
        }
        return (rig, maker, taker, told)
    }

    @Test(arguments: [UInt8(0), 2])
    func `are numbered from 1 without gaps and sent again byte for byte`(flags: UInt8) throws {
        let (rig, maker, taker, told) = try Self.traded(flags: flags)
        #expect(told[0].count == 80)
        #expect(told[1].count == 41)
        for (client, reports) in [(maker, told[0]), (taker, told[1])] {
            #expect(
                reports.map { value($0, at: 4, as: UInt32.self) }
                    == Array(1...UInt32(reports.count)))
            for (from, count) in [(1, 0), (1, 1), (40, 2), (41, 0), (reports.count, 5), (2, 37)] {
                Nap.micros(600)
                let again = rig.exchange(
                    client.resendRequest(from: UInt32(from), count: UInt32(count)))
                let last = count == 0 ? reports.count : min(reports.count, from + count - 1)
                #expect(again.flatMap(\.reports) == Array(reports[from - 1..<last]))
                #expect(
                    again.filter { !$0.reports.isEmpty }.allSatisfy {
                        $0.header.flags == OrderEntryHeader.resentFlag
                    }, "every resent datagram says so")
            }
        }
    }

    @Test func `name in a trade the counterparty's reference and never its id`() throws {
        let (_, _, _, told) = try Self.traded(flags: 2)
        for index in 0..<40 {
            let made: ExtendedExecutionReport = value(told[0][40 + index], at: 0)
            let took: ExtendedExecutionReport = value(told[1][1 + index], at: 0)
            let accepted: ExtendedExecutionReport = value(told[0][index], at: 0)
            let entered: ExtendedExecutionReport = value(told[1][0], at: 0)
            #expect(made.core.executionType == .traded)
            #expect(took.core.reference == accepted.core.reference)
            #expect(made.core.reference == entered.core.reference)
            #expect(made.tradeIndex == UInt16(index))
            #expect(made.commandSequence == took.commandSequence)
            #expect([made.liquidity, took.liquidity] == Array("AR".utf8))
        }
    }

    @Test func `that are gone are told, with the first that is there`() throws {
        let (rig, client) = try `Sequences of a session`.open { $0.host.rings.events = 4_096 }
        var sender = client
        // Half of the ring is kept: 2,048 events.
        for _ in 0..<60 {
            _ = rig.exchange(
                sender.frame((1...50).map { _ in bytes(CancelOrder(orderID: 1, instrument: 1)) }))
        }
        let sent = rig.exchange(sender.resendRequest(from: 1))
        let notice = try #require(sent.first { $0.type == .resendUnavailable }).notice
        #expect(notice.second == 1)
        #expect(notice.first > 900 && notice.first < 1_000)
        #expect(rig[.resendsUnavailable] == 1)
        Nap.micros(600)
        let again = rig.exchange(sender.resendRequest(from: notice.first))
        #expect(again.flatMap(\.reports).count == 256)
        #expect(again.first?.header.sequence == notice.first)
    }

    @Test func `that are not there yet are not sent`() throws {
        let (rig, client) = try `Sequences of a session`.open()
        #expect(rig.exchange(client.resendRequest(from: 1)).isEmpty)
        #expect(rig.exchange(client.resendRequest(from: 77, count: 3)).isEmpty)
    }

    @Test func `acknowledge by committedThrough what is committed`() throws {
        var (rig, client) = try `Sequences of a session`.open()
        for number in 1...5 {
            let sent = rig.exchange(client.frame(order(UInt64(number))))
            #expect(sent.last?.header.committedThrough == UInt32(number))
        }
    }

    @Test func `of a long sweep end with the acknowledgement, without waiting for a heartbeat`()
        throws
    {
        let rig = try ShardRig()
        var maker = TestClient(1)
        var taker = TestClient(2)
        maker.logOn(rig)
        taker.logOn(rig)
        for number in 0..<UInt64(22) {
            _ = rig.exchange(
                maker.frame((1...30).map { bytes(order(number * 30 + $0, .sell)) }))
        }
        for lots in [127, 128, 129, 130, 131] as [UInt64] {
            rig.inject(taker.frame(order(lots, .buy, 100, lots: lots)))
            var committed: UInt32 = 0
            for _ in 0..<40 where committed != taker.next - 1 {
                rig.wait(millis: 4)
                let sent = rig.sent().filter { $0.header.session == 2 }
                committed = sent.last?.header.committedThrough ?? committed
            }
            // Long before the heartbeat of a second.
            #expect(committed == taker.next - 1)
        }
    }

    @Test func `go on in a new form after a takeover that asks for it`() throws {
        var (rig, client) = try `Sequences of a session`.open()
        _ = rig.exchange(client.frame(order(1)))
        client.nonce += 1
        client.flags = 2
        client.logOn(rig)
        let sent = rig.exchange(client.frame(order(2)))
        #expect(sent.flatMap(\.reports).map(\.count) == [96])
    }

    @Test func `of a takeover in the same burst do not mix forms in a datagram`() throws {
        var (rig, client) = try `Sequences of a session`.open()
        let first = client.frame(order(1))
        client.nonce += 1
        client.flags = 2
        let sent = rig.exchange(first, client.logonFrame())
        // `reports` traps on a datagram of two forms.
        #expect(sent.flatMap(\.reports).count == 1)
        #expect(sent.contains { $0.type == .logonAccepted })
    }
}

@Suite struct `A quiet session` {
    @Test func `gets a heartbeat in every interval and one answer to each of its own`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.heartbeatMillis = 20
        client.logOn(rig)
        _ = rig.exchange(client.frame(order(1)))
        var sent: [SentFrame] = []
        // As long as a busy machine needs: the first comes after one interval.
        Nap.until {
            rig.wait(millis: 5)
            sent = rig.sent().filter {
                $0.header.channel == .reports && $0.header.messageCount == 0
            }
            return !sent.isEmpty
        }
        #expect(!sent.isEmpty)
        #expect(sent.allSatisfy { $0.header.sequence == 2 })
        #expect(sent.allSatisfy { $0.header.receivedThrough == 1 })
        #expect(rig.session(1).isLoggedOn)
    }

    @Test func `is not given up for what the gateway itself slept through`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.heartbeatMillis = 10
        client.logOn(rig)
        // Its heartbeat waits behind more frames than one burst while nobody polls.
        for _ in 0..<40 { rig.inject([UInt8](repeating: 0, count: 60)) }
        rig.inject(client.heartbeat(1))
        Nap.micros(60_000)
        rig.poll(1)
        rig.settle()
        #expect(rig.session(1).isLoggedOn)
    }

    @Test(arguments: [UInt8(0), 1])
    func `is given up after three intervals, by a command`(flags: UInt8) throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.heartbeatMillis = 10
        client.flags = flags
        client.logOn(rig)
        _ = rig.exchange(client.frame([bytes(order(1)), bytes(order(2))]))
        let logged = rig.logged
        // Only the time counts in which the gateway listened: on a busy machine that takes longer.
        for _ in 0..<500 where rig[.timeouts] == 0 { rig.wait(millis: 60) }
        let ended = rig.sent().filter { $0.type == .sessionEnded }
        #expect(ended.count == 1)
        #expect(ended.first?.notice.reason == .timedOut)
        #expect(ended.first?.notice.second == 3)
        #expect(ended.first?.notice.first == (flags == 1 ? 4 : 2))
        #expect(rig[.timeouts] == 1)
        #expect(rig.records(from: logged + 1).map(\.kind) == [.sessionTimeout])
        #expect(rig.session(1).openOrders == (flags == 1 ? 0 : 2))
        #expect(!rig.session(1).isLoggedOn)
        #expect(rig.exchange(client.frame(order(3))).isEmpty)
        #expect(rig[.sessionNotOpen] == 1)
    }

    @Test func `stays open by heartbeats alone`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.heartbeatMillis = 20
        client.logOn(rig)
        for _ in 0..<16 {
            rig.inject(client.heartbeat(1))
            rig.wait(millis: 5)
        }
        #expect(rig.session(1).isLoggedOn)
        #expect(rig[.timeouts] == 0)
    }
}

@Suite struct `A logout` {
    @Test(arguments: [UInt8(0), 1])
    func `is answered by its report and the end of the session`(flags: UInt8) throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.flags = flags
        client.logOn(rig)
        _ = rig.exchange(client.frame([bytes(order(1)), bytes(order(2))]))
        let sent = rig.exchange(client.frame(Logout()))
        let reports = sent.flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }
        #expect(reports.last?.executionType == .loggedOut)
        #expect(reports.count == (flags == 1 ? 3 : 1))
        #expect(rig.session(1).openOrders == (flags == 1 ? 0 : 2))
        let ended = try #require(sent.last)
        #expect(ended.type == .sessionEnded)
        #expect(ended.notice.reason == .loggedOut)
        #expect(ended.notice.first == reports.last?.sequence)
        #expect(ended.notice.second == 4)
        #expect(ended.header.committedThrough == 3)
        #expect(rig.exchange(client.frame(order(3))).isEmpty)
        #expect(rig[.sessionNotOpen] == 1)
    }

    @Test func `answers what comes behind it with rejects that a later logon brings`() throws {
        let (rig, client) = try `Sequences of a session`.open()
        var sender = client
        let sent = rig.exchange(sender.frame([bytes(Logout()), bytes(order(5))]))
        #expect(sent.flatMap(\.reports).count == 1)
        #expect(rig.session(1).expectedSequence == 3)
        sender.nonce += 1
        sender.nextReportSequence = 2
        let again = rig.exchange(sender.logonFrame()).flatMap(\.reports)
        #expect(again.count == 1)
        let report: ExecutionReport = value(again[0], at: 0)
        #expect(report.executionType == .rejected)
        #expect(report.reason == .notLoggedOn)
        #expect(report.orderID == 5)
    }
}
