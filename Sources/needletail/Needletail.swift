// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The command line of the gateway and of its clients.
@main
struct Needletail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "needletail",
        abstract: "A kernel-bypass order gateway and matching engine.",
        subcommands: [Gateway.self])
}
