// SPDX-License-Identifier: Apache-2.0
public import Platform

/// How far an engine has come and what that took, for other threads to see.
public final class EngineProgress: Sendable {
    /// Where its numbers lie in a counters file.
    public struct Places: Sendable {
        let sequence: CounterPlace
        let stateHash: CounterPlace
        let openOrders: CounterPlace
        let match: CounterPlace
    }

    private let sequenceCell: CounterCell
    private let hashCell: CounterCell
    private let openOrdersCell: CounterCell
    let match: StageMeter
    private let region: CountersRegion

    /// Plans them for a shard: `engine.…` and `stage.match.…`.
    public static func plan(shard: UInt32, _ plan: inout CountersPlan) -> Places {
        plan.beginWriter()
        return Places(
            sequence: plan.add("engine.sequence", shard: shard),
            stateHash: plan.add("engine.stateHash", .gauge, shard: shard),
            openOrders: plan.add("engine.openOrders", .gauge, shard: shard),
            match: StageMeter.add("match", shard: shard, to: &plan))
    }

    /// Nothing applied, at the places that `plan` gave.
    public init(_ region: CountersRegion, _ places: Places) {
        self.region = region
        sequenceCell = region.cell(places.sequence)
        hashCell = region.cell(places.stateHash)
        openOrdersCell = region.cell(places.openOrders)
        match = StageMeter(region, places.match)
    }

    /// By the engine's thread, once a poll, when no command is left half done.
    func store(sequence: UInt64, openOrders: UInt32) {
        sequenceCell.store(sequence)
        openOrdersCell.store(UInt64(openOrders))
    }

    /// By the engine's thread, when it has caught up with the log.
    func store(stateHash: UInt64) { hashCell.store(stateHash) }

    /// Last record whose command is applied in full; any thread.
    public var sequence: UInt64 { sequenceCell.value }
    /// State hash when the engine had last caught up with the log: exact once it stands still.
    public var stateHash: UInt64 { hashCell.value }
}
