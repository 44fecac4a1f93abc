// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// The rules of one shard's log, for whoever asks.
///
/// Threading: `tell` belongs to the thread that writes the log; the rest to all.
final class LogRules: Sendable {
    /// Where the log is.
    struct Place: Equatable, Sendable {
        /// The rules that its end is under; 0 = it has no record yet.
        var inForce: UInt32 = 0
        /// The record that put them in force, if this process has seen it.
        var sequence: UInt64 = 0
    }

    /// What this host folds.
    let folded: RulesRange
    private let current = Mutex(Place())

    init(_ folded: RulesRange) { self.folded = folded }

    var place: Place { current.withLock { $0 } }

    func tell(inForce version: UInt32, sequence: UInt64) {
        current.withLock { $0 = Place(inForce: version, sequence: sequence) }
    }
}
