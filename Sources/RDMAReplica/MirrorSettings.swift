// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Wire

/// What a mirror runs over.
public enum MirrorTransport: String, CaseIterable, Sendable {
    /// RDMA where a device leads to the peer and the peer answers there, TCP otherwise.
    case auto
    /// One-sided writes by RDMA.
    case rdma
    /// The same writes, carried out in software at the other end of a TCP connection.
    case tcp

    /// What is tried, in this order.
    var candidates: [MirrorTransport] { self == .auto ? [.rdma, .tcp] : [self] }
}

/// Where a mirror is, and how long it may be silent.
public struct MirrorSettings: Equatable, Sendable {
    /// A port of an RDMA device.
    public struct Device: Equatable, Sendable {
        /// As in /sys/class/infiniband.
        public var name: String
        /// From 1.
        public var port: Int

        /// From its parts.
        public init(name: String, port: Int) {
            self.name = name
            self.port = port
        }
    }

    /// The standby's IPv4 address, host order.
    public var peerAddress: UInt32
    /// Its port, of the RDMA connection manager and of TCP.
    public var peerPort: UInt16
    /// What it runs over.
    public var transport = MirrorTransport.auto
    /// The device and its port that RDMA must go out by; nil = what the route says.
    public var device: Device?
    /// A file of mode 0600 with the key that both sides of a TCP mirror prove to each other; nil =
    /// in clear, and anybody.
    public var keyFile: String?
    /// How long the standby may make no progress, and how long connecting may take; milliseconds.
    public var timeoutMillis: UInt32

    /// The time-out unless one is given.
    public static var timeoutMillisDefault: UInt32 { 100 }

    /// A standby at an address.
    public init(
        peerAddress: UInt32, peerPort: UInt16,
        timeoutMillis: UInt32 = MirrorSettings.timeoutMillisDefault
    ) {
        self.peerAddress = peerAddress
        self.peerPort = peerPort
        self.timeoutMillis = timeoutMillis
    }

    /// Where the standby is, as people write it.
    public var peerText: String { "\(IPv4Text.format(peerAddress)):\(peerPort)" }
}

/// Who mirrors to whom: both sides compare.
public struct MirrorIdentity: Equatable, Sendable {
    /// The cluster's name; "" fits only itself.
    public var cluster: String
    /// This host's number; 0 = of no cluster.
    public var host: UInt16
    /// The other's number; 0 = whoever it is.
    public var peerHost: UInt16
    /// The rules that this host folds.
    public var rules: RulesRange

    /// From its parts; without them a host of no cluster, as tools that measure are.
    public init(
        cluster: String = "", host: UInt16 = 0, peerHost: UInt16 = 0, rules: RulesRange = .build
    ) {
        self.cluster = cluster
        self.host = host
        self.peerHost = peerHost
        self.rules = rules
    }

    /// The name as it goes on the wire: FNV-1a of its UTF-8, 64 bits.
    var clusterHash: UInt64 {
        cluster.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
