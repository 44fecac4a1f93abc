// SPDX-License-Identifier: Apache-2.0
import Engine
import NICGateway
import ShardRig
import Testing
import Wire

@Suite struct `A logon` {
    @Test func `is logged once and answered with token, sequences and epoch`() throws {
        let rig = try ShardRig()
        var client = TestClient(3)
        client.flags = 2
        client.heartbeatMillis = 250
        let before = rig.logged
        let sent = rig.exchange(client.logonFrame())
        let answer = try #require(sent.first { $0.type == .logonAccepted })
        #expect(sent.count == 1)
        #expect(answer.header.epoch == 7)
        #expect(answer.header.session == 3)
        #expect(answer.header.token == answer.accepted.token)
        #expect(answer.accepted.token != 0)
        #expect(answer.accepted.nonce == client.nonce)
        #expect(answer.accepted.expectedSequence == 1)
        #expect(answer.accepted.nextReportSequence == 1)
        #expect(answer.accepted.heartbeatMillis == 250)
        #expect(answer.accepted.flags == 2)
        #expect(answer.accepted.reorderWindow == 16)
        #expect(answer.accepted.messagesPerDatagramMax == 64)
        #expect(answer.destinationAddress == client.builder.sourceAddress)
        #expect(answer.destinationPort == client.builder.sourcePort)
        #expect(answer.sourcePort == 7_000)
        #expect(rig.logged == before + 1)
        let record = try #require(rig.records(from: before + 1).first)
        #expect(record.kind == .logon)
        #expect(record.session == 3)
        #expect(rig.session(3).isLoggedOn)
        #expect(rig[.logons] == 1)
    }

    @Test func `that is repeated gets the same answer and logs nothing`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        let first = client.logOn(rig)
        let logged = rig.logged
        let second = client.logOn(rig)
        #expect(first.map { bytes($0) } == second.map { bytes($0) })
        #expect(first != nil)
        #expect(rig.logged == logged)
    }

    @Test func `with a new nonce from the same address takes over with a new token`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let old = client
        _ = rig.exchange(client.frame(order(1)))
        client.nonce += 1
        let answer = client.logOn(rig)
        let accepted = try #require(answer)
        #expect(accepted.token != old.token)
        #expect(accepted.expectedSequence == 2)
        #expect(accepted.nextReportSequence == 2)
        // The old token is dead.
        let logged = rig.logged
        #expect(rig.exchange(old.frame([bytes(order(2))], at: 2)).isEmpty)
        #expect(rig[.wrongToken] == 1)
        #expect(rig.logged == logged)
        #expect(rig.exchange(client.frame(order(3))).flatMap(\.reports).count == 1)
    }

    @Test func `from elsewhere is refused while the holder is heard, and accepted after silence`()
        throws
    {
        let rig = try ShardRig()
        var holder = TestClient(1)
        holder.heartbeatMillis = 100
        holder.logOn(rig)
        var other = TestClient(1)
        other.builder.sourcePort = 999
        other.nonce = 5
        let logged = rig.logged
        let refused = try #require(rig.exchange(other.logonFrame()).first)
        #expect(refused.type == .logonRejected)
        #expect(refused.notice.reason == .sessionInUse)
        #expect(refused.notice.second == 5)
        #expect(refused.destinationPort == 999)
        #expect(rig[.logonsRejected] == 1)
        #expect(rig.logged == logged)
        // The holder goes on; then it is silent for more than one interval, but not for three.
        #expect(rig.exchange(holder.frame(order(1))).flatMap(\.reports).count == 1)
        rig.wait(millis: 250)
        let accepted = other.logOn(rig)
        #expect(accepted != nil)
        #expect(rig.exchange(holder.frame([bytes(order(2))], at: 2)).isEmpty)
        #expect(rig[.wrongToken] == 1)
    }

    @Test func `that takes over lets go what the old client had sent ahead`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        // Message 2 is held for want of message 1; then the client starts anew and counts again.
        _ = rig.exchange(client.frame([bytes(order(666))], at: 2))
        #expect(rig[.heldDatagrams] == 1)
        client.nonce += 1
        client.logOn(rig)
        _ = rig.exchange(client.frame([bytes(order(1))], at: 1))
        #expect(rig.session(1).expectedSequence == 2)
        let sent = rig.exchange(client.frame([bytes(order(2, .buy, 90))], at: 2))
        let report: ExecutionReport = value(try #require(sent.flatMap(\.reports).first), at: 0)
        #expect(report.orderID == 2)
    }

    @Test(arguments: [UInt32(0), 17, .max])
    func `for a session that does not exist changes nothing`(session: UInt32) throws {
        let rig = try ShardRig()
        let logged = rig.logged
        #expect(rig.exchange(TestClient(session).logonFrame()).isEmpty)
        #expect(rig[.unknownSession] == 1)
        #expect(rig.logged == logged)
    }

    @Test func `brings the reports that the client asks for, and then what comes`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let reports = rig.exchange(
            client.frame((1...5).map { bytes(order($0)) })
        ).flatMap(\.reports)
        #expect(reports.count == 5)
        client.nonce += 1
        client.nextReportSequence = 3
        let sent = rig.exchange(client.logonFrame())
        #expect(sent.first?.type == .logonAccepted)
        #expect(sent.flatMap(\.reports) == Array(reports[2...]))
        #expect(sent.last?.header.flags == OrderEntryHeader.resentFlag)
        #expect(sent.last?.header.sequence == 3)
    }

    @Test func `of one that logged out opens the session again where it was`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        _ = rig.exchange(client.frame([bytes(order(1)), bytes(Logout())]))
        #expect(!rig.session(1).isLoggedOn)
        client.nonce += 1
        let answer = client.logOn(rig)
        let accepted = try #require(answer)
        #expect(accepted.expectedSequence == 3)
        #expect(accepted.nextReportSequence == 3)
        #expect(rig.session(1).openOrders == 1)
    }

    @Test func `right behind a logout in the same burst opens the session`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let logout = client.frame(Logout())
        client.nonce += 1
        let sent = rig.exchange(logout, client.logonFrame())
        #expect(sent.contains { $0.type == .logonAccepted })
        #expect(rig.session(1).isLoggedOn)
    }
}

@Suite struct `A datagram of an open session` {
    /// What may be wrong, and what counts it.
    static let bindings: [(GatewayCounter, @Sendable (inout TestClient) -> Void)] = [
        (.wrongEpoch, { client in client.epoch += 1 }),
        (.wrongToken, { client in client.token ^= 1 }),
        (.wrongSource, { client in client.builder.sourcePort += 1 }),
        (.wrongSource, { client in client.builder.sourceAddress += 1 }),
    ]

    @Test(arguments: 0..<bindings.count)
    func `that is not bound to it changes nothing`(index: Int) throws {
        let (counter, spoil) = Self.bindings[index]
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let logged = rig.logged
        var wrong = client
        spoil(&wrong)
        #expect(rig.exchange(wrong.frame(order(1))).isEmpty)
        #expect(rig.exchange(wrong.resendRequest(from: 1)).isEmpty)
        #expect(rig[counter] == 2)
        #expect(rig.logged == logged)
        #expect(rig.exchange(client.frame(order(1))).flatMap(\.reports).count == 1)
    }

    @Test func `before the logon is dropped`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.epoch = 7
        let logged = rig.logged
        #expect(rig.exchange(client.frame(order(1))).isEmpty)
        #expect(rig[.sessionNotOpen] == 1)
        #expect(rig.logged == logged)
    }

    /// What moves by itself.
    static let noise: Set<GatewayCounter> = [.framesReceived, .framesSent, .heartbeats]

    /// An order behind a header that was changed.
    private static func changed(
        _ change: @escaping @Sendable (inout OrderEntryHeader) -> Void
    ) -> @Sendable (OrderEntryHeader) -> [UInt8] {
        { header in
            var header = header
            change(&header)
            return bytes(header) + bytes(order(1))
        }
    }

    /// What is wrong with it, what counts it, and how to make it from a good header and order.
    static let malformed: [(GatewayCounter, @Sendable (OrderEntryHeader) -> [UInt8])] = [
        (.datagramTooShort, { Array(bytes($0).prefix(47)) }),
        (.wrongVersion, changed { $0.version = 2 }),
        (.unknownKey, changed { $0.keyID = 1 }),
        (.wrongChannel, changed { $0.channel = .reports }),
        (.sizeMismatch, { bytes($0) + bytes(order(1)).dropLast() }),
        (.sizeMismatch, { bytes($0) + bytes(order(1)) + [0] }),
        (.sizeMismatch, { bytes($0) }),
        (.sizeMismatch, changed { $0.messageCount = 0 }),
        (.sizeMismatch, changed { $0.messageCount = 2 }),
        (.unknownMessage, { bytes($0) + [0x77] + bytes(order(1)).dropFirst() }),
        (.unknownMessage, { bytes($0) + [0x03] + bytes(order(1)).dropFirst() }),
        (
            .tooManyMessages,
            { header in
                var header = header
                header.messageCount = 65
                return bytes(header) + (0..<65).flatMap { _ in bytes(Logout()) }
            }
        ),
    ]

    @Test(arguments: 0..<malformed.count)
    func `that is malformed changes nothing and is counted by kind`(index: Int) throws {
        let (counter, make) = Self.malformed[index]
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let logged = rig.logged
        let hash = rig.stateHash
        let counts = rig.counts(without: Self.noise)
        let datagram = make(client.header(count: 1, sequence: 1))
        _ = rig.exchange(client.builder.frame(datagram))
        #expect(rig[counter] == 1)
        #expect(rig.counts(without: Self.noise.union([counter])) == counts)
        #expect(rig.logged == logged)
        #expect(rig.stateHash == hash)
        #expect(rig.exchange(client.frame(order(1))).flatMap(\.reports).count == 1)
    }

    @Test func `of the control channel that is malformed changes nothing`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let logged = rig.logged
        let request = bytes(SessionNotice.resendRequest(from: 1, count: 0))
        let head = client.header(.control, count: 1, sequence: 0)
        let two = client.header(.control, count: 2, sequence: 0)
        for datagram in [
            bytes(head), bytes(head) + request.dropLast(), bytes(head) + request + [0],
            bytes(two) + request + request,
            bytes(head) + [0x10] + [UInt8](repeating: 0, count: 30),
        ] {
            #expect(rig.exchange(client.builder.frame(datagram)).isEmpty)
        }
        #expect(rig[.sizeMismatch] == 5)
        _ = rig.exchange(client.builder.frame(bytes(head) + [0x24] + request.dropFirst()))
        #expect(rig[.unknownMessage] == 1)
        #expect(rig.logged == logged)
    }
}
