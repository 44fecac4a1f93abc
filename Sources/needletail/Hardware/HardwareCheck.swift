// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import Hardware

/// `needletail hw check`: whether the host is as its profile says.
struct HardwareCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Hold a profile against this machine: what is wrong, why, and how to fix it.",
        discussion: """
            Changes nothing. An error: the gateway does not start, or does not do what it should. \
            A warning: it works, slower than it could. Unknown: the kernel does not tell, as it \
            often is in a virtual machine.

            EXAMPLES
              needletail hw check /etc/needletail/host.profile.yaml
              needletail hw check host.yaml --json | jq '.findings[] | select(.severity == "error")'

            EXIT CODES
              0   no error; with --strict no warning either
              1   there are some
              64  the command line is wrong
              66  --root is not a folder that can be read
              78  the profile is wrong
            """)

    @OptionGroup var host: HostOptions

    @Flag(help: "Warnings count as errors do.")
    var strict = false

    @Flag(help: "JSON with stable keys.")
    var json = false

    func run() throws {
        let profile = try host.readProfile()
        let check = HostCheck(profile, on: try host.readMachine(), shards: host.shards)
        let report = CheckReport(check.findings)
        let isColoured = isatty(STDOUT_FILENO) == 1 && environmentAllowsColour
        print(json ? report.json : report.table(isColoured: isColoured), terminator: "")
        if report.count(.error) > 0 || (strict && report.count(.warning) > 0) {
            throw Exit.mismatch
        }
    }

    /// NO_COLOR, as everywhere.
    private var environmentAllowsColour: Bool {
        // SAFETY: the name is lent for one call, and only whether there is a value is looked at.
        unsafe getenv("NO_COLOR") == nil
    }
}
