// SPDX-License-Identifier: Apache-2.0

/// Versions of the rules, from one to another: what a build folds. A log says under which rules it
/// is, by its `epochStart` and `activateRules` records; a build whose range lacks them refuses it.
///
/// What each version means is written at `Engine.apply`. Two hosts of a pair may run different
/// builds while both fold what the log is under: that is how a pair is upgraded without a stop.
public struct RulesRange: Hashable, BitwiseCopyable, Sendable {
    /// The oldest that is folded, from 1.
    public var oldest: UInt32
    /// The newest.
    public var newest: UInt32

    /// From one to another, both folded.
    @inlinable public init(oldest: UInt32, newest: UInt32) {
        self.oldest = oldest
        self.newest = newest
    }

    /// What this build folds. The only place that says so.
    @inlinable public static var build: RulesRange { RulesRange(oldest: 1, newest: 3) }

    /// Whether a version is folded.
    @inlinable public func contains(_ version: UInt32) -> Bool {
        version >= oldest && version <= newest
    }

    /// Why a log under a version is not taken, cause and cure; nil when it is.
    public func refusal(of version: UInt32) -> String? {
        guard !contains(version) else { return nil }
        return "the log is under rules \(version), this build folds \(self): take a build that "
            + "folds them, such as the one that wrote the log"
    }

    /// Why a record is not taken, which puts rules in force that are not folded; nil for others.
    public func refusal(of record: LogRecord) -> String? {
        guard let version = record.rulesPutInForce else { return nil }
        return refusal(of: version)
    }
}

extension RulesRange: CustomStringConvertible {
    /// `1 to 2`, or `1`.
    public var description: String {
        oldest == newest ? "\(oldest)" : "\(oldest) to \(newest)"
    }
}

extension LogRecord {
    /// The version of the rules that an `epochStart` or an `activateRules` puts in force; nil of
    /// other kinds. What no 32 bits can say is the largest number, which no build folds.
    @inlinable public var rulesPutInForce: UInt32? {
        switch kind {
        case .epochStart: sessionSequence
        case .activateRules: UInt32(clamping: orderID)
        default: nil
        }
    }

    /// The change of the rules from the next command on: `session` the operator, `orderID` the
    /// version.
    @inlinable
    public static func activateRules(version: UInt32, operatorID: UInt32) -> LogRecord {
        LogRecord(kind: .activateRules, session: operatorID, orderID: UInt64(version))
    }
}
