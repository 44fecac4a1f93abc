// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Foundation
internal import Glibc
internal import Hardware
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import RDMAReplica

/// The other process of a measured pair: the real program, which follows over TCP on loopback.
final class PathStandby {
    /// What the benchmark's own gateway is told to be its primary.
    let cluster: ClusterSettings
    private let process = Process()
    private let output = Pipe()

    /// `needletail`, which lies beside this program, for a processor.
    init(_ primary: Configuration, in folder: String, cpu: Int) throws {
        let ports = (UInt16(20_000 + getpid() % 10_000), UInt16(30_000 + getpid() % 10_000))
        let arbiter = ArbiterSettings(kind: .file(folder: folder + "/arbiter"))
        try FileManager.default.createDirectory(
            atPath: folder + "/arbiter", withIntermediateDirectories: true)
        var settings = ClusterSettings(
            host: 1, peer: 2, listenPort: ports.0,
            mirror: MirrorSettings(peerAddress: 0x7F00_0001, peerPort: ports.1), arbiter: arbiter)
        settings.listenAddress = 0x7F00_0001
        settings.mirror.transport = .tcp
        settings.mirror.timeoutMillis = 10_000
        settings.takeOverMillis = 10_000
        settings.soloMillis = 10_000
        cluster = settings
        let file = folder + "/standby.yaml"
        try Self.yaml(primary, folder, cpu, ports).write(
            toFile: file, atomically: true, encoding: .utf8)
        let here = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(fileURLWithPath: here).deletingLastPathComponent()
            .appendingPathComponent("needletail")
        process.arguments = ["gateway", "--config", file]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
    }

    func start() throws { try process.run() }

    /// It ends with the benchmark's run. Gives what it says then of its log and its state.
    @discardableResult
    func stop() -> PathRun.End? {
        guard process.isRunning else { return nil }
        process.terminate()
        let said = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        func word(behind name: String) -> Substring? {
            said.split(separator: "\n").first { $0.contains(name) }?.split(separator: " ").last
        }
        guard let sequence = word(behind: "last sequence").flatMap({ UInt64($0) }),
            let hash = word(behind: "state hash").flatMap({ UInt64($0, radix: 16) })
        else { return nil }
        return PathRun.End(sequence: sequence, stateHash: hash)
    }

    /// The same venue; what it is told of the host is its own.
    private static func yaml(
        _ primary: Configuration, _ folder: String, _ cpu: Int, _ ports: (UInt16, UInt16)
    ) -> String {
        let instrument = primary.instruments[0]
        return """
            port: memory
            address: 10.77.0.3
            mode: runToCompletion
            polling: adaptive
            cpus: {gateway: [\(cpu)]}
            rings: {logRecords: \(primary.host.rings.logRecords), \
            events: \(primary.host.rings.events)}
            engine: {orderCapacity: \(primary.orderCapacity), \
            sessionOpenOrdersMax: \(primary.sessionOpenOrdersMax)}
            sessions: {capacity: \(primary.sessionCapacity)}
            commit: mirrored
            journal: {folder: \(folder)/standby, snapshotEvery: 0}
            cluster:
              host: 2
              peer: 1
              listen: 127.0.0.1:\(ports.1)
              peerAddress: 127.0.0.1:\(ports.0)
              transport: tcp
              takeOverMillis: 10000
              soloMillis: 10000
              arbiter: {file: \(folder)/arbiter}
            instruments:
              - {number: \(instrument.number), symbol: \(instrument.symbol), \
            lowestPriceTicks: \(instrument.lowestPriceTicks), \
            highestPriceTicks: \(instrument.highestPriceTicks)}
            """
    }
}

extension PathBench {
    /// What a standby costs: the same orders alone, by the disk, and with one, by its memory; the
    /// primary on the first processor, the standby on the second.
    func compareStandby(
        _ folder: String, _ flow: OrderFlow.Profile, _ configuration: Configuration
    ) throws {
        var configuration = configuration
        configuration.host.rings.logRecords = Configuration().host.rings.logRecords
        configuration.host.polling = .adaptive
        configuration.host.mode = .runToCompletion
        let both = configuration.host.cpus.gateway + configuration.host.cpus.engine
        configuration.host.cpus.gateway = [both[0]]
        configuration.host.cpus.engine = []
        var rates: [Double] = []
        var costs: [Double] = []
        for pair in 1...pairs {
            let fresh = try FreshFolder(in: folder)
            configuration.journal = .init(folder: fresh.path + "/alone")
            configuration.cluster = nil
            configuration.commitPolicies = [.durable]
            let alone = try measure(flow, configuration, isQuiet: true)
            let standby = try PathStandby(configuration, in: fresh.path, cpu: both.last ?? 0)
            defer { standby.stop() }
            configuration.journal = .init(folder: fresh.path + "/primary")
            configuration.cluster = standby.cluster
            configuration.commitPolicies = [.mirrored]
            let paired = try measure(
                flow, configuration, isQuiet: true, beside: standby)
            // One that was left behind, or has another state, costs nothing and proves nothing.
            guard paired.standbyEnd == paired.end else {
                throw ValidationError(
                    "pair \(pair) counts for nothing: the standby ended with "
                        + "\(text(paired.standbyEnd)), the primary with \(text(paired.end))")
            }
            rates.append(paired.megaOrders / alone.megaOrders)
            costs.append(paired.processorNanos / alone.processorNanos)
            print(
                """
                pair \(pair): \(alone.megaOrders.text(2)) M orders/s alone, \
                \(paired.megaOrders.text(2)) with a standby: \(rates[pair - 1].text(3))
                  ns an order alone: \(alone.threadsText)
                  with a standby:    \(paired.threadsText); \(costs[pair - 1].text(3))
                """)
        }
        print("with a standby / alone, \(packed) a datagram:")
        print("  orders a second: \(Self.spread(rates)); processor time: \(Self.spread(costs))")
    }

    private func text(_ end: PathRun.End?) -> String {
        end.map { "record \($0.sequence), state \(String($0.stateHash, radix: 16))" } ?? "nothing"
    }

    private static func spread(_ ratios: [Double]) -> String {
        let sorted = ratios.sorted()
        return "lowest \(sorted[0].text(3)), middle \(sorted[sorted.count / 2].text(3)), "
            + "highest \(sorted[sorted.count - 1].text(3))"
    }
}

extension PathRun.Figures {
    /// Each thread's processor time, and their sum.
    fileprivate var threadsText: String {
        let threads = threadNanos.map { "\($0.name) \($0.nanos.text(1))" }
        return threads.joined(separator: ", ") + ", together \(processorNanos.text(1))"
    }
}
