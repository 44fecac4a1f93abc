// SPDX-License-Identifier: Apache-2.0

/// When a command counts as committed, so that what it caused may be shown to anybody.
public enum CommitPolicy: String, CaseIterable, Sendable {
    /// As soon as it is in the log. A crash may lose what was acknowledged.
    case none
}

/// The one gate that execution reports, acknowledgements and market data wait at.
///
/// The engine may run ahead of it; nothing that a client can act on does. The gate opens on whole
/// commands, for records are published in whole commands.
/// Threading: asked by the core that sends.
public struct CommitGate: Sendable {
    /// The policy in force.
    public let policy: CommitPolicy

    /// A gate with the given policy.
    public init(policy: CommitPolicy) { self.policy = policy }

    /// The last sequence whose effects may leave, of a log published up to `publishedSequence`.
    @inlinable @_noLocks
    public func committedSequence(publishedSequence: UInt64) -> UInt64 {
        switch policy {
        case .none: publishedSequence
        }
    }
}
