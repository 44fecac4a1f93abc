// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import NICGateway
internal import Platform
package import Wire

/// Sets the trading state of an instrument when an operator asks for it, alone or in a pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct StateControl: Sendable {
    private let command: InstrumentCommand

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        command = InstrumentCommand(desks: desks, cluster: cluster)
    }

    /// The answer, one line of JSON: whether the instrument is in the state, and nothing can take
    /// that back.
    func set(
        _ instrument: AdminRequest.Instrument, _ state: TradingState, referenceTicks: Int64?,
        by operatorID: UInt32
    ) -> String {
        let outcome = command.carryOut(instrument, "trading states") { number, desk, shard in
            Self.refusal(of: referenceTicks, number, desk, shard)
        } record: { number in
            .setInstrumentState(
                instrument: number, state, referencePriceTicks: referenceTicks,
                operatorID: operatorID)
        }
        switch outcome {
        case .refused(let answer): return answer
        case .answered(let answer, let number, let about):
            // Everything else was looked at before.
            switch answer.reason {
            case .none: return Self.said(answer, state, about)
            case .priceOutsideBand: return Self.tradesOutside(number)
            default: return InstrumentCommand.stillTrades(number)
            }
        }
    }

    private static func refusal(
        of referenceTicks: Int64?, _ number: UInt32, _ desk: ShardDesk, _ shard: UInt32
    ) -> String? {
        guard let referenceTicks else { return nil }
        guard let reply = desk.engine.ask(.instruments(from: number)) else {
            return QueryControl.silent(shard)
        }
        guard let row = reply.answer.instruments.rows.first, row.number == number,
            !(row.lowestPriceTicks...row.highestPriceTicks).contains(referenceTicks)
        else { return nil }
        return ClusterControl.refusal(
            .state,
            "reference \(referenceTicks) is none of the prices of instrument \(number): take one "
                + "of \(row.lowestPriceTicks)…\(row.highestPriceTicks)")
    }

    private static func tradesOutside(_ number: UInt32) -> String {
        ClusterControl.refusal(
            .state,
            "the auction of instrument \(number) would trade outside of its static price band: "
                + "give a reference that moves the band, or set other bands")
    }

    private static func said(
        _ answer: CommandAnswer, _ inForce: TradingState, _ about: JSONObject
    ) -> String {
        var state = about
        state.add("state", inForce.word)
        state.add("sequence", answer.sequence)
        if let priceTicks = answer.priceTicks {
            state.add("auctionPriceTicks", priceTicks)
            state.add("auctionLots", answer.quantityLots)
        }
        return ClusterControl.done("tradingState", state)
    }
}

extension TradingState {
    /// All of them as operators call them, in the order of a day.
    package static let words: [(word: String, state: TradingState)] = [
        ("closed", .closed), ("pre-open", .preOpen), ("auction", .auction), ("open", .open),
        ("halted", .halted), ("post-close", .postClose),
    ]

    /// As operators call it.
    package var word: String {
        Self.words.first { $0.state == self }?.word ?? "\(rawValue)"
    }
}
