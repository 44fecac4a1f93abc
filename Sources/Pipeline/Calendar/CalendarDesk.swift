// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// Where the calendar leaves records for the log of one shard, beside the desk of operators, whom
/// it does not hold up.
///
/// Threading: `write` belongs to the thread that writes the log; the rest to the calendar's.
final class CalendarDesk: Sendable {
    /// Records of one look: the thread that writes the log has others to serve.
    private static let recordsAtOnce = 16

    private struct State {
        /// The last one is the next.
        var left: [LogRecord] = []
        /// Of the last one that was written; 0 = none.
        var sequence: UInt64 = 0
    }

    private let state = Mutex(State())
    /// So that the thread that writes the log takes no lock for nothing.
    private let hasRecords = Atomic<Bool>(false)

    /// The sequence of the last record, when all that was left here is written, and 0 where nothing
    /// was; nil before.
    var writtenThrough: UInt64? {
        state.withLock { $0.left.isEmpty ? $0.sequence : nil }
    }

    /// Leaves records, in their order, instead of those that are there.
    func leave(_ records: [LogRecord]) {
        state.withLock { $0 = State(left: records.reversed(), sequence: 0) }
        // Release: pairs with the acquire in `write`. The records are there.
        hasRecords.store(!records.isEmpty, ordering: .releasing)
    }

    /// Has some of them written by `body`, which answers the sequence, or nil without room.
    func write(_ body: (LogRecord) -> UInt64?) {
        // Acquire: pairs with the release in `leave`.
        guard hasRecords.load(ordering: .acquiring) else { return }
        state.withLock { state in
            for _ in 0..<Self.recordsAtOnce {
                guard let record = state.left.last, let sequence = body(record) else { break }
                state.sequence = sequence
                state.left.removeLast()
            }
            if state.left.isEmpty { hasRecords.store(false, ordering: .relaxed) }
        }
    }
}
