// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A client that does what a test tells it to, right or wrong: it builds single frames.
public struct TestClient {
    /// Its session.
    public let session: UInt32
    /// Frames around its datagrams.
    public var builder = FrameBuilder()
    /// From the logon answer.
    public var epoch: UInt32 = 0
    /// From the logon answer.
    public var token: UInt32 = 0
    /// Of its logon.
    public var nonce: UInt64
    /// Flags of its logon.
    public var flags: UInt8 = 0
    /// Heartbeat of its logon.
    public var heartbeatMillis: UInt16 = 0
    /// First report that it wants at the logon.
    public var nextReportSequence: UInt32 = 0
    /// Sequence of its next message.
    public var next: UInt32 = 1
    /// What it acknowledges.
    public var receivedThrough: UInt32 = 0

    /// A client of a session, at an address and port of its own.
    public init(_ session: UInt32) {
        self.session = session
        nonce = 0xABCD_0000 + UInt64(session)
        builder.sourceAddress = 0x0A01_0100 &+ session
        builder.sourcePort = 40_000 &+ UInt16(truncatingIfNeeded: session)
    }

    /// Its logon.
    public func logonFrame() -> [UInt8] {
        let header = OrderEntryHeader(
            channel: .control, messageCount: 1, session: session, epoch: 0, sequence: 0)
        let logon = Logon(
            nonce: nonce, nextReportSequence: nextReportSequence,
            heartbeatMillis: heartbeatMillis, flags: flags)
        return builder.frame(bytes(header) + bytes(logon))
    }

    /// Logs on and takes token and epoch; nil when it was not accepted.
    @discardableResult
    public mutating func logOn(_ rig: ShardRig) -> LogonAccepted? {
        let answer = rig.exchange(logonFrame()).first { $0.type == .logonAccepted }
        guard let answer else { return nil }
        epoch = answer.header.epoch
        token = answer.accepted.token
        next = answer.accepted.expectedSequence
        return answer.accepted
    }

    /// A header of this session.
    public func header(
        _ channel: Channel = .orders, count: Int, sequence: UInt32
    ) -> OrderEntryHeader {
        OrderEntryHeader(
            channel: channel, messageCount: UInt16(count), session: session, epoch: epoch,
            sequence: sequence, receivedThrough: receivedThrough,
            committedThrough: receivedThrough, token: token)
    }

    /// Messages from `sequence` on, in one frame.
    public func frame(_ messages: [[UInt8]], at sequence: UInt32) -> [UInt8] {
        builder.frame(
            bytes(header(count: messages.count, sequence: sequence)) + messages.flatMap { $0 })
    }

    /// The next messages, in one frame.
    public mutating func frame(_ messages: [[UInt8]]) -> [UInt8] {
        defer { next &+= UInt32(messages.count) }
        return frame(messages, at: next)
    }

    /// The next message, in a frame of its own.
    public mutating func frame<Message: BitwiseCopyable>(_ message: Message) -> [UInt8] {
        frame([bytes(message)])
    }

    /// An empty orders datagram that names `sequence`.
    public func heartbeat(_ sequence: UInt32) -> [UInt8] {
        builder.frame(bytes(header(count: 0, sequence: sequence)))
    }

    /// Asks for reports again.
    public func resendRequest(from: UInt32, count: UInt32 = 0) -> [UInt8] {
        builder.frame(
            bytes(header(.control, count: 1, sequence: 0))
                + bytes(SessionNotice.resendRequest(from: from, count: count)))
    }
}

/// A limit order in instrument 1.
public func order(
    _ orderID: UInt64, _ side: Side = .buy, _ priceTicks: Int64 = 100, lots: UInt64 = 1
) -> NewOrder {
    NewOrder(
        orderID: orderID, instrument: 1, side: side, priceTicks: priceTicks, quantityLots: lots)
}
