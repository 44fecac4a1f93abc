// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Hardware
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Qualification
internal import RDMAReplica
internal import Settings

struct HardwareQualify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qualify",
        abstract: "Measure whether this host is fit to go live, against the profile's limits.",
        discussion: """
            Asks one question after the other, with no gateway running on the port: memory (huge \
            pages and nodes), jitter (time stolen from the polling cores), receive (the highest \
            rate without a loss, into the gateway's receive path), microburst (65,536 frames at \
            once), journal (a write until it is durable), mirror (a standby's memory). What cannot \
            be asked is reported as not run. Limits are under `qualify:` in the profile; what has \
            none is measured and not judged. It passes when something was judged and nothing \
            failed; with --only each question that is named must be answered. Ctrl-C ends it early \
            with the report so far.

            Frames come from --generator: a second port that is connected to the profile's (looped \
            back, a veth pair, memif:SOCKET?client). A profile with `port: memory` needs none.

            EXAMPLES
              needletail hw qualify host.yaml --config venue.yaml \\
                --generator pci:0000:3b:00.1 --seconds 60 --json report.json
              needletail hw qualify host.yaml --only jitter,journal

            EXIT CODES
              0   something was judged, and nothing failed
              1   something failed, or nothing was judged
              64  the command line is wrong
              74  the JSON could not be written
              78  the profile or the configuration is wrong
            """)

    @Argument(help: "The host's profile, a YAML file (see hw/profiles).")
    var profile: String

    @Option(
        name: .shortAndLong,
        help: "The gateway's YAML file: address, UDP port, the journal's folder.")
    var config: String?

    @Option(help: "The port that frames are sent from, as af_packet:eth2.")
    var generator: String?

    @Option(
        help: ArgumentHelp(
            "Where a standby listens (needletail-lab mirror-receive).",
            valueName: "address:port"))
    var peer: SocketAddress?

    @Option(help: "How long each measurement lasts, about.")
    var seconds = 10.0

    @Option(help: "Ask only these, as jitter,journal.")
    var only: String?

    @Option(help: "Write the report as JSON to this file too.")
    var json: String?

    func validate() throws {
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds is above 0 and at most a day")
        }
        _ = try checks()
    }

    func run() throws {
        var qualification = Qualification(try settings())
        qualification.generator = generator
        if let peer {
            var settings = MirrorSettings(peerAddress: peer.address, peerPort: peer.port)
            settings.device = qualification.configuration.host.rdma.map {
                .init(name: $0.device, port: $0.port)
            }
            // Soft-RoCE on an emulated machine takes its time.
            settings.timeoutMillis = 2_000
            qualification.peer = settings
        }
        qualification.seconds = seconds
        qualification.checks = try checks()
        qualification.needsAll = only != nil
        // Before hours of measuring, not behind them.
        try writeJSON("")
        let watch = TerminalWatch()
        let report = qualification.run(watch)
        watch.clear()
        print(report.text, terminator: "")
        try writeJSON(report.json)
        if !report.isPassed { throw Exit.mismatch }
    }

    private func writeJSON(_ text: String) throws {
        guard let json,
            !FileManager.default.createFile(atPath: json, contents: Data(text.utf8))
        else { return }
        StandardError.write(
            "needletail: \(json) cannot be written: \(SystemText.of(errno)). "
                + "Name a file in a folder that is yours.\n")
        throw Exit.inputOutput
    }

    private func checks() throws -> [QualificationCheck] {
        guard let only else { return QualificationCheck.allCases }
        return try only.split(separator: ",").map { name in
            guard let check = QualificationCheck(rawValue: String(name)) else {
                let names = QualificationCheck.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--only \(name): the questions are \(names)")
            }
            return check
        }
    }

    /// The host, and the venue if it is said; with everything chosen that the profile leaves open.
    private func settings() throws -> Configuration {
        let given = try HostProfile.given(profile)
        do {
            var configuration = Configuration()
            if let config {
                let host = (yaml: try SettingsFile.text(profile), file: profile)
                configuration = try Configuration(
                    yaml: SettingsFile.text(config), file: config, profile: host)
            } else {
                configuration.host = given
                configuration.shards = max(1, configuration.host.cpus.gateway.count)
                // 10.77.0.2, as in the examples: frames are sent to it, and to nobody else.
                configuration.ipv4Address = 0x0A4D_0002
            }
            configuration.host = configuration.host.completed(
                shards: configuration.shards,
                hasJournal: configuration.journal != nil || configuration.host.journalDisk != nil)
            return configuration
        } catch {
            StandardError.write("\(error)\n")
            throw Exit.wrongSettings
        }
    }
}

/// The person at the terminal.
private final class TerminalWatch: QualificationWatch {
    private let stop = StopSignal()
    private var progress = ProgressLine()

    func show(_ text: String) { progress.show(text) }
    func pause(milliseconds: Int) -> Bool { stop.wait(milliseconds: milliseconds) }
    func clear() { progress.clear() }
}
