// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
import OrderEntryClient
import Platform
public import RDMAReplica

extension Fence: ExpressibleByArgument {
    /// Reads `access` or `reset`.
    public init?(argument: String) {
        guard let fence = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = fence
    }

    /// What the help shows.
    public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

extension MirrorAcknowledgement: ExpressibleByArgument {}

/// `needletail-lab bench mirror`: what a mirror to a standby costs.
struct MirrorBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror",
        abstract: "Single records to a standby, many of them, and fencing.",
        discussion: """
            The standby is `needletail-lab mirror-receive` on another host, or in another process. \
            A record of 64 bytes is written into its memory: `completion` is when the RDMA write \
            has completed, `validated` when the standby's processor has checked the record and its \
            counter is back here. With --fence the standby then takes the right to \
            write away, and the time is taken until a write fails here.
            """)

    @Option(help: ArgumentHelp("Where the standby listens.", valueName: "address:port"))
    var peer: SocketAddress

    @OptionGroup var link: MirrorLinkOptions

    @Option(help: "Single records, one behind the other.")
    var samples = 10_000

    @Option(help: "What each of them waits for; completion only over RDMA.")
    var acknowledge = MirrorAcknowledgement.validated

    @Option(help: "Records that are then sent; 0 = none.")
    var records = 0

    @Option(help: "How many of those a second; 0 = as fast as they go.")
    var rate: UInt64 = 0

    @Option(help: "How the standby is to fence this side off at the end.")
    var fence: Fence?

    @Option(help: "Give up after so many milliseconds without an answer.")
    var timeoutMillis: UInt32 = 2_000

    func validate() throws {
        guard peer.port > 0 else { throw ValidationError("--peer: a port from 1 on.") }
        guard samples > 0, timeoutMillis > 0, records >= 0 else {
            throw ValidationError("--samples and --timeout-millis: at least 1; --records: from 0.")
        }
    }

    func run() throws {
        do {
            var settings = MirrorSettings(
                peerAddress: peer.address, peerPort: peer.port, timeoutMillis: timeoutMillis)
            settings.transport = link.transport
            settings.keyFile = link.keyFile
            let probe = try MirrorProbe(settings, clock: .calibrated())
            print(probe.description)
            let found = try probe.writeLatency(samples: samples, acknowledgement: acknowledge)
            print(
                "\(found.count) records to \(acknowledge): p50 \(micros(found.quantileNanos(0.5))) µs, p99 "
                    + "\(micros(found.quantileNanos(0.99))) µs, max \(micros(found.maxNanos)) µs")
            if records > 0 { try measureBandwidth(probe) }
            guard let fence else { return probe.close() }
            let fenced = try probe.fencingTime(fence)
            print(
                "fencing by \(fence): a write failed \(micros(fenced.nanos)) µs after the request: "
                    + "\(fenced.refusal)")
        } catch {
            StandardError.write("\(error)\n")
            throw ExitCode(74)
        }
    }

    private func measureBandwidth(_ probe: MirrorProbe) throws {
        let found = try probe.bandwidth(recordCount: records, rate: rate)
        let perSecond = Double(records) / Double(max(1, found.nanos)) * 1e9
        let perWrite = Double(records) / Double(max(1, found.writeCount))
        print(
            "\(records) records in \((Double(found.nanos) / 1e9).text(2)) s: "
                + "\((perSecond / 1e6).text(2)) M records/s, "
                + "\((perSecond * 64 / 1e6).text(0)) MB/s, \(perWrite.text(1)) records a write")
    }

    private func micros(_ nanos: UInt64) -> String { (Double(nanos) / 1_000).text(1) }
}
