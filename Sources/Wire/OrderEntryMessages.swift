// SPDX-License-Identifier: Apache-2.0
//
// Messages of the order entry protocol. The first byte is the type and decides the size.

/// The first byte of a message.
public struct MessageType: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The byte.
    public var rawValue: UInt8
    /// Wraps a byte as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    // Orders channel.
    /// ``NewOrder``, 40 bytes.
    @inlinable public static var newOrder: MessageType { MessageType(rawValue: 0x01) }
    /// ``CancelOrder``, 16 bytes.
    @inlinable public static var cancelOrder: MessageType { MessageType(rawValue: 0x02) }
    /// ``ReplaceOrder``, 40 bytes.
    @inlinable public static var replaceOrder: MessageType { MessageType(rawValue: 0x04) }
    /// ``ReduceOrder``, 24 bytes.
    @inlinable public static var reduceOrder: MessageType { MessageType(rawValue: 0x05) }
    /// ``MassCancel``, 16 bytes.
    @inlinable public static var massCancel: MessageType { MessageType(rawValue: 0x06) }
    /// ``NewOrderExtended``, 88 bytes.
    @inlinable public static var newOrderExtended: MessageType { MessageType(rawValue: 0x07) }
    /// ``MassCancelByAccount``, 24 bytes.
    @inlinable public static var massCancelByAccount: MessageType { MessageType(rawValue: 0x0A) }
    /// ``Logout``, 8 bytes.
    @inlinable public static var logout: MessageType { MessageType(rawValue: 0x09) }

    // Reports channel.
    /// ``ExecutionReport``, 48 bytes.
    @inlinable public static var executionReport: MessageType { MessageType(rawValue: 0x03) }
    /// ``ExtendedExecutionReport``, 96 bytes.
    @inlinable public static var extendedExecutionReport: MessageType {
        MessageType(rawValue: 0x08)
    }

    // Control channel, from the client.
    /// ``Logon``, 32 bytes.
    @inlinable public static var logon: MessageType { MessageType(rawValue: 0x10) }
    /// ResendRequest: a ``SessionNotice``, 16 bytes.
    @inlinable public static var resendRequest: MessageType { MessageType(rawValue: 0x12) }

    // Control channel, from the gateway.
    /// ``LogonAccepted``, 32 bytes.
    @inlinable public static var logonAccepted: MessageType { MessageType(rawValue: 0x20) }
    /// LogonRejected: a ``SessionNotice``, 16 bytes.
    @inlinable public static var logonRejected: MessageType { MessageType(rawValue: 0x21) }
    /// GapReport: a ``SessionNotice``, 16 bytes.
    @inlinable public static var gapReport: MessageType { MessageType(rawValue: 0x22) }
    /// ResendUnavailable: a ``SessionNotice``, 16 bytes.
    @inlinable public static var resendUnavailable: MessageType { MessageType(rawValue: 0x23) }
    /// SessionEnded: a ``SessionNotice``, 16 bytes.
    @inlinable public static var sessionEnded: MessageType { MessageType(rawValue: 0x24) }
    /// EpochChanged: a ``SessionNotice``, 16 bytes.
    @inlinable public static var epochChanged: MessageType { MessageType(rawValue: 0x25) }

    // Public channel.
    /// ``PublicReport``, 64 bytes.
    @inlinable public static var publicReport: MessageType { MessageType(rawValue: 0x30) }

    /// Bytes of a message on the orders channel; 0 for a type that does not belong there.
    @inlinable public var orderByteCount: Int {
        switch self {
        case .newOrder, .replaceOrder: 40
        case .cancelOrder, .massCancel: 16
        case .reduceOrder, .massCancelByAccount: 24
        case .newOrderExtended: 88
        case .logout: 8
        default: 0
        }
    }
}

/// Enters an order: 40 bytes.
public struct NewOrder: BitwiseCopyable, Sendable {
    /// Offset 0: 0x01.
    public var type: MessageType
    /// Offset 1: 0 buy, 1 sell.
    public var side: UInt8
    /// Offset 2: bits 0…2 order type, bits 4…7 time in force, bit 3 zero.
    public var typeAndTimeInForce: UInt8
    /// Offset 3: bit 0 post only, bits 1…2 self-trade prevention; others zero.
    public var flags: UInt8
    /// Offset 4: the instrument.
    public var instrument: UInt32
    /// Offset 8: the client's own id, not zero, unique among its open orders.
    public var orderID: UInt64
    /// Offset 16: the account; refused above 2^32-1.
    public var account: UInt64
    /// Offset 24: ticks; zero for a market order.
    public var priceTicks: Int64
    /// Offset 32: lots.
    public var quantityLots: UInt64

    /// A new order.
    @inlinable
    public init(
        orderID: UInt64, instrument: UInt32, side: Side, priceTicks: Int64, quantityLots: UInt64,
        account: UInt64 = 0, orderType: OrderType = .limit, timeInForce: TimeInForce = .day,
        flags: UInt8 = 0
    ) {
        type = .newOrder
        self.side = side.rawValue
        typeAndTimeInForce = orderType.rawValue | timeInForce.rawValue << 4
        self.flags = flags
        self.instrument = instrument
        self.orderID = orderID
        self.account = account
        self.priceTicks = priceTicks
        self.quantityLots = quantityLots
    }
}

/// Takes an order out: 16 bytes.
public struct CancelOrder: BitwiseCopyable, Sendable {
    /// Offset 0: 0x02.
    public var type: MessageType
    /// Offset 1: zero.
    public var reserved1: UInt8
    /// Offset 2: zero.
    public var reserved2: UInt16
    /// Offset 4: the order's instrument.
    public var instrument: UInt32
    /// Offset 8: the client's own id.
    public var orderID: UInt64

    /// A cancel.
    @inlinable public init(orderID: UInt64, instrument: UInt32) {
        type = .cancelOrder
        reserved1 = 0
        reserved2 = 0
        self.instrument = instrument
        self.orderID = orderID
    }
}

/// Cancels one order and enters another in its place: 40 bytes. Side, account, type and time in
/// force stay. A replace that fails leaves the original as it was.
public struct ReplaceOrder: BitwiseCopyable, Sendable {
    /// Offset 0: 0x04.
    public var type: MessageType
    /// Offset 1: since rules 3 bit 0 ``RecordFlags/cancelsIfInvalid``, bit 1
    /// ``RecordFlags/silentIfDead``; others zero.
    public var flags: UInt8
    /// Offset 2: zero.
    public var reserved2: UInt16
    /// Offset 4: zero.
    public var reserved4: UInt32
    /// Offset 8: id of the order in the book.
    public var originalOrderID: UInt64
    /// Offset 16: id from now on; may be the same.
    public var newOrderID: UInt64
    /// Offset 24: ticks.
    public var priceTicks: Int64
    /// Offset 32: new total, what was executed included; not above that: the rest is cancelled.
    public var totalLots: UInt64

    /// A replace.
    @inlinable
    public init(
        originalOrderID: UInt64, newOrderID: UInt64, priceTicks: Int64, totalLots: UInt64,
        flags: UInt8 = 0
    ) {
        type = .replaceOrder
        self.flags = flags
        reserved2 = 0
        reserved4 = 0
        self.originalOrderID = originalOrderID
        self.newOrderID = newOrderID
        self.priceTicks = priceTicks
        self.totalLots = totalLots
    }
}

/// Makes an order smaller without losing its place: 24 bytes.
public struct ReduceOrder: BitwiseCopyable, Sendable {
    /// Offset 0: 0x05.
    public var type: MessageType
    /// Offset 1: zero.
    public var reserved1: UInt8
    /// Offset 2: zero.
    public var reserved2: UInt16
    /// Offset 4: the order's instrument.
    public var instrument: UInt32
    /// Offset 8: the client's own id.
    public var orderID: UInt64
    /// Offset 16: new total, what was executed included; not above that: the rest is cancelled.
    public var totalLots: UInt64

    /// A reduce.
    @inlinable public init(orderID: UInt64, instrument: UInt32, totalLots: UInt64) {
        type = .reduceOrder
        reserved1 = 0
        reserved2 = 0
        self.instrument = instrument
        self.orderID = orderID
        self.totalLots = totalLots
    }
}

/// An order with everything that is rare: 88 bytes; two records in the log.
public struct NewOrderExtended: BitwiseCopyable, Sendable {
    /// Offset 0: as ``NewOrder``, with type 0x07.
    public var order: NewOrder
    /// Offset 40: ticks; 0 = none.
    public var triggerPriceTicks: Int64
    /// Offset 48: lots shown at a time; 0 = all.
    public var peakLots: UInt64
    /// Offset 56: lots.
    public var minimumLots: UInt64
    /// Offset 64: UTC seconds; 0 = none.
    public var expirySeconds: UInt32
    /// Offset 68: algorithm that decided.
    public var algorithmID: UInt32
    /// Offset 72: the client's tag, bytes 0…7.
    public var clientTagLow: UInt64
    /// Offset 80: the client's tag, bytes 8…11.
    public var clientTagMiddle: UInt32
    /// Offset 84: the client's tag, bytes 12…13.
    public var clientTagHigh: UInt16
    /// Offset 86: capacity, ASCII.
    public var capacity: UInt8
    /// Offset 87: what the trigger looks at.
    public var triggerCondition: UInt8

    /// An order with nothing rare yet.
    @inlinable public init(order: NewOrder) {
        self.order = order
        self.order.type = .newOrderExtended
        triggerPriceTicks = 0
        peakLots = 0
        minimumLots = 0
        expirySeconds = 0
        algorithmID = 0
        clientTagLow = 0
        clientTagMiddle = 0
        clientTagHigh = 0
        capacity = 0
        triggerCondition = 0
    }
}

/// Ends the session in order: 8 bytes.
public struct Logout: BitwiseCopyable, Sendable {
    /// Offset 0: 0x09.
    public var type: MessageType
    /// Offset 1: zero.
    public var reserved1: UInt8
    /// Offset 2: zero.
    public var reserved2: UInt16
    /// Offset 4: zero.
    public var reserved4: UInt32

    /// A logout.
    @inlinable public init() {
        type = .logout
        reserved1 = 0
        reserved2 = 0
        reserved4 = 0
    }
}

/// What the engine did with an order, to its owner: 48 bytes.
public struct ExecutionReport: BitwiseCopyable, Sendable {
    /// Offset 0: 0x03 (0x08 as the head of the extended form).
    public var type: MessageType
    /// Offset 1: the kind of the event, see ``EventKind``.
    public var executionType: EventKind
    /// Offset 2: bits 0…3 of ``EventAttributes``: side, aggressor, resting, replacement.
    public var attributes: EventAttributes
    /// Offset 3: a ``Reason``, 0 in a trade.
    public var reason: Reason
    /// Offset 4: report sequence of the session, low bits.
    public var sequence: UInt32
    /// Offset 8: the client's own id.
    public var orderID: UInt64
    /// Offset 16: a trade: the counterparty's reference, 0 of a hidden one; else the order's own.
    public var reference: UInt64
    /// Offset 24: ticks.
    public var priceTicks: Int64
    /// Offset 32: lots: traded, cancelled, or the order's total.
    public var quantityLots: UInt64
    /// Offset 40: the record's timestamp, UTC nanoseconds.
    public var timestampNanos: UInt64

    /// Bytes of the core form.
    @inlinable public static var byteCount: Int { 48 }

    /// From its parts.
    @inlinable
    public init(
        type: MessageType = .executionReport, executionType: EventKind,
        attributes: EventAttributes, reason: Reason, sequence: UInt32, orderID: UInt64,
        reference: UInt64, priceTicks: Int64, quantityLots: UInt64, timestampNanos: UInt64
    ) {
        self.type = type
        self.executionType = executionType
        self.attributes = attributes
        self.reason = reason
        self.sequence = sequence
        self.orderID = orderID
        self.reference = reference
        self.priceTicks = priceTicks
        self.quantityLots = quantityLots
        self.timestampNanos = timestampNanos
    }
}

/// The long form: 96 bytes, for sessions that asked for it at logon.
public struct ExtendedExecutionReport: BitwiseCopyable, Sendable {
    /// Offset 0: the core form, with type 0x08.
    public var core: ExecutionReport
    /// Offset 48: the instrument.
    public var instrument: UInt32
    /// Offset 52: the account.
    public var account: UInt32
    /// Offset 56: lots still open.
    public var leavesLots: UInt64
    /// Offset 64: lots executed over the order's life.
    public var executedLots: UInt64
    /// Offset 72: sequence of the command: with `tradeIndex` the trade's id.
    public var commandSequence: UInt64
    /// Offset 80: index of the trade in its command.
    public var tradeIndex: UInt16
    /// Offset 82: ASCII: A added liquidity, R removed it, C crossed in an auction, 0 no trade.
    public var liquidity: UInt8
    /// Offset 83: zero.
    public var reserved: UInt8
    /// Offset 84: asset that the fee is in; 0 = none.
    public var feeAsset: UInt32
    /// Offset 88: fee in the asset's smallest unit; negative is a rebate.
    public var fee: Int64

    /// Bytes of the long form.
    @inlinable public static var byteCount: Int { 96 }

    /// From its parts; no fee.
    @inlinable
    public init(
        core: ExecutionReport, instrument: UInt32, account: UInt32, leavesLots: UInt64,
        executedLots: UInt64, commandSequence: UInt64, tradeIndex: UInt16, liquidity: UInt8
    ) {
        self.core = core
        self.core.type = .extendedExecutionReport
        self.instrument = instrument
        self.account = account
        self.leavesLots = leavesLots
        self.executedLots = executedLots
        self.commandSequence = commandSequence
        self.tradeIndex = tradeIndex
        self.liquidity = liquidity
        reserved = 0
        feeAsset = 0
        fee = 0
    }
}
