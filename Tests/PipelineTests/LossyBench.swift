// SPDX-License-Identifier: Apache-2.0
import NICGateway
import OrderEntryClient
import Platform
import ShardRig
import Wire

/// Real clients and a bad network in front of a memory port, whoever polls behind it.
final class LossyBench {
    /// One client with its two directions of network.
    final class Seat {
        var session: OrderEntrySession
        var out: LossyLink
        var back: LossyLink
        var builder: FrameBuilder
        var waiting: ArraySlice<[UInt8]>
        var delivered: [SessionReport] = []

        init(
            number: UInt32, isExtended: Bool, faults: LinkFaults, messages: [[UInt8]],
            heartbeatMillis: UInt16
        ) {
            var settings = SessionSettings(session: number, nonce: faults.seed ^ UInt64(number))
            settings.extendedReports = isExtended
            settings.heartbeatMillis = heartbeatMillis
            settings.logonRetryNanos = 10_000_000
            settings.resendNanos = 4_000_000
            settings.resendNanosMax = 16_000_000
            settings.inFlightMessagesMax = 128
            settings.nextReportSequence = 1
            session = OrderEntrySession(settings: settings)
            var faults = faults
            faults.seed &+= UInt64(number) &* 2
            out = LossyLink(faults)
            faults.seed &+= 1
            back = LossyLink(faults)
            builder = TestClient(number).builder
            waiting = messages[...]
        }
    }

    var seats: [Seat]
    /// Whoever has the gateway's address.
    var port: Port
    /// Sees all that the gateway sends, before the network has its way with it.
    var onSent: (SentFrame) -> Void = { _ in }
    private let poll: () -> Void
    private var random: SeededRandom
    private let corruptionPercent: UInt64
    private var buffer = [UInt8](repeating: 0, count: 2_048)

    init(
        port: Port, seed: UInt64, faults: LinkFaults, corruptionPercent: UInt64,
        messages: [[[UInt8]]], heartbeatMillis: UInt16 = 0, poll: @escaping () -> Void
    ) {
        self.port = port
        self.poll = poll
        self.corruptionPercent = corruptionPercent
        random = SeededRandom(seed: seed)
        seats = messages.enumerated().map { index, messages in
            Seat(
                number: UInt32(index) + 1, isExtended: index % 2 == 0, faults: faults,
                messages: messages, heartbeatMillis: heartbeatMillis)
        }
        for seat in seats { seat.session.logon(nowNanos: now) }
    }

    private var now: UInt64 { ShardRig.clock.utcNanos() }

    /// Goes on until every message is committed and every report is there; false after so long.
    func run(seconds: UInt64 = 30, isComplete: (Seat) -> Bool) -> Bool {
        let end = now + seconds * 1_000_000_000
        while now < end {
            step()
            if seats.allSatisfy({ $0.waiting.isEmpty && $0.session.isIdle && isComplete($0) }) {
                return true
            }
        }
        return false
    }

    /// Whether nobody has been told anything new for 30 ms: enough where the network loses nothing.
    var isQuiet: Bool {
        let count = seats.reduce(0) { $0 + $1.delivered.count }
        if count != quietCount {
            quietCount = count
            quietSince = now
        }
        return now - quietSince > 30_000_000
    }
    private var quietCount = -1
    private var quietSince: UInt64 = 0

    private func step() {
        for seat in seats {
            // Few at a time, so that there are many datagrams.
            for _ in 0..<min(random.below(6), UInt64(seat.waiting.count)) {
                guard seat.session.room > 0, submit(seat.waiting.first ?? [], seat) else { break }
                seat.waiting.removeFirst()
            }
            send(seat)
            while let datagram = seat.out.pop(nowNanos: now) {
                var frame = seat.builder.frame(datagram)
                if random.below(100) < corruptionPercent {
                    let bit = Int(random.below(UInt64(frame.count) * 8))
                    frame[bit / 8] ^= 1 << UInt8(bit % 8)
                }
                port.inject(frame)
            }
        }
        poll()
        for frame in port.takeTransmitted() {
            guard let sent = SentFrame(frame) else { continue }
            onSent(sent)
            guard sent.header.channel != .publicReports else { continue }
            let seat = seats[Int(sent.header.session) - 1]
            unsafe seat.back.push(sent.datagram.span.bytes, nowNanos: now)
        }
        for seat in seats {
            while let datagram = seat.back.pop(nowNanos: now) {
                var got: [SessionReport] = []
                seat.session.receive(unsafe datagram.span.bytes, nowNanos: now) { got.append($0) }
                seat.delivered += got
            }
        }
    }

    private func send(_ seat: Seat) {
        while true {
            var span = buffer.mutableSpan
            var target = unsafe span.mutableBytes
            let count = seat.session.nextDatagram(nowNanos: now, into: &target)
            if count == 0 { return }
            let datagram = Array(buffer[..<count])
            unsafe seat.out.push(datagram.span.bytes, nowNanos: now)
        }
    }

    private func submit(_ message: [UInt8], _ seat: Seat) -> Bool {
        switch MessageType(rawValue: message[0]) {
        case .newOrder: seat.session.submit(value(message, at: 0, as: NewOrder.self))
        case .cancelOrder: seat.session.submit(value(message, at: 0, as: CancelOrder.self))
        case .replaceOrder: seat.session.submit(value(message, at: 0, as: ReplaceOrder.self))
        case .reduceOrder: seat.session.submit(value(message, at: 0, as: ReduceOrder.self))
        case .massCancel: seat.session.submit(value(message, at: 0, as: MassCancel.self))
        case .massCancelByAccount:
            seat.session.submit(value(message, at: 0, as: MassCancelByAccount.self))
        default: seat.session.submit(value(message, at: 0, as: NewOrderExtended.self))
        }
    }
}
