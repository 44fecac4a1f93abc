// SPDX-License-Identifier: Apache-2.0

/// Which trade is meant: `0-4711-2` is the third one that the command with sequence 4711 of shard 0
/// made.
package struct TradeID: Equatable, Sendable {
    package let shard: UInt32
    package let sequence: UInt64
    /// From 0.
    package let index: UInt16

    package init(shard: UInt32, sequence: UInt64, index: UInt16) {
        self.shard = shard
        self.sequence = sequence
        self.index = index
    }

    /// As people and `needletail log export` say it.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let shard = UInt32(parts[0]), let sequence = UInt64(parts[1]),
            let index = UInt16(parts[2])
        else { return nil }
        self.init(shard: shard, sequence: sequence, index: index)
        guard text == self.text else { return nil }
    }

    package var text: String { "\(shard)-\(sequence)-\(index)" }
}
