// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What the engine said to a command of an operator, once that is committed.
public struct CommandAnswer: Equatable, Sendable {
    /// Of its record; 0 = it was not written.
    public var sequence: UInt64
    /// Why it was refused, or `none`.
    public var reason: Reason
    /// Of a kill switch: orders that were cancelled. Of the end of a call: lots that trade.
    public var quantityLots: UInt64 = 0
    /// Of the end of a call: at which price they do.
    public var priceTicks: Int64?

    /// Without what only some commands have.
    public init(sequence: UInt64, reason: Reason) {
        self.sequence = sequence
        self.reason = reason
    }
}
