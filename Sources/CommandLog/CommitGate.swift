// SPDX-License-Identifier: Apache-2.0
public import Platform

/// When a command counts as committed, so that what it caused may be shown to anybody.
public enum CommitPolicy: String, CaseIterable, Sendable {
    /// As soon as it is in the log. A crash may lose what was acknowledged.
    case none
    /// When it is in the journal, and the disk has said so.
    case durable
}

/// The one gate that execution reports, acknowledgements and market data wait at.
///
/// The engine may run ahead of it; nothing that a client can act on does. The gate opens on whole
/// commands, for records are published in whole commands.
/// Threading: asked by the core that sends.
public struct CommitGate: Sendable {
    /// The policy in force.
    public let policy: CommitPolicy
    /// Where the journal says how far it is; nil under `none`.
    @usableFromInline internal let durable: Cursor?
    /// Where it says that it has stopped for good.
    @usableFromInline internal let halted: Cursor?
    /// Owns that place.
    private let status: JournalStatus?

    /// A gate that is always open.
    public init() {
        policy = .none
        durable = nil
        halted = nil
        status = nil
    }

    /// A gate with the given policy over a shard's journal.
    public init(policy: CommitPolicy, journal: JournalStatus) {
        self.policy = policy
        durable = policy == .durable ? journal.durable : nil
        halted = journal.halted
        status = journal
    }

    /// The last sequence whose effects may leave, of a log published up to `publishedSequence`; 0
    /// once the journal has failed, under every policy: what could not be found again after a
    /// restart is not told any more.
    @inlinable @_noLocks
    public func committedSequence(publishedSequence: UInt64) -> UInt64 {
        // Acquire, both: pair with the releases in the journal's status.
        if let halted, halted.load() != 0 { return 0 }
        // It speaks of whole commands only.
        return durable?.load() ?? publishedSequence
    }
}
