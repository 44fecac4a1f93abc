// SPDX-License-Identifier: Apache-2.0
import OrderEntryClient
import Wire

/// The least that an order entry session needs, so that what is measured is the gateway: orders
/// that rest and their cancels in turn, one message a datagram, one report for each. Nothing is
/// sent again: on a wire that loses nothing, a missing answer is a finding.
final class PingSession {
    /// Messages of one datagram of a flood: a full frame.
    static let floodPacked = 35
    private static let sentCapacity = 1 << 16
    /// Below everything else, so that these orders never trade.
    private static let priceTicks: Int64 = 1

    var socket: PingSocket
    private let number: UInt32
    private let instrument: UInt32
    private var epoch: UInt32 = 0
    private var token: UInt32 = 0
    private var next: UInt32 = 0
    private var nextReport: UInt32 = 0
    private var orderID: UInt64
    private var isResting = false
    // By answer, in a ring: when its message was meant to go out, and when it went.
    private var dueNanos = [UInt64](repeating: 0, count: sentCapacity)
    private var sentNanos = [UInt64](repeating: 0, count: sentCapacity)
    private(set) var sentCount = 0
    private(set) var answeredCount = 0
    /// Answers that were refusals or rejects.
    private(set) var refusedCount = 0
    /// What the gateway allows the session, messages a second; 0 = no limit.
    private(set) var messagesPerSecond: UInt32 = 0

    init(
        gateway: SocketAddress, number: UInt32, instrument: UInt32, stampsArrivals: Bool
    ) throws(ClientError) {
        socket = try PingSocket(to: gateway, stampsArrivals: stampsArrivals)
        self.number = number
        self.instrument = instrument
        orderID = PingSocket.nowNanos()
        try logon()
    }

    private func logon() throws(ClientError) {
        let nonce = PingSocket.nowNanos() &* 2 &+ 1
        let end = PingSocket.nowNanos() + 5_000_000_000
        var retryNanos: UInt64 = 0
        while PingSocket.nowNanos() < end {
            if PingSocket.nowNanos() >= retryNanos {
                retryNanos = PingSocket.nowNanos() + 100_000_000
                let header = OrderEntryHeader(
                    channel: .control, messageCount: 1, session: number, epoch: 0, sequence: 0)
                let logon = Logon(
                    nonce: nonce, nextReportSequence: 0, heartbeatMillis: 10_000, flags: 1)
                socket.write(header, at: 0)
                socket.write(logon, at: OrderEntryHeader.byteCount)
                socket.send(OrderEntryHeader.byteCount + MemoryLayout<Logon>.size)
            }
            guard socket.receive() > OrderEntryHeader.byteCount else { continue }
            let header = socket.read(0, as: OrderEntryHeader.self)
            let answer = socket.read(OrderEntryHeader.byteCount, as: LogonAccepted.self)
            if answer.type == .logonRejected {
                throw ClientError("the gateway refused session \(number)")
            }
            guard answer.type == .logonAccepted, answer.nonce == nonce else { continue }
            epoch = header.epoch
            token = answer.token
            next = answer.expectedSequence
            nextReport = answer.nextReportSequence
            messagesPerSecond = answer.messagesPerSecond
            return
        }
        throw ClientError("no answer to the logon of session \(number): is the gateway running?")
    }

    private func writeHeader(_ channel: Channel, count: Int) {
        let through = nextReport &- 1
        let header = OrderEntryHeader(
            channel: channel, messageCount: UInt16(count), session: number, epoch: epoch,
            sequence: next, receivedThrough: through, committedThrough: through, token: token)
        socket.write(header, at: 0)
    }

    /// Writes the next message: an order that rests, or the cancel of the one that does. Gives the
    /// bytes of the datagram.
    func prepare() -> Int {
        writeHeader(.orders, count: 1)
        defer { isResting.toggle() }
        if isResting {
            let cancel = CancelOrder(orderID: orderID, instrument: instrument)
            socket.write(cancel, at: OrderEntryHeader.byteCount)
            return OrderEntryHeader.byteCount + MemoryLayout<CancelOrder>.size
        }
        orderID += 1
        socket.write(newOrder(.day), at: OrderEntryHeader.byteCount)
        return OrderEntryHeader.byteCount + MemoryLayout<NewOrder>.size
    }

    private func newOrder(_ timeInForce: TimeInForce) -> NewOrder {
        NewOrder(
            orderID: orderID, instrument: instrument, side: .buy, priceTicks: Self.priceTicks,
            quantityLots: 1, account: UInt64(number), timeInForce: timeInForce)
    }

    /// Sends what was prepared, meant for `due`.
    func send(_ byteCount: Int, due: UInt64) {
        let slot = sentCount & (Self.sentCapacity - 1)
        dueNanos[slot] = due
        sentNanos[slot] = PingSocket.nowNanos()
        sentCount += 1
        next &+= 1
        socket.send(byteCount)
    }

    /// Whether a datagram of this size holds reports; counts and checks them. `answered` gets, for
    /// each, when its message was meant to go out, and when it went.
    func takeReports(
        _ byteCount: Int, answered: (UInt64, UInt64) -> Void
    ) throws(ClientError) -> Bool {
        let header = socket.read(0, as: OrderEntryHeader.self)
        guard byteCount > OrderEntryHeader.byteCount, header.channel == .reports else {
            return false
        }
        for index in 0..<Int(header.messageCount) {
            let offset = OrderEntryHeader.byteCount + index * ExecutionReport.byteCount
            let report = socket.read(offset, as: ExecutionReport.self)
            guard report.sequence == nextReport else {
                throw ClientError(
                    "session \(number): report \(report.sequence) came, \(nextReport) was next")
            }
            nextReport &+= 1
            if report.executionType != .accepted && report.executionType != .cancelled {
                refusedCount += 1
            }
            let slot = answeredCount & (Self.sentCapacity - 1)
            answeredCount += 1
            answered(dueNanos[slot], sentNanos[slot])
        }
        return true
    }

    // MARK: The flood

    /// Sends a full datagram of orders and waits for nothing.
    func flood() {
        writeHeader(.orders, count: Self.floodPacked)
        for index in 0..<Self.floodPacked {
            orderID += 1
            let size = MemoryLayout<NewOrder>.size
            socket.write(
                newOrder(.immediateOrCancel), at: OrderEntryHeader.byteCount + index * size)
        }
        next &+= UInt32(Self.floodPacked)
        sentCount += Self.floodPacked
        socket.send(
            OrderEntryHeader.byteCount + Self.floodPacked * MemoryLayout<NewOrder>.size)
    }

    /// Takes answers to the flood; where the gateway dropped, the flood goes on from there, so that
    /// it always presses against the limit. At most a few datagrams a call.
    func takeFloodAnswers() {
        for _ in 0..<4 {
            guard socket.receive() > OrderEntryHeader.byteCount else { return }
            let header = socket.read(0, as: OrderEntryHeader.self)
            if header.channel == .reports {
                nextReport = header.sequence &+ UInt32(header.messageCount)
                answeredCount += Int(header.messageCount)
            } else if header.channel == .control {
                let notice = socket.read(OrderEntryHeader.byteCount, as: SessionNotice.self)
                if notice.type == .gapReport { next = notice.first }
            }
        }
    }
}
