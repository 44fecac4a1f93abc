// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Platform

/// Measurements and load: what the gateway is measured with.
@main
struct Lab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "needletail-lab",
        abstract: "Load, benchmarks and faults for Needletail.",
        version: ProjectVersion.text,
        subcommands: [Load.self, Ping.self, MirrorReceive.self, Simulate.self, Bench.self])
}

/// Benchmarks of single parts and of the whole path.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Benchmarks of the parts and of the whole path.",
        subcommands: [
            RingBench.self, DecodeBench.self, BookBench.self, ScalingBench.self, PathBench.self,
            JournalBench.self,
            RecoveryBench.self, MirrorBench.self, ReceiveBench.self, SendBench.self,
        ])
}
