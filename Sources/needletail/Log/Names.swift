// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What the pages in docs/formats call the numbers of the log: tests hold these against them. A
/// number that they do not know is shown as one.
enum Names {
    static func of(_ kind: CommandKind) -> String {
        commands[kind.rawValue] ?? "kind\(kind.rawValue)"
    }
    static func of(_ kind: EventKind) -> String {
        outcomes[kind.rawValue] ?? "kind\(kind.rawValue)"
    }
    /// Empty for `none`.
    static func of(_ reason: Reason) -> String {
        reason == .none ? "" : reasons[reason.rawValue] ?? "reason\(reason.rawValue)"
    }
    static func of(_ type: OrderType) -> String { types[type.rawValue] ?? "type\(type.rawValue)" }
    static func of(_ timeInForce: TimeInForce) -> String {
        timesInForce[timeInForce.rawValue] ?? "timeInForce\(timeInForce.rawValue)"
    }
    static func of(_ prevention: SelfTradePrevention) -> String {
        preventions[prevention.rawValue] ?? "selfTradePrevention\(prevention.rawValue)"
    }
    static func of(_ side: Side) -> String { side == .buy ? "buy" : "sell" }

    // log-record.md, Command kinds
    private static let commands: [UInt8: String] = [
        1: "newOrder", 2: "cancelOrder", 3: "replaceOrder", 4: "reduceOrder", 5: "massCancel",
        6: "refused", 7: "logout", 32: "logon", 33: "sessionTimeout", 64: "epochStart",
        65: "defineInstrument", 66: "setInstrumentState", 67: "setLimit", 68: "killSwitch",
        69: "activateRules", 70: "timeAdvance", 71: "setPriceBands", 72: "rollBusinessDay",
        73: "setOrderRules", 74: "setTickTableRow", 76: "setTradeGroup", 79: "bustTrade",
        96: "deposit",
        97: "withdraw", 98: "transferOut", 99: "transferIn", 126: "filler", 127: "continuation",
    ]
    // events.md, Event kinds
    private static let outcomes: [UInt8: String] = [
        1: "accepted", 2: "rejected", 3: "traded", 4: "cancelled", 5: "reduced", 6: "replaced",
        7: "cancelRejected", 8: "replaceRejected", 9: "reduceRejected", 10: "refused",
        11: "massCancelDone", 12: "loggedOut", 13: "triggered", 14: "prevented", 15: "busted",
        16: "rested", 17: "sessionOpened",
        18: "sessionTimedOut", 19: "epochStarted", 20: "instrumentDefined",
        21: "controlApplied", 22: "controlRejected", 23: "nothing", 24: "displayed",
        25: "closed", 26: "tradingStateSet", 27: "auctionPriced",
        28: "auctionIndicated", 30: "businessDayRolled",
    ]
    // order-entry.md, Reasons
    private static let reasons: [UInt8: String] = [
        0: "none", 1: "unknownInstrument", 2: "unknownOrder", 3: "duplicateOrderID",
        4: "zeroQuantity", 5: "quantityTooLarge", 6: "priceOutOfRange", 7: "orderPoolExhausted",
        8: "sessionOrderLimit", 9: "invalidSide", 10: "invalidOrderType",
        11: "invalidTimeInForce", 12: "invalidFlags", 13: "postOnlyWouldTrade",
        14: "wrongInstrument", 15: "instrumentNotOpen", 16: "totalNotReduced",
        17: "invalidAccount", 18: "throttled", 19: "notLoggedOn", 20: "unsupported",
        21: "invalidReserved", 22: "sessionSequenceBroken", 23: "invalidOrderID",
        24: "unknownSession", 25: "invalidControl", 26: "unsupportedCombination",
        27: "invalidExpiry", 28: "invalidPeak", 29: "invalidMinimum", 30: "invalidTrigger",
        31: "invalidLink", 33: "killed", 34: "massCancelUnderWay",
        35: "priceOutsideBand", 36: "invalidTick", 37: "invalidLot",
        38: "orderValueTooLarge", 39: "quantityTooSmall", 44: "alreadyBusted",
        45: "tooManyBusts", 46: "tradeOfEarlierDay",
        47: "noRoomForPrice", 64: "byClient", 65: "immediateOrCancel",
        66: "fillOrKill", 67: "marketRemainder", 68: "selfTradePrevented", 69: "massCancelled",
        70: "sessionEnded", 71: "replaced", 72: "expired", 73: "totalExecuted",
        74: "minimumQuantity", 75: "linkedTraded", 76: "stepLimit", 77: "killSwitch",
        78: "outsidePriceBand", 79: "dayEnded", 80: "replaceInvalid",
        81: "noRoomToRest",
        96: "sessionInUse", 97: "notAuthorised", 98: "wrongEpoch", 99: "timedOut",
        100: "loggedOut", 101: "notAvailable",
    ]
    // order-entry.md, Order types
    private static let types: [UInt8: String] = [
        0: "limit", 1: "market", 2: "stop", 3: "stopLimit", 4: "marketToLimit", 5: "pegged",
        6: "trailingStop",
    ]
    // order-entry.md, Times in force
    private static let timesInForce: [UInt8: String] = [
        0: "day", 1: "immediateOrCancel", 2: "fillOrKill", 3: "goodTillCancel",
        4: "goodTillTime", 5: "atTheOpening", 6: "atTheClose",
    ]
    // order-entry.md, Self-trade prevention
    private static let preventions: [UInt8: String] = [
        0: "none", 1: "cancelNewest", 2: "cancelOldest", 3: "cancelBoth", 4: "decrement",
    ]
}
