// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How far an engine has come, for other threads to see.
public final class EngineProgress: Sendable {
    private let sequenceValue = Atomic<UInt64>(0)
    private let hashValue = Atomic<UInt64>(0)

    /// Nothing applied.
    public init() {}

    /// By the engine's thread, once a poll, when no command is left half done.
    func store(sequence: UInt64) {
        // Release: pairs with the acquire in `sequence`.
        sequenceValue.store(sequence, ordering: .releasing)
    }

    /// By the engine's thread, when it has caught up with the log.
    func store(stateHash: UInt64) {
        // Release: pairs with the acquire in `stateHash`.
        hashValue.store(stateHash, ordering: .releasing)
    }

    /// Last record whose command is applied in full; any thread.
    public var sequence: UInt64 { sequenceValue.load(ordering: .acquiring) }
    /// State hash when the engine had last caught up with the log: exact once it stands still.
    public var stateHash: UInt64 { hashValue.load(ordering: .acquiring) }
}
