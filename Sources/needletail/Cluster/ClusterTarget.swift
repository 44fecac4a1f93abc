// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import OrderEntryClient
import Pipeline
import Platform
import Settings

/// Which gateway of a pair is meant.
struct ClusterTarget: ParsableArguments {
    @Option(name: .shortAndLong, help: "The gateway's configuration: the one with its cluster.")
    var config: String?

    @Option(name: .shortAndLong, help: "The host's profile, if the gateway is started with one.")
    var profile: String?

    @Option(
        help: ArgumentHelp(
            "The gateway with this address, if several run here.", valueName: "address:port"))
    var gateway: SocketAddress?

    func validate() throws {
        guard config == nil || gateway == nil else {
            throw ValidationError("--config and --gateway: one of them is enough.")
        }
    }

    /// Of the configuration, if it is named; a message and the status where it is wrong.
    func settings(alsoAlone: Bool = false) throws -> Configuration? {
        guard let config else { return nil }
        do {
            let host = try profile.map { (yaml: try SettingsFile.text($0), file: $0) }
            let configuration = try Configuration(
                yaml: try SettingsFile.text(config), file: config, profile: host, port: nil)
            guard alsoAlone || configuration.cluster != nil else {
                throw ControlError("\(config) has no section `cluster`: that gateway is alone")
            }
            return configuration
        } catch {
            StandardError.write("\(error)\n")
            throw Exit.wrongSettings
        }
    }

    /// Finds it and asks it; a message and the status where it says no, or does not answer.
    func ask(_ request: String) throws -> ClusterAnswer {
        let answer = try fullAnswer(to: request).parsed
        guard let cluster = answer.cluster else {
            StandardError.write("needletail: the gateway does not say how its pair stands\n")
            throw Exit.unavailable
        }
        return cluster
    }

    /// The same with all that it says; `alsoAlone`: of a gateway that is in no pair, too.
    func fullAnswer(
        to request: String, alsoAlone: Bool = false
    ) throws -> (line: String, parsed: ControlAnswer) {
        let configuration = try settings(alsoAlone: alsoAlone)
        let answer: (line: String, parsed: ControlAnswer)
        do throws(ControlError) {
            answer = try self.answer(to: request, configuration, alsoAlone: alsoAlone)
        } catch {
            StandardError.write("needletail: \(error)\n")
            throw Exit.unavailable
        }
        try refuse(answer.parsed)
        return answer
    }

    /// What the one running gateway that is meant answers, whatever it is: as it came, and parsed.
    /// A configuration says which pair is meant, so that another one's gateway obeys nothing.
    func answer(
        to request: String, _ configuration: Configuration?, alsoAlone: Bool = false
    ) throws(ControlError) -> (line: String, parsed: ControlAnswer) {
        let path = try socket(configuration, alsoAlone: alsoAlone)
        let request = ControlRequest(request, pair: configuration?.cluster?.name)
        // A hand-over and a promotion are answered when they are done.
        let line = try ControlClient.ask(request.line, at: path, timeoutMillis: 10_000)
        return (line, try Self.parse(line, path))
    }

    /// A message and the status where the gateway says no.
    func refuse(_ answer: ControlAnswer) throws {
        guard !answer.ok else { return }
        StandardError.write(
            "needletail: not done: \(answer.error ?? "the gateway does not say why")\n")
        switch answer.why {
        case "late": throw Exit.unavailable
        case "pair": throw Exit.wrongSettings
        default: throw Exit.mismatch
        }
    }

    /// The socket of the one running gateway that is meant.
    private func socket(
        _ configuration: Configuration?, alsoAlone: Bool = false
    ) throws(ControlError) -> String {
        var found: [(path: String, name: String)] = []
        var complaint: String?
        for path in CountersFolders.controlSockets() {
            let answer: ControlAnswer
            do throws(ControlError) {
                answer = try Self.parse(
                    try ControlClient.ask("hello", at: path, timeoutMillis: 4_000), path)
            } catch {
                // One that a killed gateway left says nothing about those that run.
                if !error.isNobody { complaint = error.description }
                continue
            }
            guard let name = answer.gateway, alsoAlone || answer.host != nil else { continue }
            if let configuration {
                let address = SocketAddress(
                    address: configuration.ipv4Address, port: configuration.udpPort)
                guard answer.host == configuration.cluster?.host, name == address.description
                else { continue }
            } else if let gateway {
                guard name == gateway.description else { continue }
            }
            found.append((path, name + (answer.host.map { ", host \($0)" } ?? "")))
        }
        guard found.count < 2 else {
            throw ControlError(
                "several such gateways run here "
                    + "(\(found.map(\.name).joined(separator: "; "))): "
                    + "name one with --config, or with --gateway")
        }
        if let path = found.first?.path { return path }
        throw ControlError(
            complaint
                ?? "no such gateway\(alsoAlone ? "" : " of a pair") is running on this host: "
                + "start it with `needletail gateway` or `needletail standby`, or ask on the other "
                + "host")
    }

    private static func parse(
        _ line: String, _ path: String
    ) throws(ControlError) -> ControlAnswer {
        do { return try ControlAnswer(line) } catch {
            throw ControlError(
                "the gateway at \(path) answers in another way: take the needletail of its version")
        }
    }
}
