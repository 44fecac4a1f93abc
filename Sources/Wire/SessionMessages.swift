// SPDX-License-Identifier: Apache-2.0
//
// Messages of the control channel: one a datagram, not sequenced, safe to repeat.

/// Opens a session or comes back to it: 32 bytes. Repeat it, with the same nonce, until answered.
public struct Logon: BitwiseCopyable, Sendable {
    /// Offset 0: 0x10.
    public var type: MessageType
    /// Offset 1: bit 0 cancel open orders when the session ends, bit 1 extended reports, bit 2
    /// with bit 0 those good till cancel or till time too.
    public var flags: UInt8
    /// Offset 2: the client promises a datagram in every such interval; 0 = the gateway's default.
    public var heartbeatMillis: UInt16
    /// Offset 4: reports from this one on are sent again; 0 = only new ones.
    public var nextReportSequence: UInt32
    /// Offset 8: random, the client's; tells a repeated logon from a new one.
    public var nonce: UInt64
    /// Offset 16: zero.
    public var reserved16: UInt64
    /// Offset 24: zero.
    public var reserved24: UInt64

    /// A logon.
    @inlinable
    public init(nonce: UInt64, nextReportSequence: UInt32, heartbeatMillis: UInt16, flags: UInt8) {
        type = .logon
        self.flags = flags
        self.heartbeatMillis = heartbeatMillis
        self.nextReportSequence = nextReportSequence
        self.nonce = nonce
        reserved16 = 0
        reserved24 = 0
    }
}

/// The session is open: 32 bytes.
public struct LogonAccepted: BitwiseCopyable, Sendable {
    /// Offset 0: 0x20.
    public var type: MessageType
    /// Offset 1: the flags in force.
    public var flags: UInt8
    /// Offset 2: the heartbeat in force.
    public var heartbeatMillis: UInt16
    /// Offset 4: to be put in every header of this session.
    public var token: UInt32
    /// Offset 8: sequence of the next message that the gateway expects.
    public var expectedSequence: UInt32
    /// Offset 12: sequence of the next report that the gateway will send.
    public var nextReportSequence: UInt32
    /// Offset 16: the client's nonce.
    public var nonce: UInt64
    /// Offset 24: datagrams that may be held out of order.
    public var reorderWindow: UInt16
    /// Offset 26: messages that a datagram may hold.
    public var messagesPerDatagramMax: UInt16
    /// Offset 28: messages a second that the session may send; 0 = no limit.
    public var messagesPerSecond: UInt32

    /// From its parts.
    @inlinable
    public init(
        flags: UInt8, heartbeatMillis: UInt16, token: UInt32, expectedSequence: UInt32,
        nextReportSequence: UInt32, nonce: UInt64, reorderWindow: UInt16,
        messagesPerDatagramMax: UInt16, messagesPerSecond: UInt32
    ) {
        type = .logonAccepted
        self.flags = flags
        self.heartbeatMillis = heartbeatMillis
        self.token = token
        self.expectedSequence = expectedSequence
        self.nextReportSequence = nextReportSequence
        self.nonce = nonce
        self.reorderWindow = reorderWindow
        self.messagesPerDatagramMax = messagesPerDatagramMax
        self.messagesPerSecond = messagesPerSecond
    }
}

/// The short answers of the control channel, all 16 bytes with the same shape.
public struct SessionNotice: BitwiseCopyable, Sendable {
    /// Offset 0: 0x12 or 0x21…0x25.
    public var type: MessageType
    /// Offset 1: a ``Reason``; 0 in a request.
    public var reason: Reason
    /// Offset 2: zero.
    public var reserved: UInt16
    /// Offset 4: see the constructors.
    public var first: UInt32
    /// Offset 8: see the constructors.
    public var second: UInt32
    /// Offset 12: see the constructors.
    public var third: UInt32

    /// From its parts.
    @inlinable
    public init(
        type: MessageType, reason: Reason = .none, first: UInt32 = 0, second: UInt32 = 0,
        third: UInt32 = 0
    ) {
        self.type = type
        self.reason = reason
        reserved = 0
        self.first = first
        self.second = second
        self.third = third
    }

    /// Asks for reports again: offset 4 the first sequence, 8 how many (0 = all).
    @inlinable
    public static func resendRequest(from sequence: UInt32, count: UInt32) -> SessionNotice {
        SessionNotice(type: .resendRequest, first: sequence, second: count)
    }
    /// No session: offset 8…15 the client's nonce.
    @inlinable public static func logonRejected(reason: Reason, nonce: UInt64) -> SessionNotice {
        SessionNotice(
            type: .logonRejected, reason: reason,
            second: UInt32(truncatingIfNeeded: nonce),
            third: UInt32(truncatingIfNeeded: nonce >> 32))
    }
    /// Something is missing: offset 4 the expected sequence, 8 the one that came.
    @inlinable
    public static func gapReport(expectedSequence: UInt32, received: UInt32) -> SessionNotice {
        SessionNotice(type: .gapReport, first: expectedSequence, second: received)
    }
    /// Reports that cannot be had any more: offset 4 the first that can, 8 the one asked for.
    @inlinable
    public static func resendUnavailable(
        firstAvailable: UInt32, requested: UInt32
    ) -> SessionNotice {
        SessionNotice(type: .resendUnavailable, first: firstAvailable, second: requested)
    }
    /// The session is over: offset 4 the last report's sequence, 8 the next expected sequence.
    @inlinable
    public static func sessionEnded(
        reason: Reason, lastReportSequence: UInt32, expectedSequence: UInt32
    ) -> SessionNotice {
        SessionNotice(
            type: .sessionEnded, reason: reason, first: lastReportSequence,
            second: expectedSequence)
    }
    /// The session goes on in the epoch of the header: offset 4 the next expected sequence, 8 the
    /// next report that the gateway will send.
    @inlinable
    public static func epochChanged(
        expectedSequence: UInt32, nextReportSequence: UInt32
    ) -> SessionNotice {
        SessionNotice(
            type: .epochChanged, first: expectedSequence, second: nextReportSequence)
    }
}
