// SPDX-License-Identifier: Apache-2.0

/// What a record of the command log asks of the engine. One byte, at offset 56 of each record.
///
/// A structure and not an enumeration: any byte may come from a disk or a network, and a value
/// that is unknown must be representable to be refused.
public struct CommandKind: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte in the record.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    // 0 is never written: zeroed memory is no command.

    // 1…31: order flow, each consumes one session sequence.
    /// A new order.
    @inlinable public static var newOrder: CommandKind { CommandKind(rawValue: 1) }
    /// Takes one order out of the book.
    @inlinable public static var cancelOrder: CommandKind { CommandKind(rawValue: 2) }
    /// Cancels one order and enters another in its place, as one step.
    @inlinable public static var replaceOrder: CommandKind { CommandKind(rawValue: 3) }
    /// Sets a smaller total quantity; the order keeps its priority.
    @inlinable public static var reduceOrder: CommandKind { CommandKind(rawValue: 4) }
    /// Cancels all orders of the session, or those in one instrument or on one side.
    @inlinable public static var massCancel: CommandKind { CommandKind(rawValue: 5) }
    /// A sequenced message that the gateway refused; `flags` holds the ``Reason``.
    @inlinable public static var refused: CommandKind { CommandKind(rawValue: 6) }
    /// The client's orderly end of its session; consumes a session sequence.
    @inlinable public static var logout: CommandKind { CommandKind(rawValue: 7) }

    // 32…47: sessions, consume no session sequence.
    /// A session opens or comes back, bound to an address and a token.
    @inlinable public static var logon: CommandKind { CommandKind(rawValue: 32) }
    /// The gateway gave a silent session up.
    @inlinable public static var sessionTimeout: CommandKind { CommandKind(rawValue: 33) }

    // 64…95: control, with the operator's identity in `session`.
    /// Opens an epoch; two records, the second holds the limits of the engine.
    @inlinable public static var epochStart: CommandKind { CommandKind(rawValue: 64) }
    /// Adds an instrument; two records.
    @inlinable public static var defineInstrument: CommandKind { CommandKind(rawValue: 65) }
    /// Sets the trading state of an instrument.
    @inlinable public static var setInstrumentState: CommandKind { CommandKind(rawValue: 66) }
    /// Sets a limit of a session or an account.
    @inlinable public static var setLimit: CommandKind { CommandKind(rawValue: 67) }
    /// Stops a session, an account or an instrument and cancels what it has open.
    @inlinable public static var killSwitch: CommandKind { CommandKind(rawValue: 68) }
    /// Changes the version of the rules from the next command on.
    @inlinable public static var activateRules: CommandKind { CommandKind(rawValue: 69) }
    /// Brings the time forward for expiry; the engine has no other clock.
    @inlinable public static var timeAdvance: CommandKind { CommandKind(rawValue: 70) }
    /// Sets the price bands of an instrument.
    @inlinable public static var setPriceBands: CommandKind { CommandKind(rawValue: 71) }
    /// Ends the business day: what is open for the day only is cancelled.
    @inlinable public static var rollBusinessDay: CommandKind { CommandKind(rawValue: 72) }
    /// Sets the order rules of an instrument.
    @inlinable public static var setOrderRules: CommandKind { CommandKind(rawValue: 73) }
    /// Sets one row of a tick table.
    @inlinable public static var setTickTableRow: CommandKind { CommandKind(rawValue: 74) }
    /// Puts an account into a trade group, between whose orders self-trade prevention acts.
    @inlinable public static var setTradeGroup: CommandKind { CommandKind(rawValue: 76) }
    /// Declares a trade void; two records.
    @inlinable public static var bustTrade: CommandKind { CommandKind(rawValue: 79) }

    // 96…111: money.
    /// Adds to an account's balance.
    @inlinable public static var deposit: CommandKind { CommandKind(rawValue: 96) }
    /// Takes from an account's balance.
    @inlinable public static var withdraw: CommandKind { CommandKind(rawValue: 97) }
    /// First phase of a transfer to another shard.
    @inlinable public static var transferOut: CommandKind { CommandKind(rawValue: 98) }
    /// Second phase of a transfer, on the receiving shard.
    @inlinable public static var transferIn: CommandKind { CommandKind(rawValue: 99) }

    // 126…127: structure of the log.
    /// Fills the rest of a block; changes no state.
    @inlinable public static var filler: CommandKind { CommandKind(rawValue: 126) }
    /// The second record of a two-record command.
    @inlinable public static var continuation: CommandKind { CommandKind(rawValue: 127) }
}

/// One command in the log: 64 bytes, one cache line, self-validating.
///
/// `sequence` is dense in its shard, from 1. `crc32c` is the CRC32C of bytes 0..<60 continued from
/// the previous record's value, so it equals the CRC32C of the bodies of all records since the
/// first: a hash chain. Some kinds read fields under other names: see `LogRecord+Views.swift`.
/// Threading: a plain value; the ring that holds it says who may read it when.
public struct LogRecord: BitwiseCopyable, Sendable {
    /// Offset 0: dense in the shard, from 1.
    public var sequence: UInt64
    /// Offset 8: UTC nanoseconds, max(previous, sequencer's clock).
    public var timestampNanos: UInt64
    /// Offset 16: the session, or the operator of a control command.
    public var session: UInt32
    /// Offset 20: low bits of the session sequence; 0 where the kind consumes none.
    public var sessionSequence: UInt32
    /// Offset 24: the client's own id of the order.
    public var orderID: UInt64
    /// Offset 32: ticks; 0 for a market order.
    public var priceTicks: Int64
    /// Offset 40: lots.
    public var quantityLots: UInt64
    /// Offset 48: the account; with `instrument`, the original order id of a replace.
    public var account: UInt32
    /// Offset 52: the instrument.
    public var instrument: UInt32
    /// Offset 56: what the record asks for.
    public var kind: CommandKind
    /// Offset 57: side, order type and time in force: see ``OrderAttributes``.
    public var attributes: OrderAttributes
    /// Offset 58: see ``RecordFlags``; the ``Reason`` of a refused message.
    public var flags: UInt16
    /// Offset 60: chained CRC32C of bytes 0..<60.
    public var crc32c: UInt32

    /// Bytes of a record: one cache line.
    @inlinable public static var byteCount: Int { 64 }
    /// Bytes under the CRC.
    @inlinable public static var bodyByteCount: Int { 60 }

    /// A record with every field zero but those given.
    @inlinable
    public init(
        kind: CommandKind, session: UInt32 = 0, sessionSequence: UInt32 = 0, orderID: UInt64 = 0,
        priceTicks: Int64 = 0, quantityLots: UInt64 = 0, account: UInt32 = 0,
        instrument: UInt32 = 0, attributes: OrderAttributes = OrderAttributes(rawValue: 0),
        flags: UInt16 = 0, sequence: UInt64 = 0, timestampNanos: UInt64 = 0
    ) {
        self.sequence = sequence
        self.timestampNanos = timestampNanos
        self.session = session
        self.sessionSequence = sessionSequence
        self.orderID = orderID
        self.priceTicks = priceTicks
        self.quantityLots = quantityLots
        self.account = account
        self.instrument = instrument
        self.kind = kind
        self.attributes = attributes
        self.flags = flags
        self.crc32c = 0
    }

    /// Whether the next record belongs to this command.
    @inlinable public var isPair: Bool {
        kind != .refused && flags & RecordFlags.pair != 0
    }
}

/// Bits of ``LogRecord/flags`` (all kinds but `refused`, where the field holds the reason).
public enum RecordFlags {
    /// Of an order: refuse it if it would trade on entry.
    @inlinable public static var postOnly: UInt16 { 1 << 0 }
    /// Of an order: two bits, see ``SelfTradePrevention``.
    @inlinable public static var selfTradePreventionShift: UInt16 { 1 }
    /// Of an order: mask of the two bits.
    @inlinable public static var selfTradePreventionMask: UInt16 { 0b11 << 1 }
    /// Of a post-only order: one that would trade rests one tick behind the best on the other side.
    @inlinable public static var slide: UInt16 { 1 << 3 }
    /// Of an order: nothing of it is public, and it ranks behind those displayed at its price.
    @inlinable public static var hidden: UInt16 { 1 << 4 }
    /// Of an order, with the two bits of the prevention zero: ``SelfTradePrevention/decrement``.
    @inlinable public static var decrement: UInt16 { 1 << 5 }
    /// Of an order: one cancels the other, with the one that its second record names.
    @inlinable public static var linked: UInt16 { 1 << 6 }
    /// Of an order: the whole of its own flags as they come on the wire (one byte).
    @inlinable public static var orderMask: UInt16 { 0x00FF }
    /// Of a replace: when what it asks for cannot be, the original is cancelled.
    @inlinable public static var cancelsIfInvalid: UInt16 { 1 << 0 }
    /// Of a replace: of an order that is not open it is ignored, without a reject.
    @inlinable public static var silentIfDead: UInt16 { 1 << 1 }
    /// Of a replace: all flags that it may have.
    @inlinable public static var replaceMask: UInt16 { 0b11 }
    /// Of a logon: cancel open orders when the session ends.
    @inlinable public static var cancelOnDisconnect: UInt16 { 1 << 0 }
    /// Of a logon: send 96-byte reports.
    @inlinable public static var extendedReports: UInt16 { 1 << 1 }
    /// Of a logon, with ``cancelOnDisconnect``: orders good till cancel or till time too.
    @inlinable public static var cancelAllOnDisconnect: UInt16 { 1 << 2 }
    /// Of a mass cancel: only orders of the account.
    @inlinable public static var byAccount: UInt16 { 1 << 0 }
    /// Of a kill switch: stop it; without this bit, release it.
    @inlinable public static var stop: UInt16 { 1 << 0 }
    /// Of a trading state: the price is a reference for auctions.
    @inlinable public static var reference: UInt16 { 1 << 0 }
    /// Of price bands: the widths are hundredths of a percent of their references.
    @inlinable public static var basisPoints: UInt16 { 1 << 0 }
    /// The command goes on in the next record.
    @inlinable public static var pair: UInt16 { 1 << 15 }
}

/// What happens when an order would trade against a resting order of the same account.
public struct SelfTradePrevention: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// 0…3: two bits of the order's flags; 4: a flag of its own.
    public var rawValue: UInt8
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// They trade.
    @inlinable public static var none: SelfTradePrevention { SelfTradePrevention(rawValue: 0) }
    /// What is left of the incoming order is cancelled.
    @inlinable public static var cancelNewest: SelfTradePrevention {
        SelfTradePrevention(rawValue: 1)
    }
    /// The resting order is cancelled and matching goes on.
    @inlinable public static var cancelOldest: SelfTradePrevention {
        SelfTradePrevention(rawValue: 2)
    }
    /// Both are cancelled.
    @inlinable public static var cancelBoth: SelfTradePrevention {
        SelfTradePrevention(rawValue: 3)
    }
    /// Both lose the lots of the smaller one, which is cancelled, and matching goes on.
    @inlinable public static var decrement: SelfTradePrevention {
        SelfTradePrevention(rawValue: 4)
    }

    /// The choice in the flags of an order.
    @inlinable public init(flags: UInt16) {
        rawValue =
            flags & RecordFlags.decrement != 0
            ? 4
            : UInt8(
                truncatingIfNeeded: (flags & RecordFlags.selfTradePreventionMask)
                    >> RecordFlags.selfTradePreventionShift)
    }
    /// The bits for the flags of an order.
    @inlinable public var flags: UInt16 {
        self == .decrement
            ? RecordFlags.decrement : UInt16(rawValue) << RecordFlags.selfTradePreventionShift
    }
}

/// Side, type and time in force of an order in one byte: bit 0 side (0 buy, 1 sell), bits 1…3
/// type, bits 4…7 time in force.
public struct OrderAttributes: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Packs the three.
    @inlinable
    public init(side: Side, type: OrderType = .limit, timeInForce: TimeInForce = .day) {
        rawValue = side.rawValue | type.rawValue << 1 | timeInForce.rawValue << 4
    }
    /// Buy or sell.
    @inlinable public var side: Side { Side(rawValue: rawValue & 1) }
    /// Limit, market, …
    @inlinable public var type: OrderType { OrderType(rawValue: rawValue >> 1 & 0b111) }
    /// Day, immediate or cancel, …
    @inlinable public var timeInForce: TimeInForce { TimeInForce(rawValue: rawValue >> 4) }
}

/// Side of an order: 0 buy, 1 sell.
public struct Side: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// 0 or 1; any other byte on the wire is refused.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Bids.
    @inlinable public static var buy: Side { Side(rawValue: 0) }
    /// Asks.
    @inlinable public static var sell: Side { Side(rawValue: 1) }
    /// The other side.
    @inlinable public var opposite: Side { Side(rawValue: rawValue ^ 1) }
}

/// Type of an order, three bits.
public struct OrderType: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// 0…7.
    public var rawValue: UInt8
    /// Wraps the bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Trades at its price or better.
    @inlinable public static var limit: OrderType { OrderType(rawValue: 0) }
    /// Trades at any price in the book; what is left is cancelled. In a call it rests.
    @inlinable public static var market: OrderType { OrderType(rawValue: 1) }
    /// A market order that waits for its trigger price (two records).
    @inlinable public static var stop: OrderType { OrderType(rawValue: 2) }
    /// A limit order that waits for its trigger price (two records).
    @inlinable public static var stopLimit: OrderType { OrderType(rawValue: 3) }
    /// A limit order at a price set by the best on the other side.
    @inlinable public static var marketToLimit: OrderType { OrderType(rawValue: 4) }
    /// Follows a reference price (two records).
    @inlinable public static var pegged: OrderType { OrderType(rawValue: 5) }
    /// A market order whose trigger price follows the market at a distance (two records).
    @inlinable public static var trailingStop: OrderType { OrderType(rawValue: 6) }
}

/// How long an order stays, four bits.
public struct TimeInForce: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// 0…15.
    public var rawValue: UInt8
    /// Wraps the bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Until the end of the trading day.
    @inlinable public static var day: TimeInForce { TimeInForce(rawValue: 0) }
    /// Trades what it can at once; the rest is cancelled.
    @inlinable public static var immediateOrCancel: TimeInForce { TimeInForce(rawValue: 1) }
    /// Trades in full at once or not at all.
    @inlinable public static var fillOrKill: TimeInForce { TimeInForce(rawValue: 2) }
    /// Until it is cancelled.
    @inlinable public static var goodTillCancel: TimeInForce { TimeInForce(rawValue: 3) }
    /// Until the expiry in its second record.
    @inlinable public static var goodTillTime: TimeInForce { TimeInForce(rawValue: 4) }
    /// For the opening auction.
    @inlinable public static var atTheOpening: TimeInForce { TimeInForce(rawValue: 5) }
    /// For the closing auction.
    @inlinable public static var atTheClose: TimeInForce { TimeInForce(rawValue: 6) }
}
