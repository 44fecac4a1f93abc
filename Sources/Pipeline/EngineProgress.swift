// SPDX-License-Identifier: Apache-2.0
public import Platform
internal import Synchronization

/// How far an engine has come and what that took, for other threads to see.
public final class EngineProgress: Sendable {
    /// Where its numbers lie in a counters file.
    public struct Places: Sendable {
        let sequence: CounterPlace
        let stateHash: CounterPlace
        let openOrders: CounterPlace
        let pulse: CounterPlace
        let match: CounterPlace
        let nextExpiry: CounterPlace
        let backlog: CounterPlace
    }

    private let sequenceCell: CounterCell
    private let hashCell: CounterCell
    private let openOrdersCell: CounterCell
    private let pulseCell: CounterCell
    private let nextExpiryCell: CounterCell
    private let backlogCell: CounterCell
    private let checkpoints = Checkpoints()
    let match: StageMeter
    private let region: CountersRegion

    /// Plans them for a shard: `engine.…` and `stage.match.…`.
    public static func plan(shard: UInt32, _ plan: inout CountersPlan) -> Places {
        plan.beginWriter()
        let sequence = plan.add("engine.sequence", shard: shard)
        let stateHash = plan.add("engine.stateHash", .gauge, shard: shard)
        let openOrders = plan.add("engine.openOrders", .gauge, shard: shard)
        let pulse = plan.add("engine.pulse", shard: shard)
        let match = StageMeter.add("match", shard: shard, to: &plan)
        // On a line of its own: the thread that writes the log looks at it in each poll, and the
        // other numbers of the engine change as often.
        plan.beginWriter()
        return Places(
            sequence: sequence, stateHash: stateHash, openOrders: openOrders, pulse: pulse,
            match: match, nextExpiry: plan.add("engine.nextExpiry", .gauge, shard: shard),
            backlog: plan.add("engine.backlog", .gauge, shard: shard))
    }

    /// Nothing applied, at the places that `plan` gave.
    public init(_ region: CountersRegion, _ places: Places) {
        self.region = region
        sequenceCell = region.cell(places.sequence)
        hashCell = region.cell(places.stateHash)
        openOrdersCell = region.cell(places.openOrders)
        pulseCell = region.cell(places.pulse)
        match = StageMeter(region, places.match)
        nextExpiryCell = region.cell(places.nextExpiry)
        backlogCell = region.cell(places.backlog)
    }

    /// By the engine's thread, once a poll, when no command is left half done.
    func store(sequence: UInt64, openOrders: UInt32) {
        sequenceCell.store(sequence)
        openOrdersCell.store(UInt64(openOrders))
    }

    /// By the engine's thread, when it is another than before: UTC seconds, 0 = nothing expires.
    func store(nextExpirySeconds: UInt64) { nextExpiryCell.store(nextExpirySeconds) }

    /// By the engine's thread, when it is another than before.
    func store(backlog: UInt64) { backlogCell.store(backlog) }

    /// By the engine's thread, when it has caught up with the log.
    func store(stateHash: UInt64) { hashCell.store(stateHash) }

    /// By the engine's thread, at each look and behind each slice of long work: who watches it from
    /// another host sees that it lives.
    @inline(__always)
    func beat() { pulseCell.add(1) }

    /// By the engine's thread, behind the last command that ends before a checkpoint.
    func store(checkpoint sequence: UInt64, stateHash: UInt64) {
        checkpoints.store(sequence, stateHash)
    }

    /// Moves on while the engine's thread does.
    var pulse: UInt64 { pulseCell.value }
    /// The last checkpoint that was passed; sequence 0 before the first.
    var lastCheckpoint: (sequence: UInt64, stateHash: UInt64) { checkpoints.last }
    /// The state hash behind a record, if that was a checkpoint not long ago.
    func checkpoint(at sequence: UInt64) -> UInt64? { checkpoints.find(sequence) }

    /// `Engine.nextExpirySeconds` as of the commands that are applied; 0 = none.
    var nextExpirySeconds: UInt64 { nextExpiryCell.value }

    /// `Engine.backlogSize` as of the commands that are applied.
    var backlog: UInt64 { backlogCell.value }

    /// Last record whose command is applied in full; any thread.
    public var sequence: UInt64 { sequenceCell.value }
    /// State hash when the engine had last caught up with the log: exact once it stands still.
    public var stateHash: UInt64 { hashCell.value }
}

/// The last few checkpoints of an engine: the same ones on every host of a log, so that two can
/// compare their states.
///
/// Threading: written by the engine's thread, read by any.
private final class Checkpoints: Sendable {
    private static let count = 8
    private let slots = (0..<count).map { _ in Slot() }
    private let newest = Atomic<Int>(0)

    private final class Slot: Sendable {
        let sequence = Atomic<UInt64>(0)
        let stateHash = Atomic<UInt64>(0)

        /// The two belong together when the sequence is the same before and after.
        var value: (sequence: UInt64, stateHash: UInt64)? {
            let before = sequence.load(ordering: .acquiring)
            let hash = stateHash.load(ordering: .acquiring)
            return sequence.load(ordering: .relaxed) == before ? (before, hash) : nil
        }
    }

    func store(_ sequence: UInt64, _ stateHash: UInt64) {
        let index = (newest.load(ordering: .relaxed) + 1) % Self.count
        let slot = slots[index]
        slot.sequence.store(0, ordering: .releasing)
        // Release, all: pair with the acquires in `value`, which sees either the whole or the zero.
        slot.stateHash.store(stateHash, ordering: .releasing)
        slot.sequence.store(sequence, ordering: .releasing)
        newest.store(index, ordering: .releasing)
    }

    var last: (sequence: UInt64, stateHash: UInt64) {
        slots[newest.load(ordering: .acquiring)].value ?? (0, 0)
    }

    func find(_ sequence: UInt64) -> UInt64? {
        guard sequence != 0 else { return nil }
        return slots.lazy.compactMap(\.value).first { $0.sequence == sequence }?.stateHash
    }
}
