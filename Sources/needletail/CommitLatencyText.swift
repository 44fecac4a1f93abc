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
        return head
            + (latency.figures + ["\(Figure.count(latency.count)) samples"])
            .joined(separator: " · ")
    }
}
