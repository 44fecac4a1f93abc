// SPDX-License-Identifier: Apache-2.0

/// What everybody may know, in order and without gaps: 64 bytes. Names orders by the exchange's
/// reference only; nobody sees a client id, a session or an account.
public struct PublicReport: BitwiseCopyable, Sendable {
    /// Offset 0: 0x30.
    public var type: MessageType
    /// Offset 1: what happened.
    public var kind: PublicKind
    /// Offset 2: 0 buy, 1 sell: the resting order's side.
    public var side: Side
    /// Offset 3: zero.
    public var reserved3: UInt8
    /// Offset 4: the instrument.
    public var instrument: UInt32
    /// Offset 8: sequence of the command: with `tradeIndex` the trade's id.
    public var commandSequence: UInt64
    /// Offset 16: the resting order.
    public var reference: UInt64
    /// Offset 24: executed: the aggressor; else 0.
    public var aggressorReference: UInt64
    /// Offset 32: ticks.
    public var priceTicks: Int64
    /// Offset 40: added, executed, deleted: lots of it; reduced: lots left.
    public var quantityLots: UInt64
    /// Offset 48: the record's timestamp.
    public var timestampNanos: UInt64
    /// Offset 56: index of the trade in its command; busted: of that which is void.
    public var tradeIndex: UInt16
    /// Offset 58: zero.
    public var reserved58: UInt16
    /// Offset 60: zero.
    public var reserved60: UInt32

    /// Bytes of a public report.
    @inlinable public static var byteCount: Int { 64 }

    /// From its parts.
    @inlinable
    public init(
        kind: PublicKind, side: Side, instrument: UInt32, commandSequence: UInt64,
        reference: UInt64, aggressorReference: UInt64 = 0, priceTicks: Int64,
        quantityLots: UInt64, timestampNanos: UInt64, tradeIndex: UInt16 = 0
    ) {
        type = .publicReport
        self.kind = kind
        self.side = side
        reserved3 = 0
        self.instrument = instrument
        self.commandSequence = commandSequence
        self.reference = reference
        self.aggressorReference = aggressorReference
        self.priceTicks = priceTicks
        self.quantityLots = quantityLots
        self.timestampNanos = timestampNanos
        self.tradeIndex = tradeIndex
        reserved58 = 0
        reserved60 = 0
    }
}

/// What a public report says.
public struct PublicKind: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// An order rests.
    @inlinable public static var added: PublicKind { PublicKind(rawValue: 1) }
    /// A resting order traded.
    @inlinable public static var executed: PublicKind { PublicKind(rawValue: 2) }
    /// A resting order became smaller.
    @inlinable public static var reduced: PublicKind { PublicKind(rawValue: 3) }
    /// A resting order left without trading the rest.
    @inlinable public static var deleted: PublicKind { PublicKind(rawValue: 4) }
    /// An instrument is there or changed its state.
    @inlinable public static var instrument: PublicKind { PublicKind(rawValue: 5) }
    /// A trade with a resting order that is not displayed.
    @inlinable public static var traded: PublicKind { PublicKind(rawValue: 6) }
    /// A trade of an auction: both orders were resting, the buy and, as the aggressor, the sell.
    @inlinable public static var crossed: PublicKind { PublicKind(rawValue: 7) }
    /// An instrument is in another trading state: `quantityLots` says which; `reference` is 1 if no
    /// operator has set it.
    @inlinable public static var tradingState: PublicKind { PublicKind(rawValue: 8) }
    /// The price of an auction; its trades follow. `side` has so many lots left, in `reference`.
    @inlinable public static var auctionPriced: PublicKind { PublicKind(rawValue: 9) }
    /// The same, as it would be if the call ended now.
    @inlinable public static var auctionIndicated: PublicKind { PublicKind(rawValue: 10) }
    /// Another business day: `quantityLots` says which.
    @inlinable public static var businessDay: PublicKind { PublicKind(rawValue: 12) }
    /// A trade is void: that of the command `reference`, with `tradeIndex`.
    @inlinable public static var busted: PublicKind { PublicKind(rawValue: 13) }
}

extension Event {
    /// Whether the public hears of it, by one public report. Of a trade's two events it is the
    /// resting order's. Without a branch: recovery asks for each event of a log.
    @inlinable public var isPublic: Bool {
        let always =
            EventKind.rested.bit | EventKind.instrumentDefined.bit | EventKind.displayed.bit
            | EventKind.tradingStateSet.bit | EventKind.auctionPriced.bit
            | EventKind.auctionIndicated.bit | EventKind.businessDayRolled.bit
        let ofResting =
            EventKind.accepted.bit | EventKind.cancelled.bit | EventKind.replaced.bit
            | EventKind.reduced.bit | EventKind.prevented.bit | EventKind.busted.bit
        let isResting: UInt32 = attributes.contains(.resting) ? ~0 : 0
        let isPassive: UInt32 = attributes.contains(.aggressor) ? 0 : ~0
        let heard = always | ofResting & isResting | EventKind.traded.bit & isPassive
        let isDisclosed: UInt32 =
            attributes.contains(.undisclosed) ? EventKind.traded.bit : ~0
        return heard & isDisclosed & kind.bit != 0
    }

    /// Of one side of a trade: the reference by which others may know the order; 0 of a hidden one.
    @inlinable public var disclosedReference: UInt64 {
        attributes.contains(.undisclosed) ? 0 : reference
    }

    /// Of the first event of a trade: how the public hears of it.
    @inlinable public var tradeKind: PublicKind {
        attributes.contains(.auction)
            ? .crossed : attributes.contains(.undisclosed) ? .traded : .executed
    }

    /// What the public hears of it, if anything.
    @inlinable public var publicKind: PublicKind? {
        guard isPublic else { return nil }
        switch kind {
        case .accepted, .rested: return .added
        case .traded: return tradeKind
        case .reduced, .prevented: return .reduced
        case .instrumentDefined: return .instrument
        case .tradingStateSet: return .tradingState
        case .auctionPriced: return .auctionPriced
        case .auctionIndicated: return .auctionIndicated
        case .businessDayRolled: return .businessDay
        case .busted: return .busted
        case .displayed where !attributes.contains(.resting): return .added
        case .displayed where leavesLots != 0: return .reduced
        default: return .deleted
        }
    }
}

extension EventKind {
    /// One bit for each kind below 32.
    @inlinable @inline(__always) internal var bit: UInt32 { 1 << UInt32(rawValue) }
}
