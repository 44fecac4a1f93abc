// SPDX-License-Identifier: Apache-2.0
//
// Kinds that read fields of the record under other names, and the second records of pairs.
// Offsets are drawn in docs/formats/log-record.md.

extension LogRecord {
    /// Bytes 0..<56 as little-endian words, in the order of the record.
    @inlinable @inline(__always) public var bodyWords: [7 of UInt64] {
        [
            sequence, timestampNanos, UInt64(session) | UInt64(sessionSequence) &<< 32, orderID,
            UInt64(bitPattern: priceTicks), quantityLots,
            UInt64(account) | UInt64(instrument) &<< 32,
        ]
    }

    /// Bytes 56..<60 as a little-endian word: what is under the CRC behind `bodyWords`.
    @inlinable @inline(__always) public var lastBodyWord: UInt32 {
        UInt32(kind.rawValue) | UInt32(attributes.rawValue) &<< 8 | UInt32(flags) &<< 16
    }

    /// Of a replace: the id of the order it takes the place of. Offset 48, across `account` and
    /// `instrument`, both of which are the original order's.
    @inlinable public var originalOrderID: UInt64 {
        get { UInt64(account) | UInt64(instrument) << 32 }
        set {
            account = UInt32(truncatingIfNeeded: newValue)
            instrument = UInt32(truncatingIfNeeded: newValue >> 32)
        }
    }

    /// Of a refused message: why.
    @inlinable public var refusalReason: Reason {
        Reason(rawValue: UInt8(truncatingIfNeeded: flags))
    }

    /// Of a mass cancel: instrument 0 means all; `attributes` bits 0…1 choose the side.
    @inlinable public var massCancelSides: MassCancelSides {
        MassCancelSides(rawValue: attributes.rawValue & 0b11)
    }

    /// A logon: `orderID` the client's nonce, `account` the token, `instrument` the heartbeat in
    /// milliseconds, `quantityLots` the client's IPv4 address << 16 | its port.
    @inlinable
    public static func logon(
        session: UInt32, nonce: UInt64, token: UInt32, heartbeatMillis: UInt32, source: UInt64,
        flags: UInt16
    ) -> LogRecord {
        LogRecord(
            kind: .logon, session: session, orderID: nonce, quantityLots: source, account: token,
            instrument: heartbeatMillis, flags: flags)
    }

    /// The first record of an epoch's opening: `session` the epoch, `sessionSequence` the rules
    /// version, `orderID` the last carried sequence, `priceTicks` the seed of the order index,
    /// `account` the shard, `instrument` the host.
    @inlinable
    public static func epochStart(
        epoch: UInt32, rulesVersion: UInt32, lastCarriedSequence: UInt64, indexSeed: UInt64,
        shard: UInt32, host: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .epochStart, session: epoch, sessionSequence: rulesVersion,
            orderID: lastCarriedSequence, priceTicks: Int64(bitPattern: indexSeed),
            account: shard, instrument: host, flags: RecordFlags.pair)
    }

    /// The first record of an instrument's definition: `priceTicks` the lowest and `quantityLots`
    /// the highest price (both in ticks, inclusive), `orderID` the largest quantity of one order.
    @inlinable
    public static func defineInstrument(
        instrument: UInt32, lowestPriceTicks: Int64, highestPriceTicks: Int64,
        quantityLotsMax: UInt64, operatorID: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .defineInstrument, session: operatorID, orderID: quantityLotsMax,
            priceTicks: lowestPriceTicks, quantityLots: UInt64(bitPattern: highestPriceTicks),
            instrument: instrument, flags: RecordFlags.pair)
    }
}

/// Which sides a mass cancel reaches: bit 0 buys, bit 1 sells; 0 is read as both.
public struct MassCancelSides: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// 0…3.
    public var rawValue: UInt8
    /// Wraps the bits.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Whether orders on `side` are meant.
    @inlinable public func includes(_ side: Side) -> Bool {
        rawValue == 0 || rawValue >> side.rawValue & 1 == 1
    }
}

/// Fourteen bytes of the client's choosing.
public struct ClientTag: BitwiseCopyable, Hashable, Sendable {
    /// Bytes 0…7, little-endian.
    public var low: UInt64
    /// Bytes 8…11.
    public var middle: UInt32
    /// Bytes 12…13.
    public var high: UInt16
    /// From the three parts; all zero is "no tag".
    @inlinable public init(low: UInt64 = 0, middle: UInt32 = 0, high: UInt16 = 0) {
        self.low = low
        self.middle = middle
        self.high = high
    }
}

/// The second record of a rare order: 64 bytes at the same places for `sequence`, `kind`, `flags`
/// and `crc32c` as in ``LogRecord``.
public struct OrderContinuation: BitwiseCopyable, Sendable {
    /// Offset 0: the first record's sequence + 1.
    public var sequence: UInt64
    /// Offset 8: ticks; 0 = none.
    public var triggerPriceTicks: Int64
    /// Offset 16: lots shown at a time; 0 = all.
    public var peakLots: UInt64
    /// Offset 24: least quantity that may trade on entry, lots.
    public var minimumLots: UInt64
    /// Offset 32: UTC seconds since 1970; 0 = none.
    public var expirySeconds: UInt32
    /// Offset 36: the algorithm that decided, as regulators ask for.
    public var algorithmID: UInt32
    /// Offset 40: the client's tag, bytes 0…7.
    public var clientTagLow: UInt64
    /// Offset 48: the client's tag, bytes 8…11.
    public var clientTagMiddle: UInt32
    /// Offset 52: the client's tag, bytes 12…13.
    public var clientTagHigh: UInt16
    /// Offset 54: agency, principal, riskless (ASCII, 0 = not given).
    public var capacity: UInt8
    /// Offset 55: what the trigger looks at: 0 last trade, 0x10 last trade, to take a profit.
    public var triggerCondition: UInt8
    /// Offset 56: always ``CommandKind/continuation``.
    public var kind: CommandKind
    /// Offset 57: zero.
    public var reserved: UInt8
    /// Offset 58: zero.
    public var flags: UInt16
    /// Offset 60: chained.
    public var crc32c: UInt32

    /// An empty continuation.
    @inlinable public init() {
        sequence = 0
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
        kind = .continuation
        reserved = 0
        flags = 0
        crc32c = 0
    }
}

/// The second record of an `epochStart`: what the engine may hold. It is in the log because what
/// an engine refuses when it is full is part of its answer.
public struct EngineLimits: BitwiseCopyable, Hashable, Sendable {
    /// Open orders in the shard, at most.
    public var orderCapacity: UInt32
    /// Sessions are numbered 1…sessionCapacity.
    public var sessionCapacity: UInt32
    /// Instruments are numbered 1…instrumentCapacity.
    public var instrumentCapacity: UInt32
    /// Price levels of all instruments together.
    public var ladderTickCapacity: UInt32
    /// Open orders of one session, at most.
    public var sessionOpenOrdersMax: UInt32

    /// The limits of an engine.
    @inlinable
    public init(
        orderCapacity: UInt32, sessionCapacity: UInt32, instrumentCapacity: UInt32,
        ladderTickCapacity: UInt32, sessionOpenOrdersMax: UInt32
    ) {
        self.orderCapacity = orderCapacity
        self.sessionCapacity = sessionCapacity
        self.instrumentCapacity = instrumentCapacity
        self.ladderTickCapacity = ladderTickCapacity
        self.sessionOpenOrdersMax = sessionOpenOrdersMax
    }

    /// As the second record: offset 16 orders, 20 sessions, 24 instruments, 28 levels, 32 open
    /// orders of a session.
    @inlinable public var continuation: LogRecord {
        LogRecord(
            kind: .continuation, session: orderCapacity, sessionSequence: sessionCapacity,
            orderID: UInt64(instrumentCapacity) | UInt64(ladderTickCapacity) << 32,
            priceTicks: Int64(sessionOpenOrdersMax))
    }

    /// Reads the second record back.
    @inlinable public init(continuation record: LogRecord) {
        orderCapacity = record.session
        sessionCapacity = record.sessionSequence
        instrumentCapacity = UInt32(truncatingIfNeeded: record.orderID)
        ladderTickCapacity = UInt32(truncatingIfNeeded: record.orderID >> 32)
        sessionOpenOrdersMax = UInt32(truncatingIfNeeded: record.priceTicks)
    }
}

/// The second record of a `defineInstrument`: what people call it and how to print its numbers.
public struct InstrumentDetail: BitwiseCopyable, Hashable, Sendable {
    /// ASCII, left-justified, zero-padded, 16 bytes: bytes 0…7.
    public var symbolLow: UInt64
    /// Bytes 8…15.
    public var symbolHigh: UInt64
    /// Decimals of a price in ticks: 2 means that one tick is 0.01.
    public var priceDecimals: UInt8
    /// Decimals of a quantity in lots.
    public var quantityDecimals: UInt8

    /// A name of up to 16 ASCII bytes; longer ones are cut.
    public init(symbol: String, priceDecimals: UInt8, quantityDecimals: UInt8) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for (index, byte) in symbol.utf8.prefix(16).enumerated() {
            if index < 8 {
                low |= UInt64(byte) << (8 * UInt64(index))
            } else {
                high |= UInt64(byte) << (8 * UInt64(index - 8))
            }
        }
        symbolLow = low
        symbolHigh = high
        self.priceDecimals = priceDecimals
        self.quantityDecimals = quantityDecimals
    }

    /// The name, up to the first zero.
    public var symbol: String {
        let bytes = (0..<16).map { index in
            UInt8(
                truncatingIfNeeded: (index < 8 ? symbolLow : symbolHigh)
                    >> (8 * UInt64(index & 7)))
        }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// As the second record: offset 24 symbol, 40 decimals of price and quantity.
    @inlinable public var continuation: LogRecord {
        LogRecord(
            kind: .continuation, orderID: symbolLow, priceTicks: Int64(bitPattern: symbolHigh),
            quantityLots: UInt64(priceDecimals) | UInt64(quantityDecimals) << 8)
    }

    /// Reads the second record back.
    @inlinable public init(continuation record: LogRecord) {
        symbolLow = record.orderID
        symbolHigh = UInt64(bitPattern: record.priceTicks)
        priceDecimals = UInt8(truncatingIfNeeded: record.quantityLots)
        quantityDecimals = UInt8(truncatingIfNeeded: record.quantityLots >> 8)
    }
}
