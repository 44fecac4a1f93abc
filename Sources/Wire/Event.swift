// SPDX-License-Identifier: Apache-2.0

/// What an event says. One byte at offset 60.
public struct EventKind: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    // 1…15: reported to the session (each takes the next report sequence), unless noted.
    /// A new order is in; with `resting`, it went into the book untouched.
    public static let accepted = EventKind(rawValue: 1)
    /// A new order was rejected; `detail` is the reason.
    public static let rejected = EventKind(rawValue: 2)
    /// A trade, seen from one of its two orders. The resting order's event comes first and the
    /// aggressor's right behind it; `detail` is the index of the trade in its command.
    public static let traded = EventKind(rawValue: 3)
    /// An order left without trading the rest; `detail` is the reason.
    public static let cancelled = EventKind(rawValue: 4)
    /// A resting order became smaller and kept its place.
    public static let reduced = EventKind(rawValue: 5)
    /// An order was taken out by a replace; `accepted` of the new one comes next.
    public static let replaced = EventKind(rawValue: 6)
    /// A cancel was rejected; `detail` is the reason.
    public static let cancelRejected = EventKind(rawValue: 7)
    /// A replace was rejected and the original stays as it was; `detail` is the reason.
    public static let replaceRejected = EventKind(rawValue: 8)
    /// A reduce was rejected; `detail` is the reason.
    public static let reduceRejected = EventKind(rawValue: 9)
    /// The gateway refused the message; `detail` is the reason.
    public static let refused = EventKind(rawValue: 10)
    /// A mass cancel is complete; `quantityLots` counts the orders it cancelled.
    public static let massCancelDone = EventKind(rawValue: 11)
    /// The client's logout is done.
    public static let loggedOut = EventKind(rawValue: 12)

    // 16…: not reported to a session.
    /// What an aggressor left went into the book (public: the session knows by its fills).
    public static let rested = EventKind(rawValue: 16)
    /// A session opened.
    public static let sessionOpened = EventKind(rawValue: 17)
    /// A session was given up.
    public static let sessionTimedOut = EventKind(rawValue: 18)
    /// An epoch opened.
    public static let epochStarted = EventKind(rawValue: 19)
    /// An instrument is there.
    public static let instrumentDefined = EventKind(rawValue: 20)
    /// A control command was applied.
    public static let controlApplied = EventKind(rawValue: 21)
    /// A control or session command was refused; `detail` is the reason.
    public static let controlRejected = EventKind(rawValue: 22)
    /// A command that changes nothing (filler).
    public static let nothing = EventKind(rawValue: 23)

    /// Whether it takes a report sequence of its session.
    @inlinable public var isReported: Bool { rawValue < 16 }
}

/// One thing that happened, as the engine tells it: 64 bytes, one cache line.
///
/// The events of a command are contiguous, there is at least one, and the last has the `last`
/// bit: so the n-th `last` belongs to the n-th command, and no event needs to carry the sequence
/// or the timestamp that the record already has. An order's own `reference` is the sequence of
/// the record that created it.
public struct Event: BitwiseCopyable, Sendable {
    /// Offset 0: the client's own id of the order.
    public var orderID: UInt64
    /// Offset 8: the exchange's reference of this order; 0 where there is none.
    public var reference: UInt64
    /// Offset 16: ticks: of the trade, or the order's.
    public var priceTicks: Int64
    /// Offset 24: lots: traded, cancelled, or the order's total.
    public var quantityLots: UInt64
    /// Offset 32: lots still open after this event.
    public var leavesLots: UInt64
    /// Offset 40: lots executed over the order's life.
    public var executedLots: UInt64
    /// Offset 48: the session that owns the order.
    public var session: UInt32
    /// Offset 52: the account.
    public var account: UInt32
    /// Offset 56: the instrument.
    public var instrument: UInt32
    /// Offset 60: what happened.
    public var kind: EventKind
    /// Offset 61: see ``EventAttributes``.
    public var attributes: EventAttributes
    /// Offset 62: a ``Reason``, or the index of a trade in its command.
    public var detail: UInt16

    /// An event with every field zero but those given.
    @inlinable
    public init(
        kind: EventKind, attributes: EventAttributes = [], detail: UInt16 = 0,
        session: UInt32 = 0, account: UInt32 = 0, instrument: UInt32 = 0, orderID: UInt64 = 0,
        reference: UInt64 = 0, priceTicks: Int64 = 0, quantityLots: UInt64 = 0,
        leavesLots: UInt64 = 0, executedLots: UInt64 = 0
    ) {
        self.orderID = orderID
        self.reference = reference
        self.priceTicks = priceTicks
        self.quantityLots = quantityLots
        self.leavesLots = leavesLots
        self.executedLots = executedLots
        self.session = session
        self.account = account
        self.instrument = instrument
        self.kind = kind
        self.attributes = attributes
        self.detail = detail
    }

    /// `detail` as a reason.
    @inlinable public var reason: Reason {
        Reason(rawValue: UInt8(truncatingIfNeeded: detail))
    }
}

/// Bits of an event.
public struct EventAttributes: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The order sells (else it buys).
    public static let sell = EventAttributes(rawValue: 1 << 0)
    /// Of a trade: this is the incoming order's event.
    public static let aggressor = EventAttributes(rawValue: 1 << 1)
    /// `accepted`: the order rests; `cancelled`, `reduced`, `replaced`: it was resting.
    public static let resting = EventAttributes(rawValue: 1 << 2)
    /// `accepted`: the order takes the place of another.
    public static let replacement = EventAttributes(rawValue: 1 << 3)
    /// The command had two records.
    public static let pair = EventAttributes(rawValue: 1 << 6)
    /// The last event of its command.
    public static let last = EventAttributes(rawValue: 1 << 7)

    /// The side as an event bit.
    @inlinable public init(side: Side) { rawValue = side.rawValue & 1 }
    /// The side of the order.
    @inlinable public var side: Side { Side(rawValue: rawValue & 1) }
}
