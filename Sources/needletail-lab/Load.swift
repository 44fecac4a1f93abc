// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
import Glibc
import Histogram
public import OrderEntryClient
import Platform

extension SocketAddress: ExpressibleByArgument {
    /// Reads what the command line says, for example `10.77.0.1:7000`.
    public init?(argument: String) { self.init(argument) }
}

/// What `load` is told.
struct LoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Order entry address of the gateway.", valueName: "address:port"))
    var gateway = SocketAddress(address: 0x7F00_0001, port: 7_000)

    @Option(help: "Sessions at the same time.")
    var sessions = 4

    @Option(help: "Number of the first session.")
    var firstSession: UInt32 = 1

    @Option(help: "Messages a second of all sessions together (open loop).")
    var rate: UInt64 = 50_000

    @Option(help: "How long to measure.")
    var seconds = 5.0

    @Option(help: "How long to run before measuring.")
    var warmUp = 0.5

    @Option(help: "The instrument.")
    var instrument: UInt32 = 1

    @Option(help: ArgumentHelp("Where the price walk begins and stays near.", valueName: "ticks"))
    var middle: Int64 = 100_000

    @Option(help: "Seed of the order flow and of the faults.")
    var seed: UInt64 = 1

    @Option(help: "Keep to this processor.")
    var cpu: Int?

    @Flag(help: "Closed loop: each session sends its next message when the last is answered.")
    var pingPong = false

    @Flag(help: "Run twice: without, and with one more session at ten times its limit.")
    var flood = false

    @Option(
        help: ArgumentHelp(
            "Run twice: beside one more session with so many orders, and while it cancels them.",
            valueName: "orders"))
    var massCancel: UInt64?

    @Option(help: "Lose this percentage of datagrams, both ways.")
    var loss = 0.0

    @Option(help: "Duplicate this percentage of datagrams.")
    var duplicate = 0.0

    @Option(help: "Hold back this percentage of datagrams, so that others overtake them.")
    var reorder = 0.0

    @Option(
        help: ArgumentHelp(
            "Print each time without reports from so long on, and when it began (UTC nanoseconds).",
            valueName: "milliseconds"))
    var silences: UInt64?

    @Option(
        help: ArgumentHelp(
            "Write the session and the id of each order that was acknowledged.",
            valueName: "file"))
    var acknowledged: String?

    @Option(help: ArgumentHelp("Draw the percentiles.", valueName: "file.svg"))
    var histogram: String?

    @Option(help: ArgumentHelp("Write the summary as JSON.", valueName: "file.json"))
    var json: String?

    func validate() throws {
        guard sessions > 0 else { throw ValidationError("--sessions: at least one.") }
        guard rate > 0 else { throw ValidationError("--rate: at least one message a second.") }
        guard seconds > 0, seconds <= 1e9, (0...1e9).contains(warmUp) else {
            throw ValidationError("--seconds: above zero; --warm-up: zero or more.")
        }
        guard !(flood && pingPong) else {
            throw ValidationError("--flood measures an open loop: leave --ping-pong out.")
        }
        guard massCancel ?? 1 > 0, massCancel == nil || !flood else {
            throw ValidationError("--mass-cancel: one order at least, and without --flood.")
        }
    }

    /// The faults asked for; each session has its own seed.
    func faults(_ seed: UInt64) -> LinkFaults {
        LinkFaults(
            lossPercent: loss, duplicatePercent: duplicate, reorderPercent: reorder, seed: seed)
    }
}

/// `needletail-lab load`: orders at a set rate, or one after the other, and how long answers take.
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send orders to a gateway and measure the answers.",
        discussion: """
            Open loop (the default): message n is meant to go out at n / rate, and its latency \
            counts from that moment even when it went out later, so a slow gateway cannot hide (no \
            coordinated omission). Closed loop (--ping-pong): one message at a time for each \
            session.

            The flow is a random walk: 45 % passive orders, 45 % cancels, 10 % orders that cross. \
            Prices stay within 500 ticks of --middle: the instrument must have them. One order in \
            twenty asks for something rare: hidden, an iceberg, with an expiry, with a minimum, or \
            with prevention by decrement. The log must be under rules 3.

            SIGTERM ends it before its time, with the summary of what was measured.

            The last line checks the protocol: each report must have come exactly once, in order. \
            Exit status: 0 all well; 1 reports lost, duplicated or out of order, or messages \
            without an answer; 64 wrong command line; 69 no gateway.

            EXAMPLES
              needletail-lab load --gateway 10.77.0.1:7000 --rate 100000 --seconds 10
              needletail-lab load --ping-pong --sessions 1 --histogram round-trip.svg
              needletail-lab load --loss 1 --duplicate 1 --reorder 1 --seed 7
              needletail-lab load --flood --rate 20000 --json flood.json
              needletail-lab load --mass-cancel 1000000 --rate 5000
            """)

    @OptionGroup var options: LoadOptions

    func run() throws {
        if let cpu = options.cpu {
            do throws(PlatformError) { try Affinity.pinCurrentThread(to: cpu) } catch {
                StandardError.write("needletail-lab: --cpu \(cpu): \(error)\n")
                throw ExitCode(64)
            }
        }
        do throws(ClientError) {
            var run = try LoadRun(options)
            let crowd = options.massCancel.map { Crowd(options, count: $0) }
            let thread = try crowd?.open()
            let quiet = run.measure(flooding: false)
            let flooded = try options.flood ? run.measureFlooded() : nil
            let crowded = crowd.map { run.measure(beside: $0) }
            run.finish()
            thread?.join()
            let report = LoadReport(
                options, quiet, flooded ?? crowded, crowd?.report, run.protocolCounters)
            report.print()
            try report.write()
            if let path = options.acknowledged {
                try LoadReport.write(run.acknowledgedText, to: path)
            }
            if !report.isSound { throw ClientError("") }
        } catch {
            if error.description.isEmpty { throw ExitCode(1) }
            StandardError.write("needletail-lab: \(error.description)\n")
            throw ExitCode(69)
        }
    }
}
