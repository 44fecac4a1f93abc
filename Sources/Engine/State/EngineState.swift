// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A resting order: one cache line in the pool. Slot 0 is "none". Its first 56 bytes lie as in the
/// event that accepts it, but for offset 32, so that both are stored from the same registers.
struct OrderNode: BitwiseCopyable {
    var orderID: UInt64  //           0  the client's own
    var reference: UInt64  //         8  sequence of the record that created it
    var priceTicks: Int64  //        16
    var totalLots: UInt64  //        24
    var level: UInt32  //            32  of the ladder pool
    var indexHash: UInt32  //        36  of session and order id
    var executedLots: UInt64  //     40  below the total
    var session: UInt32  //          48
    var account: UInt32  //          52
    var instrumentAndTraits: UInt32  // 56  24 bits and 8 bits
    var reserved: UInt32  //         60

    @inline(__always) var leavesLots: UInt64 { totalLots &- executedLots }
    @inline(__always) var instrument: UInt32 { instrumentAndTraits & 0xFF_FFFF }
    @inline(__always) var traits: OrderTraits {
        OrderTraits(rawValue: UInt8(truncatingIfNeeded: instrumentAndTraits >> 24))
    }
    @inline(__always) var isSell: Bool { instrumentAndTraits >> 24 & 1 != 0 }
}

/// Where a resting order stands in its two lists. Apart from the order, so that changing a
/// neighbour touches 16 bytes of a small table and not the neighbour's line. The list of a session
/// is a ring through the links behind the last order's: those have no order.
struct OrderLinks: BitwiseCopyable {
    var next: UInt32  //             0  behind it at its level
    var previous: UInt32  //         4
    var sessionNext: UInt32  //      8  entered later by its session
    var sessionPrevious: UInt32  // 12
}

/// What an order keeps of its attributes and flags: bit 0 sell, bit 1 post-only, bits 2…3
/// self-trade prevention, bit 4 market, bits 5…6 time in force (0…3 as on the wire).
struct OrderTraits: BitwiseCopyable {
    var rawValue: UInt8

    @inline(__always) init(rawValue: UInt8) { self.rawValue = rawValue }
    /// From a record whose type, time in force and flags were found valid.
    @inline(__always) init(attributes: OrderAttributes, flags: UInt16) {
        let raw = attributes.rawValue
        rawValue =
            raw & 1 | UInt8(truncatingIfNeeded: flags & 0b111) << 1 | (raw & 0b10) << 3
            | (raw & 0b11_0000) << 1
    }
    @inline(__always) var isSell: Bool { rawValue & 1 != 0 }
    @inline(__always) var isPostOnly: Bool { rawValue & 0b10 != 0 }
    @inline(__always) var selfTradePrevention: SelfTradePrevention {
        SelfTradePrevention(rawValue: rawValue >> 2 & 0b11)
    }
    @inline(__always) var isMarket: Bool { rawValue & 0b1_0000 != 0 }
    @inline(__always) var isImmediateOrCancel: Bool { rawValue & 0b110_0000 == 0b010_0000 }
    @inline(__always) var isFillOrKill: Bool { rawValue & 0b110_0000 == 0b100_0000 }
    /// A limit order for the day or until cancelled: neither bit 4 nor exactly one of 5 and 6.
    @inline(__always) var mayRest: Bool {
        let timeInForce = rawValue >> 5 & 0b11
        return !isMarket && (timeInForce == 0 || timeInForce == 3)
    }
    @inline(__always) var eventAttributes: EventAttributes {
        EventAttributes(rawValue: rawValue & 1)
    }
}

/// The orders at one price, oldest first. Empty: all zero. Head and tail lie as in `OrderLinks`.
struct Level: BitwiseCopyable {
    var head: UInt32  //           0
    var tail: UInt32  //           4
    var quantityLots: UInt64  //   8  sum of what they leave
}

/// A session: one cache line. Numbers from 1; 0 is nobody's.
struct SessionState: BitwiseCopyable {
    var expectedSequence: UInt64  //  0  of the next sequenced command, from 1
    var reportSequence: UInt64  //    8  events reported so far
    var openOrders: UInt32  //       16
    var reserved0: UInt32  //        20
    var reserved1: UInt32  //        24
    var flags: UInt32  //            28  see below
    var token: UInt32  //            32  of the logon
    var heartbeatMillis: UInt32  //  36
    var nonce: UInt64  //            40
    var source: UInt64  //           48
    var reserved: UInt64  //         56

    static let loggedOn: UInt32 = 1
    static let cancelOnDisconnect: UInt32 = 2
    static let extendedReports: UInt32 = 4
}

/// An instrument: one cache line. Ticks are counted from its lowest price. A rank is how many ticks
/// a price is from the best that its side could have: a sell's its tick, a buy's counted from the
/// highest. So both sides get better as ranks get smaller, and nothing branches on the side.
struct InstrumentState: BitwiseCopyable {
    var lowestPriceTicks: Int64  //   0
    var quantityLotsMax: UInt64  //   8
    var bestAsk: Int64  //           16  rank
    var bestBid: Int64  //           24  rank
    var levelBase: UInt32  //        32  first level in the pool
    var tickCount: UInt32  //        36  0 = not defined
    var wordBase: UInt32  //         40  first word of its bitmaps, bids first
    var wordCounts: (UInt32, UInt32, UInt32)  // 44  of the three storeys
    var reserved: UInt64  //         56

    /// The best rank of a side without orders: worse than every rank.
    static let none: Int64 = .max

    /// The rank of a tick on one side, and the tick of a rank: it is its own inverse.
    @inline(__always) func rank(isSell: Bool, _ tick: Int64) -> Int64 {
        let mask: Int64 = isSell ? 0 : -1
        return (tick ^ mask) &+ Int64(tickCount) & mask
    }

    /// The best rank of one side, or `none`.
    @inline(__always) func best(isSell: Bool) -> Int64 {
        let mask: Int64 = isSell ? 0 : -1
        return bestAsk ^ (bestAsk ^ bestBid) & mask
    }

    @inline(__always) mutating func setBest(isSell: Bool, _ rank: Int64) {
        let mask: Int64 = isSell ? 0 : -1
        bestAsk ^= (bestAsk ^ rank) & ~mask
        bestBid ^= (bestBid ^ rank) & mask
    }

    /// The best tick on the other side of an order, which has one.
    @inline(__always) func bestOpposite(isSell: Bool) -> Int64 {
        rank(isSell: !isSell, best(isSell: !isSell))
    }

    /// Whether an order would trade at a tick.
    @inline(__always) func crosses(isSell: Bool, _ tick: Int64) -> Bool {
        best(isSell: !isSell) <= rank(isSell: !isSell, tick)
    }

    @inline(__always) func bits(_ words: Table<UInt64>, isSell: Bool) -> PriceBits {
        let side = wordCounts.0 &+ wordCounts.1 &+ wordCounts.2
        let first = wordBase &+ (isSell ? side : 0)
        return PriceBits(
            words: words, storey0: Int(first), storey1: Int(first &+ wordCounts.0),
            storey2: Int(first &+ wordCounts.0 &+ wordCounts.1), storey2Count: wordCounts.2)
    }
}

/// An order on its way through the book.
struct IncomingOrder: BitwiseCopyable {
    var orderID: UInt64 = 0
    var reference: UInt64 = 0
    var priceTicks: Int64 = 0  //   as given; 0 of a market order
    var totalLots: UInt64 = 0
    var leavesLots: UInt64 = 0
    var limit: Int64 = 0  //        worst tick at which it trades
    var session: UInt32 = 0
    var account: UInt32 = 0
    var instrument: UInt32 = 0
    var traits = OrderTraits(rawValue: 0)
    var tradeIndex: UInt16 = 0
    var indexHash: UInt32 = 0  //   of session and order id
}

/// What is left to do of a command that did not fit one slice.
struct PendingCommand: BitwiseCopyable {
    enum Phase: UInt8, BitwiseCopyable {
        case none, scan, match, cancelOrders
    }
    var phase = Phase.none
    var order = IncomingOrder()  //    scan, match
    var rank: Int64 = 0  //            scan: of the next level
    var slot: UInt32 = 0  //           scan, cancelOrders: the next order
    var countedLots: UInt64 = 0  //    scan: found so far
    var requestID: UInt64 = 0  //      cancelOrders
    var session: UInt32 = 0
    var instrument: UInt32 = 0  //     0 = all
    var sides = MassCancelSides(rawValue: 0)
    var reason = Reason.none
    var closingKind = EventKind.nothing
    var cancelledCount: UInt64 = 0
}
