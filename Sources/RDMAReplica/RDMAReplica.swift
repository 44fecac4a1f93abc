// SPDX-License-Identifier: Apache-2.0
//
//  The log's ring, written into another host's memory.
//
//      primary                                          standby
//      LogRing ─▶ MirrorSender ── RDMA WRITE, 64 B × n ─▶ its ring ─▶ MirrorScan
//                      ▲                                                  │ sequence, CRC chain
//                      └───────── RDMA WRITE, 16 B, its counter ◀─────────┘ MirrorReceiver
//
//  Both sides write into the other's memory and poll their own: no receive requests, no system
//  call on the data path. The sender is a gating reader of the ring: a slot goes back to the ring
//  when the standby has validated it and the local NIC has done with it. Records that lie side by
//  side go in one write; a ring's end makes it two.
//
//  Who runs it: `MirrorSender` a thread of the gateway for each shard, `MirrorReceiver` a thread of
//  the standby. Limits: 32 writes under way; the rings are of one size. When the peer makes no
//  progress for the time-out, or goes, the sender lets go of the ring for good and says why: there
//  is no reconnecting, and no acknowledgement depends on the mirror.
//
//  It moves bytes that it does not understand: nothing here knows the engine.

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

    /// The standby's IPv4 address, host order, on a network that RDMA reaches.
    public var peerAddress: UInt32
    /// The port of its connection manager.
    public var peerPort: UInt16
    /// The device and its port that it must go out by; nil = what the route says.
    public var device: Device?
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
}
