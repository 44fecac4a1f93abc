// SPDX-License-Identifier: Apache-2.0
import Hardware
import ArgumentParser
import NICGateway
import OrderEntryClient
import Pipeline
import Platform

/// `needletail-lab bench decode`: from a datagram in a packet buffer to a record in the log.
struct DecodeBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Datagrams to records on one core: receive, headers, session, sequence, chain.",
        discussion: """
            The log is as large as the flow, so nothing waits for an engine. Budget: 40 ns an \
            order at a burst of 32, one order a datagram. Prints the best and the median of the \
            runs.
            """)

    @Option(help: "Orders in each run.")
    var orders = 200_000
    @Option(help: "Messages in a datagram.")
    var packed = 1
    @Option(help: "Sessions that send them.")
    var sessions = 1_000
    @Option(help: "Runs.")
    var runs = 7
    @Option(help: "Processor.")
    var cpu = 0

    func run() throws {
        guard (1...30).contains(packed), sessions > 0, orders > 0, runs > 0 else {
            throw ValidationError("--packed is 1…30, the others at least 1")
        }
        try Affinity.pinCurrentThread(to: cpu)
        var figures: [Double] = []
        for _ in 0..<runs { figures.append(try measure()) }
        figures.sort()
        print(
            "\(packed) a datagram, \(sessions) sessions: best \(figures[0].text(1)) ns "
                + "an order, median \((figures[runs / 2]).text(1))")
    }

    /// Nanoseconds an order.
    private func measure() throws -> Double {
        var configuration = PathRun.configuration(sessions: sessions)
        configuration.host.mode = .runToCompletion
        configuration.host.rings.logRecords =
            1 << (64 - (orders + 8 * sessions).leadingZeroBitCount)
        let run = try PathRun(configuration, sessions: sessions, isQuiet: true)
        let tokens = try run.logOn()
        let frames = try PathFrames(
            profile: .a, seed: 1, tokens: tokens, packed: packed, orders: orders)
        return try run.intakeNanos(frames) / Double(frames.orderCount)
    }
}
