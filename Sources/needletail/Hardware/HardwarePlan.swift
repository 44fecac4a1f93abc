// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Hardware

/// `needletail hw plan`: what would make the host as its profile says.
struct HardwarePlan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print what makes this machine as a profile says, as a script to be read.",
        discussion: """
            The kernel's command line, settings, huge pages, the card's driver, interrupts, and \
            what the service must know: shell commands with the reason beside them. Only what is \
            not so yet is printed. Changes nothing.

            EXAMPLES
              needletail hw plan host.yaml
              needletail hw plan host.yaml --all > plan.sh

            EXIT CODES
              0   printed
              64  the command line is wrong
              66  --root is not a folder that can be read
              78  the profile is wrong
            """)

    @OptionGroup var host: HostOptions

    @Flag(help: "Also what the machine has already.")
    var all = false

    func run() throws {
        let profile = try host.readProfile()
        let plan = HostPlan(
            profile, file: host.profile, on: try host.readMachine(), shards: host.shards, all: all,
            program: program)
        print(plan.text, terminator: "")
    }

    /// This executable; on another machine, and under a name that systemd would take apart, the
    /// package's.
    private var program: String {
        let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let isPlain = path.hasPrefix("/") && !path.contains { " \"'%\\$;".contains($0) }
        return host.machine.root == "/" && isPlain ? path : "/usr/bin/needletail"
    }
}
