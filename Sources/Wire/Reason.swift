// SPDX-License-Identifier: Apache-2.0

/// Why something was refused, rejected or cancelled: one number for people and programs, the same
/// in records, events and reports. Listed in docs/formats/order-entry.md.
public struct Reason: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The number.
    public var rawValue: UInt8
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nothing is wrong.
    @inlinable public static var none: Reason { Reason(rawValue: 0) }

    // 1…63: rejects of orders, cancels, reduces and replaces.
    /// No such instrument.
    @inlinable public static var unknownInstrument: Reason { Reason(rawValue: 1) }
    /// The session has no open order with this id.
    @inlinable public static var unknownOrder: Reason { Reason(rawValue: 2) }
    /// The session already has an open order with this id.
    @inlinable public static var duplicateOrderID: Reason { Reason(rawValue: 3) }
    /// Quantity is zero.
    @inlinable public static var zeroQuantity: Reason { Reason(rawValue: 4) }
    /// Quantity is above the instrument's limit.
    @inlinable public static var quantityTooLarge: Reason { Reason(rawValue: 5) }
    /// Price is below the instrument's lowest or above its highest.
    @inlinable public static var priceOutOfRange: Reason { Reason(rawValue: 6) }
    /// The shard holds as many open orders as it may.
    @inlinable public static var orderPoolExhausted: Reason { Reason(rawValue: 7) }
    /// The session holds as many open orders as it may.
    @inlinable public static var sessionOrderLimit: Reason { Reason(rawValue: 8) }
    /// Side is neither 0 nor 1.
    @inlinable public static var invalidSide: Reason { Reason(rawValue: 9) }
    /// The order type is unknown or not active here.
    @inlinable public static var invalidOrderType: Reason { Reason(rawValue: 10) }
    /// The time in force is unknown or not active here.
    @inlinable public static var invalidTimeInForce: Reason { Reason(rawValue: 11) }
    /// Flags that do not go together, or unknown ones.
    @inlinable public static var invalidFlags: Reason { Reason(rawValue: 12) }
    /// A post-only order would trade.
    @inlinable public static var postOnlyWouldTrade: Reason { Reason(rawValue: 13) }
    /// The instrument of the message is not the order's.
    @inlinable public static var wrongInstrument: Reason { Reason(rawValue: 14) }
    /// The instrument does not take this now.
    @inlinable public static var instrumentNotOpen: Reason { Reason(rawValue: 15) }
    /// A reduce must set a total below the present one.
    @inlinable public static var totalNotReduced: Reason { Reason(rawValue: 16) }
    /// The account is above 2^32-1 or not allowed.
    @inlinable public static var invalidAccount: Reason { Reason(rawValue: 17) }
    /// The session sends more than its limit.
    @inlinable public static var throttled: Reason { Reason(rawValue: 18) }
    /// The session is not logged on.
    @inlinable public static var notLoggedOn: Reason { Reason(rawValue: 19) }
    /// The message needs something that this version does not offer.
    @inlinable public static var unsupported: Reason { Reason(rawValue: 20) }
    /// Reserved bytes are not zero.
    @inlinable public static var invalidReserved: Reason { Reason(rawValue: 21) }
    /// The session sequence in the log is not the next: never seen in a sound system.
    @inlinable public static var sessionSequenceBroken: Reason { Reason(rawValue: 22) }
    /// The order id is zero.
    @inlinable public static var invalidOrderID: Reason { Reason(rawValue: 23) }
    /// The session number is zero or above the limit.
    @inlinable public static var unknownSession: Reason { Reason(rawValue: 24) }
    /// A control command that contradicts the state.
    @inlinable public static var invalidControl: Reason { Reason(rawValue: 25) }
    /// What the order asks for does not go together.
    @inlinable public static var unsupportedCombination: Reason { Reason(rawValue: 26) }
    /// The expiry is missing where one is needed, there where none is, or over.
    @inlinable public static var invalidExpiry: Reason { Reason(rawValue: 27) }
    /// The peak is above the total, or below a 256th of it.
    @inlinable public static var invalidPeak: Reason { Reason(rawValue: 28) }
    /// The minimum quantity is above the total.
    @inlinable public static var invalidMinimum: Reason { Reason(rawValue: 29) }
    /// The trigger price, its condition, or how it trails cannot be.
    @inlinable public static var invalidTrigger: Reason { Reason(rawValue: 30) }
    /// The order that this one is linked to is not open, or not such as it can be linked to.
    @inlinable public static var invalidLink: Reason { Reason(rawValue: 31) }
    /// A kill switch has stopped the session or the account.
    @inlinable public static var killed: Reason { Reason(rawValue: 33) }
    /// A mass cancel of the session goes on, or too many of others.
    @inlinable public static var massCancelUnderWay: Reason { Reason(rawValue: 34) }
    /// It would come to a price outside of the price band.
    @inlinable public static var priceOutsideBand: Reason { Reason(rawValue: 35) }
    /// The price is no whole multiple of the step that the instrument's tick table has there.
    @inlinable public static var invalidTick: Reason { Reason(rawValue: 36) }
    /// A quantity is no whole multiple of the instrument's lot step.
    @inlinable public static var invalidLot: Reason { Reason(rawValue: 37) }
    /// Price times quantity is above the instrument's limit.
    @inlinable public static var orderValueTooLarge: Reason { Reason(rawValue: 38) }
    /// Quantity is below the instrument's smallest.
    @inlinable public static var quantityTooSmall: Reason { Reason(rawValue: 39) }
    /// The trade is void already.
    @inlinable public static var alreadyBusted: Reason { Reason(rawValue: 44) }
    /// As many trades of the business day are void as may be.
    @inlinable public static var tooManyBusts: Reason { Reason(rawValue: 45) }
    /// The trade was made on an earlier business day.
    @inlinable public static var tradeOfEarlierDay: Reason { Reason(rawValue: 46) }
    /// No room for one more price: the log was begun with so many. Since rules 3.
    @inlinable public static var noRoomForPrice: Reason { Reason(rawValue: 47) }

    // 64…95: why an order was cancelled.
    /// The client asked for it.
    @inlinable public static var byClient: Reason { Reason(rawValue: 64) }
    /// What an immediate-or-cancel order left.
    @inlinable public static var immediateOrCancel: Reason { Reason(rawValue: 65) }
    /// A fill-or-kill order that could not be filled.
    @inlinable public static var fillOrKill: Reason { Reason(rawValue: 66) }
    /// What a market order left.
    @inlinable public static var marketRemainder: Reason { Reason(rawValue: 67) }
    /// Self-trade prevention.
    @inlinable public static var selfTradePrevented: Reason { Reason(rawValue: 68) }
    /// A mass cancel.
    @inlinable public static var massCancelled: Reason { Reason(rawValue: 69) }
    /// The session ended, with cancel on disconnect.
    @inlinable public static var sessionEnded: Reason { Reason(rawValue: 70) }
    /// Replaced by another order.
    @inlinable public static var replaced: Reason { Reason(rawValue: 71) }
    /// It expired.
    @inlinable public static var expired: Reason { Reason(rawValue: 72) }
    /// A replace whose total is not above what was executed.
    @inlinable public static var totalExecuted: Reason { Reason(rawValue: 73) }
    /// Less than the minimum quantity could trade at once.
    @inlinable public static var minimumQuantity: Reason { Reason(rawValue: 74) }
    /// The order that it was linked to traded.
    @inlinable public static var linkedTraded: Reason { Reason(rawValue: 75) }
    /// It came to the number of steps that one command may take.
    @inlinable public static var stepLimit: Reason { Reason(rawValue: 76) }
    /// A kill switch stopped its session or its account.
    @inlinable public static var killSwitch: Reason { Reason(rawValue: 77) }
    /// It would have traded outside of the price band.
    @inlinable public static var outsidePriceBand: Reason { Reason(rawValue: 78) }
    /// It was for the day, and the business day ended.
    @inlinable public static var dayEnded: Reason { Reason(rawValue: 79) }
    /// A replace whose details cannot be, and which asked for this then.
    @inlinable public static var replaceInvalid: Reason { Reason(rawValue: 80) }
    /// What it left had no room at its price. Since rules 3.
    @inlinable public static var noRoomToRest: Reason { Reason(rawValue: 81) }

    // 96…111: sessions.
    /// Another address holds the session and is alive.
    @inlinable public static var sessionInUse: Reason { Reason(rawValue: 96) }
    /// Key or tag are wrong.
    @inlinable public static var notAuthorised: Reason { Reason(rawValue: 97) }
    /// The epoch of the client is not the gateway's.
    @inlinable public static var wrongEpoch: Reason { Reason(rawValue: 98) }
    /// Nothing was heard for too long.
    @inlinable public static var timedOut: Reason { Reason(rawValue: 99) }
    /// The client logged out.
    @inlinable public static var loggedOut: Reason { Reason(rawValue: 100) }
    /// The gateway is stopping or takes nothing now.
    @inlinable public static var notAvailable: Reason { Reason(rawValue: 101) }
}
