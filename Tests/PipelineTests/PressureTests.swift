// SPDX-License-Identifier: Apache-2.0
import Hardware
import CDPDK
import Engine
import NICGateway
import Pipeline
import ShardRig
import Testing
import Wire

@Suite struct `A gateway under pressure` {
    /// Ids of the orders in one session's reports, of one kind.
    static func ids(_ reports: [[UInt8]], _ kind: EventKind) -> [UInt64] {
        reports.map { value($0, at: 0, as: ExecutionReport.self) }
            .filter { $0.executionType == kind }.map(\.orderID)
    }

    @Test func `stops taking when its log is full, loses nothing and counts it`() throws {
        let rig = try ShardRig { $0.host.rings.logRecords = 256 }
        var client = TestClient(1)
        client.logOn(rig)
        let orders = (1...900).map { bytes(order(UInt64($0), .buy, 1 + Int64($0 % 999))) }
        for start in stride(from: 0, to: 900, by: 30) {
            rig.inject(client.frame(Array(orders[start..<start + 30])))
        }
        // The engine stands still: the gateway stops after what fits.
        for _ in 0..<50 { _ = rig.shard.core.poll() }
        #expect(rig.logged <= 256)
        #expect(rig.logged > 100)
        #expect(rig[.logFull] > 0)
        rig.settle()
        let told = rig.sent().flatMap(\.reports)
        #expect(Self.ids(told, .accepted) == Array(1...900))
        #expect(rig.session(1).expectedSequence == 901)
        #expect(rig[.gapReports] == 0)
    }

    @Test func `holds the engine back when its events are not taken, and loses nothing`() throws {
        let rig = try ShardRig {
            $0.host.rings.events = 2_048
            $0.host.rings.logRecords = 16_384
        }
        var client = TestClient(1)
        client.logOn(rig)
        for start in 0..<UInt64(100) {
            rig.inject(client.frame((1...30).map { bytes(order(start * 30 + $0)) }))
        }
        for _ in 0..<400 { _ = rig.shard.loop.poll() }
        rig.settle()
        #expect(Self.ids(rig.sent().flatMap(\.reports), .accepted) == Array(1...3_000))
        // A mass cancel of all makes more events than the ring holds, in slices.
        let sent = rig.exchange(client.frame(MassCancel(requestID: 5)))
        #expect(Self.ids(sent.flatMap(\.reports), .cancelled) == Array(1...3_000))
        #expect(Self.ids(sent.flatMap(\.reports), .massCancelDone) == [5])
        #expect(rig.session(1).openOrders == 0)
    }

    /// Sessions that rest an order each, and one that takes them all: one trade for each session,
    /// so a datagram for each is begun in one poll.
    @Test(arguments: [UInt32(4), 5, 6, 8, 12, 20, 64, 1_023])
    func `with few packet buffers neither hangs nor loses nor repeats a report`(
        buffers: UInt32
    ) throws {
        let rig = try ShardRig(buffers: buffers) {
            $0.sessionCapacity = 64
            $0.publicGroup = 0xEF01_0101
        }
        var clients = (1...32).map { TestClient(UInt32($0)) }
        for index in clients.indices { clients[index].logOn(rig) }
        var told: [UInt32: [[UInt8]]] = [:]
        func take() {
            for sent in rig.sent() where sent.header.flags == 0 {
                told[sent.header.session, default: []] += sent.reports
            }
        }
        var taker = TestClient(33)
        taker.logOn(rig)
        for round in 0..<UInt64(4) {
            for index in clients.indices {
                rig.inject(clients[index].frame(order(round + 1, .sell)))
            }
            rig.settle()
            rig.inject(taker.frame(order(round + 1, .buy, 100, lots: 32)))
            rig.settle()
            take()
        }
        for client in clients {
            let reports = told[client.session] ?? []
            #expect(reports.map { value($0, at: 4, as: UInt32.self) } == Array(1...8))
        }
        let numbers = (told[33] ?? []).map { value($0, at: 4, as: UInt32.self) }
        #expect(numbers == Array(1...132))
        expectGapless(rig.publicFrames)
        // 2 instruments, 128 orders that rest, 128 trades.
        #expect(rig.publicFrames.flatMap(\.publicReports).count == 258)
    }

    @Test func `keeps buffers for receiving when clients send far ahead`() throws {
        let rig = try ShardRig(buffers: 128) { $0.reorderWindow = 1_000 }
        var client = TestClient(1)
        client.logOn(rig)
        for sequence in UInt32(2)...200 {
            rig.inject(client.frame([bytes(order(UInt64(sequence)))], at: sequence))
        }
        rig.settle()
        #expect(rig[.heldDatagrams] > 32)
        #expect(rig[.beyondWindowDropped] > 32)
        #expect(rig[.heldDatagrams] + rig[.beyondWindowDropped] == 199)
        _ = rig.sent()
        let sent = rig.exchange(client.frame([bytes(order(1))], at: 1))
        #expect(Self.ids(sent.flatMap(\.reports), .accepted).count == Int(rig[.heldDatagrams]) + 1)
    }

    @Test func `goes on when the driver takes nothing for a while`() throws {
        let rig = try ShardRig()
        var client = TestClient(1)
        client.logOn(rig)
        let queue = rig.port.queue(0)
        let transmit = unsafe queue.raw.pointee.transmit
        unsafe queue.raw.pointee.transmit = { _, _, _ in 0 }
        // Each poll makes a datagram, more than the outbox holds.
        for number in 1...700 {
            rig.inject(client.frame(order(UInt64(number))))
            for _ in 0..<3 { _ = rig.shard.poll() }
        }
        #expect(rig[.transmitFull] > 0)
        #expect(rig.session(1).expectedSequence == 701)
        unsafe queue.raw.pointee.transmit = transmit
        rig.settle()
        var told: [UInt32: [UInt8]] = [:]
        for _ in 0..<10 {
            for report in rig.sent().flatMap(\.reports) {
                let number: UInt32 = value(report, at: 4)
                #expect(told[number] == nil || told[number] == report)
                told[number] = report
            }
            guard let missing = (1...700).first(where: { told[$0] == nil }) else { break }
            Nap.micros(600)
            rig.inject(client.resendRequest(from: missing))
            rig.settle()
        }
        #expect(told.count == 700)
    }
}

/// Whether public datagrams are numbered from 1 without gaps.
func expectGapless(_ frames: [SentFrame], sourceLocation: SourceLocation = #_sourceLocation) {
    var next: UInt64 = 1
    for frame in frames {
        #expect(frame.header.publicSequence == next, sourceLocation: sourceLocation)
        next += UInt64(frame.header.messageCount)
    }
}
