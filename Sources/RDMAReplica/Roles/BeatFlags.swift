// SPDX-License-Identifier: Apache-2.0
public import CommandLog

/// What a primary says by the flags of its beats; docs/formats/mirror.md.
public struct BeatFlags: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt16
    /// Wraps the bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The decision says that the standby is in sync.
    public static let admitted = BeatFlags(rawValue: 1)
    /// The standby has the decision: nothing more comes.
    public static let handingOver = BeatFlags(rawValue: 2)
    /// What the standby has behind the record that `hashSequence` names, whose CRC is `stateHash`,
    /// was never carried over: it is to be cut off.
    public static let cutBack = BeatFlags(rawValue: 4)
    /// The standby is brought up from a snapshot, which comes in the place of records: the one
    /// behind the record that `hashSequence` names, of `stateHash` bytes; 0 = it is being made.
    public static let snapshot = BeatFlags(rawValue: 8)
    /// The decision says that the primary alone is in sync.
    public static let alone = BeatFlags(rawValue: 16)
    /// The standby is asked to take over.
    public static let offering = BeatFlags(rawValue: 32)
}

/// What a standby says by the flags of its counters; docs/formats/mirror.md.
public struct CounterFlags: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt32
    /// Wraps the bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A person wants this host to be the primary: the primary is asked to hand over.
    public static let wantsHandOver = CounterFlags(rawValue: 1)
    /// This host has the decision, as the primary has asked for, and waits for the last records.
    public static let relieving = CounterFlags(rawValue: 2)
}

extension MirrorVitals {
    static func cutBack(behind record: RecordChain) -> MirrorVitals {
        MirrorVitals(
            hashSequence: record.lastSequence, stateHash: UInt64(record.crc32c),
            flags: BeatFlags.cutBack.rawValue)
    }
}

extension PrimaryBeat {
    /// The record behind which the standby is to cut its log; nil when it is not.
    public var cut: RecordChain? {
        guard BeatFlags(rawValue: flags).contains(.cutBack) else { return nil }
        return RecordChain(
            lastSequence: hashSequence, crc32c: UInt32(truncatingIfNeeded: stateHash))
    }

    /// Whether nothing comes behind it.
    public var isLast: Bool { BeatFlags(rawValue: flags).contains(.handingOver) }
    /// Whether a snapshot comes in the place of records.
    var bringsSnapshot: Bool { BeatFlags(rawValue: flags).contains(.snapshot) }
    /// Whether `hashSequence` and `stateHash` are a checkpoint.
    public var hasCheckpoint: Bool { cut == nil && !bringsSnapshot && hashSequence != 0 }
}
