// SPDX-License-Identifier: Apache-2.0

/// What a gateway core must know of its shard and its surroundings. All fixed at start.
public struct GatewayConfiguration: Sendable {
    /// The shard; also the place of its UDP port behind `firstUDPPort`.
    public var shard: UInt32
    /// The epoch that clients must name.
    public var epoch: UInt32
    /// Our IPv4 address, host order.
    public var ipv4Address: UInt32
    /// UDP port of shard 0; shard n listens on `firstUDPPort + n`.
    public var firstUDPPort: UInt16
    /// Shards that share the port: frames for another shard are handed over in software.
    public var shardCount: UInt16
    /// Sessions are numbered 1…sessionCapacity.
    public var sessionCapacity: UInt32
    /// Heartbeat interval for clients that leave it to us, milliseconds.
    public var heartbeatMillis: UInt16
    /// Sequenced messages a second that a session may send; 0 = no limit.
    public var messagesPerSecond: UInt32
    /// How many messages may come at once, above that rate.
    public var messageBurst: UInt32
    /// Datagrams that a session may have held out of order.
    public var reorderWindow: Int
    /// Whether IPv4 and UDP checksums are verified in software. Kernel senders over veth leave them
    /// unfinished, so it is a choice.
    public var verifiesChecksums: Bool
    /// Group of the public stream, host order; nil = no public stream.
    public var publicGroup: UInt32?
    /// UDP port of the public stream of shard 0; shard n sends to `publicUDPPort + n`.
    public var publicUDPPort: UInt16
    /// Events kept for resending reports; less than the capacity of the event ring.
    public var reportWindow: Int
    /// Frames taken from the port at a time: 1…256.
    public var burstFrames: Int

    /// A configuration with the usual values for all but the addresses.
    public init(
        shard: UInt32 = 0, epoch: UInt32 = 1, ipv4Address: UInt32, firstUDPPort: UInt16 = 7000,
        shardCount: UInt16 = 1, sessionCapacity: UInt32 = 1_024, heartbeatMillis: UInt16 = 1_000,
        messagesPerSecond: UInt32 = 0, messageBurst: UInt32 = 1_000, reorderWindow: Int = 16,
        verifiesChecksums: Bool = false, publicGroup: UInt32? = nil,
        publicUDPPort: UInt16 = 7100, reportWindow: Int = 65_536,
        burstFrames: Int = 32
    ) {
        self.shard = shard
        self.epoch = epoch
        self.ipv4Address = ipv4Address
        self.firstUDPPort = firstUDPPort
        self.shardCount = shardCount
        self.sessionCapacity = sessionCapacity
        self.heartbeatMillis = heartbeatMillis
        self.messagesPerSecond = messagesPerSecond
        self.messageBurst = messageBurst
        self.reorderWindow = reorderWindow
        self.verifiesChecksums = verifiesChecksums
        self.publicGroup = publicGroup
        self.publicUDPPort = publicUDPPort
        self.reportWindow = reportWindow
        self.burstFrames = burstFrames
    }

    /// The port that this shard listens on.
    var udpPort: UInt16 { firstUDPPort &+ UInt16(truncatingIfNeeded: shard) }
}

/// Fixed limits of intake and output.
public enum GatewayLimits {
    /// Messages that a datagram may hold.
    public static let messagesPerDatagram = 64
    /// Records that a datagram may become: each message two at most.
    public static let recordsPerDatagram = 2 * messagesPerDatagram
    /// Held datagrams of all sessions of a shard.
    public static let heldDatagrams = 1_024
    /// Buffers that must be free for a datagram to be held.
    public static let buffersKeptFree: UInt32 = 64
    /// The wide limit of a session, as a multiple of the narrow one.
    public static let wideLimitFactor: UInt32 = 4
    /// Reports that one resend request brings; the client asks again for more.
    public static let reportsPerResend = 256
    /// Public reports that are published again by whoever begins an epoch, though the one before
    /// has given them to its port: they may have died there.
    static let publicTailMin: UInt64 = 2_048
    /// Events by which what is published again comes closer each millisecond: bursts of it fit
    /// into the buffer of a kernel's socket (64 KB where each has a public report).
    static let publicTailEventsPerMilli: UInt64 = 1_024
    /// The longest time between two polls that counts as listening.
    static let listeningGapNanosMax: UInt64 = 2_000_000
    /// Nanoseconds that a session waits between two resends, and for each step that the search for
    /// the first report took: who is far behind cannot keep the core busy with walking.
    static let resendPauseNanos: UInt64 = 500_000
    static let resendPauseNanosPerStep: UInt64 = 100
}
