// SPDX-License-Identifier: Apache-2.0

/// Which of several counters stand still between two looks: a thread whose count of rounds does
/// not move is stuck, whatever the other threads do.
///
/// Threading: a value of the thread that looks.
public struct TurnWatch: Sendable {
    private var last: [UInt64]

    /// Begins with these counts.
    public init(_ counts: [UInt64]) { last = counts }

    /// Looks again: as many counts as at the beginning, in the same order. Gives the places of
    /// those that have not moved since the last look, in order.
    public mutating func look(_ counts: [UInt64]) -> [Int] {
        precondition(counts.count == last.count, "the same counters at each look")
        defer { last = counts }
        return counts.indices.filter { counts[$0] == last[$0] }
    }
}
