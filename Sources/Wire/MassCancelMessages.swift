// SPDX-License-Identifier: Apache-2.0
//
// Messages of the order entry protocol that cancel many orders.

/// Cancels many orders of the session: 16 bytes.
public struct MassCancel: BitwiseCopyable, Sendable {
    /// Offset 0: 0x06.
    public var type: MessageType
    /// Offset 1: bit 0 buys, bit 1 sells; 0 = both.
    public var sides: UInt8
    /// Offset 2: zero.
    public var reserved2: UInt16
    /// Offset 4: the instrument; 0 = all.
    public var instrument: UInt32
    /// Offset 8: given back in the report.
    public var orderID: UInt64

    /// A mass cancel.
    @inlinable public init(requestID: UInt64, instrument: UInt32 = 0, sides: UInt8 = 0) {
        type = .massCancel
        self.sides = sides
        reserved2 = 0
        self.instrument = instrument
        orderID = requestID
    }
}

/// Cancels many orders of the session, all of one account: 24 bytes. Since rules 3.
public struct MassCancelByAccount: BitwiseCopyable, Sendable {
    /// Offset 0: 0x0A.
    public var type: MessageType
    /// Offset 1: bit 0 buys, bit 1 sells; 0 = both.
    public var sides: UInt8
    /// Offset 2: zero.
    public var reserved2: UInt16
    /// Offset 4: the instrument; 0 = all.
    public var instrument: UInt32
    /// Offset 8: given back in the report.
    public var orderID: UInt64
    /// Offset 16: the account; refused above 2^32-1.
    public var account: UInt64

    /// A mass cancel of an account's orders.
    @inlinable
    public init(requestID: UInt64, account: UInt64, instrument: UInt32 = 0, sides: UInt8 = 0) {
        type = .massCancelByAccount
        self.sides = sides
        reserved2 = 0
        self.instrument = instrument
        orderID = requestID
        self.account = account
    }
}
