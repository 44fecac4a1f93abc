// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import NICGateway
package import Platform
package import Wire

/// Sets the price bands of an instrument when an operator asks for it, alone or in a pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct BandControl: Sendable {
    private let command: InstrumentCommand

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        command = InstrumentCommand(desks: desks, cluster: cluster)
    }

    /// The answer, one line of JSON: whether the instrument has these bands, and nothing can take
    /// that back.
    func set(
        _ instrument: AdminRequest.Instrument, _ bands: PriceBands, by operatorID: UInt32
    ) -> String {
        let outcome = command.carryOut(instrument, "price bands") { number, desk, shard in
            guard let reply = desk.engine.ask(.instruments(from: number)) else {
                return QueryControl.silent(shard)
            }
            return reply.answer.instruments.rows.first
                .flatMap { Self.refusal(of: bands, $0) }
                .map { ClusterControl.refusal(.state, $0) }
        } record: { number in
            .setPriceBands(instrument: number, bands, operatorID: operatorID)
        }
        switch outcome {
        case .refused(let answer): return answer
        case .answered(let answer, let number, let about):
            // Everything else was looked at before.
            guard answer.reason == .none else { return InstrumentCommand.stillTrades(number) }
            return Self.said(answer, bands, about)
        }
    }

    /// Why an instrument may not have them: cause and cure.
    private static func refusal(of bands: PriceBands, _ row: InstrumentRow) -> String? {
        let span = UInt64(bitPattern: row.highestPriceTicks &- row.lowestPriceTicks)
        guard !bands.isValid(lowestPriceTicks: row.lowestPriceTicks, tickSpan: span) else {
            return nil
        }
        guard bands.isSet else { return "without a width there is no unit and no auction" }
        if bands.isInBasisPoints, row.lowestPriceTicks <= 0 {
            return "prices of instrument \(row.number) may be below 1, so that basis points say "
                + "nothing: take ticks"
        }
        // Basis points are looked at where the request is read.
        return "a width of instrument \(row.number) is at most \(span) ticks, from its lowest "
            + "price to its highest"
    }

    private static func said(
        _ answer: CommandAnswer, _ bands: PriceBands, _ about: JSONObject
    ) -> String {
        var set = about
        set.add("sequence", answer.sequence)
        if bands.isSet { set.add("bands", AdminBands(bands).object) }
        return ClusterControl.done("priceBands", set)
    }
}

extension BandAction {
    /// As operators call it.
    package var word: String {
        switch self {
        case .cancel: "cancel"
        case .auction: "auction"
        default: "\(rawValue)"
        }
    }
}

/// Price bands, as they are shown.
package struct AdminBands: Decodable, Equatable {
    package let staticWidth: UInt32
    package let dynamicWidth: UInt32
    /// `ticks` or `basisPoints`.
    package let unit: String
    /// `cancel` or `auction`.
    package let action: String
    package let auctionSeconds: UInt32

    init(_ bands: PriceBands) {
        staticWidth = bands.staticWidth
        dynamicWidth = bands.dynamicWidth
        unit = bands.isInBasisPoints ? "basisPoints" : "ticks"
        action = bands.action.word
        auctionSeconds = bands.auctionSeconds
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("staticWidth", staticWidth)
        object.add("dynamicWidth", dynamicWidth)
        object.add("unit", unit)
        object.add("action", action)
        object.add("auctionSeconds", auctionSeconds)
        return object
    }
}
