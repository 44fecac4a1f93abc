// SPDX-License-Identifier: Apache-2.0

/// What a kill switch stops: `attributes` of its record. Since rules 3.
public struct KillTarget: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The number.
    public var rawValue: UInt8
    /// Wraps a number as it stands.
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A session.
    @inlinable public static var session: KillTarget { KillTarget(rawValue: 1) }
    /// An account, in all sessions.
    @inlinable public static var account: KillTarget { KillTarget(rawValue: 2) }
    /// An instrument: planned.
    @inlinable public static var instrument: KillTarget { KillTarget(rawValue: 3) }
}

extension LogRecord {
    /// Stops a session or an account, or releases it: `session` the operator, `orderID` its number.
    @inlinable
    public static func killSwitch(
        _ target: KillTarget, number: UInt64, stops: Bool, operatorID: UInt32
    ) -> LogRecord {
        LogRecord(
            kind: .killSwitch, session: operatorID, orderID: number,
            attributes: OrderAttributes(rawValue: target.rawValue),
            flags: stops ? RecordFlags.stop : 0)
    }

    /// Of a kill switch.
    @inlinable public var killTarget: KillTarget { KillTarget(rawValue: attributes.rawValue) }
}
