// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSeed
import Testing
import Wire

@testable import OrderEntryClient

/// A session, a fake gateway, a bad network both ways and a clock that steps by 50 µs.
final class Bench {
    var session: OrderEntrySession
    var gateway = FakeGateway()
    var out: LossyLink
    var back: LossyLink
    var nowNanos: UInt64 = 1_000_000_000
    var delivered: [SessionReport] = []
    private var buffer = [UInt8](repeating: 0, count: 2_048)

    init(faults: LinkFaults, change: (inout SessionSettings) -> Void = { _ in }) {
        var settings = SessionSettings(session: 3, nonce: faults.seed | 1)
        change(&settings)
        session = OrderEntrySession(settings: settings)
        out = LossyLink(faults)
        var other = faults
        other.seed = ~faults.seed
        back = LossyLink(other)
    }

    /// What the session has to send now.
    func drain() -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        while true {
            var span = buffer.mutableSpan
            var target = unsafe span.mutableBytes
            let count = session.nextDatagram(nowNanos: nowNanos, into: &target)
            if count == 0 { return datagrams }
            datagrams.append(Array(buffer[..<count]))
        }
    }

    func submit(_ order: NewOrder) -> Bool { session.submit(order) }
    func submit(_ cancel: CancelOrder) -> Bool { session.submit(cancel) }

    func give(_ datagram: [UInt8]) {
        var got: [SessionReport] = []
        session.receive(unsafe datagram.span.bytes, nowNanos: nowNanos) { got.append($0) }
        delivered += got
    }

    func step() {
        nowNanos += 50_000
        for datagram in drain() { unsafe out.push(datagram.span.bytes, nowNanos: nowNanos) }
        while let datagram = out.pop(nowNanos: nowNanos) {
            gateway.receive(datagram, nowNanos: nowNanos)
        }
        gateway.tick(nowNanos: nowNanos)
        for datagram in gateway.outbox { unsafe back.push(datagram.span.bytes, nowNanos: nowNanos) }
        gateway.outbox.removeAll()
        while let datagram = back.pop(nowNanos: nowNanos) { give(datagram) }
    }

    func logon() {
        session.logon(nowNanos: nowNanos)
        for _ in 0..<100_000 where session.phase != .open { step() }
    }

    func runUntilEnded() {
        for _ in 0..<400_000 {
            if case .ended = session.phase { return }
            step()
        }
    }
}

@Suite struct `An order entry session` {
    /// Every order applied once in order, every report delivered once in order.
    private func check(seed: UInt64, percent: Double, extended: Bool) {
        var faults = LinkFaults()
        faults.seed = seed
        faults.lossPercent = percent
        faults.duplicatePercent = percent
        faults.reorderPercent = percent
        let bench = Bench(faults: faults) {
            $0.extendedReports = extended
            $0.keptMessagesMax = 256
            $0.inFlightMessagesMax = 100
            $0.heldDatagramsMax = 4
        }
        bench.logon()
        #expect(bench.session.phase == .open)
        var submitted: [[UInt8]] = []
        let total = percent > 20 ? 300 : 2_000
        while submitted.count < total {
            for _ in 0..<(1 + Int(seed >> 3 & 15)) where submitted.count < total {
                let id = UInt64(submitted.count + 1)
                if id % 3 == 0 {
                    let cancel = CancelOrder(orderID: id, instrument: 1)
                    if bench.submit(cancel) { submitted.append(bytes(cancel)) }
                } else {
                    let order = NewOrder(
                        orderID: id, instrument: 1, side: .buy, priceTicks: 5, quantityLots: id)
                    if bench.submit(order) { submitted.append(bytes(order)) }
                }
            }
            bench.step()
        }
        var isLoggedOut = false
        while !isLoggedOut {
            isLoggedOut = bench.session.submit(Logout())
            bench.step()
        }
        submitted.append(bytes(Logout()))
        bench.runUntilEnded()
        #expect(bench.session.phase == .ended(.loggedOut))
        let isApplied = isEqual(bench.gateway.applied, submitted)
        #expect(isApplied)
        let delivered = bench.delivered.map { $0.isExtended ? bytes($0.report) : bytes($0.core) }
        let isDelivered = isEqual(delivered, bench.gateway.reports)
        #expect(isDelivered, "\(bench.session.counters)")
        #expect(bench.session.counters.reportsLost == 0)
        #expect(bench.session.counters.reportsDelivered == UInt64(delivered.count))
        if percent == 0 {
            #expect(bench.session.counters.messagesResent == 0)
            #expect(bench.session.counters.resendRequests == 0)
            #expect(bench.gateway.logonCount == 1)
        }
    }

    /// A word instead of pages of bytes when it fails.
    private func isEqual(_ left: [[UInt8]], _ right: [[UInt8]]) -> Bool {
        if left != right {
            let same = zip(left, right).prefix { $0 == $1 }.count
            print("\(left.count) against \(right.count), the first \(same) are the same")
        }
        return left == right
    }

    @Test func `sends each message once over a sound network`() {
        check(seed: TestSeed.run, percent: 0, extended: false)
    }

    @Test(arguments: 0..<16)
    func `loses nothing over a bad network`(index: UInt64) {
        let seed = TestSeed.run &+ index &* 0x9E37_79B9
        check(seed: seed, percent: index < 8 ? 1 : 10, extended: index % 2 == 1)
    }

    @Test func `gives up no order over a network that loses a third`() {
        check(seed: TestSeed.run, percent: 33, extended: true)
    }

    @Test func `packs as many messages as a frame and the gateway allow`() {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        for id in 1...70 {
            let order = NewOrder(
                orderID: UInt64(id), instrument: 1, side: .sell, priceTicks: 1, quantityLots: 1)
            #expect(bench.submit(order))
        }
        let datagrams = bench.drain()
        #expect(datagrams.map(\.count) == [48 + 30 * 40, 48 + 30 * 40, 48 + 10 * 40])
    }

    @Test func `repeats a logon every 100 ms until it is answered`() {
        let bench = Bench(faults: LinkFaults())
        bench.session.logon(nowNanos: bench.nowNanos)
        #expect(bench.drain().count == 1)
        #expect(bench.drain().isEmpty)
        bench.nowNanos += 99_999_999
        #expect(bench.drain().isEmpty)
        bench.nowNanos += 1
        #expect(bench.drain().count == 1)
        #expect(bench.session.phase == .loggingOn)
    }

    @Test func `goes back to what the gateway expects, once for each gap`() {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        for id in 1...10 {
            let order = CancelOrder(orderID: UInt64(id), instrument: 1)
            #expect(bench.submit(order))
            _ = bench.drain()
        }
        let notice = SessionNotice.gapReport(expectedSequence: 4, received: 8)
        let header = OrderEntryHeader(
            channel: .control, messageCount: 1, session: 3, epoch: 7, sequence: 0,
            receivedThrough: 3, committedThrough: 2, token: bench.gateway.token)
        bench.give(bytes(header) + bytes(notice))
        bench.give(bytes(header) + bytes(notice))
        let resent = bench.drain()
        #expect(resent.count == 1)
        #expect(read(resent[0], at: 16, as: UInt32.self) == 4)
        #expect(read(resent[0], at: 2, as: UInt16.self) == 7)
        #expect(bench.session.uncommittedCount == 8)
        #expect(bench.session.counters.messagesResent == 7)
    }

    @Test func `repeats in doubled steps while nothing moves, and says when`() {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        #expect(bench.submit(CancelOrder(orderID: 1, instrument: 1)))
        #expect(bench.drain().count == 1)
        for wait in [20, 40, 80].map({ UInt64($0) * 1_000_000 }) {
            let sent = bench.nowNanos
            #expect(bench.session.nextDeadlineNanos! <= sent + wait)
            bench.nowNanos = sent + wait - 1
            #expect(bench.drain().allSatisfy { $0.count == 48 })
            bench.nowNanos = sent + wait
            #expect(bench.drain().contains { $0.count == 64 })
        }
    }

    @Test func `tells what it cannot get any more`() {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        for id in 1...20 {
            #expect(bench.submit(CancelOrder(orderID: UInt64(id) * 3, instrument: 1)))
        }
        for datagram in bench.drain() { bench.gateway.receive(datagram, nowNanos: bench.nowNanos) }
        for _ in 0..<10 { bench.gateway.tick(nowNanos: bench.nowNanos) }
        bench.gateway.outbox.removeAll()
        bench.gateway.firstReportKept = 11
        bench.nowNanos += 60_000_000
        for _ in 0..<2_000 { bench.step() }
        #expect(bench.session.counters.reportsLost == 10)
        #expect(bench.delivered.map(\.core.sequence) == Array(11...20))
    }

    @Test func `comes back after a silence, to another epoch, with the same sequences`() {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        for id in 1...5 {
            #expect(bench.submit(CancelOrder(orderID: UInt64(id) * 3, instrument: 1)))
        }
        for _ in 0..<20 { bench.step() }
        #expect(bench.delivered.count == 5)
        // The gateway restarts from its log: it has forgotten the token, not the sequences.
        bench.gateway.epoch = 8
        bench.gateway.token = 0
        bench.gateway.nonce = 0
        for id in 6...9 {
            #expect(bench.submit(CancelOrder(orderID: UInt64(id) * 3, instrument: 1)))
        }
        for _ in 0..<10_000 { bench.step() }
        #expect(bench.session.counters.reconnects == 1)
        #expect(bench.gateway.logonCount == 2)
        #expect(bench.gateway.applied.count == 9)
        #expect(bench.delivered.map(\.core.sequence) == Array(1...9))
    }

    @Test func `drops what is not of its session and changes nothing`() {
        let bench = Bench(faults: LinkFaults())
        bench.logon()
        let good = OrderEntryHeader(
            channel: .reports, messageCount: 0, session: 3, epoch: 7, sequence: 100,
            token: bench.gateway.token)
        var bad: [[UInt8]] = [[], [1, 2, 3], bytes(good) + [0]]
        for offset in [0, 1, 4, 8, 12, 28] {
            var datagram = bytes(good)
            datagram[offset] ^= 0x55
            bad.append(datagram)
        }
        for datagram in bad { bench.give(datagram) }
        #expect(bench.session.counters.datagramsIgnored == UInt64(bad.count))
        #expect(bench.session.counters.resendRequests == 0)
        #expect(bench.drain().isEmpty)
        bench.give(bytes(good))
        #expect(bench.drain().count == 1)
        #expect(bench.session.counters.resendRequests == 1)
    }
}
