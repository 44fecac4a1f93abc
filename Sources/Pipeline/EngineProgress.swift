// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How far an engine has come, for other threads to see.
public final class EngineProgress: Sendable {
    private let sequenceValue = Atomic<UInt64>(0)
    private let hashValue = Atomic<UInt64>(0)

    /// Nothing applied.
    public init() {}

    /// By the engine's thread, once a poll.
    func store(sequence: UInt64, stateHash: UInt64) {
        hashValue.store(stateHash, ordering: .relaxed)
        // Release: pairs with the acquire in `sequence`.
        sequenceValue.store(sequence, ordering: .releasing)
    }

    /// Last record applied; any thread.
    public var sequence: UInt64 { sequenceValue.load(ordering: .acquiring) }
    /// State hash of a poll at or after `sequence`; exact once the engine stands still.
    public var stateHash: UInt64 { hashValue.load(ordering: .relaxed) }
}
