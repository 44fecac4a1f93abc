// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Pipeline
internal import Platform

/// How long commands waited at the commit gate, for people.
enum CommitLatencyText {
    /// Of a shard, under its policy, since the start.
    static func line(_ pipeline: Pipeline, shard: Int) -> String {
        line(pipeline.commitPolicies[shard], pipeline.counters[shard].commitLatencies.distribution)
    }

    static func line(_ policy: CommitPolicy, _ latency: LatencyDistribution) -> String {
        let head = "commit latency (\(policy.rawValue))  "
        guard latency.count > 0 else { return head + "no sample" }
        let quantiles = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)].map { name, share in
            "\(name) \(duration(nanos: latency.quantileNanos(share)))"
        }
        let parts = quantiles + ["max \(duration(nanos: latency.maxNanos))"]
        return head + (parts + ["\(grouped(latency.count)) samples"]).joined(separator: " · ")
    }

    /// Three digits or so, in the unit that fits.
    static func duration(nanos: UInt64) -> String {
        var value = Double(nanos)
        var unit = "ns"
        for larger in ["µs", "ms", "s"] where value >= 1_000 {
            value /= 1_000
            unit = larger
        }
        guard value < 10, unit != "ns" else { return "\(Int(value.rounded())) \(unit)" }
        return "\((value * 10).rounded() / 10) \(unit)"
    }

    /// With a comma at each thousand.
    static func grouped(_ count: UInt64) -> String {
        var text = ""
        for (index, digit) in "\(count)".reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
