// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CommandLog
import Glibc
import Hardware
import NICGateway
import OrderEntryClient
import Pipeline
import Platform
import RDMAReplica
import Wire

/// `needletail-lab bench path`: orders through the whole path, as fast as a driver can hand them
/// over.
struct PathBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path",
        abstract: "Datagrams through decode, sessions, log, engine and reports, on two cores.",
        discussion: """
            Builds unique datagrams of an order flow over many sessions, logs the sessions on, and \
            then hands the datagrams over in bursts as a poll-mode driver would: packet buffers \
            come from a pool and go back to it. Prints orders a second by the clock on the wall, \
            and for each stage what it takes of an order's time, beside its budget.

            Example: needletail-lab bench path --orders 1000000 --packed 20 --profile a
            """)

    @Option(help: "Port: memory, or pcap:FILE (records the datagrams there and plays them).")
    var port = "memory"
    @Option(help: "Orders to send, about.")
    var orders = 1_000_000
    @Option(help: "Messages in a datagram.")
    var packed = 1
    @Option(help: "Sessions that send them.")
    var sessions = 1_000
    @Option(help: "Order flow: a (adds and cancels) or b (many trades).")
    var profile = "a"
    @Option(help: "Seed of the flow.")
    var seed: UInt64 = 1
    @Option(help: "Processors of the gateway and the engine thread; one = a thread for both.")
    var cpus = "0,1"
    @Option(help: "Shards, each on one of --cpus, with as many orders of its own.")
    var shards = 1
    @Flag(help: "Also send the public stream.")
    var publicStream = false
    @Option(help: "Folder on a disk: runs in turn without a journal and with one there.")
    var journal: String?
    @Option(
        help: """
            Folder on a disk: runs in turn alone (commit: durable) and with a standby over TCP, a \
            process of its own on the second of --cpus (commit: mirrored).
            """)
    var standby: String?
    @Option(help: "Pairs of runs, with --journal and --standby.")
    var pairs = 5

    func validate() throws {
        guard ["a", "b"].contains(profile) else {
            throw ValidationError("--profile \(profile): the profiles are a and b")
        }
        guard (1...30).contains(packed), sessions > 0, orders > 0, pairs > 0 else {
            throw ValidationError(
                "--packed is 1…30, --sessions, --orders and --pairs are at least 1")
        }
        let isPlain = port == "memory" && journal == nil && standby == nil
        guard shards == 1 || (isPlain && (2...16).contains(shards)) else {
            throw ValidationError("--shards: 1…16, several over the memory port without a journal")
        }
        guard standby == nil || (port == "memory" && journal == nil) else {
            throw ValidationError("--standby goes with the memory port, and without --journal")
        }
    }

    func run() throws {
        var configuration = PathRun.configuration(sessions: sessions, shards: shards)
        configuration.host.port = port
        let chosen = cpus.split(separator: ",").compactMap { Int($0) }
        guard shards > 1 ? chosen.count == shards : (1...2).contains(chosen.count) else {
            throw ValidationError(
                "--cpus: two numbers, as in 0,1, or one; one for each of --shards")
        }
        configuration.host.mode =
            shards == 1 && chosen.count == 2 ? .pipeline : .runToCompletion
        configuration.host.cpus.gateway = Array(chosen.prefix(shards))
        configuration.host.cpus.engine = Array(chosen.dropFirst(shards))
        configuration.publicGroup = publicStream ? 0xEF4D_0001 : nil
        let flow = profile == "a" ? OrderFlow.Profile.a : .b
        if case .pcap(let file, _, _) = try PortSpecification(port).kind {
            return try playCapture(file, flow, &configuration)
        }
        if let journal { return try compare(journal, flow, configuration) }
        if let standby { return try compareStandby(standby, flow, configuration) }
        try measure(flow, configuration)
    }

    /// What the engine may take for a command of the flow: docs/BUDGET.md.
    private var matchBudgetNanos: Double { profile == "a" ? 29 : 42 }

    /// Over the memory port.
    @discardableResult
    func measure(
        _ flow: OrderFlow.Profile, _ configuration: Configuration, isQuiet: Bool = false
    ) throws -> PathRun.Figures {
        let run = try PathRun(
            configuration, sessions: sessions, matchBudgetNanos: matchBudgetNanos, isQuiet: isQuiet)
        try run.waitToSpeak(withStandby: standby != nil && configuration.cluster != nil)
        if !isQuiet { print("logging \(sessions) sessions on, building datagrams …") }
        var commands = 0
        // All first, for logging on polls every shard.
        let tokens = try (0..<shards).map { try run.logOn(shard: $0) }
        for shard in 0..<shards {
            let frames = try PathFrames(
                profile: flow, seed: seed &+ UInt64(shard), tokens: tokens[shard], packed: packed,
                orders: orders, shard: shard)
            run.load(frames, shard: shard)
            commands += frames.orderCount
            if !isQuiet {
                print(
                    "shard \(shard): \(frames.store.count) datagrams of \(packed), \(sessions) "
                        + "sessions, \(frames.restingOrders) orders resting at the end")
            }
        }
        return try run.measure(commands: commands, isQuiet: isQuiet)
    }

    /// What the journal costs under policy `none`: the same orders without it and with it, and a
    /// ring as large as a gateway's in both, for it holds what is on its way to the disk.
    private func compare(
        _ folder: String, _ flow: OrderFlow.Profile, _ configuration: Configuration
    ) throws {
        var configuration = configuration
        configuration.host.rings.logRecords = Configuration().host.rings.logRecords
        // Busy polling on every processor would starve the kernel's half of a write.
        configuration.host.polling = .auto
        var ratios: [Double] = []
        for pair in 1...pairs {
            configuration.journal = nil
            let without = try measure(flow, configuration, isQuiet: true)
            let fresh = try FreshFolder(in: folder)
            configuration.journal = Configuration.Journal(folder: fresh.path)
            let with = try withExtendedLifetime(fresh) {
                try measure(flow, configuration, isQuiet: true)
            }
            let ratio = with.megaOrders / without.megaOrders
            ratios.append(ratio)
            print(
                "pair \(pair): \(without.megaOrders.text(2)) M orders/s without a journal, "
                    + "\(with.megaOrders.text(2)) with it: \(ratio.text(3)); "
                    + "calls of malloc: \(without.allocations), with it: \(with.allocations)")
        }
        ratios.sort()
        print(
            "journal / none, \(packed) a datagram: lowest \(ratios[0].text(3)), "
                + "middle \(ratios[pairs / 2].text(3)), highest \(ratios[pairs - 1].text(3))")
    }

    /// Records a capture of the flow and plays it in laps through DPDK's capture driver.
    private func playCapture(
        _ file: String, _ flow: OrderFlow.Profile, _ configuration: inout Configuration
    ) throws {
        let datagrams = 20_000
        let capture = try PathCapture(
            profile: flow, seed: seed, sessions: sessions, packed: packed, datagrams: datagrams)
        try capture.write(to: file)
        print(
            "\(file): \(capture.frameCount) frames, \(capture.commandsPerLap) commands a lap, "
                + "\(packed) a datagram, \(sessions) sessions")
        configuration.host.port = "pcap:\(file)?loop"
        configuration.host.packetBuffers = 65_535
        configuration.host.packetMemoryMB = 0
        let run = try PathRun(configuration, sessions: sessions, matchBudgetNanos: matchBudgetNanos)
        try run.logOn(capture)
        try run.measure(commands: orders)
    }
}

/// One measured run over a memory port.
final class PathRun {
    /// What a run gives.
    struct Figures {
        /// Millions of orders a second, by the clock on the wall.
        var megaOrders: Double
        /// Which threads called malloc, from a tenth of the orders to the last.
        var allocations: String
        /// Processor time of each of the gateway's threads an order, in nanoseconds: what the
        /// kernel charged, neither other threads on its processor nor sleeps among it.
        var threadNanos: [(name: String, nanos: Double)] = []

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
    func measure(commands: Int, isQuiet: Bool = false) throws -> Figures {
        let counters = pipeline.counters
        func total(_ counter: GatewayCounter) -> UInt64 {
            counters.reduce(0) { $0 + $1[counter] }
        }
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
        while total(.commandsReported) < wanted, stalled < 20_000 {
            usleep(200)
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
        pipeline.stop()
        guard total(.commandsReported) >= wanted else {
            print("stopped short: \(counters.map(\.nonZero)); \(standing)")
            throw ExitCode(1)
        }
        let (count, rate) = (Double(reported), Double(reported) * 1_000 / Double(nanos))
        let after = try CountersSnapshot(pipeline.view)
        let figures = Figures(
            megaOrders: rate, allocations: allocations,
            threadNanos: threadNanos(snapshotBefore, after, orders: count))
        guard !isQuiet else { return figures }
        let stages =
            pipeline.counters.count > 1
            ? nil
            : PathStages(
                before: snapshotBefore, after: after, clock: clock, orders: count,
                reports: Double(total(.reports) - reportsBefore),
                wallNanos: Double(nanos), matchBudgetNanos: matchBudgetNanos,
                isOneThread: pipeline.plan.mode == .runToCompletion)
        print(
            """
            \(rate.text(2)) M orders/s, \
            \((Double(nanos) / count).text(1)) ns an order on the wall
            \(stages?.lines.joined(separator: "\n") ?? "\(counters.count) shards together")
            reports \(total(.reports) - reportsBefore), public \(total(.publicReports)), \
            refused \(total(.refused)), log full in \(total(.logFull)) polls, \
            state hash \(pipeline.progress.map { String($0.stateHash, radix: 16) })
            calls of malloc after a tenth of the orders: \(allocations)
            """)
        return figures
    }
}
