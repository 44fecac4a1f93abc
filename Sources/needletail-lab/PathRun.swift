// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CommandLog
import Glibc
import Hardware
import NICGateway
import Pipeline
import Platform
import RDMAReplica
import Wire

/// One measured run over a memory port.
final class PathRun {
    /// Where a log ended, and with which state.
    struct End: Equatable {
        var sequence: UInt64
        var stateHash: UInt64
    }

    /// What a run gives.
    struct Figures {
        /// Millions of orders a second, by the clock on the wall.
        var megaOrders: Double
        /// Which threads called malloc, from a tenth of the orders to the last.
        var allocations: String
        /// Processor time of each of the gateway's threads an order, in nanoseconds: what the
        /// kernel charged, neither other threads on its processor nor sleeps among it.
        var threadNanos: [(name: String, nanos: Double)] = []
        /// Of shard 0, here and at the standby.
        var end: End
        var standbyEnd: End?

        var processorNanos: Double { threadNanos.reduce(0) { $0 + $1.nanos } }
    }

    private let port: NICGateway.Port
    private let pipeline: Pipeline
    private let sessions: Int
    private let matchBudgetNanos: Double

    /// A gateway for so many sessions and an instrument for each shard's flow, sized to stay in the
    /// caches.
    static func configuration(sessions: Int, shards: Int = 1) -> Configuration {
        var configuration = Configuration()
        configuration.shards = shards
        configuration.ipv4Address = PathFrames.gatewayAddress
        configuration.host.polling = .busy
        configuration.sessionCapacity = UInt32(sessions)
        configuration.heartbeatMillis = 60_000
        configuration.orderCapacity = 1 << 18
        configuration.host.rings.logRecords = 1 << 13
        configuration.host.rings.events = 1 << 14
        configuration.instruments = (0..<UInt32(shards)).map { shard in
            .init(
                number: shard + 1, symbol: "FLOW\(shard)",
                lowestPriceTicks: OrderFlow.lowestPriceTicks,
                highestPriceTicks: OrderFlow.highestPriceTicks, shard: shard)
        }
        return configuration
    }

    init(
        _ configuration: Configuration, sessions: Int, matchBudgetNanos: Double = 29,
        isQuiet: Bool = false
    ) throws {
        self.matchBudgetNanos = matchBudgetNanos
        var notes: [String] = []
        port = try GatewayPort.open(configuration, notes: &notes)
        pipeline = try Pipeline(configuration, port: port)
        self.sessions = sessions
        if !isQuiet {
            for note in notes + pipeline.warnings
                + (MemoryRegion.warning(pipeline.regions).map { [$0] } ?? [])
            {
                print("note: \(note)")
            }
        }
    }

    /// Logs every session of a shard on and gives their tokens; index 0 is unused.
    func logOn(shard: Int = 0) throws -> [UInt32] {
        var tokens = [UInt32](repeating: 0, count: sessions + 1)
        port.captureTransmitted(queue: shard)
        for session in 1...sessions {
            port.inject(
                PathFrames.logon(session: UInt32(session), shard: shard), queue: shard)
            for _ in 0..<3 { pipeline.pollBeforeStart() }
            takeTokens(&tokens, shard: shard)
        }
        // Where the gate waits for a disk or a standby, the last answers take a moment.
        for _ in 0..<10_000 where tokens.dropFirst().contains(0) {
            pipeline.pollBeforeStart()
            takeTokens(&tokens, shard: shard)
            usleep(100)
        }
        port.captureTransmitted(false, queue: shard)
        guard tokens.dropFirst().allSatisfy({ $0 != 0 }) else {
            throw ValidationError("not every session could log on: this is a bug")
        }
        return tokens
    }

    private func takeTokens(_ tokens: inout [UInt32], shard: Int) {
        for frame in port.takeTransmitted(queue: shard) {
            guard let (owner, token) = PathFrames.token(in: frame) else { continue }
            tokens[Int(owner)] = token
        }
    }

    /// In a cluster: polls until this host speaks, with its standby if it is to have one.
    func waitToSpeak(withStandby: Bool) throws {
        guard let view = pipeline.cluster?.view else { return }
        for _ in 0..<200_000 {
            pipeline.pollBeforeStart()
            switch view.current.role {
            case .primary(.mirrored): return
            case .primary where !withStandby: return
            default: usleep(100)
            }
        }
        throw ValidationError("the standby did not come up: \(view.current)")
    }

    /// Nanoseconds that the gateway core alone takes to bring all datagrams into the log.
    func intakeNanos(_ frames: PathFrames) throws -> Double {
        port.load(frames.store, laps: 1, inPlace: true)
        let clock = CycleClock.calibrated()
        let before = try CountersSnapshot(pipeline.view)
        while pipeline.pollGatewayBeforeStart() {}
        return Double(
            clock.nanos(
                PathStages.intakeCycles(before: before, after: try CountersSnapshot(pipeline.view)))
        )
    }

    /// Has a queue of the port hand over these datagrams once, from the next poll on.
    func load(_ frames: PathFrames, shard: Int = 0) {
        port.load(frames.store, queue: shard, laps: 1, inPlace: true)
    }

    /// Plays the head of a capture, which logs every session on, and reads the tokens from the log.
    func logOn(_ capture: PathCapture) throws {
        port.queue(0).hookReceive(capture)
        var observer = pipeline.logs[0].observer()
        for _ in 0..<capture.logonBursts { pipeline.pollBeforeStart() }
        while case .record(let record) = observer.next() {
            if record.kind == .logon { capture.setToken(record.account, session: record.session) }
        }
        guard capture.isLoggedOn else {
            throw ValidationError("not every session of the capture could log on: this is a bug")
        }
    }

    /// How far everybody is, for whoever has to find out why it went no further.
    private var standing: String {
        let journaled = pipeline.journals.map { ($0.durable.load(), $0.room.load()) }
        return "published \(pipeline.logs[0].publishedSequence), "
            + "released \(pipeline.logs[0].gatingReaders), durable and room \(journaled)"
    }

    private func total(_ counter: GatewayCounter) -> UInt64 {
        pipeline.counters.reduce(0) { $0 + $1[counter] }
    }

    private func threadNanos(
        _ before: CountersSnapshot, _ after: CountersSnapshot, orders: Double
    ) -> [(name: String, nanos: Double)] {
        let plan = pipeline.plan
        let seats = plan.gateway + plan.engine + plan.journal + plan.mirror
        return seats.map { seat in
            let time = "thread.\(seat.name).cpu"
            return (seat.name, Double(after[time] - before[time]) / orders)
        }
    }

    /// Runs the threads until so many commands are reported, and prints the figures unless it is to
    /// be quiet.
    @discardableResult
    func measure(
        commands: Int, isQuiet: Bool = false, beside standby: PathStandby? = nil
    ) throws -> Figures {
        let before = total(.commandsReported)
        let wanted = before + UInt64(commands)
        let snapshotBefore = try CountersSnapshot(pipeline.view)
        let reportsBefore = total(.reports)
        let clock = CycleClock.calibrated()
        let start = clock.nowCycles
        try pipeline.start()
        // The whole path: the last order is reported. Gives up after seconds without progress.
        var stalled = 0
        var last: UInt64 = 0
        // What a thread takes when it starts is not counted: a tenth of the orders is warm-up.
        var watch: AllocationWatch?
        while total(.commandsReported) < wanted, stalled < 4_000 {
            usleep(1_000)
            let now = total(.commandsReported)
            stalled = now == last ? stalled + 1 : 0
            last = now
            if watch == nil, now - before >= UInt64(commands / 10) { watch = AllocationWatch() }
        }
        let nanos = clock.nanos(clock.nowCycles - start)
        pipeline.sample()
        let allocations = watch?.text ?? "not watched"
        let reported = total(.commandsReported) - before
        let standing = standing
        // First, for it would go on with a log that its primary has ended.
        let standbyEnd = standby?.stop()
        pipeline.stop()
        guard total(.commandsReported) >= wanted else {
            print("stopped short: \(pipeline.counters.map(\.nonZero)); \(standing)")
            throw ExitCode(1)
        }
        let (count, rate) = (Double(reported), Double(reported) * 1_000 / Double(nanos))
        let after = try CountersSnapshot(pipeline.view)
        let figures = Figures(
            megaOrders: rate, allocations: allocations,
            threadNanos: threadNanos(snapshotBefore, after, orders: count),
            end: End(
                sequence: pipeline.logs[0].publishedSequence,
                stateHash: pipeline.progress[0].stateHash),
            standbyEnd: standbyEnd)
        if !isQuiet {
            show(
                nanos: nanos, orders: count, before: snapshotBefore, after: after,
                reports: total(.reports) - reportsBefore, allocations: allocations, clock: clock)
        }
        return figures
    }

    private func show(
        nanos: UInt64, orders: Double, before: CountersSnapshot, after: CountersSnapshot,
        reports: UInt64, allocations: String, clock: CycleClock
    ) {
        let stages =
            pipeline.counters.count > 1
            ? nil
            : PathStages(
                before: before, after: after, clock: clock, orders: orders,
                reports: Double(reports), wallNanos: Double(nanos),
                matchBudgetNanos: matchBudgetNanos,
                isOneThread: pipeline.plan.mode == .runToCompletion)
        print(
            """
            \((orders * 1_000 / Double(nanos)).text(2)) M orders/s, \
            \((Double(nanos) / orders).text(1)) ns an order on the wall
            \(stages?.lines.joined(separator: "\n") ?? "\(pipeline.counters.count) shards together")
            reports \(reports), public \(total(.publicReports)), \
            refused \(total(.refused)), log full in \(total(.logFull)) polls, \
            state hash \(pipeline.progress.map { String($0.stateHash, radix: 16) })
            calls of malloc after a tenth of the orders: \(allocations)
            """)
    }
}
