// SPDX-License-Identifier: Apache-2.0

/// What an event says. One byte at offset 60.
public struct EventKind: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    // 1…15: reported to the session (each takes the next report sequence), unless noted.
    /// A new order is in; with `resting`, it went into the book untouched.
    @inlinable public static var accepted: EventKind { EventKind(rawValue: 1) }
    /// A new order was rejected; `detail` is the reason.
    @inlinable public static var rejected: EventKind { EventKind(rawValue: 2) }
    /// A trade, seen from one of its two orders. The resting order's event comes first and the
    /// aggressor's right behind it, in an auction the buy's and the sell's; `detail` is the index
    /// of the trade in its command.
    @inlinable public static var traded: EventKind { EventKind(rawValue: 3) }
    /// An order left without trading the rest; `detail` is the reason.
    @inlinable public static var cancelled: EventKind { EventKind(rawValue: 4) }
    /// A resting order became smaller and kept its place.
    @inlinable public static var reduced: EventKind { EventKind(rawValue: 5) }
    /// An order was taken out by a replace; `accepted` of the new one comes next.
    @inlinable public static var replaced: EventKind { EventKind(rawValue: 6) }
    /// A cancel was rejected; `detail` is the reason.
    @inlinable public static var cancelRejected: EventKind { EventKind(rawValue: 7) }
    /// A replace was rejected and the original stays as it was; `detail` is the reason.
    @inlinable public static var replaceRejected: EventKind { EventKind(rawValue: 8) }
    /// A reduce was rejected; `detail` is the reason.
    @inlinable public static var reduceRejected: EventKind { EventKind(rawValue: 9) }
    /// The gateway refused the message; `detail` is the reason.
    @inlinable public static var refused: EventKind { EventKind(rawValue: 10) }
    /// A mass cancel is complete; `quantityLots` counts the orders it cancelled.
    @inlinable public static var massCancelDone: EventKind { EventKind(rawValue: 11) }
    /// The client's logout is done.
    @inlinable public static var loggedOut: EventKind { EventKind(rawValue: 12) }

    /// A stop was triggered: what it does follows, as of an order that just came in.
    @inlinable public static var triggered: EventKind { EventKind(rawValue: 13) }
    /// Self-trade prevention took `quantityLots` from an order, which goes on with the rest.
    @inlinable public static var prevented: EventKind { EventKind(rawValue: 14) }
    /// An operator declared a trade of the order void: see ``TradeBust``. `executedLots` is the
    /// sequence of the trade's command, `detail` its index in it; `reference` is the other order's.
    @inlinable public static var busted: EventKind { EventKind(rawValue: 15) }

    // 16…: not reported to a session.
    /// What an aggressor left went into the book (public: the session knows by its fills).
    @inlinable public static var rested: EventKind { EventKind(rawValue: 16) }
    /// A session opened.
    @inlinable public static var sessionOpened: EventKind { EventKind(rawValue: 17) }
    /// A session was given up.
    @inlinable public static var sessionTimedOut: EventKind { EventKind(rawValue: 18) }
    /// An epoch opened.
    @inlinable public static var epochStarted: EventKind { EventKind(rawValue: 19) }
    /// An instrument is there.
    @inlinable public static var instrumentDefined: EventKind { EventKind(rawValue: 20) }
    /// A control command was applied.
    @inlinable public static var controlApplied: EventKind { EventKind(rawValue: 21) }
    /// A control or session command was refused; `detail` is the reason.
    @inlinable public static var controlRejected: EventKind { EventKind(rawValue: 22) }
    /// A command that changes nothing: a filler, or a replace of an order that is not open and
    /// wants no reject.
    @inlinable public static var nothing: EventKind { EventKind(rawValue: 23) }
    /// What is shown of an order that hides a part: `leavesLots` from now on, of which
    /// `quantityLots` are new, or with `resting` gone.
    @inlinable public static var displayed: EventKind { EventKind(rawValue: 24) }
    /// The end of a command behind which triggered orders or others' remainders may follow.
    @inlinable public static var closed: EventKind { EventKind(rawValue: 25) }

    /// An instrument is in another trading state; `detail` is which.
    @inlinable public static var tradingStateSet: EventKind { EventKind(rawValue: 26) }
    /// The price of an auction, whose trades follow: `quantityLots` will trade, `leavesLots` more
    /// would with somebody on the other side, buys or (`sell`) sells.
    @inlinable public static var auctionPriced: EventKind { EventKind(rawValue: 27) }

    /// The same, as it would be if the call ended now: once a second in the state `auction`.
    @inlinable public static var auctionIndicated: EventKind { EventKind(rawValue: 28) }
    /// Another business day: `quantityLots` is which, `leavesLots` the one before.
    @inlinable public static var businessDayRolled: EventKind { EventKind(rawValue: 30) }

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
    @inlinable public static var sell: EventAttributes { EventAttributes(rawValue: 1 << 0) }
    /// Of a trade: this is the incoming order's event; with `auction` the second one.
    @inlinable public static var aggressor: EventAttributes { EventAttributes(rawValue: 1 << 1) }
    /// `accepted`: the order rests; `cancelled`, `reduced`, `replaced`: it was resting; `busted`:
    /// the first of the two events, as of the trade.
    @inlinable public static var resting: EventAttributes { EventAttributes(rawValue: 1 << 2) }
    /// `accepted`: the order takes the place of another.
    @inlinable public static var replacement: EventAttributes { EventAttributes(rawValue: 1 << 3) }
    /// Nothing of it is for the public, but that there was a trade.
    @inlinable public static var undisclosed: EventAttributes {
        EventAttributes(rawValue: 1 << 4)
    }
    /// Of a trade: neither order came in, both were in the book.
    @inlinable public static var auction: EventAttributes { EventAttributes(rawValue: 1 << 5) }
    /// The command had two records.
    @inlinable public static var pair: EventAttributes { EventAttributes(rawValue: 1 << 6) }
    /// The last event of its command.
    @inlinable public static var last: EventAttributes { EventAttributes(rawValue: 1 << 7) }

    /// The side as an event bit.
    @inlinable public init(side: Side) { rawValue = side.rawValue & 1 }
    /// The side of the order.
    @inlinable public var side: Side { Side(rawValue: rawValue & 1) }
}
