// SPDX-License-Identifier: Apache-2.0
import Engine
import NICGateway
import Pipeline
import Platform
import ShardRig
import Testing
import Wire

@Suite struct `A session of the epoch before` {
    /// A primary with a session that has ten orders and their reports.
    private func primary(
        _ change: (inout TestClient) -> Void = { _ in }
    ) throws -> (rig: ShardRig, client: TestClient, told: [[UInt8]]) {
        let rig = try ShardRig { $0.publicGroup = 0xEF01_0101 }
        var client = TestClient(1)
        change(&client)
        client.logOn(rig)
        let told = rig.exchange(client.frame((1...10).map { bytes(order($0)) }))
        return (rig, client, told.flatMap(\.reports))
    }

    @Test(arguments: [UInt8(0), 2])
    func `is told the new one and what it missed, and goes on without a logon`(
        flags: UInt8
    ) throws {
        var (rig, client, told) = try primary { $0.flags = flags }
        let heir = try rig.heir()
        let logged = heir.logged
        client.receivedThrough = 4
        let lost = client
        let sent = heir.exchange(client.frame(order(11)))
        let notice = try #require(sent.first)
        #expect(notice.type == .epochChanged && notice.header.epoch == 8)
        #expect(notice.header.token == client.token && notice.header.session == 1)
        #expect(notice.notice.first == 11 && notice.notice.second == 11)
        #expect(notice.header.committedThrough == 10)
        #expect(notice.destinationPort == client.builder.sourcePort)
        let again = sent.filter { !$0.reports.isEmpty }
        #expect(again.flatMap(\.reports) == Array(told[4...]))
        #expect(again.allSatisfy { $0.header.flags == OrderEntryHeader.resentFlag })
        // Nothing was taken, and nothing written: it is sent again in the new epoch.
        #expect(heir.logged == logged && heir[.wrongEpoch] == 1 && heir[.sessionsResumed] == 1)
        client = lost
        client.epoch = 8
        let next = heir.exchange(client.frame(order(11)))
        #expect(next.flatMap(\.reports).count == 1 && next[0].header.sequence == 11)
        #expect(heir.session(1).token == client.token)
    }

    @Test func `resumes by a request for reports as well`() throws {
        let (rig, client, told) = try primary()
        let heir = try rig.heir()
        let sent = heir.exchange(client.resendRequest(from: 1))
        #expect(sent.first?.type == .epochChanged)
        #expect(sent.flatMap(\.reports) == told)
    }

    @Test func `gets no more than one notice a millisecond, however much it sends`() throws {
        var (rig, client, _) = try primary()
        let heir = try rig.heir()
        let logged = heir.logged
        client.receivedThrough = 10
        let start = ShardRig.clock.utcNanos()
        var notices = 0
        for _ in 0..<100 {
            for _ in 0..<100 { heir.inject(client.frame([bytes(order(11))], at: 11)) }
            heir.settle()
            notices += heir.sent().count { $0.type == .epochChanged }
        }
        let millis = (ShardRig.clock.utcNanos() - start) / 1_000_000
        #expect(notices >= 1 && notices <= Int(millis) + 1)
        #expect(heir[.wrongEpoch] == 10_000 && heir[.sessionsResumed] == 1)
        #expect(heir.logged == logged)
    }

    /// Each makes the one datagram wrong, and names the counter that says so.
    private static let wrongs: [(GatewayCounter, @Sendable (inout TestClient) -> Void)] = [
        (.wrongToken, { $0.token ^= 1 }),
        (.wrongSource, { $0.builder.sourcePort += 1 }),
        (.wrongSource, { $0.builder.sourceAddress += 1 }),
        (.wrongEpoch, { $0.epoch = 9 }),
        (.sessionNotOpen, { $0.epoch = 8 }),
    ]

    @Test(arguments: wrongs.indices)
    func `stays where it is when token, source or epoch are not its own`(index: Int) throws {
        let (rig, client, _) = try primary()
        let heir = try rig.heir()
        var other = client
        Self.wrongs[index].1(&other)
        #expect(heir.exchange(other.frame(order(11))).isEmpty)
        #expect(heir[Self.wrongs[index].0] == 1 && heir[.sessionsResumed] == 0)
        // Its own client goes on all the same.
        var own = client
        #expect(heir.exchange(own.frame(order(11))).first?.type == .epochChanged)
    }

    @Test func `is not resumed by what is malformed`() throws {
        var (rig, client, _) = try primary()
        let heir = try rig.heir()
        #expect(heir.exchange(client.frame([[0xEE, 0, 0, 0]])).isEmpty)
        #expect(heir[.unknownMessage] == 1 && heir[.wrongEpoch] == 0)
        #expect(heir[.sessionsResumed] == 0)
    }

    @Test func `that has ended, or was opened anew, does not go on by its old token`() throws {
        let rig = try ShardRig()
        var ended = TestClient(1)
        var reopened = TestClient(2)
        ended.logOn(rig)
        reopened.logOn(rig)
        let old = reopened
        _ = rig.exchange(ended.frame(Logout()), reopened.frame(Logout()))
        reopened.nonce += 1
        reopened.logOn(rig)
        let heir = try rig.heir()
        #expect(heir.exchange(ended.frame(order(1))).isEmpty && heir[.sessionNotOpen] == 1)
        #expect(heir.exchange(old.heartbeat(2)).isEmpty && heir[.wrongToken] == 1)
        #expect(heir.exchange(reopened.heartbeat(2)).first?.type == .epochChanged)
    }

    @Test func `that had timed out before is closed`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.heartbeatMillis = 10
        client.logOn(rig)
        for _ in 0..<2_000 where rig.session(1).isLoggedOn { rig.wait(millis: 5) }
        let heir = try rig.heir()
        #expect(heir.exchange(client.heartbeat(1)).isEmpty && heir[.sessionNotOpen] == 1)
        #expect(heir[.timeouts] == 0)
        client.nonce += 1
        #expect(client.logOn(heir)?.expectedSequence == 1)
    }

    @Test func `whose client repeats its logon has the same answer, and nothing is logged`() throws
    {
        let rig = try ShardRig()
        var client = TestClient(1)
        let accepted = client.logOn(rig)
        let heir = try rig.heir()
        let logged = heir.logged
        let again = client.logOn(heir)
        #expect(again.map { bytes($0) } == accepted.map { bytes($0) })
        #expect(client.epoch == 8 && heir.logged == logged)
        #expect(heir.exchange(client.frame(order(1))).flatMap(\.reports).count == 1)
    }

    @Test func `whose client logs on anew has a new token, wherever it comes from`() throws {
        var (rig, client, told) = try primary()
        let heir = try rig.heir()
        let old = client
        client.nonce += 1
        client.builder.sourcePort += 1
        client.nextReportSequence = 1
        heir.inject(client.logonFrame())
        heir.settle()
        let sent = heir.sent()
        #expect(sent.first?.accepted.token != old.token)
        #expect(sent.flatMap(\.reports) == told)
        #expect(heir.exchange(old.heartbeat(11)).isEmpty && heir[.wrongToken] == 1)
    }

    @Test func `goes on behind a restart from a snapshot, with the logon that it had`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig { $0.journal?.snapshotEvery = 40 }
        var client = TestClient(1)
        client.flags = 3
        client.heartbeatMillis = 900
        rig?.inject(client.logonFrame())
        let accepted = try #require(rig?.logonAnswers(1).first?.accepted)
        client.epoch = 7
        client.token = accepted.token
        let told = rig?.exchangeDurably(
            [1, 31].map { first in
                client.frame((first..<first + 30).map { bytes(order($0)) })
            }, reports: 60
        ).flatMap(\.reports)
        Nap.until {
            rig?.settle()
            return rig?.shard.history?.snapshots.last != nil
        }
        rig = nil

        let again = try folder.rig()
        #expect(again.shard.recoveredFrom > 0)
        client.receivedThrough = 60
        let notice = try #require(again.exchange(client.heartbeat(61)).first)
        #expect(notice.type == .epochChanged && notice.header.epoch == 8)
        #expect(notice.notice.first == 61 && notice.notice.second == 61)
        client.epoch = 8
        let sent = again.exchangeDurably([client.frame(order(61))], reports: 1)
        #expect(sent.flatMap(\.reports).first?.count == told?.first?.count)
        // The logon that it is open by: nonce, flags and heartbeat are there.
        let repeated = again.exchange(client.logonFrame()).first { $0.type == .logonAccepted }
        #expect(repeated?.accepted.token == accepted.token && repeated?.accepted.flags == 3)
        #expect(repeated?.accepted.heartbeatMillis == 900 && again[.logons] == 0)
    }

    @Test func `is given up when its client never takes up the new one`() throws {
        let (rig, client, _) = try primary { $0.heartbeatMillis = 20 }
        let heir = try rig.heir()
        #expect(heir.exchange(client.heartbeat(11)).first?.type == .epochChanged)
        for _ in 0..<2_000 where heir.session(1).isLoggedOn {
            heir.inject(client.heartbeat(11))
            heir.wait(millis: 2)
        }
        #expect(!heir.session(1).isLoggedOn && heir[.timeouts] == 1)
        #expect(heir.sent().contains { $0.type == .sessionEnded })
    }
}
