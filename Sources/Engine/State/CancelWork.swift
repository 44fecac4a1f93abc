// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What one command cancels, and how far that has come: its own work, or since rules 3 a place in
/// the queue of what goes on behind later commands.
struct CancelWork: BitwiseCopyable {
    var requestID: UInt64 = 0  //       of a mass cancel
    var reference: UInt64 = .max  //    of the command: orders entered later are spared
    var cancelledCount: UInt64 = 0
    var session: UInt32 = 0  //         whose orders are looked at now
    var slot: UInt32 = 0  //            of the next one; while it waits, its mark says so
    var account: UInt32 = 0  //         with `byAccount`
    var instrument: UInt32 = 0  //      0 = all
    var flags: UInt8 = 0  //            see below
    var sides = MassCancelSides(rawValue: 0)
    var reason = Reason.none  //        of each order's `cancelled`
    var answerReason = Reason.none
    var closingKind = EventKind.nothing  // of the event behind the last one

    static let byAccount: UInt8 = 1
    static let sparesGoodTill: UInt8 = 2
    /// One session after the other.
    static let allSessions: UInt8 = 4
    /// What a day's end has: all orders for the day.
    static let ofDay = allSessions | sparesGoodTill
    /// All orders that have expired, by when they do.
    static let expiry: UInt8 = 8

    @inline(__always) var isByAccount: Bool { flags & Self.byAccount != 0 }
    @inline(__always) var sparesGoodTill: Bool { flags & Self.sparesGoodTill != 0 }
    @inline(__always) var isOfAllSessions: Bool { flags & Self.allSessions != 0 }
    @inline(__always) var isExpiry: Bool { flags & Self.expiry != 0 }

    /// Whether it is the end of a session.
    @inline(__always) var endsSession: Bool {
        closingKind == .loggedOut || closingKind == .sessionTimedOut
    }
}

/// Since rules 3: how many steps one command may take at cancelling many orders. A step is an order
/// that is looked at, to be cancelled or not, or a session that is left for the next. They are part
/// of the rules.
@_spi(Testing) public struct StepBounds: BitwiseCopyable, Sendable {
    /// Of the command that asks for it.
    public var own: UInt32
    /// Of each later command, at what is left over.
    public var behind: UInt32
    /// The same of a `timeAdvance`, which the gateway writes for it when it has nothing else to do.
    public var behindTime: UInt32

    /// Those of the rules, unless a test has others.
    public init(own: UInt32 = 1_024, behind: UInt32 = 16, behindTime: UInt32 = 256) {
        self.own = own
        self.behind = behind
        self.behindTime = behindTime
    }
}
