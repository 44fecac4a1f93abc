// SPDX-License-Identifier: Apache-2.0

/// Which numbering a datagram belongs to. One byte at offset 1 of the header.
public struct Channel: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Client to gateway, sequenced; no messages: a heartbeat that names the next sequence.
    @inlinable public static var orders: Channel { Channel(rawValue: 1) }
    /// Gateway to client, sequenced; no messages: a heartbeat that names the next sequence.
    @inlinable public static var reports: Channel { Channel(rawValue: 2) }
    /// Either way, one message, not sequenced: logon, gap report, resend request…
    @inlinable public static var control: Channel { Channel(rawValue: 3) }
    /// Gateway to everybody by multicast, sequenced for each shard.
    @inlinable public static var publicReports: Channel { Channel(rawValue: 4) }
}

/// Opens every datagram: 48 bytes. 1…N messages follow without gaps.
///
/// Sequences here are the low 32 bits; whoever compares them uses serial arithmetic (RFC 1982).
/// On the public channel `session` is the shard, and offset 16 holds a 64-bit sequence.
public struct OrderEntryHeader: BitwiseCopyable, Sendable {
    /// Offset 0: 1.
    public var version: UInt8
    /// Offset 1: the numbering.
    public var channel: Channel
    /// Offset 2: messages that follow; 0 is a heartbeat.
    public var messageCount: UInt16
    /// Offset 4: the session, from 1; the shard on the public channel.
    public var session: UInt32
    /// Offset 8: the gateway's epoch; 0 in a client's logon.
    public var epoch: UInt32
    /// Offset 12: which key the tag was made with; 0 = no authentication.
    public var keyID: UInt16
    /// Offset 14: bit 0: these are resent. Others zero.
    public var flags: UInt16
    /// Offset 16: of the first message; of the next one where there is none.
    public var sequence: UInt32
    /// Offset 20: highest sequence of the other side received without a gap: a hint.
    public var receivedThrough: UInt32
    /// Offset 24: gateway: highest client sequence whose command is committed: only this lets the
    /// client drop its copy. Client: highest report that it will never ask for again.
    public var committedThrough: UInt32
    /// Offset 28: the token of the logon; 0 in a logon.
    public var token: UInt32
    /// Offset 32: authentication tag over bytes 0..<32 and the messages: SipHash-2-4-128, bytes
    /// 0…7; zero where authentication is off.
    public var tagLow: UInt64
    /// Offset 40: bytes 8…15 of the tag.
    public var tagHigh: UInt64

    /// Bytes of the header.
    @inlinable public static var byteCount: Int { 48 }
    /// The version that this code speaks.
    @inlinable public static var currentVersion: UInt8 { 1 }
    /// ``flags``: these messages were sent before.
    @inlinable public static var resentFlag: UInt16 { 1 << 0 }

    /// A header without authentication.
    @inlinable
    public init(
        channel: Channel, messageCount: UInt16, session: UInt32, epoch: UInt32, sequence: UInt32,
        receivedThrough: UInt32 = 0, committedThrough: UInt32 = 0, token: UInt32 = 0,
        flags: UInt16 = 0
    ) {
        version = Self.currentVersion
        self.channel = channel
        self.messageCount = messageCount
        self.session = session
        self.epoch = epoch
        keyID = 0
        self.flags = flags
        self.sequence = sequence
        self.receivedThrough = receivedThrough
        self.committedThrough = committedThrough
        self.token = token
        tagLow = 0
        tagHigh = 0
    }

    /// The 64-bit sequence of the public channel, at offset 16.
    @inlinable public var publicSequence: UInt64 {
        get { UInt64(sequence) | UInt64(receivedThrough) << 32 }
        set {
            sequence = UInt32(truncatingIfNeeded: newValue)
            receivedThrough = UInt32(truncatingIfNeeded: newValue >> 32)
        }
    }
}
