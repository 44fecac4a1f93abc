// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// The rules of one shard's log, between the thread that writes it and whoever asks.
///
/// Threading: `tell` and `takeWish` belong to the thread that writes the log; the rest to all.
final class RulesDesk: Sendable {
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
    /// The version in the upper half, the operator in the lower; 0 = nothing is wished for.
    private let wish = Atomic<UInt64>(0)

    init(_ folded: RulesRange) { self.folded = folded }

    var place: Place { current.withLock { $0 } }

    /// Asks for rules, for an operator. False while the wish before is not looked at.
    func ask(version: UInt32, operatorID: UInt32) -> Bool {
        let wanted = UInt64(version) << 32 | UInt64(operatorID)
        return wish.compareExchange(expected: 0, desired: wanted, ordering: .relaxed).exchanged
    }

    /// Takes a wish back. False when there is none any more: it is in the log, or about to be.
    func withdraw() -> Bool { wish.exchange(0, ordering: .relaxed) != 0 }

    /// The wish as a record, which is to be written.
    func takeWish() -> LogRecord? {
        guard wish.load(ordering: .relaxed) != 0 else { return nil }
        let wanted = wish.exchange(0, ordering: .relaxed)
        guard wanted != 0 else { return nil }
        return .activateRules(
            version: UInt32(wanted >> 32), operatorID: UInt32(truncatingIfNeeded: wanted))
    }

    func tell(inForce version: UInt32, sequence: UInt64) {
        current.withLock { $0 = Place(inForce: version, sequence: sequence) }
    }
}
