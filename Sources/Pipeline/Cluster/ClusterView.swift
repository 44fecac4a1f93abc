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
        /// How the mirror stands.
        public var link = HostObservation.Link.down
        /// What the arbiter last failed with; nil while it answers.
        public var arbiterFailure: String?
    }

    private let state = Mutex(State())
    private let request = Mutex<HostObservation.Request?>(nil)
    private let over = Atomic<Bool>(false)

    /// At this moment.
    public var current: State { state.withLock { $0 } }
    /// This host was replaced, and has to come back as a standby.
    public var isOver: Bool { over.load(ordering: .relaxed) }
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

    func tellOver() { over.store(true, ordering: .relaxed) }

    func tell(_ machine: HostMachine, _ seen: HostObservation) {
        state.withLock {
            $0.role = machine.role
            $0.decision = machine.decision
            $0.isInSync = machine.isInSync
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
