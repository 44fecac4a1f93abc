// SPDX-License-Identifier: Apache-2.0

/// What becomes of an incoming order that would trade outside of a price band: `attributes` of a
/// record that sets the bands. Since rules 3.
public struct BandAction: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The number.
    public var rawValue: UInt8
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What is left of it is cancelled.
    @inlinable public static var cancel: BandAction { BandAction(rawValue: 0) }
    /// The instrument goes to the state `auction`, where what may rest does.
    @inlinable public static var auction: BandAction { BandAction(rawValue: 1) }
}

/// How far from its references an instrument may trade: docs/formats/price-bands.md. All zero:
/// anywhere.
public struct PriceBands: Equatable, BitwiseCopyable, Sendable {
    /// To each side of the static reference, which operators and auctions give; 0 = no such band.
    public var staticWidth: UInt32
    /// To each side of the last trade before an order came; 0 = no such band.
    public var dynamicWidth: UInt32
    /// How long the auction is that an order sets off, seconds; 0 where none is set off.
    public var auctionSeconds: UInt32
    /// What becomes of an order that would trade outside.
    public var action: BandAction
    /// Whether the widths are hundredths of a percent of their references; else they are ticks.
    public var isInBasisPoints: Bool

    /// From its parts; nowhere unless it is said.
    @inlinable
    public init(
        staticWidth: UInt32 = 0, dynamicWidth: UInt32 = 0, isInBasisPoints: Bool = false,
        action: BandAction = .cancel, auctionSeconds: UInt32 = 0
    ) {
        self.staticWidth = staticWidth
        self.dynamicWidth = dynamicWidth
        self.isInBasisPoints = isInBasisPoints
        self.action = action
        self.auctionSeconds = auctionSeconds
    }

    /// The widest band in basis points: 100 %.
    @inlinable public static var basisPointsMax: UInt32 { 10_000 }
    /// The longest auction that an order sets off, seconds: a day.
    @inlinable public static var auctionSecondsMax: UInt32 { 86_400 }

    /// Whether there is a band at all.
    @inlinable public var isSet: Bool { staticWidth | dynamicWidth != 0 }

    /// Whether an instrument may have them whose prices begin at `lowestPriceTicks` and go on for
    /// `tickSpan` ticks more: no width is above that, or above ``basisPointsMax``, which are of
    /// prices above 0 only; an auction takes 1 ... ``auctionSecondsMax``; without a band there is
    /// nothing else.
    @inlinable
    public func isValid(lowestPriceTicks: Int64, tickSpan: UInt64) -> Bool {
        guard isSet else { return self == PriceBands() }
        guard !isInBasisPoints || lowestPriceTicks > 0 else { return false }
        let widest = isInBasisPoints ? UInt64(Self.basisPointsMax) : tickSpan
        guard UInt64(max(staticWidth, dynamicWidth)) <= widest else { return false }
        switch action {
        case .cancel: return auctionSeconds == 0
        case .auction: return 1...Self.auctionSecondsMax ~= auctionSeconds
        default: return false
        }
    }
}

extension LogRecord {
    /// Sets the price bands of an instrument, or takes them away: `session` the operator, `orderID`
    /// the static width, `quantityLots` the dynamic one, `account` the seconds of an auction.
    @inlinable
    public static func setPriceBands(
        instrument: UInt32, _ bands: PriceBands, operatorID: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .setPriceBands, session: operatorID, orderID: UInt64(bands.staticWidth),
            quantityLots: UInt64(bands.dynamicWidth), account: bands.auctionSeconds,
            instrument: instrument,
            attributes: OrderAttributes(rawValue: bands.action.rawValue),
            flags: bands.isInBasisPoints ? RecordFlags.basisPoints : 0)
    }

    /// Of a record that sets price bands; nil where it says something that none could be.
    @inlinable public var priceBands: PriceBands? {
        guard let staticWidth = UInt32(exactly: orderID),
            let dynamicWidth = UInt32(exactly: quantityLots), priceTicks == 0,
            flags & ~RecordFlags.basisPoints == 0
        else { return nil }
        return PriceBands(
            staticWidth: staticWidth, dynamicWidth: dynamicWidth,
            isInBasisPoints: flags & RecordFlags.basisPoints != 0,
            action: BandAction(rawValue: attributes.rawValue), auctionSeconds: account)
    }
}
