// SPDX-License-Identifier: Apache-2.0
//
// docs/formats/mirror.md.
internal import Wire

/// What all that the two sides say has in common.
enum MirrorVersion {
    /// "NTMR".
    static var magic: UInt32 { 0x524D_544E }
    static var number: UInt16 { 2 }
    /// The smallest ring: a pair of records and more fit several times.
    static var recordCapacityMin: UInt32 { 16 }
    /// The largest ring that a standby gives memory for: 1 GB.
    static var recordCapacityMax: UInt32 { 1 << 24 }
}

/// What a primary says when it asks a standby for memory: little-endian, 56 bytes.
public struct MirrorHello: BitwiseCopyable, Equatable, Sendable {
    /// Offset 0: `MirrorVersion.magic`.
    public var magic: UInt32 = MirrorVersion.magic
    /// Offset 4: `MirrorVersion.number`.
    public var version: UInt16 = MirrorVersion.number
    /// Offset 6: the shard.
    public var shard: UInt16 = 0
    /// Offset 8: the last record of the primary's log when it asked, 0 for a new log.
    public var lastSequence: UInt64 = 0
    /// Offset 16: that record's CRC, 0 for a new log.
    public var crc32c: UInt32 = 0
    /// Offset 20: records in the ring, a power of two.
    public var recordCapacity: UInt32 = 0
    /// Offset 24: where the standby writes its ``MirrorCounter``.
    public var counterAddress: UInt64 = 0
    /// Offset 32: the key of that memory.
    public var counterKey: UInt32 = 0
    /// Offset 36: of this connection; goes into all that is written into memory.
    public var nonce: UInt32 = 0
    /// Offset 40: of the cluster's name; see docs/formats/mirror.md.
    public var clusterHash: UInt64 = 0
    /// Offset 48: the epoch that the primary writes in.
    public var epoch: UInt32 = 0
    /// Offset 52: the primary's number; 0 = of no cluster.
    public var host: UInt16 = 0
    /// Offset 54: the number of the standby that it means; 0 = whoever it is.
    public var peerHost: UInt16 = 0

    /// Why a standby does not take it; nil when it does.
    public func refusal(
        by identity: MirrorIdentity, knownEpoch: UInt32
    ) -> MirrorAnswer.Refusal? {
        guard magic == MirrorVersion.magic, version == MirrorVersion.number else { return .version }
        guard clusterHash == identity.clusterHash else { return .cluster }
        let isForUs = peerHost == 0 || peerHost == identity.host
        guard isForUs, identity.peerHost == 0 || identity.peerHost == host else { return .host }
        guard epoch >= knownEpoch else { return .epoch }
        let isPowerOfTwo = recordCapacity & (recordCapacity &- 1) == 0
        guard recordCapacity >= MirrorVersion.recordCapacityMin, isPowerOfTwo,
            recordCapacity <= MirrorVersion.recordCapacityMax
        else { return .capacity }
        // Sequences are counted up without a look at their end.
        return lastSequence < 1 << 62 ? nil : .place
    }
}

/// What the standby answers: 56 bytes.
public struct MirrorAnswer: BitwiseCopyable, Equatable, Sendable {
    /// Offset 0: `MirrorVersion.magic`.
    public var magic: UInt32 = MirrorVersion.magic
    /// Offset 4: `MirrorVersion.number`.
    public var version: UInt16 = MirrorVersion.number
    /// Offset 6: a ``Refusal``; 0 = none.
    public var refusal: UInt16 = 0
    /// Offset 8: slot 0 of the standby's ring.
    public var ringAddress: UInt64 = 0
    /// Offset 16: where the primary writes its ``PrimaryBeat``; 64 bytes on, the word for a
    /// ``Fence``.
    public var beatAddress: UInt64 = 0
    /// Offset 24: the last record that the standby has, 0 for none.
    public var lastSequence: UInt64 = 0
    /// Offset 32: that record's CRC, 0 for none.
    public var crc32c: UInt32 = 0
    /// Offset 36: the key of all that is written there.
    public var ringKey: UInt32 = 0
    /// Offset 40: the newest epoch that the standby knows of.
    public var epoch: UInt32 = 0
    /// Offset 44: the standby's number; 0 = of no cluster.
    public var host: UInt16 = 0
    /// Offset 46: zero.
    public var reserved: UInt16 = 0
    /// Offset 48: the oldest rules that the standby's build folds; 0, from a build that does not
    /// say so, is read as 1, here and at 52.
    public var oldestRules: UInt32 = 0
    /// Offset 52: the newest.
    public var newestRules: UInt32 = 0

    /// The rules that the standby's build folds.
    var rules: RulesRange {
        RulesRange(oldest: max(oldestRules, 1), newest: max(newestRules, 1))
    }

    /// Why a standby will not be one.
    public enum Refusal: UInt16, CaseIterable, Sendable {
        /// It is no hello of this version.
        case version = 1
        /// No ring of such a size.
        case capacity = 2
        /// No memory for it.
        case memory = 3
        /// Such a place is in no log.
        case place = 4
        /// The cluster has another name.
        case cluster = 5
        /// Another host is meant, or expected.
        case host = 6
        /// The standby knows of a newer epoch.
        case epoch = 7
        /// It has no such shard, or has a primary for it.
        case shard = 8
        /// Its state differed from the primary's.
        case state = 9
    }
}

/// How a standby takes the primary's right to write away.
public enum Fence: UInt64, CaseIterable, Sendable {
    /// It forbids remote writes on the queue pair.
    case access = 1
    /// It resets the queue pair.
    case reset = 2
}
