// SPDX-License-Identifier: Apache-2.0

/// What a journal is told at its start.
public struct JournalConfiguration: Sendable {
    /// Bytes of a segment's file: whole pages, 3 or more.
    public var segmentByteCount: Int
    /// Bytes of the first segment, whose zeros a start waits for: 32 MB or less.
    public var firstSegmentByteCount: Int
    /// Batches in flight, at most: 1...8.
    public var batchesInFlight: Int
    /// Bytes of a batch, at most: 8,192 or more.
    public var batchByteCountMax: Int
    /// Polls without work before the tail is written once more, so that at rest it says exactly
    /// what is durable, twice.
    public var restPollCount: Int
    /// The epoch that is written into headers and slots: larger than any before it in this log.
    public var epoch: UInt32
    /// The shard; a log of another shard is refused.
    public var shard: UInt32
    /// The newest rules that the writer folds, for the headers.
    public var rulesVersion: UInt32
    /// Now, in UTC nanoseconds: noted for auditors when a batch is durable.
    public var utcNanos: @Sendable () -> UInt64 = CommitNotes.systemNanos

    /// With the defaults of a production journal.
    public init(
        epoch: UInt32, shard: UInt32, rulesVersion: UInt32, segmentByteCount: Int = 256 << 20,
        batchesInFlight: Int = 4, batchByteCountMax: Int = 1 << 20, restPollCount: Int = 16
    ) {
        precondition(
            SegmentGeometry.isSize(segmentByteCount), "a segment is whole pages, 3 or more")
        precondition(
            (1...JournalFormat.batchesInFlightMax).contains(batchesInFlight),
            "1 to 8 batches are in flight")
        precondition(batchByteCountMax >= 8192, "a batch has room for two blocks")
        self.segmentByteCount = segmentByteCount
        firstSegmentByteCount = min(segmentByteCount, 32 << 20)
        self.batchesInFlight = batchesInFlight
        self.batchByteCountMax = batchByteCountMax
        self.restPollCount = restPollCount
        self.epoch = epoch
        self.shard = shard
        self.rulesVersion = rulesVersion
    }
}
