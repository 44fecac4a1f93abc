// SPDX-License-Identifier: Apache-2.0
public import Platform

/// What a host is for a gateway: its port, which processor does what, memory, and how the kernel
/// must be set up around it. Read from `hw/profiles/*.yaml`, docs/operations/profiles.md; the same
/// keys may stand in a gateway's configuration, each in one of the two. A list that is empty and a
/// value that is nil were left open: `completed(for:)` chooses the processors, and nobody asks for
/// the rest.
public struct HardwareProfile: Sendable, Equatable {
    /// Which thread does what.
    public enum Mode: String, CaseIterable, Sendable {
        /// A gateway core and an engine core for each shard.
        case pipeline
        /// One core does it all.
        case runToCompletion
        /// `pipeline` where there are cores enough for all polling threads, else `runToCompletion`.
        case auto
    }
    /// What a thread does that found nothing.
    public enum Polling: String, CaseIterable, Sendable {
        /// Looks again at once.
        case busy
        /// Spins, yields, then sleeps shortly.
        case adaptive
        /// `busy` where each polling thread has a core to itself, else `adaptive`.
        case auto
    }
    /// Who brings the frames of a shard to its queue.
    public enum Steering: String, CaseIterable, Sendable {
        /// The NIC by its rules; anything else is refused.
        case flow
        /// The cores, which hand them over to each other.
        case software
        /// `flow` where the driver can, else `software`.
        case auto
    }
    /// Which processors do what. One of each for each shard, in their order, but for housekeeping.
    public struct Roles: Sendable, Equatable {
        /// Receive, decode, report, transmit.
        public var gateway: [Int] = []
        /// Match.
        public var engine: [Int] = []
        /// Write the log to disk; empty: where housekeeping is done.
        public var journal: [Int] = []
        /// Copy the log to the standby; empty: where housekeeping is done.
        public var mirror: [Int] = []
        /// Everything else of the gateway, and of the host.
        public var housekeeping: [Int] = []

        /// All that poll, ascending, each once.
        public var polling: [Int] { Set(gateway + engine + mirror).sorted() }
        /// Nothing chosen.
        public init() {}
    }
    /// How the NIC's queues are set up.
    public struct Queues: Sendable, Equatable {
        /// Who sorts the frames by shard.
        public var steering = Steering.auto
        /// Whether the NIC computes and verifies the checksums that it can.
        public var checksumOffload = true
        /// Frames that the NIC may hold for one receive queue; the driver may round it.
        public var receiveDescriptors: UInt16 = 1_024
        /// Frames that may wait in one transmit queue; the driver may round it.
        public var transmitDescriptors: UInt16 = 1_024
        /// Frames taken at one look: 1…256.
        public var burstFrames = 32

        /// The usual values.
        public init() {}
    }
    /// How large the rings of a shard are.
    public struct Rings: Sendable, Equatable {
        /// Records in the ring of the log; a power of two.
        public var logRecords = 65_536
        /// Events in the ring of events; a power of two. Half of them can be sent again.
        public var events = 262_144

        /// The usual values.
        public init() {}
    }
    /// Huge pages of one size to be reserved on one node.
    public struct HugePageReserve: Sendable, Equatable {
        /// Where.
        public var node = NUMANode(rawValue: 0)
        /// Size of a page in megabytes: 2 or 1,024.
        public var pageMB = 2
        /// How many, at least.
        public var count = 0

        /// None.
        public init() {}
    }
    /// How the kernel is to be set up; what is nil is nobody's concern.
    public struct Kernel: Sendable, Equatable {
        /// Whether the scheduler, timer ticks and RCU are kept off the polling processors.
        public var isolatePolling: Bool?
        /// Whether interrupts are to go to the housekeeping processors only.
        public var interruptsOnHousekeeping: Bool?
        /// Frequency governor of the polling processors, such as `performance`.
        public var governor: String?
        /// The longest wake-up from an idle state that may be enabled on a polling processor,
        /// microseconds.
        public var idleLatencyMicrosMax: Int?
        /// Settings of transparent huge pages that will do: of `always`, `madvise`, `never`.
        public var transparentHugePages: [String] = []

        /// Nothing asked for.
        public init() {}
    }
    /// Where the mirror goes out.
    public struct RDMA: Sendable, Equatable {
        /// As in /sys/class/infiniband, such as `mlx5_0`.
        public var device: String
        /// Its port, from 1.
        public var port = 1
        /// Index of the address in the port's table; for RoCE v2 often 3.
        public var gidIndex = 0

        /// The first address of port 1.
        public init(device: String) { self.device = device }
    }

    /// What people call it.
    public var name = ""
    /// How to open the port: `pci:0000:3b:00.0`, `af_xdp:eth1`, …; nil = not said.
    public var port: String?
    /// Thread layout.
    public var mode = Mode.auto
    /// Idle behaviour.
    public var polling = Polling.auto
    /// Which processor does what.
    public var cpus = Roles()
    /// Queues of the NIC.
    public var queues = Queues()
    /// Huge page memory for packet buffers, MB; 0 = do without huge pages.
    public var packetMemoryMB = 64
    /// Packet buffers.
    public var packetBuffers = 16_384
    /// Rings of a shard.
    public var rings = Rings()
    /// Huge pages to be reserved.
    public var hugePages: [HugePageReserve] = []
    /// The kernel's settings.
    public var kernel = Kernel()
    /// The disk of the journal, as in /sys/block, such as `nvme0n1`; nil = not said.
    public var journalDisk: String?
    /// The RDMA device; nil = none.
    public var rdma: RDMA?
    /// What `needletail hw qualify` asks of the host.
    public var qualify = QualifyLimits()

    /// Everything left open.
    public init() {}

    /// The PCI address in `port`; nil when it is of another kind.
    public var pciAddress: String? {
        guard let port, port.hasPrefix("pci:") else { return nil }
        return String(port.dropFirst(4))
    }

    /// The kernel interface in `port`; nil when it is of another kind.
    public var interface: String? {
        for scheme in ["af_xdp:", "af_packet:"] {
            if let port, port.hasPrefix(scheme) { return String(port.dropFirst(scheme.count)) }
        }
        return nil
    }
}
