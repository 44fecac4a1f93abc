// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A segment as recovery found it: all of it is valid.
public struct RecoveredSegment: Equatable, Sendable {
    /// Its file.
    public let name: String
    /// Where its records lie.
    public let geometry: SegmentGeometry
    /// CRC of the record before its first.
    public let chainBefore: UInt32
    /// The log's time before its first record, UTC nanoseconds.
    public let timestampNanosBefore: UInt64
    /// The epoch in its header.
    public let epoch: UInt32
    /// The last record that belongs to the log; `firstSequence - 1` when none does.
    public internal(set) var lastSequence: UInt64
    /// CRC of that record.
    public internal(set) var chain: UInt32
    /// The log's time there, UTC nanoseconds.
    public internal(set) var lastTimestampNanos: UInt64
    /// Whether it has its footer.
    public internal(set) var hasFooter: Bool
}

/// What `JournalRecovery.scan` found: the log from its oldest segment to its last whole command.
public struct RecoveredLog: Sendable {
    /// The shard.
    public internal(set) var shard: UInt32
    /// Every segment that has a record of the log, oldest first; the last one may have none.
    public internal(set) var segments: [RecoveredSegment] = []
    /// The last record of the last whole command; 0 for a new log.
    public internal(set) var lastSequence: UInt64 = 0
    /// Its CRC: the seed of what comes next.
    public internal(set) var chain: UInt32 = 0
    /// The log's time there, UTC nanoseconds.
    public internal(set) var lastTimestampNanos: UInt64 = 0
    /// The highest epoch seen in a header; 0 for a new log. The next is larger.
    public internal(set) var epoch: UInt32 = 0
    /// The highest sequence that the files say was durable; `lastSequence` or less.
    public internal(set) var durableSequence: UInt64 = 0
    /// Files behind the end that hold nothing of the log: torn or never begun.
    public internal(set) var cutFiles: [String] = []
    /// Files behind the end that are named like segments and have no valid header: whosoever they
    /// are, `seal` sets them aside under `JournalFormat.asideSuffix`.
    public internal(set) var asideFiles: [String] = []
    /// Records at the end that are in the tail only, and not in their segment yet.
    public internal(set) var tailRecords: [LogRecord] = []
    /// Number of the next batch.
    public internal(set) var nextBatchNumber: UInt64 = 1
    /// Whether the tail is there with a valid slot; without one it gets its first.
    internal var hasTailSlot = false
    /// What was noted as durable for auditors, when that is behind the end of the log; else 0. Then
    /// the tail may be one of another moment, put back: nothing in it would say so.
    public internal(set) var notedSequence: UInt64 = 0
    /// Whole segments without a tail: what was let go and archived. For tools, not to start from.
    public internal(set) var isArchive = false
    /// Whether `seal` has made it permanent (a new log is).
    public internal(set) var isSealed = false

    internal init(shard: UInt32) { self.shard = shard }

    /// The first sequence that can be read here; `lastSequence + 1` when none can.
    public var firstSequence: UInt64 { segments.first?.geometry.firstSequence ?? 1 }
}
