// SPDX-License-Identifier: Apache-2.0

/// What may be done in an instrument: `attributes` of a record that sets it. Since rules 3; before,
/// every instrument is open. What each allows: docs/formats/trading-states.md.
public struct TradingState: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The number.
    public var rawValue: UInt8
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Continuous trading.
    @inlinable public static var open: TradingState { TradingState(rawValue: 0) }
    /// Nothing comes in.
    @inlinable public static var closed: TradingState { TradingState(rawValue: 1) }
    /// Orders are collected, and trade when the call ends.
    @inlinable public static var preOpen: TradingState { TradingState(rawValue: 2) }
    /// The same: the end of the call is near.
    @inlinable public static var auction: TradingState { TradingState(rawValue: 3) }
    /// Trading is interrupted, and nothing comes in.
    @inlinable public static var halted: TradingState { TradingState(rawValue: 4) }
    /// The day's trading is over, and nothing comes in.
    @inlinable public static var postClose: TradingState { TradingState(rawValue: 5) }

    /// Whether it is one of those above.
    @inlinable public var isKnown: Bool { rawValue <= TradingState.postClose.rawValue }
    /// Whether orders are collected and do not trade: buys and sells may stand across each other.
    @inlinable public var isCall: Bool { self == .preOpen || self == .auction }
    /// Whether buys and sells may stand across each other: in a call, and where one was halted.
    @inlinable public var mayBeCrossed: Bool { isCall || self == .halted }
}

extension LogRecord {
    /// Sets the trading state of an instrument: `session` the operator. The reference price is what
    /// the price of the next auction is to be near to, unless another is given before. Of a phase
    /// of the trading calendar `quantityLots` is when it begins, UTC seconds since 1970; else 0.
    @inlinable
    public static func setInstrumentState(
        instrument: UInt32, _ state: TradingState, referencePriceTicks: Int64? = nil,
        phaseSeconds: UInt32 = 0, operatorID: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .setInstrumentState, session: operatorID, priceTicks: referencePriceTicks ?? 0,
            quantityLots: UInt64(phaseSeconds), instrument: instrument,
            attributes: OrderAttributes(rawValue: state.rawValue),
            flags: referencePriceTicks == nil ? 0 : RecordFlags.reference)
    }

    /// Of a record that sets a trading state.
    @inlinable public var tradingState: TradingState {
        TradingState(rawValue: attributes.rawValue)
    }
}
