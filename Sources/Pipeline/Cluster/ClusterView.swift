// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
public import RDMAReplica
internal import Synchronization

/// How the cluster stands, for people and tools, and what they ask of it.
///
/// Threading: any.
public final class ClusterView: Sendable {
    /// What the host's machine says of itself.
    public struct State: Equatable, Sendable {
        /// Where this host stands.
        public var role = HostMachine.Role.starting
        /// The decision that it knows of.
        public var decision: Decision?
        /// Of a standby: it holds all that was acknowledged.
        public var isInSync = false
        /// The decision says that this host led on, alone, and its log has nothing of it.
        public var isLogMissing = false
        /// Of a primary: it says nothing before it has read that it speaks still.
        public var isDoubtful = false
        /// How the mirror stands.
        public var link = HostObservation.Link.down
        /// What the arbiter last failed with; nil while it answers.
        public var arbiterFailure: String?
        /// The revision of the decision.
        public var revision: UInt64 = 0
        /// How planned hand-overs went, in this process.
        public var handOvers = HandOvers()
        /// The other host's watchdog has said that the process is gone that this one followed last,
        /// and none has been back since.
        public var hasHeardOfDeath = false
    }

    /// Planned hand-overs, from here and to here.
    public struct HandOvers: Equatable, Sendable {
        /// Those that came about.
        public var doneCount = 0
        /// Those that did not.
        public var calledOffCount = 0
        /// How long nobody took anything, at the last one, as far as this host sees it: the old
        /// primary until the new one lets go of the mirror to speak, the new one from the old one's
        /// last word until every shard speaks. 0 = it does not know.
        public var lastNanos: UInt64 = 0
    }

    private let state = Mutex(State())
    private let request = Mutex<HostObservation.Request?>(nil)
    private let twin = Mutex<String?>(nil)
    private let resync = Atomic<Bool>(false)
    private let peerAsked = Atomic<Bool>(false)
    private let heardEpoch = Atomic<UInt32>(0)

    /// At this moment.
    public var current: State { state.withLock { $0 } }
    /// This host was replaced, and has to come back as a standby.
    public var isOver: Bool { current.role == .over }
    /// Who has this host's number too, and speaks, while this host does not; nil = nobody.
    public var twinDescription: String? { twin.withLock { $0 } }
    /// The journal of this host is to be set aside: so long as it is a standby.
    public var wantsResync: Bool { resync.load(ordering: .relaxed) }
    /// Asks a standby for a new start without the journal of before; false where it is none.
    func askForResync() -> Bool {
        // Within the lock, so that a change of role comes before this or drops it.
        state.withLock {
            guard $0.role == .standby else { return false }
            resync.store(true, ordering: .relaxed)
            return true
        }
    }
    /// Has the other host asked to hand over, until it is called off.
    var asksPeer: Bool { peerAsked.load(ordering: .relaxed) }
    func askPeer(toHandOver isWanted: Bool) { peerAsked.store(isWanted, ordering: .relaxed) }
    /// The newest epoch in which the other host said that it is the primary; 0 = it has not.
    var peerEpoch: UInt32 { heardEpoch.load(ordering: .relaxed) }
    func hear(peerEpoch: UInt32) {
        _ = heardEpoch.max(peerEpoch, ordering: .relaxed)
    }
    /// Asks for something; false while the one before was not looked at.
    public func ask(_ wanted: HostObservation.Request) -> Bool {
        request.withLock { slot in
            guard slot == nil else { return false }
            slot = wanted
            return true
        }
    }

    func takeRequest() -> HostObservation.Request? {
        request.withLock { slot in
            defer { slot = nil }
            return slot
        }
    }

    func tellTwin(_ description: String) {
        if case .primary = current.role { return }
        twin.withLock { $0 = description }
    }

    func tell(_ machine: HostMachine, _ seen: HostObservation, _ handOvers: HandOvers) {
        state.withLock {
            $0.revision = machine.revision
            $0.handOvers = handOvers
            if seen.isPeerDead { $0.hasHeardOfDeath = true }
            // Of a primary the link is that of its standby: who was dead is back.
            if machine.role == .standby || $0.role.servesStandby, seen.link == .live {
                $0.hasHeardOfDeath = false
            }
            $0.role = machine.role
            // Who leads by now has the journal that others take theirs from.
            if machine.role != .standby { resync.store(false, ordering: .relaxed) }
            $0.decision = machine.decision
            $0.isInSync = machine.isInSync
            $0.isLogMissing = machine.isLogMissing
            $0.isDoubtful = seen.doubt != 0
            $0.link = seen.link
            switch seen.answer {
            case .failed(let error): $0.arbiterFailure = error.description
            case .swap(.unknown(let cause)): $0.arbiterFailure = cause
            case .read, .swap: $0.arbiterFailure = nil
            case nil: break
            }
        }
    }
}
