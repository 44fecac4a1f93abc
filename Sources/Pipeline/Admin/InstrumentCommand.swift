// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Platform
internal import Wire

/// What all commands of operators about one instrument do: find it, look at the rules, have the
/// record written, and wait for what came of it.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct InstrumentCommand: Sendable {
    /// What came of one.
    enum Outcome {
        /// The answer, one line of JSON: why not.
        case refused(String)
        /// What the engine said of the instrument with this number, and what every answer says of
        /// it first.
        case answered(CommandAnswer, UInt32, JSONObject)
    }

    /// The first rules that have such commands.
    private static let rulesMin: UInt32 = 3

    private let desks: [ShardDesk]
    private let queries: QueryControl
    private let commands: CommandControl

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        queries = QueryControl(desks: desks, cluster: cluster)
        commands = CommandControl(cluster)
    }

    /// Carries one out; `what` there are since those rules. `refusal` is asked, with number and
    /// shard, for an answer why this one cannot be.
    func carryOut(
        _ instrument: AdminRequest.Instrument, _ what: String,
        refusal: (UInt32, ShardDesk, UInt32) -> String?, record: (UInt32) -> LogRecord
    ) -> Outcome {
        if let sentence = commands.refusal {
            return .refused(ClusterControl.refusal(.state, sentence))
        }
        let shard: UInt32
        let number: UInt32
        switch queries.find(instrument) {
        case .refused(let answer): return .refused(answer)
        case .found(let foundShard, let found): (shard, number) = (foundShard, found)
        }
        let desk = desks[Int(shard)]
        if let sentence = [desk].refusal(before: Self.rulesMin, "there are \(what)") {
            return .refused(ClusterControl.refusal(.state, sentence))
        }
        if let answer = refusal(number, desk, shard) { return .refused(answer) }
        switch commands.carryOut(OperatorCommand(record(number)), on: [desk]) {
        case .refused(let answer): return .refused(answer)
        case .answered(let answers):
            var about = JSONObject()
            about.add("instrument", number)
            if let symbol = desk.names[number]?.symbol { about.add("symbol", symbol) }
            about.add("shard", shard)
            return .answered(answers[0], number, about)
        }
    }

    /// The answer to one that the engine refused because of an auction.
    static func stillTrades(_ number: UInt32) -> String {
        ClusterControl.refusal(
            .state, "the auction of instrument \(number) still trades: ask again")
    }
}
