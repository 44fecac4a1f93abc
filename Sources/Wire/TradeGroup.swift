// SPDX-License-Identifier: Apache-2.0

extension LogRecord {
    /// Puts an account into a trade group, or with 0 into none: `session` the operator, `orderID`
    /// the group, below 2^32. Since rules 3.
    @inlinable
    public static func setTradeGroup(
        account: UInt32, group: UInt32, operatorID: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .setTradeGroup, session: operatorID, orderID: UInt64(group), account: account)
    }

    /// Of a record that puts an account into a trade group, if it says nothing else.
    @inlinable public var tradeGroup: UInt32? {
        guard let group = UInt32(exactly: orderID), flags == 0, attributes.rawValue == 0,
            UInt64(bitPattern: priceTicks) | quantityLots | UInt64(instrument) == 0
        else { return nil }
        return group
    }
}
