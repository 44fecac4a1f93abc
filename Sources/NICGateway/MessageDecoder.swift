// SPDX-License-Identifier: Apache-2.0
import Wire

/// Messages of the orders channel to records of the log. What a record cannot hold (a side of 7,
/// an account above 2^32-1) becomes a `refused` command; all other judgement is the engine's.
///
/// SAFETY: the caller has found that `message` holds all bytes of its type.
enum MessageDecoder {
    @inline(__always)
    static func decode(
        _ message: UnsafeRawPointer, _ type: MessageType, session: UInt32, sessionSequence: UInt32
    ) -> LogRecord {
        switch type {
        case .newOrder, .newOrderExtended:
            return unsafe newOrder(message, type, session, sessionSequence)
        case .cancelOrder:
            let cancel = unsafe message.loadUnaligned(as: CancelOrder.self)
            guard cancel.reserved1 == 0, cancel.reserved2 == 0 else { break }
            return LogRecord(
                kind: .cancelOrder, session: session, sessionSequence: sessionSequence,
                orderID: cancel.orderID, instrument: cancel.instrument)
        case .replaceOrder:
            let replace = unsafe message.loadUnaligned(as: ReplaceOrder.self)
            guard UInt16(replace.flags) & ~RecordFlags.replaceMask == 0,
                replace.reserved2 == 0, replace.reserved4 == 0
            else { break }
            var record = LogRecord(
                kind: .replaceOrder, session: session, sessionSequence: sessionSequence,
                orderID: replace.newOrderID, priceTicks: replace.priceTicks,
                quantityLots: replace.totalLots, flags: UInt16(replace.flags))
            record.originalOrderID = replace.originalOrderID
            return record
        case .reduceOrder:
            let reduce = unsafe message.loadUnaligned(as: ReduceOrder.self)
            guard reduce.reserved1 == 0, reduce.reserved2 == 0 else { break }
            return LogRecord(
                kind: .reduceOrder, session: session, sessionSequence: sessionSequence,
                orderID: reduce.orderID, quantityLots: reduce.totalLots,
                instrument: reduce.instrument)
        case .massCancel:
            let mass = unsafe message.loadUnaligned(as: MassCancel.self)
            guard mass.sides <= 3, mass.reserved2 == 0 else { break }
            return LogRecord(
                kind: .massCancel, session: session, sessionSequence: sessionSequence,
                orderID: mass.orderID, instrument: mass.instrument,
                attributes: OrderAttributes(rawValue: mass.sides))
        case .massCancelByAccount:
            return unsafe massCancelByAccount(message, session, sessionSequence)
        default:
            let logout = unsafe message.loadUnaligned(as: Logout.self)
            guard logout.reserved1 == 0, logout.reserved2 == 0, logout.reserved4 == 0
            else { break }
            return LogRecord(
                kind: .logout, session: session, sessionSequence: sessionSequence)
        }
        return unsafe refused(
            message, type, session: session, sessionSequence: sessionSequence,
            reason: .invalidReserved)
    }

    @inline(never)
    private static func massCancelByAccount(
        _ message: UnsafeRawPointer, _ session: UInt32, _ sessionSequence: UInt32
    ) -> LogRecord {
        let mass = unsafe message.loadUnaligned(as: MassCancelByAccount.self)
        let reason: Reason =
            mass.sides > 3 || mass.reserved2 != 0
            ? .invalidReserved : mass.account >> 32 != 0 ? .invalidAccount : .none
        guard reason == .none else {
            return unsafe refused(
                message, .massCancelByAccount, session: session,
                sessionSequence: sessionSequence, reason: reason)
        }
        return LogRecord(
            kind: .massCancel, session: session, sessionSequence: sessionSequence,
            orderID: mass.orderID, account: UInt32(truncatingIfNeeded: mass.account),
            instrument: mass.instrument, attributes: OrderAttributes(rawValue: mass.sides),
            flags: RecordFlags.byAccount)
    }

    @inline(__always)
    private static func newOrder(
        _ message: UnsafeRawPointer, _ type: MessageType, _ session: UInt32,
        _ sessionSequence: UInt32
    ) -> LogRecord {
        let order = unsafe message.loadUnaligned(as: NewOrder.self)
        let reason: Reason =
            if order.side > 1 {
                .invalidSide
            } else if order.typeAndTimeInForce & 0b1000 != 0 {
                .invalidOrderType
            } else if order.account >> 32 != 0 {
                .invalidAccount
            } else {
                .none
            }
        guard reason == .none else {
            return unsafe refused(
                message, type, session: session, sessionSequence: sessionSequence, reason: reason)
        }
        // The wire has the type in bits 0…2 and the time in force in bits 4…7; the record has the
        // side in bit 0 and the type one bit higher.
        let attributes =
            order.side | order.typeAndTimeInForce << 1 & 0b1110
            | order.typeAndTimeInForce & 0xF0
        return LogRecord(
            kind: .newOrder, session: session, sessionSequence: sessionSequence,
            orderID: order.orderID, priceTicks: order.priceTicks,
            quantityLots: order.quantityLots, account: UInt32(truncatingIfNeeded: order.account),
            instrument: order.instrument, attributes: OrderAttributes(rawValue: attributes),
            flags: UInt16(order.flags))
    }

    /// The second record of an extended order.
    @inline(never)
    static func continuation(_ message: UnsafeRawPointer) -> LogRecord {
        let order = unsafe message.loadUnaligned(as: NewOrderExtended.self)
        var continuation = OrderContinuation()
        continuation.triggerPriceTicks = order.triggerPriceTicks
        continuation.peakLots = order.peakLots
        continuation.minimumLots = order.minimumLots
        continuation.expirySeconds = order.expirySeconds
        continuation.algorithmID = order.algorithmID
        continuation.clientTagLow = order.clientTagLow
        continuation.clientTagMiddle = order.clientTagMiddle
        continuation.clientTagHigh = order.clientTagHigh
        continuation.capacity = order.capacity
        continuation.triggerCondition = order.triggerCondition
        // SAFETY: both are 64 bytes of plain integers.
        return unsafe unsafeBitCast(continuation, to: LogRecord.self)
    }

    /// A refusal that names the order that it is about. It is logged, so it takes its sequence.
    @inline(never)
    static func refused(
        _ message: UnsafeRawPointer, _ type: MessageType, session: UInt32,
        sessionSequence: UInt32, reason: Reason
    ) -> LogRecord {
        let instrument: UInt32
        let orderID: UInt64
        switch type {
        case .replaceOrder:
            instrument = 0
            orderID = unsafe message.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        case .logout:
            instrument = 0
            orderID = 0
        default:
            instrument = unsafe message.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            orderID = unsafe message.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        }
        return LogRecord(
            kind: .refused, session: session, sessionSequence: sessionSequence,
            orderID: orderID, instrument: instrument,
            attributes: OrderAttributes(rawValue: type.rawValue), flags: UInt16(reason.rawValue))
    }
}
