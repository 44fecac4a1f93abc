// SPDX-License-Identifier: Apache-2.0

/// What decides how quickly the hosts of a pair give each other up.
public struct HostSettings: Equatable, Sendable {
    /// This host's number, from 1.
    public var host: UInt32
    /// The other's.
    public var peer: UInt32
    /// Whether this host may begin a cluster that has no decision yet.
    public var mayFound: Bool
    /// Whether this host has begun with nothing in its log.
    public var isLogEmpty = false
    /// Whether a primary without its standby goes on by its journal alone, or waits for a person.
    public var goesSolo: Bool
    /// Whether a person decides, and no third place: this host takes no power by itself, and what
    /// it knows of the other it has from the other.
    public var isManual: Bool
    /// Without progress of the primary's matching loop for so long, its standby takes over.
    public var takeOverNanos: UInt64
    /// Without a sign of its standby for so long, a primary goes on alone.
    public var soloNanos: UInt64
    /// So long a standby waits once it suspects: a healthy primary that goes solo wins the tie.
    public var graceNanos: UInt64 = 3_000_000
    /// A planned hand-over that has not come about in this time is called off.
    public var handOverNanos: UInt64 = 1_000_000_000
    /// A promotion that has not ended in this time may be taken back by the primary of before.
    public var reclaimNanos: UInt64 = 2_000_000_000
    /// How often the decision is read where somebody waits for it to change.
    public var readNanos: UInt64 = 20_000_000
    /// So long after its start a host only listens, in case another is there with its number.
    public var lookAroundNanos: UInt64 = 0
    /// The longest time between two steps that counts: silence is measured by the time in which
    /// this host listened, so that its own pauses are nobody's death.
    public var turnNanosMax: UInt64 = 500_000

    /// A host of a pair, with thresholds for machines whose cores are shared.
    public init(
        host: UInt32, peer: UInt32, mayFound: Bool, goesSolo: Bool = true, isManual: Bool = false,
        takeOverNanos: UInt64 = 50_000_000, soloNanos: UInt64 = 50_000_000
    ) {
        self.host = host
        self.peer = peer
        self.mayFound = mayFound
        self.goesSolo = goesSolo
        self.isManual = isManual
        self.takeOverNanos = takeOverNanos
        self.soloNanos = soloNanos
    }
}
