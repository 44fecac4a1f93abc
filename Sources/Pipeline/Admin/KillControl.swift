// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Platform
internal import Wire

/// Throws the kill switch of a gateway when an operator asks for it, alone or in a pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct KillControl: Sendable {
    /// The first rules that have one.
    private static let rulesMin: UInt32 = 3

    private let desks: [ShardDesk]
    private let commands: CommandControl

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        commands = CommandControl(cluster)
    }

    /// The answer, one line of JSON: whether every shard has done it, and nothing can take that
    /// back.
    func turn(
        _ target: KillTarget, _ number: UInt64, stops: Bool, by operatorID: UInt32
    ) -> String {
        let sentence =
            commands.refusal ?? desks.refusal(before: Self.rulesMin, "there is a kill switch")
        if let sentence { return ClusterControl.refusal(.state, sentence) }
        let record = LogRecord.killSwitch(
            target, number: number, stops: stops, operatorID: operatorID)
        switch commands.carryOut(OperatorCommand(record), on: desks) {
        case .refused(let answer): return answer
        case .answered(let answers): return said(answers, record)
        }
    }

    private func said(_ answers: [CommandAnswer], _ record: LogRecord) -> String {
        let isSession = record.killTarget == .session
        if let reason = answers.map(\.reason).first(where: { $0 != .none }) {
            return ClusterControl.refusal(
                .state,
                reason == .unknownSession
                    ? "there is no session \(record.orderID): see `sessions` in the configuration"
                    : "account \(record.orderID) cannot be stopped: it is above 2^32-1, or as many "
                        + "accounts as may be are stopped already; release one")
        }
        var kill = JSONObject()
        kill.add("target", isSession ? "session" : "account")
        kill.add("number", record.orderID)
        kill.add("isStopped", record.flags & RecordFlags.stop != 0)
        kill.add("ordersCancelled", answers.map(\.quantityLots).reduce(0, +))
        return ClusterControl.done("kill", kill)
    }
}
