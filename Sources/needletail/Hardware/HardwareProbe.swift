// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Hardware
internal import NICGateway
internal import Platform

/// `needletail hw probe`: what the machine is, and a profile for it.
struct HardwareProbe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Show what the kernel tells of this machine, and write a profile for it.",
        discussion: """
            Reads files in /proc and /sys and changes nothing there. No serial number, hardware \
            address or host name is read; the kernel's command line is shown as it is. `unknown` \
            is what the kernel does not tell. record-machine (in /usr/share/needletail, or in \
            hw/scripts) copies what is read here into a folder, for --root on another machine; \
            machine-text beside it makes one file of that folder.

            --write makes a profile that fits: a card that the host does not use itself, cores \
            near it, memory, and how the kernel is to be set up. Look through it, then go on with \
            hw plan and hw apply.

            EXAMPLES
              needletail hw probe
              needletail hw probe --json | jq '.networkDevices[] | {interface, node}'
              needletail hw probe --root recorded
              needletail hw probe --write host.yaml --port pci:0000:3b:00.0 --shards 2

            EXIT CODES
              0   shown, or written
              64  the command line is wrong
              66  --root is not a folder that can be read
              74  --write: the file is there already, or cannot be written
            """)

    @Option(help: "A folder with the proc and sys of another machine.")
    var root = "/"

    @Flag(help: "JSON with stable keys; null is unknown.")
    var json = false

    @Option(help: "Write a profile that fits the machine into this file, which must not exist.")
    var write: String?

    @Option(help: "The port of that profile; default: a card that nobody uses.")
    var port: String?

    @Option(help: "Shards that it is for.")
    var shards = 1

    func validate() throws {
        if write == nil, port != nil || shards != 1 {
            throw ValidationError("--port and --shards go with --write.")
        }
        if write != nil, json { throw ValidationError("--json does not go with --write.") }
        guard (1...16).contains(shards) else {
            throw ValidationError("--shards is from 1 to 16.")
        }
        do {
            _ = try port.map { try PortSpecification($0) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() throws {
        let facts = try MachineFolder.read(root)
        if let write { return try self.write(write, facts) }
        print(json ? facts.json : facts.table, terminator: "")
    }

    /// Why there is none, or what is wrong with the one that was asked for.
    private func sayOfPort(_ profile: HardwareProfile, _ facts: MachineFacts) {
        if profile.port == nil {
            print("no port: no card is free for sure; name one by --port, or in the file")
            for line in facts.cardsNotFree { print("  \(line)") }
        }
        // A card that is not bound yet is for `apply`.
        for finding in HostCheck(profile, on: facts, shards: shards).findings
        where finding.topic == "port" && finding.severity == .error && finding.remedy == .profile {
            print("port \(profile.port ?? ""): \(finding.found); \(finding.fix)")
        }
    }

    private func write(_ path: String, _ facts: MachineFacts) throws {
        let file = path.split(separator: "/").last ?? ""
        let name = String(file.prefix { $0 != "." })
        let profile = HardwareProfile.derived(
            for: facts, name: name, port: port, shards: shards)
        do {
            try Data(profile.yaml(shards: shards).utf8).write(
                to: URL(fileURLWithPath: path), options: .withoutOverwriting)
        } catch {
            let isThere = FileManager.default.fileExists(atPath: path)
            let cause =
                isThere
                ? "is there already, and is not written over; remove it or name another file"
                : "cannot be written; is there such a folder, and may you write to it?"
            StandardError.write("needletail: \(path) \(cause)\n")
            throw Exit.inputOutput
        }
        print("\(path): \(profile.summary)")
        sayOfPort(profile, facts)
        let option = shards == 1 ? "" : "--shards \(shards) "
        print("next: needletail hw check \(option)\(path)")
    }
}
