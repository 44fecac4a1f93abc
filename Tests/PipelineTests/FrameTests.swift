// SPDX-License-Identifier: Apache-2.0
import Engine
import NICGateway
import Pipeline
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

@Suite struct `A frame` {
    /// What a change of the builder makes of a sound order.
    static let spoiled: [(GatewayCounter, @Sendable (inout FrameBuilder) -> Void)] = [
        (.otherEtherType, { $0.etherType = 0x86DD }),
        (.frameTooShort, { $0.vlanTags = [1, 2, 3] }),
        (.malformedIPv4, { $0.versionAndLength = 0x65 }),
        (.malformedIPv4, { $0.versionAndLength = 0x44 }),
        (.malformedIPv4, { $0.totalLength = 19 }),
        (.malformedIPv4, { $0.totalLength = 1_400 }),
        (.otherAddress, { $0.destinationAddress += 1 }),
        (.fragmentedIPv4, { $0.fragment = 0x2000 }),
        (.fragmentedIPv4, { $0.fragment = 0x0001 }),
        (.otherProtocol, { $0.protocolNumber = 6 }),
        (.otherProtocol, { $0.protocolNumber = 1 }),
        (.malformedUDP, { $0.udpLength = 7 }),
        (.malformedUDP, { $0.udpLength = 1_000 }),
        (.datagramTooShort, { $0.udpLength = 20 }),
        (.sizeMismatch, { $0.udpLength = 8 + 48 + 39 }),
        (.otherPort, { $0.destinationPort = 7_001 }),
        (.otherPort, { $0.destinationPort = 6_999 }),
    ]

    @Test(arguments: 0..<spoiled.count)
    func `that is wrong is counted by kind and changes nothing`(index: Int) throws {
        let (counter, spoil) = Self.spoiled[index]
        var (rig, client) = try `Sequences of a session`.open()
        let sound = client
        let logged = rig.logged
        spoil(&client.builder)
        _ = rig.exchange(client.frame(order(1)))
        #expect(rig[counter] == 1, "\(rig.counts(without: []))")
        #expect(rig.logged == logged)
        var again = sound
        #expect(rig.exchange(again.frame(order(1))).flatMap(\.reports).count == 1)
    }

    /// What is as good as the plainest frame.
    static let sound: [@Sendable (inout FrameBuilder) -> Void] = [
        { $0.options = [1, 1, 1, 0] },
        { $0.options = [UInt8](repeating: 1, count: 40) },
        { $0.fragment = 0 },
        { $0.hasUDPChecksum = false },
        { $0.isPadded = false },
        { $0.vlanTags = [100] },
        { $0.vlanTags = [0x2000 | 7, 100] },
    ]

    @Test(arguments: 0..<sound.count, [false, true])
    func `with options, tags or without padding is taken`(index: Int, verifies: Bool) throws {
        var (rig, client) = try `Sequences of a session`.open { $0.verifiesChecksums = verifies }
        Self.sound[index](&client.builder)
        #expect(rig.exchange(client.frame(order(1))).flatMap(\.reports).count == 1)
        #expect(rig.exchange(client.heartbeat(9)).first?.type == .gapReport)
    }

    @Test(arguments: [[], [UInt16(7)], [0x6064], [100, 0x2FFF]] as [[UInt16]])
    func `is answered with the tags that the logon had`(tags: [UInt16]) throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.builder.vlanTags = tags
        client.logOn(rig)
        let sent = rig.exchange(client.frame((1...30).map { bytes(order($0)) }))
        #expect(sent.flatMap(\.reports).count == 30)
        #expect(sent.allSatisfy { $0.vlanTags == tags })
        #expect(sent.allSatisfy { $0.frame.count <= 1_514 + 4 * tags.count })
        for frame in sent {
            #expect(Array(frame.frame[0..<6]) == client.builder.sourceMAC)
            #expect(Array(frame.frame[6..<12]) == [2, 0x4E, 0x54, 0, 0, 1])
        }
    }

    @Test func `with a wrong checksum is dropped where checksums are verified`() throws {
        var (rig, client) = try `Sequences of a session`.open { $0.verifiesChecksums = true }
        let sound = client
        let logged = rig.logged
        client.builder.headerChecksum = 0x1234
        _ = rig.exchange(client.frame([bytes(order(1))], at: 1))
        client = sound
        client.builder.udpChecksum = 0x4321
        _ = rig.exchange(client.frame([bytes(order(1))], at: 1))
        #expect(rig[.wrongChecksum] == 2)
        #expect(rig.logged == logged)
        // Every single bit of a frame that is flipped is seen, or does no harm.
        client = sound
        let frame = client.frame([bytes(order(1))], at: 1)
        for bit in (14 * 8)..<(frame.count * 8) {
            var broken = frame
            broken[bit / 8] ^= 1 << UInt8(bit % 8)
            rig.inject(broken)
            if bit % 16 == 0 { rig.settle() }
        }
        rig.settle()
        #expect(rig.logged == logged)
        #expect(rig.session(1).expectedSequence == 1)
    }

    @Test func `with a wrong checksum is taken where they are not verified`() throws {
        var (rig, client) = try `Sequences of a session`.open()
        client.builder.udpChecksum = 0x4321
        #expect(rig.exchange(client.frame(order(1))).flatMap(\.reports).count == 1)
    }

    @Test func `that is cut anywhere changes nothing and is counted once`() throws {
        var (rig, client) = try `Sequences of a session`.open()
        client.builder.isPadded = false
        let frame = client.frame([bytes(order(1))], at: 1)
        let logged = rig.logged
        for count in 1..<frame.count {
            let before = rig.counts(without: [.framesReceived, .framesSent, .heartbeats])
            rig.inject(Array(frame.prefix(count)))
            rig.settle()
            let after = rig.counts(without: [.framesReceived, .framesSent, .heartbeats])
            let added = after.values.reduce(0, +) - before.values.reduce(0, +)
            #expect(added == 1, "cut to \(count)")
        }
        #expect(rig.logged == logged)
    }

    @Test func `of ARP for us is answered, and no other`() throws {
        let rig = try ShardRig()
        var builder = FrameBuilder()
        for tags in [[], [UInt16(5)]] {
            builder.vlanTags = tags
            let head: [UInt8] = [0, 1, 8, 0, 6, 4, 0, 1]
            let sender = builder.sourceMAC + big32(0x0A01_0002)
            let request = builder.link(etherType: 0x0806) + head + sender
            rig.inject(request + [0, 0, 0, 0, 0, 0] + big32(0x0A01_0099))
            rig.settle()
            _ = rig.sent()
            #expect(rig.otherFrames.isEmpty)
            rig.inject(request + [0, 0, 0, 0, 0, 0] + big32(0x0A01_0001))
            rig.settle()
            _ = rig.sent()
            let own: [UInt8] = [2, 0x4E, 0x54, 0, 0, 1]
            var swapped = builder
            swapped.destinationMAC = builder.sourceMAC
            swapped.sourceMAC = own
            let answer =
                swapped.link(etherType: 0x0806) + [0, 1, 8, 0, 6, 4, 0, 2] + own
                + big32(0x0A01_0001) + sender
            #expect(rig.otherFrames == [answer])
            rig.forgetOtherFrames()
        }
        #expect(rig[.arpReplies] == 2)
        #expect(rig[.otherAddress] == 2)
    }

    @Test(arguments: [0, 1, 8, 33, 56, 1_000])
    func `of ICMP echo is answered with the same payload`(count: Int) throws {
        let rig = try ShardRig()
        var random = SeededRandom(seed: TestSeed.run &+ UInt64(count))
        for options in [[], [UInt8(1), 1, 1, 0]] {
            for _ in 0..<40 {
                var builder = FrameBuilder()
                builder.protocolNumber = 1
                builder.options = options
                builder.isPadded = false
                var echo: [UInt8] = [8, 0, 0, 0]
                echo += (0..<4 + count).map { _ in UInt8(random.below(256)) }
                let sum = big16(internetChecksum(echo))
                echo[2] = sum[0]
                echo[3] = sum[1]
                rig.inject(builder.ipv4(echo))
                rig.settle()
                _ = rig.sent()
                let answer = try #require(rig.otherFrames.first)
                rig.forgetOtherFrames()
                let ip = Array(answer[14..<34 + options.count])
                let icmp = Array(answer[(34 + options.count)...])
                #expect(internetChecksum(ip) == 0)
                #expect(internetChecksum(icmp) == 0)
                #expect(big32(ip, 12) == 0x0A01_0001)
                #expect(big32(ip, 16) == 0x0A01_0002)
                #expect(Array(answer[0..<6]) == builder.sourceMAC)
                #expect(icmp[0] == 0)
                #expect(icmp[4...] == echo[4...])
            }
        }
    }

    @Test func `of another shard is handed over in software, also while the own queue is busy`()
        throws
    {
        let configuration = ShardRig.configuration {
            $0.shards = 2
            $0.instruments.append(
                .init(
                    number: 1, symbol: "ONE", lowestPriceTicks: 1, highestPriceTicks: 1_000,
                    shard: 1))
        }
        let port = try ShardRig.port(buffers: 2_047, queues: 2)
        let steering = try Steering(shardCount: 2)
        let first = try ShardRig(configuration, port: port, number: 0, steering: steering)
        let second = try ShardRig(configuration, port: port, number: 1, steering: steering)
        // The second shard's client comes in by the first shard's queue.
        var client = TestClient(1)
        client.builder.destinationPort = 7_001
        first.inject(client.logonFrame())
        first.poll(1)
        second.settle()
        let answer = try #require(second.sent().first { $0.type == .logonAccepted })
        #expect(answer.sourcePort == 7_001)
        client.token = answer.accepted.token
        client.epoch = 7
        // Frames in the own queue of the second shard, for nobody, more than a burst in each poll.
        var noise = FrameBuilder()
        noise.destinationPort = 9
        for _ in 0..<320 { second.inject(noise.frame([1, 2, 3])) }
        first.inject(client.frame(order(1)))
        first.poll(1)
        second.poll(4)
        #expect(second.sent().flatMap(\.reports).count == 1)
        #expect(first[.steeredInSoftware] == 2)
        #expect(second[.otherPort] < 320)
        #expect(first.session(1).expectedSequence == 1)
        #expect(second.session(1).expectedSequence == 2)
    }
}
