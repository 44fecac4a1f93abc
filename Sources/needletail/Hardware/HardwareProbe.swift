// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Hardware
internal import Platform

/// `needletail hw probe`: what the machine is, and a profile for it.
struct HardwareProbe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Show what the kernel tells of this machine, or of a recorded one.",
        discussion: """
            Reads files in /proc and /sys and changes nothing. No serial number, hardware address \
            or host name is read; the kernel's command line is shown as it is. `unknown` is what \
            the kernel does not tell. hw/scripts/record-machine copies what is read here into a \
            folder, for --root on another machine.

            EXAMPLES
              needletail hw probe
              needletail hw probe --json | jq '.networkDevices[] | {interface, node}'
              needletail hw probe --root recorded

            EXIT CODES
              0   shown
              64  the command line is wrong
              66  --root is not a folder that can be read
            """)

    @Option(help: "A folder with the proc and sys of another machine.")
    var root = "/"

    @Flag(help: "JSON with stable keys; null is unknown.")
    var json = false

    func run() throws {
        let facts = try MachineFolder.read(root)
        print(json ? facts.json : facts.table, terminator: "")
    }
}
