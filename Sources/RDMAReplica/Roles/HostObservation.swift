// SPDX-License-Identifier: Apache-2.0
public import CommandLog

/// What a host sees of itself and of the other at one moment, over all its shards: of numbers the
/// least, of conditions whether they hold for every shard.
public struct HostObservation: Equatable, Sendable {
    /// How the mirror stands.
    public enum Link: Equatable, Sendable {
        /// There is none, on some shard.
        case down
        /// It stands, and the standby is being brought up.
        case catchingUp
        /// It stands, and what is written now goes over it.
        case live
    }

    /// How the other host's log compares with this one's, when the two have met.
    public enum PeerLog: Equatable, Sendable {
        /// They have not met since this host started.
        case unknown
        /// Its log is the beginning of ours.
        case shorter
        /// They are the same.
        case same
        /// It holds more than ours.
        case longer
    }

    /// What a person asks for.
    public enum Request: Equatable, Sendable {
        /// The standby is to become the primary, in order.
        case handOver
        /// This host is to become the primary, if it is in sync: the other one may be alive.
        case takeOver
        /// This host is to become the primary whatever the decision says: what only the other
        /// host held is lost.
        case takeOverByForce
        /// The primary is to go on without its standby.
        case goSolo
    }

    /// Any monotonic clock.
    public var nowNanos: UInt64 = 0
    /// The mirror, in whichever direction it runs.
    public var link = Link.down
    /// Anything that changes while the other host's process lives: of a standby its beats.
    public var peerBeat: UInt64 = 0
    /// Moved by the other host's matching loops.
    public var peerProgress: UInt64 = 0
    /// Its watchdog has said that its process is gone.
    public var isPeerDead = false
    /// The other side has ended the mirror, or its system has on its behalf: it is gone, or it is
    /// going on alone.
    public var hasPeerLeft = false
    /// Not 0: a gateway core did not run for so long that another host may speak by now, or this
    /// host is cut off: it is silent until the decision was read anew. Another number is another
    /// doubt.
    public var doubt: UInt64 = 0
    /// How its log compares with ours.
    public var peerLog = PeerLog.unknown
    /// The newest epoch in which the other host said that it is the primary; 0 = it has not.
    public var peerEpoch: UInt32 = 0
    /// The primary's beats say that this host is in sync, by its decision.
    public var isAdmitted = false
    /// The primary's beats say that it alone is in sync, by its decision.
    public var isLeftOut = false
    /// The primary asks this host to take over.
    public var isOffered = false
    /// The primary takes nothing new, and all that it published is told, and is here and applied.
    public var isHandedOver = false
    /// The standby says that it has the decision and waits for the last records.
    public var isPeerRelieving = false
    /// What every gateway core acts on; nil when they differ.
    public var gate: GateMode?
    /// All that left the house is durable here.
    public var isAcknowledgedDurable = true
    /// All that this host's log holds is on its disk.
    public var isLogDurable = false
    /// All that left the house is validated in the standby's memory.
    public var isAcknowledgedMirrored = false
    /// After a take-over was asked for: fenced, scanned, applied and durable.
    public var isTakenOver = false
    /// What a person asks for, once.
    public var request: Request?
    /// What the arbiter has answered to the last question, once.
    public var answer: ArbiterRunner.Answer?

    /// Nothing seen.
    public init() {}
}

/// What has to be done next, by whoever drives a ``HostMachine``.
public enum HostEffect: Equatable, Sendable {
    /// Ask the arbiter.
    case ask(ArbiterRunner.Request)
    /// Let the old primary write no more, take all that it has placed, apply it and make it
    /// durable.
    case takeOver
    /// Begin the epoch, take the address, and speak.
    case serve(epoch: UInt32)
    /// Take nothing new, ever again: the standby has the decision.
    case drain
    /// Fall silent at once: another host may speak.
    case fallSilent(Why)
    /// Let go of the standby: it is done without.
    case dropStandby
    /// Doubt that this host speaks still, in every shard: say nothing before it is confirmed.
    case doubt
    /// The decision was read after this doubt had come up, and this host speaks still.
    case confirm(UInt64)
    /// Forget all that was not committed and come back as a standby.
    case startAnew

    /// Why a host falls silent.
    public enum Why: Equatable, Sendable {
        /// The other host was made the primary.
        case replaced
        /// The standby took over as it was asked to.
        case handedOver
    }
}
