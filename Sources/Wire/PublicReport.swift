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
    /// Offset 56: index of the trade in its command.
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
}

extension Event {
    /// Whether the public hears of it, by one public report. Of a trade's two events it is the
    /// resting order's. Without a branch: recovery asks for each event of a log.
    @inlinable public var isPublic: Bool {
        let always = EventKind.rested.bit | EventKind.instrumentDefined.bit
        let ofResting =
            EventKind.accepted.bit | EventKind.cancelled.bit | EventKind.replaced.bit
            | EventKind.reduced.bit
        let isResting: UInt32 = attributes.contains(.resting) ? ~0 : 0
        let isPassive: UInt32 = attributes.contains(.aggressor) ? 0 : ~0
        let heard = always | ofResting & isResting | EventKind.traded.bit & isPassive
        return heard & kind.bit != 0
    }

    /// What the public hears of it, if anything.
    @inlinable public var publicKind: PublicKind? {
        guard isPublic else { return nil }
        switch kind {
        case .accepted, .rested: return .added
        case .traded: return .executed
        case .reduced: return .reduced
        case .instrumentDefined: return .instrument
        default: return .deleted
        }
    }
}

extension EventKind {
    /// One bit for each kind below 32.
    @inlinable @inline(__always) internal var bit: UInt32 { 1 << UInt32(rawValue) }
}
