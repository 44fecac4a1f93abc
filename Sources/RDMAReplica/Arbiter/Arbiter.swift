// SPDX-License-Identifier: Apache-2.0
//
//      primary ── ArbiterRunner ──┐                       ┌── FileArbiter     one machine
//                                 ├─ read, swap ─▶ Arbiter ├── EtcdArbiter     three members
//      standby ── ArbiterRunner ──┘       one key         └── ManualArbiter   an operator
//
//  All decisions about who may acknowledge go through one key for each group of shards, changed
//  only by comparing its revision and swapping. No clocks and no leases: who is slow loses a swap,
//  and is never wrong about it.

/// Why an arbiter could not be asked, for a person to read.
public struct ArbiterError: Error, Equatable, CustomStringConvertible, Sendable {
    /// One sentence or two: cause and cure.
    public let description: String

    /// From its text.
    public init(_ description: String) { self.description = description }
}

/// What became of a swap.
public enum SwapOutcome: Equatable, Sendable {
    /// The decision is the one there is, for good: what survives is on the arbiter's disks.
    case won(revision: UInt64)
    /// It is not, and never will be: this one is there. With the revision that the swap was for,
    /// only an operator may do that (see `ManualArbiter`).
    case lost(Decision?, revision: UInt64)
    /// Neither is known, and why: ask the same swap again.
    case unknown(String)

    /// The one place that resolves what was unknown: a swap found another revision than it was for,
    /// and below it either its own decision, which an earlier asking has put there, or another.
    public init(asked: Decision, found: Decision?, revision: UInt64) {
        self = found == asked ? .won(revision: revision) : .lost(found, revision: revision)
    }
}

/// Keeps one decision. Two swaps from one revision never both win.
///
/// Threading: one call at a time. Calls block, up to the time-out of the arbiter's settings.
public protocol Arbiter: AnyObject, Sendable {
    /// What it is and where, as in "etcd at https://a:2379".
    var description: String { get }

    /// The decision and its revision; nil and 0 when there is none yet. Linearizable: never older
    /// than what any swap before this call has won.
    func read() throws(ArbiterError) -> (decision: Decision?, revision: UInt64)

    /// Puts `decision` in the place of the one with `revision` (0 = there is none). Asked again,
    /// the same swap has the same outcome: a decision found with every field as asked, its nonce
    /// too, was won. A decision that has a flaw is a mistake of the caller, and traps.
    func swap(_ decision: Decision, for revision: UInt64) -> SwapOutcome
}
