// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import OrderEntryClient

@Suite struct `A public stream` {
    private func datagram(
        first: UInt64, count: UInt64, shard: UInt32 = 0, epoch: UInt32 = 1
    ) -> [UInt8] {
        var header = OrderEntryHeader(
            channel: .publicReports, messageCount: UInt16(count), session: shard, epoch: epoch,
            sequence: 0)
        header.publicSequence = first
        return (0..<count).reduce(bytes(header)) { datagram, index in
            datagram
                + bytes(
                    PublicReport(
                        kind: .added, side: .buy, instrument: 1, commandSequence: first + index,
                        reference: 1, priceTicks: 1, quantityLots: 1, timestampNanos: 1))
        }
    }

    @Test func `tells each gap once and goes on behind it`() {
        var stream = PublicStream()
        var gaps: [[UInt64]] = []
        var delivered: [UInt64] = []
        let beyond32 = UInt64(1) << 32 - 2
        for (first, count) in [
            (beyond32, 3), (beyond32 + 3, 2), (beyond32 + 7, 1), (beyond32 + 5, 2),
        ] {
            let datagram = datagram(first: first, count: UInt64(count))
            stream.receive(unsafe datagram.span.bytes) {
                gaps.append([$0 - beyond32, $1])
            } deliver: { sequence, report in
                #expect(report.commandSequence == sequence)
                delivered.append(sequence - beyond32)
            }
        }
        #expect(gaps == [[5, 2]])
        #expect(delivered == [0, 1, 2, 3, 4, 7])
        #expect(stream.lost == 2 && stream.gaps == 1 && stream.duplicated == 2)
    }

    @Test func `goes on in a higher epoch without a loss, and hears none of before`() {
        var stream = PublicStream()
        var delivered: [UInt64] = []
        for (first, count, epoch) in [(1, 3, 7), (4, 2, 8), (6, 5, 7), (4, 2, 8), (6, 1, 10)] {
            let datagram = datagram(
                first: UInt64(first), count: UInt64(count), epoch: UInt32(epoch))
            stream.receive(unsafe datagram.span.bytes) { _, _ in
                Issue.record("nothing is missing")
            } deliver: { sequence, _ in
                delivered.append(sequence)
            }
        }
        #expect(delivered == Array(1...6) && stream.epoch == 10)
        #expect(stream.lost == 0 && stream.ignored == 1 && stream.duplicated == 2)
    }

    @Test func `ignores other shards and what is malformed`() {
        var stream = PublicStream(shard: 2)
        for bad in [
            [], [1], datagram(first: 1, count: 1), datagram(first: 1, count: 1, shard: 2) + [0],
        ] {
            stream.receive(unsafe bad.span.bytes) { _, _ in
            } deliver: { _, _ in
                Issue.record("nothing is delivered")
            }
        }
        #expect(stream.ignored == 4 && stream.nextSequence == 0)
    }
}

@Suite struct `A socket` {
    @Test func `moves datagrams in batches, over the loopback`() throws {
        let any = SocketAddress(address: 0x7F00_0001, port: 0)
        // The first learns its port before the second exists.
        let probe = try UDPSocket.connected(to: .init(address: 0x7F00_0001, port: 9), from: any)
        let second = probe.localAddress
        var sender = try UDPSocket.connected(to: second, from: any)
        let first = sender.localAddress
        _ = consume probe
        var receiver = try UDPSocket.connected(to: first, from: second)
        for number in 0..<100 {
            let byteCount = sender.stage { target in
                target.write(UInt32(number), at: 0)
                return 4 + number
            }
            #expect(byteCount == 4 + number)
        }
        sender.flush()
        var next: UInt32 = 0
        while next < 100, receiver.wait(timeoutNanos: 2_000_000_000) {
            for index in 0..<receiver.receiveBatch() {
                let datagram = receiver.received(index)
                #expect(datagram.value(at: 0, as: UInt32.self) == next)
                #expect(datagram.byteCount == 4 + Int(next))
                next += 1
            }
        }
        #expect(next == 100)
    }

    @Test(arguments: [
        ("10.77.0.1:7000", "10.77.0.1:7000"), (":5", "0.0.0.0:5"), ("localhost:1", "127.0.0.1:1"),
    ])
    func `addresses are read as they are written`(text: String, again: String) {
        #expect(SocketAddress(text)?.description == again)
    }

    @Test(arguments: [
        "", "10.77.0.1", "10.77.0:1", "1.2.3.256:1", "1.2.3.4:70000", "host:1", "+1.2.3.4:1",
    ])
    func `refuses what is no address`(text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
