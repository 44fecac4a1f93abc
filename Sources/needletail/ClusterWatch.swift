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
        var lines = ["cluster: \(state)"]
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
        if state.hasHeardOfDeath { lines.append("the other host is dead, says its watchdog") }
        for (shard, sequence) in cluster.differences.enumerated() where sequence != 0 {
            lines.append(
                "ALARM: shard \(shard): the two hosts have different states behind record "
                    + "\(sequence); this one is kept out of sync until one of them begins anew")
        }
        if let failure = state.arbiterFailure { lines.append("the arbiter: \(failure)") }
        return lines
    }
}
