// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Platform
internal import Wire

/// Puts accounts of a gateway into trade groups when an operator asks for it, alone or in a pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct GroupControl: Sendable {
    /// The first rules that have them.
    private static let rulesMin: UInt32 = 3

    private let desks: [ShardDesk]
    private let commands: CommandControl

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        commands = CommandControl(cluster)
    }

    /// The answer, one line of JSON: whether every shard has done it, and nothing can take that
    /// back.
    func put(_ account: UInt32, into group: UInt32, by operatorID: UInt32) -> String {
        let sentence =
            commands.refusal ?? desks.refusal(before: Self.rulesMin, "there are trade groups")
        if let sentence { return ClusterControl.refusal(.state, sentence) }
        let record = LogRecord.setTradeGroup(
            account: account, group: group, operatorID: operatorID)
        switch commands.carryOut(OperatorCommand(record), on: desks) {
        case .refused(let answer): return answer
        case .answered(let answers):
            guard answers.allSatisfy({ $0.reason == .none }) else {
                return ClusterControl.refusal(
                    .state,
                    "as many accounts as may be are in trade groups already: take one out of its "
                        + "group")
            }
            var set = JSONObject()
            set.add("account", account)
            set.add("group", group)
            return ClusterControl.done("tradeGroup", set)
        }
    }
}
