// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import NICGateway
internal import Platform
internal import Wire

/// Defines an instrument in a running gateway when an operator asks for it, alone or in a pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct InstrumentControl: Sendable {
    private let desks: [ShardDesk]
    private let queries: QueryControl
    private let commands: CommandControl
    /// Whether the log is on disk.
    private let isKept: Bool

    init(desks: [ShardDesk], cluster: ClusterMembership?, isKept: Bool) {
        self.desks = desks
        queries = QueryControl(desks: desks, cluster: cluster)
        commands = CommandControl(cluster)
        self.isKept = isKept
    }

    /// The answer, one line of JSON: whether the instrument is there, and nothing can take that
    /// back.
    func define(_ instrument: Configuration.Instrument, by operatorID: UInt32) -> String {
        if let sentence = commands.refusal { return ClusterControl.refusal(.state, sentence) }
        if let answer = refusal(of: instrument) { return answer }
        let command = OperatorCommand(defining: instrument, by: operatorID)
        switch commands.carryOut(command, on: [desks[Int(instrument.shard)]]) {
        case .refused(let answer): return answer
        case .answered(let answers):
            guard answers.allSatisfy({ $0.reason == .none }) else {
                // It was good a moment ago: somebody else was first.
                return refusal(of: instrument)
                    ?? ClusterControl.refusal(
                        .state, "the engine refuses it as things stand: ask again")
            }
            return done(instrument, answers[0].sequence)
        }
    }

    /// What the engine would refuse, and what a later start would; nil where both would not.
    private func refusal(of instrument: Configuration.Instrument) -> String? {
        let shard = instrument.shard
        guard shard < desks.count else { return QueryControl.noShard(shard, of: desks.count) }
        // A start refuses a number that is on two shards.
        for other in UInt32(0)..<UInt32(desks.count) {
            guard let isDefined = queries.isDefined(instrument.number, other) else {
                return QueryControl.silent(other)
            }
            guard !isDefined else {
                return ClusterControl.refusal(
                    .state,
                    "there is an instrument \(instrument.number) already: take another number; "
                        + "what is defined stays as it is")
            }
            for number in desks[Int(other)].names.numbers(of: instrument.symbol) {
                guard let isDefined = queries.isDefined(number, other) else {
                    return QueryControl.silent(other)
                }
                guard !isDefined else {
                    return ClusterControl.refusal(
                        .state,
                        "instrument \(number) is called \(instrument.symbol) already: take another "
                            + "symbol")
                }
            }
        }
        guard let reply = desks[Int(shard)].engine.ask(.room) else {
            return QueryControl.silent(shard)
        }
        return Self.refusal(of: instrument, reply.answer.room)
            .map { ClusterControl.refusal(.state, $0) }
    }

    /// Why an engine has no room for an instrument that it does not have yet: cause and cure.
    static func refusal(
        of instrument: Configuration.Instrument, _ room: EngineRoom
    ) -> String? {
        guard instrument.number <= room.limits.instrumentCapacity else {
            return "number \(instrument.number) is above \(room.limits.instrumentCapacity), the "
                + "engine.instrumentCapacity that the log was begun with: take a lower number"
        }
        guard instrument.priceLevels <= room.rangeTicksMax else {
            return "\(instrument.symbol) has \(instrument.priceLevels) prices, and under the rules "
                + "in force there is room for \(room.rangeTicksMax) more: narrow its prices, or "
                + "activate rules 3 first"
        }
        let quantityMax = UInt64.max / UInt64(room.limits.orderCapacity)
        guard instrument.quantityLotsMax <= quantityMax else {
            return "the largest quantity \(instrument.quantityLotsMax) is above \(quantityMax), "
                + "which is 2^64 / engine.orderCapacity: take a smaller one"
        }
        return nil
    }

    private func done(_ instrument: Configuration.Instrument, _ sequence: UInt64) -> String {
        var defined = JSONObject()
        defined.add("number", instrument.number)
        defined.add("symbol", instrument.symbol)
        defined.add("shard", instrument.shard)
        defined.add("sequence", sequence)
        defined.add("isKept", isKept)
        return ClusterControl.done("instrument", defined)
    }
}
