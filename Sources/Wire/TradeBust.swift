// SPDX-License-Identifier: Apache-2.0

/// One order of a trade, as its bust names it: 24 bytes of a second record.
public struct BustedSide: Equatable, BitwiseCopyable, Sendable {
    /// The client's own id of the order.
    public var orderID: UInt64
    /// By which the trade named the other order to this one's owner; 0 of one that was hidden.
    public var otherReference: UInt64
    /// The session that owned the order.
    public var session: UInt32
    /// Its account.
    public var account: UInt32

    /// From its parts.
    @inlinable
    public init(orderID: UInt64, otherReference: UInt64, session: UInt32, account: UInt32) {
        self.orderID = orderID
        self.otherReference = otherReference
        self.session = session
        self.account = account
    }
}

/// A trade that an operator declares void: docs/formats/busts.md. Whoever writes the command has
/// found all of it in the log.
public struct TradeBust: Equatable, BitwiseCopyable, Sendable {
    /// Sequence of the command in which the trade was made: with ``tradeIndex`` its id.
    public var tradeSequence: UInt64
    /// Its index in that command.
    public var tradeIndex: UInt16
    /// The instrument.
    public var instrument: UInt32
    /// Ticks.
    public var priceTicks: Int64
    /// What was traded, lots.
    public var quantityLots: UInt64
    /// Whether it was one of an auction.
    public var isOfAuction: Bool
    /// The side of `resting`.
    public var restingSide: Side
    /// The order that was in the book; of an auction the buy.
    public var resting: BustedSide
    /// The order that came in; of an auction the sell.
    public var aggressor: BustedSide

    /// From its parts.
    @inlinable
    public init(
        tradeSequence: UInt64, tradeIndex: UInt16, instrument: UInt32, priceTicks: Int64,
        quantityLots: UInt64, isOfAuction: Bool, restingSide: Side, resting: BustedSide,
        aggressor: BustedSide
    ) {
        self.tradeSequence = tradeSequence
        self.tradeIndex = tradeIndex
        self.instrument = instrument
        self.priceTicks = priceTicks
        self.quantityLots = quantityLots
        self.isOfAuction = isOfAuction
        self.restingSide = restingSide
        self.resting = resting
        self.aggressor = aggressor
    }

    /// The two events that tell of a trade, which stand one behind the other, and the sequence of
    /// its command.
    @inlinable
    public init(of resting: Event, _ aggressor: Event, tradeSequence: UInt64) {
        self.init(
            tradeSequence: tradeSequence, tradeIndex: resting.detail,
            instrument: resting.instrument, priceTicks: resting.priceTicks,
            quantityLots: resting.quantityLots,
            isOfAuction: resting.attributes.contains(.auction),
            restingSide: resting.attributes.side,
            resting: BustedSide(
                orderID: resting.orderID, otherReference: aggressor.disclosedReference,
                session: resting.session, account: resting.account),
            aggressor: BustedSide(
                orderID: aggressor.orderID, otherReference: resting.disclosedReference,
                session: aggressor.session, account: aggressor.account))
    }

    /// Back from the two records; nil where they say something that none could be.
    @inlinable
    public init?(_ record: LogRecord, _ continuation: LogRecord?) {
        guard let continuation, record.account <= UInt32(UInt16.max),
            record.attributes.rawValue & ~(1 | EventAttributes.auction.rawValue) == 0,
            record.flags & ~RecordFlags.pair == 0, record.sessionSequence == 0,
            record.quantityLots != 0,
            continuation.attributes.rawValue == 0, continuation.flags == 0
        else { return nil }
        self.init(
            tradeSequence: record.orderID, tradeIndex: UInt16(record.account),
            instrument: record.instrument, priceTicks: record.priceTicks,
            quantityLots: record.quantityLots,
            isOfAuction: record.attributes.rawValue & EventAttributes.auction.rawValue != 0,
            restingSide: record.attributes.side,
            resting: BustedSide(
                orderID: continuation.timestampNanos,
                otherReference: UInt64(continuation.session)
                    | UInt64(continuation.sessionSequence) << 32,
                session: UInt32(truncatingIfNeeded: continuation.orderID),
                account: UInt32(truncatingIfNeeded: continuation.orderID >> 32)),
            aggressor: BustedSide(
                orderID: UInt64(bitPattern: continuation.priceTicks),
                otherReference: continuation.quantityLots, session: continuation.account,
                account: continuation.instrument))
    }

    /// The first record: `session` the operator, `orderID` the sequence of the trade's command,
    /// `account` its index in that, `attributes` the side of the resting order, and bit 5 of an
    /// auction.
    @inlinable
    public func record(operatorID: UInt32) -> LogRecord {
        LogRecord(
            kind: .bustTrade, session: operatorID, orderID: tradeSequence, priceTicks: priceTicks,
            quantityLots: quantityLots, account: UInt32(tradeIndex), instrument: instrument,
            attributes: OrderAttributes(
                rawValue: restingSide.rawValue
                    | (isOfAuction ? EventAttributes.auction.rawValue : 0)),
            flags: RecordFlags.pair)
    }

    /// The second record: offsets 8…31 the resting order, 32…55 the aggressor, each `orderID`,
    /// `otherReference`, `session`, `account`.
    @inlinable public var continuation: LogRecord {
        LogRecord(
            kind: .continuation,
            session: UInt32(truncatingIfNeeded: resting.otherReference),
            sessionSequence: UInt32(truncatingIfNeeded: resting.otherReference >> 32),
            orderID: UInt64(resting.session) | UInt64(resting.account) << 32,
            priceTicks: Int64(bitPattern: aggressor.orderID),
            quantityLots: aggressor.otherReference, account: aggressor.session,
            instrument: aggressor.account, timestampNanos: resting.orderID)
    }
}
