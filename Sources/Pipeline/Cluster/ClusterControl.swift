// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RDMAReplica

/// What people may ask of a gateway in a cluster, over its control socket:
/// docs/formats/control.md.
///
/// Threading: of the thread that serves the socket; it waits for the outcome.
public struct ClusterControl: Sendable {
    private static let waitMillisMax = 3_000

    private let cluster: ClusterMembership

    /// Over a membership.
    public init(_ cluster: ClusterMembership) { self.cluster = cluster }

    /// What both hosts call the pair.
    public var name: String { cluster.settings.name }
    /// The host's number in its pair.
    public var host: UInt32 { cluster.settings.host }

    /// The answer to a request, one line of JSON.
    public func answer(to request: String) -> String {
        switch request {
        case "cluster status": return done(cluster.report)
        case "cluster switchover": return switchOver()
        case "cluster promote": return promote(isForced: false)
        case "cluster promote force": return promote(isForced: true)
        case "cluster solo": return goSolo()
        case "cluster resync": return resync()
        default: return Self.refusal(.unknown, "there is no such request")
        }
    }

    /// Why a request was not carried out, for programs.
    public enum Refusal: String, Sendable {
        /// No such request.
        case unknown
        /// Not in this state.
        case state
        /// It is meant for the gateway of another pair.
        case pair
        /// It did not come about in time.
        case late
    }

    /// An answer that says no.
    public static func refusal(_ why: Refusal, _ sentence: String) -> String {
        var object = JSONObject()
        object.add("ok", false)
        object.add("why", why.rawValue)
        object.add("error", sentence)
        return object.text
    }

    private var state: ClusterView.State { cluster.view.current }
    private var isManual: Bool { cluster.settings.isManual }

    /// An answer that says yes, and what came of it.
    static func done(_ name: String, _ what: JSONObject) -> String {
        var object = JSONObject()
        object.add("ok", true)
        object.add(name, what)
        return object.text
    }

    private func done(_ report: JSONObject) -> String { Self.done("cluster", report) }

    // MARK: Hand over

    private func switchOver() -> String {
        guard !isManual else {
            return Self.refusal(
                .state,
                "the arbiter is manual: end the primary, then `needletail cluster promote` on the "
                    + "standby")
        }
        let before = state
        switch before.role {
        case .primary(.mirrored): return handOver(before)
        case .standby where before.isInSync: return haveHandedOver(before)
        default:
            return Self.refusal(
                .state,
                "\(before.thisHost): a switch-over needs a primary with its standby in sync; see "
                    + "`needletail cluster status`")
        }
    }

    /// From this host to the other.
    private func handOver(_ before: ClusterView.State) -> String {
        guard cluster.view.ask(.handOver) else { return Self.busy }
        let isOver = wait {
            $0.handOvers.doneCount > before.handOvers.doneCount
                || $0.handOvers.calledOffCount > before.handOvers.calledOffCount
        }
        guard isOver, state.handOvers.doneCount > before.handOvers.doneCount else {
            return notHandedOver
        }
        return done(cluster.report)
    }

    /// From the other host to this one: it is asked over the mirror.
    private func haveHandedOver(_ before: ClusterView.State) -> String {
        cluster.view.askPeer(toHandOver: true)
        defer { cluster.view.askPeer(toHandOver: false) }
        let isOver = wait { $0.handOvers.doneCount > before.handOvers.doneCount }
        return isOver ? done(cluster.report) : notHandedOver
    }

    private var notHandedOver: String {
        let outcome =
            switch state.role {
            case .primary(.mirrored), .primary(.leaving), .primary(.solo), .primary(.admitting),
                .standby:
                "the hand-over did not come about and was called off"
            default: "the hand-over is not decided yet, and may still come about"
            }
        return Self.refusal(
            .late,
            "\(outcome), \(state.thisHost): see `needletail cluster status` on both hosts")
    }

    // MARK: Without the other host's consent

    private func promote(isForced: Bool) -> String {
        let before = state
        if case .primary = before.role {
            return Self.refusal(.state, "\(before.thisHost) already")
        }
        guard isForced || holdsAll(before) else {
            return Self.refusal(
                .state,
                "\(before.thisHost), so it may lack what the other one acknowledged: bring that "
                    + "one back, or lose it with --force")
        }
        if isManual {
            let promotion = before.decision == nil ? ManualArbiter.Order.begin : .promote
            do { try order(isForced ? .promoteByForce : promotion) } catch {
                return Self.refusal(.state, "\(error)")
            }
        }
        let wanted: HostObservation.Request =
            isForced || isManual ? .takeOverByForce : .takeOver
        guard cluster.view.ask(wanted) else { return Self.busy }
        let isOver = wait { if case .primary = $0.role { true } else { false } }
        guard isOver else {
            return Self.refusal(
                .late,
                "\(state.thisHost), and is no primary yet"
                    + (state.arbiterFailure.map { ": \($0)" } ?? "; it goes on trying"))
        }
        return done(cluster.report)
    }

    /// Whether this host has all that was acknowledged, as far as it can know.
    private func holdsAll(_ state: ClusterView.State) -> Bool {
        if state.role == .standby { return state.isInSync }
        // A person lets it begin, or go on where it was alone.
        guard isManual, state.role == .starting, !state.isLogMissing else { return false }
        return state.decision.map { $0.phase == .active && $0.inSync == [host] }
            ?? cluster.settings.mayFound
    }

    private func goSolo() -> String {
        let before = state
        guard case .primary(.leaving) = before.role else {
            return Self.refusal(
                .state,
                "\(before.thisHost): going on alone is for a primary that has lost its standby "
                    + "and acknowledges nothing")
        }
        if isManual {
            do { try order(.goSolo) } catch { return Self.refusal(.state, "\(error)") }
        }
        guard cluster.view.ask(.goSolo) else { return Self.busy }
        let isOver = wait { $0.role != .primary(.leaving) }
        guard isOver else {
            return Self.refusal(
                .late,
                "the arbiter has not agreed yet"
                    + (state.arbiterFailure.map { ": \($0)" } ?? "; it is asked again"))
        }
        let now = state
        guard now.isAlone(host) else {
            return Self.refusal(
                .state,
                "\(now.thisHost), and did not go on alone: see `needletail cluster status`")
        }
        return done(cluster.report)
    }

    private func order(_ order: ManualArbiter.Order) throws {
        guard case .manual(let folder) = cluster.settings.arbiter.kind else { return }
        try ManualArbiter(folder: folder, host: cluster.settings.host)
            .carryOut(
                order, peer: cluster.settings.peer, firstEpoch: cluster.firstEpoch,
                nonce: UInt64.random(in: 0...UInt64.max))
    }

    // MARK: Anew

    private func resync() -> String {
        guard cluster.view.askForResync() else {
            return Self.refusal(
                .state,
                "\(state.thisHost): only a standby takes everything anew; on a primary the "
                    + "journal is what others take it from")
        }
        return done(cluster.report)
    }

    // MARK: Waiting

    private static var busy: String {
        refusal(.late, "another request is being looked at: ask again")
    }

    private func wait(until holds: (ClusterView.State) -> Bool) -> Bool {
        for _ in 0..<Self.waitMillisMax * 2 {
            if holds(state) { return true }
            usleep(500)
        }
        return holds(state)
    }
}
