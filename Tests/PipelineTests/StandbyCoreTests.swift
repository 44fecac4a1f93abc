// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import Hardware
import NICGateway
import Pipeline
import Platform
import ShardRig
import Testing
import Wire

@Suite struct `A core of a host of two` {
    private static let own: [UInt8] = [2, 0x4E, 0x54, 0, 0, 1]

    /// A question for the gateway's hardware address.
    private static var addressRequest: [UInt8] {
        var builder = FrameBuilder()
        builder.destinationMAC = [UInt8](repeating: 0xFF, count: 6)
        return builder.link(etherType: 0x0806) + [0, 1, 8, 0, 6, 4, 0, 1]
            + builder.sourceMAC + big32(0x0A01_0002) + [0, 0, 0, 0, 0, 0] + big32(0x0A01_0001)
    }

    @Test func `answers nobody while it follows, and gives every buffer back`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let standby = try rig.follower()
        let logged = standby.logged
        // More than the port has buffers.
        for _ in 0..<100 {
            for _ in 0..<16 {
                standby.inject(Self.addressRequest)
                standby.inject(client.frame([bytes(order(1))], at: 1))
                standby.inject(client.logonFrame())
            }
            while standby.shard.core.discardIntake() {}
        }
        let hasMore = standby.shard.core.discardIntake()
        #expect(!hasMore)
        #expect(standby[.framesDiscarded] == 4_800 && standby[.framesReceived] == 4_800)
        #expect(standby.sent().isEmpty && standby.otherFrames.isEmpty)
        #expect(standby.logged == logged && standby[.framesSent] == 0)
    }

    @Test func `follows a log many times as long as its rings, and then makes every report`() throws
    {
        let rig = try ShardRig {
            $0.host.rings.logRecords = 512
            $0.publicGroup = 0xEF01_0101
        }
        var client = TestClient(1)
        client.logOn(rig)
        let standby = try rig.follower()
        var told: [[UInt8]] = []
        var publicReports = 0
        var followed = rig.logged
        for round in 0..<200 {
            let ids = (1...40).map { UInt64(round * 40 + $0) }
            var sent = rig.exchange(client.frame(ids.map { bytes(order($0)) }))
            sent += rig.exchange(
                client.frame(ids.map { bytes(CancelOrder(orderID: $0, instrument: 1)) }))
            told += sent.flatMap(\.reports)
            standby.follow(rig.records(from: followed + 1))
            followed = rig.logged
        }
        publicReports = rig.publicFrames.reduce(0) { $0 + $1.publicReports.count }
        #expect(told.count == 16_000 && followed > 16_000)
        standby.takeOver(epoch: 8, lastCarriedSequence: Int(followed))
        client.receivedThrough = UInt32(told.count - 200)
        let sent = standby.exchange(client.heartbeat(client.next))
        #expect(sent.first?.type == .epochChanged)
        #expect(sent.flatMap(\.reports) == Array(told.suffix(200)))
        #expect(sent.first?.notice.second == 16_001)
        client.epoch = 8
        #expect(standby.exchange(client.frame(order(1))).flatMap(\.reports).count == 1)
        // The public stream goes on behind the last number, in the new epoch.
        standby.settlePublicTail()
        let next = try #require(standby.publicFrames.first { $0.header.flags == 0 })
        #expect(next.header.epoch == 8)
        #expect(next.header.publicSequence == UInt64(publicReports) + 1)
    }

    @Test func `announces its address by a broadcast that asks for itself`() throws {
        let rig = try ShardRig()
        rig.shard.core.announceAddress()
        // At once: nothing was polled.
        _ = rig.sent()
        let address = big32(0x0A01_0001)
        let announcement =
            [UInt8](repeating: 0xFF, count: 6) + Self.own + [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]
            + Self.own + address + [0, 0, 0, 0, 0, 0] + address
        #expect(rig.otherFrames == [announcement + [UInt8](repeating: 0, count: 18)])
        #expect(rig[.arpAnnouncements] == 1 && rig[.framesSent] == 1)
    }

    @Test func `that hands over says what is done and where it lives, and takes nothing`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.heartbeatMillis = 20
        client.logOn(rig)
        rig.inject(client.frame(order(1)))
        _ = rig.shard.core.pollIntake()
        let logged = rig.logged
        rig.shard.core.takesIntake = false
        let late = client
        #expect(rig.exchange(client.frame(order(2))).flatMap(\.reports).count == 1)
        rig.inject(Self.addressRequest)
        // Longer than the grace of a session: nobody is given up for what is not taken.
        rig.wait(millis: 100)
        #expect(rig.otherFrames.isEmpty || rig[.arpReplies] == 1)
        _ = rig.sent()
        #expect(rig.otherFrames.count == 1 && rig[.arpReplies] == 1)
        #expect(rig.logged == logged && rig[.framesDiscarded] == 1 && rig[.timeouts] == 0)
        // The other host is not ready: it goes on.
        rig.shard.core.takesIntake = true
        client = late
        #expect(rig.exchange(client.frame(order(2))).flatMap(\.reports).count == 1)
    }

    @Test func `says nothing in a turn in which it stood still, and all of it in one in time`()
        throws
    {
        Simulation.begin(seed: 1)
        defer { Simulation.end() }
        var nowMillis: UInt64 = 1_000
        func pass(millis: UInt64) {
            nowMillis += millis
            Simulation.set(
                monotonicNanos: nowMillis * 1_000_000,
                utcNanos: (1_700_000_000_000 + nowMillis) * 1_000_000)
        }
        let rig = try ShardRig(
            ShardRig.configuration { _ in }, port: ShardRig.port(buffers: 511), number: 0,
            steering: nil, clock: .ofNanoseconds())
        var client = TestClient(1)
        client.logOn(rig)
        rig.shard.core.stillNanosMax = 50_000_000
        _ = rig.shard.core.beginTurn()
        pass(millis: 50)
        let isInTime = rig.shard.core.beginTurn()
        #expect(isInTime)
        // In the midst of a turn, with an order and a question for its address in hand.
        rig.inject(client.frame(order(1)))
        rig.inject(Self.addressRequest)
        _ = rig.shard.core.pollIntake()
        _ = rig.shard.loop.poll()
        pass(millis: 51)
        let hasReported = rig.shard.core.pollOutput()
        #expect(hasReported && rig.sent().isEmpty && rig.otherFrames.isEmpty)
        // Nor where it lives, though it is told to.
        rig.shard.core.announceAddress()
        #expect(rig.sent().isEmpty && rig.otherFrames.isEmpty)
        // The turn behind it knows, and so does not speak.
        let isNextInTime = rig.shard.core.beginTurn()
        #expect(!isNextInTime)
        // It was asked, and may.
        let mayGoOn = rig.shard.core.beginTurn()
        _ = rig.shard.core.pollOutput()
        #expect(mayGoOn && rig.sent().flatMap(\.reports).count == 1)
        #expect(rig.otherFrames.count == 2 && rig[.transmitFull] == 0)
    }
}

@Suite struct `A gate that a cluster turns` {
    @Test func `holds reports back until the standby has their records`() throws {
        let folder = JournalFolder()
        let rig = try folder.rig()
        let journal = try #require(rig.shard.journal?.status)
        let control = try GateControl()
        rig.settle()
        // The first open was the shard's own, behind its disk; the cluster's comes with an epoch.
        Nap.until {
            rig.settle()
            return journal.durable.load() >= rig.logged
        }
        rig.settle()
        rig.shard.core.open(
            epoch: 9, policy: .mirrored, journal: journal, history: nil, control: control)
        var client = TestClient(1)
        #expect(client.logOn(rig) == nil)
        control.set(.mirrored)
        rig.settle()
        #expect(control.seenMode == .mirrored && rig.sent().isEmpty)
        control.validated.store(rig.logged)
        rig.settle()
        let answer = try #require(rig.sent().first)
        #expect(answer.type == .logonAccepted && answer.header.epoch == 9)
        client.epoch = 9
        client.token = answer.accepted.token
        control.set(.closed)
        rig.settle()
        #expect(control.seenMode == .closed)
        #expect(rig.exchange(client.frame(order(1))).flatMap(\.reports).isEmpty)
        #expect(control.reachedSequence == rig.logged - 1)
    }

    @Test func `counts what an epoch carries over as told before anything leaves`() throws {
        let control = try GateControl()
        control.carry(through: 700)
        #expect(control.reachedSequence == 700)
        control.carry(through: 3)
        #expect(control.reachedSequence == 700, "what has left stays so")
    }

    @Test func `does not keep a follower from following`() throws {
        let folder = JournalFolder()
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        _ = rig.exchange(client.frame(order(1)))
        let other = try folder.rig()
        let journal = try #require(other.shard.journal?.status)
        let standby = try ShardRig(
            rig.configuration, port: ShardRig.port(buffers: 2_047), number: 0, steering: nil,
            opened: false)
        let control = try GateControl()
        standby.shard.core.open(
            epoch: 7, policy: .mirrored, journal: journal, history: nil, control: control)
        standby.follow(rig.records())
        standby.takeOver(epoch: 8, lastCarriedSequence: Int(rig.logged))
        #expect(standby.exchange(client.heartbeat(2)).first?.notice.first == 2)
    }
}
