// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
internal import NICGateway
internal import Platform
internal import RDMAReplica
internal import Wire

/// Activates the next rules of a gateway's log when an operator asks for it, alone or in a pair:
/// docs/operations/upgrade.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
public struct RulesControl: Sendable {
    private static let waitMillisMax = 3_000

    private let desks: [ShardDesk]
    private let commands: CommandControl
    /// Of each shard; empty without a journal.
    private let journals: [JournalStatus]
    private let cluster: ClusterMembership?

    init(desks: [ShardDesk], journals: [JournalStatus], cluster: ClusterMembership?) {
        self.desks = desks
        self.journals = journals
        self.cluster = cluster
        commands = CommandControl(cluster)
    }

    /// The answer, one line of JSON: whether the log of every shard is under the rules, and nothing
    /// can take that back.
    public func activate(_ version: UInt32, by operatorID: UInt32) -> String {
        if let sentence = refusal(of: version) {
            return ClusterControl.refusal(.state, sentence)
        }
        let waiting = desks.filter { $0.rules.place.inForce != version }
        let record = LogRecord.activateRules(version: version, operatorID: operatorID)
        switch commands.carryOut(OperatorCommand(record), on: waiting) {
        case .refused(let answer): return answer
        case .answered(let answers):
            guard answers.allSatisfy({ $0.reason == .none }) else {
                return ClusterControl.refusal(
                    .state, refusal(of: version) ?? "the rules have just changed: ask again")
            }
        }
        // Alone it is to be on the disk too, whatever the policy is.
        for _ in 0..<Self.waitMillisMax {
            if isDone(version) { return done(version, isNew: !waiting.isEmpty) }
            usleep(1_000)
        }
        return ClusterControl.refusal(.late, CommandControl.notCommitted)
    }

    // MARK: Whether it may be

    private func refusal(of version: UInt32) -> String? {
        let folded = desks[0].rules.folded
        guard folded.contains(version) else {
            return "this build folds rules \(folded), not \(version): upgrade the hosts first"
        }
        if let cluster, cluster.view.current.role.name != "primary" {
            return "\(cluster.view.current.thisHost): rules are activated on the primary"
        }
        let others = desks.map(\.rules.place.inForce).filter { $0 != version }
        for inForce in others where inForce &+ 1 != version {
            return "the log is under rules \(inForce): only the next ones, \(inForce &+ 1), can be "
                + "activated"
        }
        return others.isEmpty ? nil : standbyRefusal(of: version)
    }

    /// The standby holds the whole log, and its build could go on with it.
    private func standbyRefusal(of version: UInt32) -> String? {
        guard let cluster else { return nil }
        guard cluster.view.current.role == .primary(.mirrored) else {
            return "the standby is not in sync, and must be before rules are activated: it could "
                + "run a build that does not fold them; see `needletail cluster status`"
        }
        for member in cluster.members {
            let folded = member.mirror.status.standbyRules
            guard folded?.contains(version) != true else { continue }
            return "the standby's build folds rules \(folded?.description ?? "unknown to us"), not "
                + "\(version): upgrade that host first"
        }
        return nil
    }

    // MARK: What has come of it

    private func isDone(_ version: UInt32) -> Bool {
        desks.indices.allSatisfy { shard in
            let place = desks[shard].rules.place
            return place.inForce == version && place.sequence <= committed(shard)
        }
    }

    /// In a pair by its rule; alone on the disk, whatever the policy is, if there is a journal.
    private func committed(_ shard: Int) -> UInt64 {
        if let cluster { return cluster.members[shard].duty.gate.reachedSequence }
        return journals.isEmpty ? .max : journals[shard].durable.load()
    }

    private func done(_ version: UInt32, isNew: Bool) -> String {
        var rules = JSONObject()
        rules.add("inForce", version)
        rules.add("isNew", isNew)
        return ClusterControl.done("rules", rules)
    }
}
