// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What few orders have, beside the order itself, in a pool of their own; 0 is "none". An order has
/// it from its acceptance, before it rests, until it is gone.
struct OrderExtra: BitwiseCopyable {
    var entryReference: UInt64 = 0  //  0  sequence of the record that created the order
    var peakLots: UInt64 = 0  //        8  shown at a time; 0 = no iceberg
    var displayedLots: UInt64 = 0  //  16  of an iceberg that rests
    var expirySeconds: UInt32 = 0  //  24  UTC; 0 = none
    var flags: UInt32 = 0  //          28  see below
    var slot: UInt32 = 0  //           32  of the order; 0 = on its way through the book
    var firstHidden: UInt32 = 0  //    36  of a level's last order: the first hidden one
    var partner: UInt32 = 0  //        40  the order that it is linked to; 0 = none
    var trailOffsetTicks: UInt32 = 0  // 44  of the trigger behind the market
    var trailStepTicks: UInt32 = 0  // 48  least move of the trigger; 0 = it does not trail
    var triggerTick: Int64 = 0  //     56  of an order that waits
    var moveTick: Int64 = 0  //        64  at which the trigger of one that trails moves
    var expiry = TreeLinks()  //       72
    var trigger = TreeLinks()  //      80
    var trail = TreeLinks()  //        88

    static let hidden: UInt32 = 1
    static let slides: UInt32 = 2
    static let waits: UInt32 = 4
    static let triggersFalling: UInt32 = 8
    static let ranksFirst: UInt32 = 16
    /// All that an image may have.
    static let knownFlags: UInt32 = 31

    @inline(__always) var waits: Bool { flags & Self.waits != 0 }
    /// Whether the trigger is met from above, as a sell stop's, and not from below.
    @inline(__always) var triggersFalling: Bool { flags & Self.triggersFalling != 0 }
    /// In the trees of its market: 1 from above, 0 from below.
    @inline(__always) var triggerSide: Int { triggersFalling ? 1 : 0 }
    @inline(__always) var trails: Bool { trailStepTicks != 0 }
    /// Whether there is anything that makes it needed.
    @inline(__always) var isNeeded: Bool {
        UInt64(flags | expirySeconds | partner) | peakLots != 0
    }

    @inline(__always) var isHidden: Bool { flags & Self.hidden != 0 }
    @inline(__always) var slides: Bool { flags & Self.slides != 0 }
    /// A market order that rests in a call.
    @inline(__always) var ranksFirst: Bool { flags & Self.ranksFirst != 0 }
    /// Whether the public sees nothing of it but that there was a trade.
    @inline(__always) var isUnseen: Bool { flags & (Self.hidden | Self.ranksFirst) != 0 }
    @inline(__always) var isIceberg: Bool { peakLots != 0 }
    /// Whether the public does not see its events as those of a displayed order.
    @inline(__always) var undisclosed: EventAttributes {
        isUnseen || isIceberg ? .undisclosed : []
    }
}

/// Where an order stands in one of the trees of what waits.
struct TreeLinks: BitwiseCopyable {
    var left: UInt32 = 0
    var right: UInt32 = 0
}

/// What a new order asks for beyond what every order has: its second record, read by its type.
struct OrderTerms: BitwiseCopyable {
    var peakLots: UInt64 = 0
    var minimumLots: UInt64 = 0
    var expirySeconds: UInt32 = 0
    var slippageTicks: UInt64 = 0  //  of a market order, from the best on the other side; 0 = any
    var quoteMax: UInt64 = 0  //       of a market order, ticks times lots; 0 = any
    var triggerPriceTicks: Int64 = 0
    var triggerCondition: UInt8 = 0
    var trailOffsetTicks: UInt32 = 0
    var trailStepTicks: UInt32 = 0
    var partnerID: UInt64 = 0  //      of a linked order
    var waits = false  //              for its trigger

    /// Of the trigger condition: the order triggers on the other side of the market.
    static let takesProfit: UInt8 = 0x10

    init(_ rare: OrderContinuation, type: OrderType, isLinked: Bool) {
        waits = type == .stop || type == .stopLimit || type == .trailingStop
        expirySeconds = rare.expirySeconds
        triggerCondition = rare.triggerCondition
        if type == .market {
            slippageTicks = UInt64(bitPattern: rare.triggerPriceTicks)
        } else {
            triggerPriceTicks = rare.triggerPriceTicks
        }
        if isLinked {
            partnerID = rare.peakLots
        } else if type == .market {
            quoteMax = rare.peakLots
        } else {
            peakLots = rare.peakLots
        }
        if type == .trailingStop {
            trailOffsetTicks = UInt32(truncatingIfNeeded: rare.minimumLots)
            trailStepTicks = UInt32(truncatingIfNeeded: rare.minimumLots >> 32)
        } else {
            minimumLots = rare.minimumLots
        }
    }

    /// Whether it asks for nothing that rules 1 and 2 do not offer.
    @inline(__always) var isPlain: Bool {
        peakLots | minimumLots | UInt64(expirySeconds) | slippageTicks | quoteMax == 0
            && triggerPriceTicks == 0 && triggerCondition == 0
    }
}
