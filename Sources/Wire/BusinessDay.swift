// SPDX-License-Identifier: Apache-2.0

/// A business day: a date, as days since 1970-01-01, from 1; 0 = none yet. Every number up to the
/// last day of the year 9999 is a date, and a later date is a higher number.
public struct BusinessDay: RawRepresentable, Hashable, Comparable, BitwiseCopyable, Sendable {
    /// Days since 1970-01-01.
    public var rawValue: UInt32
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Before the first.
    @inlinable public static var none: BusinessDay { .init(rawValue: 0) }
    /// 9999-12-31: the last one that a log takes.
    @inlinable public static var last: BusinessDay { .init(rawValue: 2_932_896) }

    /// The earlier one is less.
    @inlinable public static func < (one: BusinessDay, other: BusinessDay) -> Bool {
        one.rawValue < other.rawValue
    }
}

extension LogRecord {
    /// Ends the business day, and begins another: `session` the operator, `orderID` the new day.
    @inlinable
    public static func rollBusinessDay(to day: BusinessDay, operatorID: UInt32) -> LogRecord {
        LogRecord(kind: .rollBusinessDay, session: operatorID, orderID: UInt64(day.rawValue))
    }

    /// Of a record that rolls the day: the new one, or nil where it names none.
    @inlinable public var businessDay: BusinessDay? {
        let isDay = orderID != 0 && orderID <= UInt64(BusinessDay.last.rawValue)
        return isDay ? BusinessDay(rawValue: UInt32(truncatingIfNeeded: orderID)) : nil
    }
}
