// SPDX-License-Identifier: Apache-2.0

/// All numbers of a view at about one moment, by name.
public struct CountersSnapshot: Sendable {
    private struct Key: Hashable {
        let name: String
        let shard: UInt32?
    }

    private let values: [Key: [UInt64]]
    /// The table that the numbers belong to.
    public let entries: [CountersView.Entry]

    /// Reads them all. Throws when the file cannot be read any more; never over a region.
    public init(_ view: CountersView) throws(CountersError) {
        entries = view.entries
        let words = try view.words()
        var values: [Key: [UInt64]] = [:]
        for entry in view.entries {
            values[Key(name: entry.name, shard: entry.shard)] = Array(
                words[entry.offset / 8..<entry.offset / 8 + entry.wordCount])
        }
        self.values = values
    }

    /// One number; 0 when there is none of that name.
    public subscript(name: String, shard: UInt32? = nil) -> UInt64 {
        values[Key(name: name, shard: shard)]?.first ?? 0
    }

    /// Whether there is a number of that name.
    public func has(_ name: String, shard: UInt32? = nil) -> Bool {
        values[Key(name: name, shard: shard)] != nil
    }

    /// A histogram; an empty one when there is none of that name.
    public func distribution(_ name: String, shard: UInt32? = nil) -> LatencyDistribution {
        LatencyDistribution(histogram: values[Key(name: name, shard: shard)] ?? [])
    }

    /// What follows `prefix` in the names of a shard, in the table's order, each with its number.
    public func numbers(
        _ prefix: String, shard: UInt32? = nil
    ) -> [(name: String, value: UInt64)] {
        entries.compactMap { entry in
            guard entry.shard == shard, entry.kind != .histogram, entry.name.hasPrefix(prefix)
            else { return nil }
            return (String(entry.name.dropFirst(prefix.count)), self[entry.name, shard])
        }
    }
}
