// SPDX-License-Identifier: Apache-2.0

/// Why something was refused, rejected or cancelled: one number for people and programs, the same
/// in records, events and reports. Listed in docs/formats/order-entry.md.
public struct Reason: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The number.
    public var rawValue: UInt8
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nothing is wrong.
    public static let none = Reason(rawValue: 0)

    // 1…63: rejects of orders, cancels, reduces and replaces.
    /// No such instrument.
    public static let unknownInstrument = Reason(rawValue: 1)
    /// The session has no open order with this id.
    public static let unknownOrder = Reason(rawValue: 2)
    /// The session already has an open order with this id.
    public static let duplicateOrderID = Reason(rawValue: 3)
    /// Quantity is zero.
    public static let zeroQuantity = Reason(rawValue: 4)
    /// Quantity is above the instrument's limit.
    public static let quantityTooLarge = Reason(rawValue: 5)
    /// Price is below the instrument's lowest or above its highest.
    public static let priceOutOfRange = Reason(rawValue: 6)
    /// The shard holds as many open orders as it may.
    public static let orderPoolExhausted = Reason(rawValue: 7)
    /// The session holds as many open orders as it may.
    public static let sessionOrderLimit = Reason(rawValue: 8)
    /// Side is neither 0 nor 1.
    public static let invalidSide = Reason(rawValue: 9)
    /// The order type is unknown or not active here.
    public static let invalidOrderType = Reason(rawValue: 10)
    /// The time in force is unknown or not active here.
    public static let invalidTimeInForce = Reason(rawValue: 11)
    /// Flags that do not go together, or unknown ones.
    public static let invalidFlags = Reason(rawValue: 12)
    /// A post-only order would trade.
    public static let postOnlyWouldTrade = Reason(rawValue: 13)
    /// The instrument of the message is not the order's.
    public static let wrongInstrument = Reason(rawValue: 14)
    /// The instrument does not take this now.
    public static let instrumentNotOpen = Reason(rawValue: 15)
    /// A reduce must set a total below the present one.
    public static let totalNotReduced = Reason(rawValue: 16)
    /// The account is above 2^32-1 or not allowed.
    public static let invalidAccount = Reason(rawValue: 17)
    /// The session sends more than its limit.
    public static let throttled = Reason(rawValue: 18)
    /// The session is not logged on.
    public static let notLoggedOn = Reason(rawValue: 19)
    /// The message needs something that this version does not offer.
    public static let unsupported = Reason(rawValue: 20)
    /// Reserved bytes are not zero.
    public static let invalidReserved = Reason(rawValue: 21)
    /// The session sequence in the log is not the next: never seen in a sound system.
    public static let sessionSequenceBroken = Reason(rawValue: 22)
    /// The order id is zero.
    public static let invalidOrderID = Reason(rawValue: 23)
    /// The session number is zero or above the limit.
    public static let unknownSession = Reason(rawValue: 24)
    /// A control command that contradicts the state.
    public static let invalidControl = Reason(rawValue: 25)

    // 64…95: why an order was cancelled.
    /// The client asked for it.
    public static let byClient = Reason(rawValue: 64)
    /// What an immediate-or-cancel order left.
    public static let immediateOrCancel = Reason(rawValue: 65)
    /// A fill-or-kill order that could not be filled.
    public static let fillOrKill = Reason(rawValue: 66)
    /// What a market order left.
    public static let marketRemainder = Reason(rawValue: 67)
    /// Self-trade prevention.
    public static let selfTradePrevented = Reason(rawValue: 68)
    /// A mass cancel.
    public static let massCancelled = Reason(rawValue: 69)
    /// The session ended, with cancel on disconnect.
    public static let sessionEnded = Reason(rawValue: 70)
    /// Replaced by another order.
    public static let replaced = Reason(rawValue: 71)
    /// It expired.
    public static let expired = Reason(rawValue: 72)
    /// A replace whose total is not above what was executed.
    public static let totalExecuted = Reason(rawValue: 73)

    // 96…111: sessions.
    /// Another address holds the session and is alive.
    public static let sessionInUse = Reason(rawValue: 96)
    /// Key or tag are wrong.
    public static let notAuthorised = Reason(rawValue: 97)
    /// The epoch of the client is not the gateway's.
    public static let wrongEpoch = Reason(rawValue: 98)
    /// Nothing was heard for too long.
    public static let timedOut = Reason(rawValue: 99)
    /// The client logged out.
    public static let loggedOut = Reason(rawValue: 100)
    /// The gateway is stopping or takes nothing now.
    public static let notAvailable = Reason(rawValue: 101)
}
