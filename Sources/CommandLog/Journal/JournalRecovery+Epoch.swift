// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The last epoch that a log opened.
public struct LastEpoch: Equatable, Sendable {
    /// Its number, as its first record says it: that of the log, not of a journal's run.
    public let epoch: UInt32
    /// The last record before it, which the epoch carried over; nil when a snapshot says the epoch,
    /// and its first record lies before that.
    public let carriedSequence: UInt64?

    /// Both.
    public init(epoch: UInt32, carriedSequence: UInt64?) {
        self.epoch = epoch
        self.carriedSequence = carriedSequence
    }
}

extension JournalRecovery {
    /// The last epoch that a scanned log opened, of the records behind `snapshot` if one is given,
    /// and else that of the snapshot; nil when there is neither.
    ///
    /// Reads segments from the newest backwards until one has an epoch's start: those that a fold
    /// behind the snapshot reads too, or, without one, at worst the whole log: when it was opened
    /// once, long ago. Throws as `forEachCommand`.
    public static func lastEpoch<Storage: JournalStorage>(
        _ storage: Storage, _ log: RecoveredLog, behind snapshot: SnapshotPosition? = nil
    ) throws(JournalError) -> LastEpoch? {
        let begin = max(log.firstSequence, (snapshot?.sequence ?? 0) + 1)
        for segment in log.segments.reversed() where segment.lastSequence >= begin {
            var found: LastEpoch?
            // A command that goes on in the next segment is one of this.
            try forEachCommand(
                storage, log, from: max(begin, segment.geometry.firstSequence),
                through: segment.lastSequence + 1
            ) { record, _ in
                guard record.kind == .epochStart else { return }
                found = LastEpoch(epoch: record.session, carriedSequence: record.sequence - 1)
            }
            if let found { return found }
        }
        return snapshot.map { LastEpoch(epoch: $0.epoch, carriedSequence: nil) }
    }
}
