// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Platform
internal import Wire

/// Ends the business day of a gateway when an operator asks for it, alone or in a pair:
/// docs/operations/calendar.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct DayControl: Sendable {
    /// The first rules that have business days.
    private static let rulesMin: UInt32 = 3
    private static let daysAheadMax: UInt32 = 31

    private let desks: [ShardDesk]
    private let commands: CommandControl

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        commands = CommandControl(cluster)
    }

    /// The answer, one line of JSON: whether every shard is in the new day, with all orders for the
    /// day before cancelled, and nothing can take that back.
    func roll(to day: BusinessDay, by operatorID: UInt32) -> String {
        let sentence =
            commands.refusal ?? desks.refusal(before: Self.rulesMin, "there are business days")
            ?? Self.refusal(of: day)
        if let sentence { return ClusterControl.refusal(.state, sentence) }
        let record = LogRecord.rollBusinessDay(to: day, operatorID: operatorID)
        switch commands.carryOut(OperatorCommand(record), on: desks) {
        case .refused(let answer): return answer
        case .answered(let answers):
            guard answers.contains(where: { $0.reason == .none }) else {
                return ClusterControl.refusal(
                    .state,
                    "\(day.text) is not later than the business day: `needletail admin "
                        + "instruments` shows which it is")
            }
            return said(answers, day)
        }
    }

    /// A slip of the pen would keep all days before it from beginning.
    private static func refusal(of day: BusinessDay) -> String? {
        let today = UInt32(ZoneClock.nowSeconds / 86_400)
        guard day.rawValue > today + daysAheadMax else { return nil }
        return "\(day.text) is more than \(daysAheadMax) days from now, and a business day cannot "
            + "be taken back: take an earlier one"
    }

    /// A shard that was in a later day already has refused it, and stays there.
    private func said(_ answers: [CommandAnswer], _ day: BusinessDay) -> String {
        var roll = JSONObject()
        roll.add("businessDay", day.text)
        roll.add("ordersCancelled", answers.map(\.quantityLots).reduce(0, +))
        return ClusterControl.done("roll", roll)
    }
}
