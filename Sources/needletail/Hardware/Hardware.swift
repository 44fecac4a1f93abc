// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import Hardware
internal import Platform

/// `needletail hw`: what operators ask of a machine, and do to it.
struct HardwareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hw", abstract: "Look at the machine, and set it up as a profile says.",
        subcommands: [
            HardwareProbe.self, HardwareCheck.self, HardwarePlan.self, HardwareApply.self,
            HardwareJitter.self, HardwareQualify.self,
        ])
}

/// The machine that a command is about.
struct MachineOptions: ParsableArguments {
    @Option(help: "A folder with the proc and sys of another machine.")
    var root = "/"

    @Option(help: "Shards of the gateway; default: as many as the profile has gateway cores.")
    var shards: Int?

    func validate() throws {
        if let shards, !(1...16).contains(shards) {
            throw ValidationError("--shards is from 1 to 16.")
        }
    }

    /// The machine, or a message and the status for a folder that cannot be read.
    func read() throws -> MachineFacts { try MachineFolder.read(root) }
}

/// The machine and the profile that a command is about.
struct HostOptions: ParsableArguments {
    @Argument(help: "The host's profile, a YAML file (see hw/profiles).")
    var profile: String

    @OptionGroup var machine: MachineOptions

    var shards: Int? { machine.shards }

    /// The profile, or a message and the status for a wrong one.
    func readProfile() throws -> HardwareProfile { try HostProfile.given(profile) }

    /// The machine, or a message and the status for a folder that cannot be read.
    func readMachine() throws -> MachineFacts { try machine.read() }
}

/// A machine's folder, "/" or a recorded one.
enum MachineFolder {
    static func read(_ root: String) throws -> MachineFacts {
        // SAFETY: the path is lent for one call; a folder that was opened is closed.
        guard let folder = unsafe opendir(root) else {
            StandardError.write(
                "needletail: \(root) is not a folder that can be read. "
                    + "--root takes what record-machine (/usr/share/needletail, or hw/scripts) "
                    + "made.\n")
            throw Exit.badInput
        }
        unsafe closedir(folder)
        return MachineFacts.read(root: root)
    }
}
