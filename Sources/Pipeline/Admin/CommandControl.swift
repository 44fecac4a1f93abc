// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Platform

/// Has an operator's command written to the logs of some shards, and waits until it is committed.
///
/// Threading: of the thread that serves the control socket.
struct CommandControl: Sendable {
    /// What has come of it.
    enum Outcome {
        /// Of each shard, in the order in which they were given.
        case answered([CommandAnswer])
        /// An answer that says no: nothing came of it, as far as one can know.
        case refused(String)
    }

    private static let waitMillisMax = 3_000

    private let cluster: ClusterMembership?

    /// Of a host of a pair, or of one that is alone.
    init(_ cluster: ClusterMembership?) { self.cluster = cluster }

    /// Why this host writes no command of anybody; nil where it does.
    var refusal: String? {
        guard let cluster, cluster.view.current.role.name != "primary" else { return nil }
        return "\(cluster.view.current.thisHost): commands are the primary's, ask there"
    }

    /// Asks each shard for it at the same time. Nothing is asked for when one is not free.
    func carryOut(_ command: OperatorCommand, on shards: [ShardDesk]) -> Outcome {
        if let sentence = refusal { return .refused(ClusterControl.refusal(.state, sentence)) }
        let desks = shards.map(\.commands)
        guard desks.allSatisfy(\.isFree) else {
            return .refused(
                ClusterControl.refusal(.late, "the one before is not done yet: ask again"))
        }
        for desk in desks { desk.ask(command) }
        for _ in 0..<Self.waitMillisMax {
            let answers = desks.compactMap(\.answer)
            if answers.count == desks.count { return .answered(answers) }
            IdleStrategy.rest(nanos: 1_000_000)
        }
        let areCalledOff = desks.map { $0.withdraw() }
        return .refused(
            ClusterControl.refusal(
                .late,
                areCalledOff.allSatisfy { $0 }
                    ? "the log takes nothing now, so nothing was done: see `needletail cluster "
                        + "status`, then ask again"
                    : Self.notCommitted))
    }

    /// What is said of a command that may still come about.
    static let notCommitted =
        "it is in the log and not committed yet: see `needletail cluster status`, then ask again, "
        + "which does no harm"
}
