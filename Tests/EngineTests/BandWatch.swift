// SPDX-License-Identifier: Apache-2.0
import Wire

/// Looks at commands and what was told of them, and at nothing else: whether anything traded outside
/// of its price bands.
struct BandWatch {
    private var bands: [UInt32: PriceBands] = [:]
    /// What static bands are around: given with a state, or the price of an auction.
    private var fixed: [UInt32: Int64] = [:]
    private var last: [UInt32: Int64] = [:]
    /// The last trade before the order that trades now came in or was triggered.
    private var before: [UInt32: Int64] = [:]
    /// Trades of instruments with bands that were looked at.
    private(set) var seen = 0

    /// What is wrong with what a command did, or nil.
    mutating func flaw(_ record: LogRecord, _ events: [Event], rules: UInt32) -> String? {
        // Trades count since rules 3.
        if rules < 3 { last = [:] }
        if record.kind == .setPriceBands, events[0].kind == .controlApplied {
            bands[record.instrument] = record.priceBands
        }
        if record.kind == .setInstrumentState, events[0].kind == .tradingStateSet, record.flags == 1
        {
            fixed[record.instrument] = record.priceTicks
        }
        for event in events {
            if let flaw = flaw(event) { return "\(flaw): \(event)" }
        }
        return nil
    }

    private mutating func flaw(_ event: Event) -> String? {
        let number = event.instrument
        let price = event.priceTicks
        switch event.kind {
        case .accepted, .triggered: before[number] = last[number]
        case .auctionPriced:
            guard isInside(price, number, around: fixed[number], bands[number]?.staticWidth) else {
                return "an auction outside of the band around \(fixed[number] as Any)"
            }
            fixed[number] = price
        case .traded where event.attributes.contains(.auction):
            guard price == fixed[number] else { return "not the auction's price" }
            last[number] = price
        case .traded:
            guard isInside(price, number, around: fixed[number], bands[number]?.staticWidth),
                isInside(price, number, around: before[number], bands[number]?.dynamicWidth)
            else { return "a trade outside of a band" }
            if bands[number]?.isSet == true { seen += 1 }
            last[number] = price
        default: break
        }
        return nil
    }

    private func isInside(
        _ price: Int64, _ number: UInt32, around reference: Int64?, _ width: UInt32?
    ) -> Bool {
        guard let width, width != 0, let reference else { return true }
        let far = max(price, reference) - min(price, reference)
        return bands[number]!.isInBasisPoints
            ? far * 10_000 <= reference * Int64(width) : far <= Int64(width)
    }
}
