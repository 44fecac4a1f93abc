// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A session on a socket: what most programs use.
///
/// Busy clients call `poll` in a loop; others call the waiting forms. One thread.
public struct OrderEntryConnection: ~Copyable {
    /// The state machine: submit orders here.
    public var session: OrderEntrySession
    private var socket: UDPSocket
    private var outLink: LossyLink?
    private var inLink: LossyLink?

    /// Opens a socket to the gateway. `faults` spoils both directions, for drills.
    public init(
        gateway: SocketAddress, from local: SocketAddress? = nil, settings: SessionSettings,
        faults: LinkFaults = LinkFaults()
    ) throws(ClientError) {
        session = OrderEntrySession(settings: settings)
        socket = try UDPSocket.connected(to: gateway, from: local)
        if faults.isActive {
            outLink = LossyLink(faults)
            var back = faults
            back.seed = ~faults.seed
            inLink = LossyLink(back)
        }
    }

    /// Where the socket is bound.
    public var localAddress: SocketAddress { socket.localAddress }
    /// Datagrams that the faults swallowed, both ways.
    public var datagramsSwallowed: UInt64 { (outLink?.lost ?? 0) + (inLink?.lost ?? 0) }

    /// Takes in all that has come and sends all that is due, without waiting. Gives the datagrams
    /// that came.
    @discardableResult
    public mutating func poll(deliver: (SessionReport) -> Void) -> Int {
        var nowNanos = MonotonicClock.nowNanos()
        let total = Self.receive(&session, &socket, &inLink, nowNanos, deliver)
        if total > 0 { nowNanos = MonotonicClock.nowNanos() }
        send(nowNanos: nowNanos)
        return total
    }

    /// Sends what is due.
    public mutating func send(nowNanos: UInt64) {
        Self.send(&session, &socket, &outLink, nowNanos)
    }

    // The parts come one by one, so that a closure holds one while another moves.

    private static func receive(
        _ session: inout OrderEntrySession, _ socket: inout UDPSocket, _ link: inout LossyLink?,
        _ nowNanos: UInt64, _ deliver: (SessionReport) -> Void
    ) -> Int {
        var total = 0
        var count = UDPSocket.batchMax
        while count == UDPSocket.batchMax {
            count = socket.receiveBatch()
            for index in 0..<count {
                if link == nil {
                    session.receive(socket.received(index), nowNanos: nowNanos, deliver: deliver)
                } else {
                    link?.push(socket.received(index), nowNanos: nowNanos)
                }
            }
            total += count
        }
        while let datagram = link?.pop(nowNanos: nowNanos) {
            session.receive(unsafe datagram.span.bytes, nowNanos: nowNanos, deliver: deliver)
        }
        return total
    }

    private static func send(
        _ session: inout OrderEntrySession, _ socket: inout UDPSocket, _ link: inout LossyLink?,
        _ nowNanos: UInt64
    ) {
        if link == nil {
            while socket.stage({ session.nextDatagram(nowNanos: nowNanos, into: &$0) }) > 0 {}
            return socket.flush()
        }
        // `unsafe` here: bytes of UInt8 have no padding to leak.
        var scratch = [UInt8](repeating: 0, count: UDPSocket.slotByteCount)
        while true {
            var bytes = scratch.mutableSpan
            var target = unsafe bytes.mutableBytes
            let byteCount = session.nextDatagram(nowNanos: nowNanos, into: &target)
            if byteCount == 0 { break }
            unsafe link?.push(scratch.span.bytes.extracting(0..<byteCount), nowNanos: nowNanos)
        }
        while let datagram = link?.pop(nowNanos: nowNanos) {
            _ = socket.stage { target in
                for (offset, byte) in datagram.enumerated() { target.write(byte, at: offset) }
                return datagram.count
            }
        }
        socket.flush()
    }

    /// Sleeps until something comes or is due, or until `untilNanos`; then polls once.
    @discardableResult
    public mutating func wait(
        untilNanos: UInt64, deliver: (SessionReport) -> Void
    ) -> Int {
        let nowNanos = MonotonicClock.nowNanos()
        var deadline = untilNanos
        if let due = session.nextDeadlineNanos { deadline = min(deadline, due) }
        if let due = inLink?.nextDeadlineNanos { deadline = min(deadline, due) }
        if let due = outLink?.nextDeadlineNanos { deadline = min(deadline, due) }
        if deadline > nowNanos { socket.wait(timeoutNanos: deadline - nowNanos) }
        return poll(deliver: deliver)
    }

    // MARK: Waiting forms

    /// Logs on, and waits until the gateway has answered.
    public mutating func logon(
        timeoutNanos: UInt64 = 5_000_000_000, deliver: (SessionReport) -> Void
    ) throws(ClientError) {
        let started = MonotonicClock.nowNanos()
        session.logon(nowNanos: started)
        while true {
            poll(deliver: deliver)
            switch session.phase {
            case .open: return
            case .ended(let reason):
                throw ClientError(
                    "the gateway refused session \(session.settings.session): \(reason.text)")
            default: break
            }
            let now = MonotonicClock.nowNanos()
            guard now - started < timeoutNanos else {
                throw ClientError(
                    "no answer to the logon in \(timeoutNanos / 1_000_000) ms: is the gateway "
                        + "running, and is this its order entry address?")
            }
            wait(untilNanos: min(now + 10_000_000, started + timeoutNanos), deliver: deliver)
        }
    }

    /// Polls until `isDone`, the end of the session, or the time limit; true if it is done.
    public mutating func run(
        timeoutNanos: UInt64, deliver: (SessionReport) -> Void, until isDone: () -> Bool
    ) -> Bool {
        let deadline = MonotonicClock.nowNanos() + timeoutNanos
        while !isDone() {
            if case .ended = session.phase { return isDone() }
            let now = MonotonicClock.nowNanos()
            guard now < deadline else { return false }
            wait(untilNanos: min(deadline, now + 10_000_000), deliver: deliver)
        }
        return true
    }

    /// Logs out and waits for the gateway's word, or for the time limit.
    @discardableResult
    public mutating func logout(
        timeoutNanos: UInt64 = 2_000_000_000, deliver: (SessionReport) -> Void
    ) -> Bool {
        let deadline = MonotonicClock.nowNanos() + timeoutNanos
        var isSubmitted = false
        while true {
            if !isSubmitted { isSubmitted = session.submit(Logout()) }
            if case .ended = session.phase { return true }
            let now = MonotonicClock.nowNanos()
            guard now < deadline else { return false }
            wait(untilNanos: min(deadline, now + 10_000_000), deliver: deliver)
        }
    }
}
