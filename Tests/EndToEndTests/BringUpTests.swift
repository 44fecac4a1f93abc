// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Machine.hasExecutables && Machine.hasNamespaces))
struct `An empty standby of a log that has let its beginning go` {
    @Test func `is brought up from a snapshot under load, and takes over with all of it`() throws {
        let bench = try PairBench()
        let first = try bench.gateway(1)
        #expect(eventually(withinSeconds: 60) { first.output.contains("cluster: primary") })
        let lab = Machine.executables.appendingPathComponent("needletail-lab").path
        let load = try Child(
            bench.clientPrefix + [lab, "load", "--gateway", "10.77.0.2:7000", "--sessions", "4"]
                + ["--rate", "3000", "--seconds", "40", "--warm-up", "0"])
        let beginning = bench.shard(1) + "/00000000000000000001.log"
        try #require(
            eventually(withinSeconds: 60) { !FileManager.default.fileExists(atPath: beginning) },
            "\(first.output)")
        let second = try bench.gateway(2)
        let isInSync = eventually(withinSeconds: 60) {
            second.output.contains(", in sync") && first.output.contains("with its standby")
        }
        try #require(isInSync, "\(first.output)\n\(second.output)")
        #expect(second.output.contains("goes on behind the primary's snapshot of"))
        // Snapshots of the same record have the same hash on both.
        let areTheSame = eventually(withinSeconds: 60) {
            let (ours, its) = (hashes(first.output), hashes(second.output))
            let both = Set(ours.keys).intersection(its.keys)
            return !both.isEmpty && both.allSatisfy { ours[$0] == its[$0] }
        }
        #expect(areTheSame, "\(first.output)\n\(second.output)")
        // Whoever is not in sync when the other dies does not take over.
        let isStillInSync = eventually(withinSeconds: 60) {
            first.output.split(separator: "\n").last { $0.contains("cluster: primary") }?
                .contains("with its standby") ?? false
        }
        try #require(isStillInSync, "\(first.output)")
        first.kill()
        let end = try load.wait(seconds: 120)
        #expect(
            end.status == 0 && end.output.contains("lost 0 · duplicated 0"),
            "\(end.output)\n\(second.output)")
        #expect(try second.stop().status == 0)
    }

    /// What a gateway said of its snapshots: the hash by the sequence.
    private func hashes(_ output: String) -> [String: String] {
        var found: [String: String] = [:]
        for line in output.split(separator: "\n") {
            guard let match = line.firstMatch(of: /snapshot of (\d+), state hash (\w+)/) else {
                continue
            }
            found[String(match.1)] = String(match.2)
        }
        return found
    }
}
