// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import RDMAReplica

/// What an operator is told of the cluster while a gateway runs: each change, once.
struct ClusterWatch {
    private let cluster: ClusterMembership
    private var told: [String] = []

    init(_ cluster: ClusterMembership) { self.cluster = cluster }

    /// What is new since the last look.
    mutating func look() -> [String] {
        let lines = Self.lines(cluster)
        defer { told = lines }
        return lines.filter { !told.contains($0) }
    }

    private static func lines(_ cluster: ClusterMembership) -> [String] {
        let state = cluster.view.current
        var lines = ["cluster: \(text(of: state))"]
        for (shard, mirror) in cluster.mirrors.enumerated() {
            switch mirror.phase {
            case .live: lines.append("shard \(shard): mirrored, \(mirror.description ?? "")")
            case .bringingUp:
                let share = mirror.snapshot?.description ?? "a snapshot"
                lines.append("shard \(shard): the standby is being brought up from \(share)")
            case .catchingUp: lines.append("shard \(shard): the standby is catching up")
            case .idle, .connecting:
                guard let failure = mirror.failure else { continue }
                lines.append("shard \(shard): no standby: \(failure)")
            }
        }
        for (shard, primary) in cluster.primaries.enumerated() {
            if let primary { lines.append("shard \(shard): follows, \(primary)") }
        }
        for (shard, share) in cluster.arrivals.enumerated() {
            if let share {
                lines.append("shard \(shard): this standby is being brought up from \(share)")
            }
        }
        for (shard, sequence) in cluster.differences.enumerated() where sequence != 0 {
            lines.append(
                "ALARM: shard \(shard): the two hosts have different states behind record "
                    + "\(sequence); this one is kept out of sync until one of them begins anew")
        }
        if let failure = state.arbiterFailure { lines.append("the arbiter: \(failure)") }
        return lines
    }

    /// Where a host stands, in a clause.
    static func text(of state: ClusterView.State) -> String {
        let epoch = state.decision.map { " of epoch \($0.epoch)" } ?? ""
        return switch state.role {
        case .starting: "asks the arbiter"
        case .waiting: "waits for the other host, for whose log is the longer one is not known"
        case .standby:
            "standby\(epoch), \(state.isInSync ? "in sync" : "not in sync")"
        case .claiming, .taking, .activating: "takes over"
        case .primary(.solo), .primary(.admitting): "primary\(epoch), alone"
        case .primary(.mirrored): "primary\(epoch), with its standby"
        case .primary(.leaving): "primary\(epoch), has lost its standby and acknowledges nothing"
        case .primary(.handingOver), .primary(.callingOff): "primary\(epoch), hands over"
        case .silent, .over: "replaced; comes back as a standby"
        }
    }
}
