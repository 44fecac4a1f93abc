// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A resting order: one cache line in the pool. Slot 0 is "none". Its first 56 bytes lie as in the
/// event that accepts it, but for offset 32, so that both are stored from the same registers.
struct OrderNode: BitwiseCopyable {
    var orderID: UInt64  //           0  the client's own
    var reference: UInt64  //         8  sequence of the record that created it
    var priceTicks: Int64  //        16
    var totalLots: UInt64  //        24
    var level: UInt32  //            32  of all prices; 0 = it waits
    var indexPosition: UInt32  //    36  in the index
    var executedLots: UInt64  //     40  below the total
    var session: UInt32  //          48
    var account: UInt32  //          52
    var instrumentAndTraits: UInt32  // 56  24 bits and 8 bits
    var extra: UInt32  //            60  of `OrderExtra`; 0 = a plain order

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

/// What an order keeps of its attributes and flags: bit 0 sell, bit 1 post-only, bits 2…3 and 7
/// self-trade prevention, bit 4 market, bits 5…6 time in force (0…3 as on the wire; good till time
/// as good till cancel).
struct OrderTraits: BitwiseCopyable {
    var rawValue: UInt8

    @inline(__always) init(rawValue: UInt8) { self.rawValue = rawValue }
    /// From a record whose type, time in force and flags were found valid.
    @inline(__always) init(attributes: OrderAttributes, flags: UInt16) {
        let raw = attributes.rawValue
        // Market, stop and trailing stop are at any price.
        let market = 0b0100_0110 &>> (raw &>> 1 & 0b111) & 1
        let timeInForce: UInt8 = raw & 0b100_0000 != 0 ? 0b110_0000 : (raw & 0b11_0000) << 1
        let decrement = UInt8(truncatingIfNeeded: flags & RecordFlags.decrement) << 2
        rawValue =
            raw & 1 | UInt8(truncatingIfNeeded: flags & 0b111) << 1 | market << 4
            | timeInForce | decrement
    }
    @inline(__always) var isSell: Bool { rawValue & 1 != 0 }
    @inline(__always) var isPostOnly: Bool { rawValue & 0b10 != 0 }
    @inline(__always) var selfTradePrevention: SelfTradePrevention {
        SelfTradePrevention(rawValue: rawValue >> 2 & 0b11 | rawValue >> 5 & 0b100)
    }
    @inline(__always) var isMarket: Bool { rawValue & 0b1_0000 != 0 }
    @inline(__always) var isImmediateOrCancel: Bool { rawValue & 0b110_0000 == 0b010_0000 }
    @inline(__always) var isFillOrKill: Bool { rawValue & 0b110_0000 == 0b100_0000 }
    @inline(__always) var isGoodTill: Bool { rawValue & 0b110_0000 == 0b110_0000 }
    /// For the day or until cancelled: not exactly one of bits 5 and 6.
    @inline(__always) var staysOpen: Bool {
        let timeInForce = rawValue >> 5 & 0b11
        return timeInForce == 0 || timeInForce == 3
    }
    /// A limit order that stays open.
    @inline(__always) var mayRest: Bool { !isMarket && staysOpen }
    /// Of an order that rests in a call: a market order.
    var ranksFirst: Bool { isMarket && staysOpen && !isPostOnly }
    @inline(__always) var eventAttributes: EventAttributes {
        EventAttributes(rawValue: rawValue & 1)
    }
}

/// The orders at one price: those displayed, oldest first, and behind them those hidden; or the
/// market orders of one side in a call. Empty: all zero. Head and tail lie as in `OrderLinks`; the
/// top bit of the tail says that it is hidden.
struct Level: BitwiseCopyable {
    var head: UInt32  //           0
    var tail: UInt32  //           4
    var quantityLots: UInt64  //   8  sum of what they leave

    static let hiddenTail: UInt32 = 1 << 31
    /// The slot of the last order, or 0.
    @inline(__always) var last: UInt32 { tail & ~Self.hiddenTail }
    @inline(__always) var endsHidden: Bool { tail & Self.hiddenTail != 0 }
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
    static let cancelAllOnDisconnect: UInt32 = 8
    static let killed: UInt32 = 16
}

/// Of what there is for both sides: buys, then sells. Who is on which side nobody can predict, so
/// addresses are chosen by it, not branches.
@inline(__always) func sideIndex(isSell: Bool) -> Int { isSell ? 1 : 0 }

/// An instrument: one cache line. Ticks are counted from its lowest price. A rank says how good a
/// price is on its side: a sell's is its tick, a buy's its tick with all bits turned, so both sides
/// get better as ranks get smaller.
struct InstrumentState: BitwiseCopyable {
    var lowestPriceTicks: Int64  //         0
    var tickCount: Int64  //                8  0 = not defined
    private var bests: [2 of Int64]  //    16  ranks
    private var bestLevels: [2 of UInt32]  // 32  0 = none
    var rootNode: UInt32  //               40  of its prices; 0 = it has no orders
    var nearNode: UInt32  //               44  the node of pages that is looked into first, or 0
    var lastTick: Int64  //                48  of the last trade since rules 3, or `noTick`
    var usualLotsMax: UInt64  //           56  of an order that may go the usual way; 0 = none may

    /// The best rank of a side without orders: worse than every rank.
    static let none: Int64 = .max
    /// There was no trade.
    static let noTick: Int64 = -1
    /// Ticks of the widest range.
    static let tickCountMax: UInt64 = 1 << 62

    /// One that has just been defined.
    init(lowestPriceTicks: Int64, tickCount: Int64, usualLotsMax: UInt64) {
        self.lowestPriceTicks = lowestPriceTicks
        self.tickCount = tickCount
        bests = [Self.none, Self.none]
        bestLevels = [0, 0]
        rootNode = 0
        nearNode = 0
        lastTick = Self.noTick
        self.usualLotsMax = usualLotsMax
    }

    /// The rank of a tick on one side, and the tick of a rank: it is its own inverse.
    @inline(__always) func rank(isSell: Bool, _ tick: Int64) -> Int64 {
        tick ^ (Int64(sideIndex(isSell: isSell)) &- 1)
    }

    /// The best rank of one side, or `none`.
    @inline(__always) func best(isSell: Bool) -> Int64 { bests[sideIndex(isSell: isSell)] }

    /// The level of the best price of one side, or 0.
    @inline(__always) func bestLevel(isSell: Bool) -> UInt32 {
        bestLevels[sideIndex(isSell: isSell)]
    }

    @inline(__always)
    mutating func setBest(isSell: Bool, _ rank: Int64, level: UInt32) {
        bests[sideIndex(isSell: isSell)] = rank
        bestLevels[sideIndex(isSell: isSell)] = level
    }

    /// The best tick on the other side of an order, which has one.
    @inline(__always) func bestOpposite(isSell: Bool) -> Int64 {
        rank(isSell: !isSell, best(isSell: !isSell))
    }

    /// Whether an order would trade at a tick.
    @inline(__always) func crosses(isSell: Bool, _ tick: Int64) -> Bool {
        best(isSell: !isSell) <= rank(isSell: !isSell, tick)
    }

    /// The worst tick at which an order could trade.
    @inline(__always) func worstTick(isSell: Bool) -> Int64 {
        isSell ? 0 : tickCount &- 1
    }
}

/// What an instrument has that usual orders do not ask for: what is while orders wait in it for
/// their triggers, its trading state and its price bands. Ticks are counted from its lowest price.
struct MarketState: BitwiseCopyable {
    var highTick: Int64  //           0  of the trades since triggers were last looked at
    var lowTick: Int64  //            8
    var triggers: [2 of UInt32]  //  16  roots: of who is triggered from below, and from above
    var trails: [2 of UInt32]  //    24  the same of those whose trigger trails
    var quantityLotsMax: UInt64  //  32  of one order
    var referenceTick: Int64  //     40  that an auction is to be near to, or `noTick`
    var staticTick: Int64  //        48  that its static band is around, or `noTick`
    var waitingCount: UInt32  //     56
    var nextInLine: UInt32  //       60  the instrument in line behind this one
    var callEndSeconds: UInt32  //   64  UTC: of a call that an order has set off
    var phaseSeconds: UInt32  //     68  when the last phase of the calendar began, UTC; 0 = none
    var isInLine: Bool  //           72
    var trading: TradingState  //    73
    var isUncrossing: Bool  //       74
    var isPriced: Bool  //           75  it trades at `staticTick`
    var owesIndication: Bool  //     76  where an auction would trade is to be told
    var bands: PriceBands  //        80

    /// Of a call that only an operator ends, and of no call.
    static let noEnd: UInt32 = 0
    /// Of a call that has begun since the time was last told.
    static let endUncounted: UInt32 = .max

    /// Of an instrument that has just been defined.
    static func new(quantityLotsMax: UInt64) -> MarketState {
        MarketState(
            highTick: 0, lowTick: 0, triggers: [0, 0], trails: [0, 0],
            quantityLotsMax: quantityLotsMax, referenceTick: InstrumentState.noTick,
            staticTick: InstrumentState.noTick, waitingCount: 0, nextInLine: 0,
            callEndSeconds: noEnd, phaseSeconds: 0, isInLine: false, trading: .open,
            isUncrossing: false, isPriced: false, owesIndication: false, bands: PriceBands())
    }
    /// Whether orders trade as they come in.
    @inline(__always) var isContinuous: Bool { trading == .open && !isUncrossing }
    /// Whether they may go the usual way.
    var isUsual: Bool { waitingCount == 0 && isContinuous && !bands.isSet }
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
    var extra: UInt32 = 0  //       of `OrderExtra`; 0 = a plain order
    var minimumLots: UInt64 = 0  // to be traded on entry, or nothing is
    var quoteLeft: UInt64 = .max  // ticks times lots that it may still spend
    var stepsLeft: UInt32 = .max  // orders that it may still meet, each part of an iceberg one
    var ownLimit: Int64 = 0  //     of one that is bound: `limit` as it was before, see `bind`
}

/// What is left to do of a command that did not fit one slice.
struct PendingCommand: BitwiseCopyable {
    enum Phase: UInt8, BitwiseCopyable {
        case none, scan, match, cancelOrders, expire, finish
    }
    var phase = Phase.none
    var order = IncomingOrder()  //    scan, match
    var rank: Int64 = 0  //            scan: of the next level
    var slot: UInt32 = 0  //           scan: the next order
    var countedLots: UInt64 = 0  //    scan: found so far, in so many steps
    var countedSteps: UInt64 = 0
    var work = CancelWork()  //        cancelOrders, expire, finish: what is being cancelled
    var stepsLeft: UInt32 = 0  //      of that which may be taken now
    var isWorking = false  //          finish: at what other commands have left over
    var stepsBehind: UInt32 = 0  //    finish: that such may take, when it is begun
    var isLate = false  //             the command ends with `closed`, with these attributes
    var closing = EventAttributes()
    var triggersLeft: UInt32 = 0  //   finish: steps that the command may still take
    var tradeIndex: UInt16 = 0  //     of the next trade of the command
}
