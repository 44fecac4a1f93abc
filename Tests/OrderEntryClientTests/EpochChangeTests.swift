// SPDX-License-Identifier: Apache-2.0
import Platform
import TestSeed
import Testing
import Wire

@testable import OrderEntryClient

@Suite struct `A change of the epoch` {
    /// A notice as the gateway behind `bench` would send it.
    private func notice(
        _ bench: Bench, epoch: UInt32, expected: UInt32, nextReport: UInt32,
        change: (inout OrderEntryHeader) -> Void = { _ in }
    ) -> [UInt8] {
        var header = OrderEntryHeader(
            channel: .control, messageCount: 1, session: 3, epoch: epoch, sequence: 0,
            receivedThrough: expected - 1, committedThrough: 0, token: bench.gateway.token)
        change(&header)
        return bytes(header)
            + bytes(
                SessionNotice.epochChanged(
                    expectedSequence: expected, nextReportSequence: nextReport))
    }

    private func header(_ datagram: [UInt8]) -> OrderEntryHeader {
        read(datagram, at: 0, as: OrderEntryHeader.self)
    }

    /// A session that has sent nine messages which nobody has answered.
    private func bench() -> Bench {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        for id in 1...9 { #expect(bench.submit(CancelOrder(orderID: UInt64(id), instrument: 1))) }
        #expect(bench.drain().count > 0 && bench.drain().isEmpty)
        return bench
    }

    @Test func `is taken up at once: what is not there is sent again, and what is missing asked`() {
        let bench = bench()
        bench.give(notice(bench, epoch: 8, expected: 4, nextReport: 6))
        #expect(bench.session.counters.epochChanges == 1)
        let sent = bench.drain()
        #expect(sent.count == 2 && sent.allSatisfy { header($0).epoch == 8 })
        let request = read(sent[0], at: 48, as: SessionNotice.self)
        #expect(request.type == .resendRequest && request.first == 1 && request.second == 5)
        #expect(header(sent[1]).sequence == 4 && header(sent[1]).messageCount == 6)
        #expect(bench.session.counters.resendTimeouts == 0)
        #expect(bench.session.counters.logonsSent == 1)
    }

    @Test func `goes back behind what was only received before`() {
        let bench = bench()
        // The one that died said that it had eight of them; it had told nobody else.
        bench.give(
            bytes(
                OrderEntryHeader(
                    channel: .reports, messageCount: 0, session: 3, epoch: 7, sequence: 1,
                    receivedThrough: 8, committedThrough: 2, token: bench.gateway.token)))
        bench.give(notice(bench, epoch: 8, expected: 3, nextReport: 1))
        let sent = bench.drain()
        #expect(sent.count == 1 && header(sent[0]).sequence == 3)
        #expect(header(sent[0]).messageCount == 7)
    }

    @Test func `told again, of the past, or by somebody who does not know the token is nothing`() {
        let bench = bench()
        let good = notice(bench, epoch: 8, expected: 4, nextReport: 1)
        var bad = [
            notice(bench, epoch: 7, expected: 4, nextReport: 1),
            notice(bench, epoch: 6, expected: 4, nextReport: 1),
            notice(bench, epoch: 9, expected: 4, nextReport: 1) { $0.token = 0 },
            notice(bench, epoch: 9, expected: 4, nextReport: 1) { $0.token ^= 2 },
            notice(bench, epoch: 9, expected: 4, nextReport: 1) { $0.session = 4 },
            notice(bench, epoch: 9, expected: 4, nextReport: 1) { $0.channel = .reports },
            notice(bench, epoch: 9, expected: 4, nextReport: 1) { $0.messageCount = 2 },
            good + [0, 0, 0, 0, 0, 0, 0, 0],
        ]
        for datagram in bad { bench.give(datagram) }
        #expect(bench.session.counters.epochChanges == 0)
        #expect(bench.session.counters.datagramsIgnored == UInt64(bad.count))
        #expect(bench.drain().isEmpty)
        bench.give(good)
        #expect(bench.drain().map { header($0).sequence } == [4])
        bad = [good, notice(bench, epoch: 7, expected: 1, nextReport: 1)]
        for datagram in bad { bench.give(datagram) }
        #expect(bench.session.counters.epochChanges == 1)
        #expect(bench.drain().isEmpty)
    }

    @Test func `to a gateway that never had the session's messages ends it`() {
        let bench = bench()
        bench.give(notice(bench, epoch: 8, expected: 11, nextReport: 1))
        #expect(bench.session.phase == .ended(.sessionSequenceBroken))
    }

    @Test(arguments: 0..<12)
    func `loses nothing and does nothing twice, however often it comes`(run: UInt64) {
        let seed = TestSeed.run &+ 900 &+ run
        let text = "seed \(String(seed, radix: 16))"
        var random = SeededRandom(seed: seed)
        let percent = Double(run)
        let bench = Bench(
            faults: LinkFaults(
                lossPercent: percent, duplicatePercent: percent, reorderPercent: percent,
                seed: seed))
        bench.logon()
        var submitted: [[UInt8]] = []
        for _ in 0..<400_000 where submitted.count < 1_000 || !bench.session.isIdle {
            let cancel = CancelOrder(orderID: UInt64(submitted.count + 1), instrument: 1)
            if submitted.count < 1_000, bench.submit(cancel) { submitted.append(bytes(cancel)) }
            bench.step()
            let isFirst = submitted.count >= 500 && bench.gateway.epoch == 7
            if random.below(500) == 0 || isFirst { bench.gateway.takeOver() }
        }
        for _ in 0..<20_000 where bench.delivered.count < bench.gateway.reports.count {
            bench.step()
        }
        #expect(bench.gateway.applied == submitted, "\(text)")
        #expect(
            bench.delivered.map { bytes($0.core) } == bench.gateway.reports, "\(text)")
        #expect(bench.session.counters.epochChanges > 0, "\(text)")
        #expect(bench.session.counters.reportsLost == 0, "\(text)")
    }
}
