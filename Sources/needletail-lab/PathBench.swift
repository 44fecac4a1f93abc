// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CommandLog
import Hardware
import NICGateway
import Pipeline
import Platform
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

    /// Over the memory port; in a cluster beside a standby, which is started when this host speaks,
    /// so that it is this one that does.
    @discardableResult
    func measure(
        _ flow: OrderFlow.Profile, _ configuration: Configuration, isQuiet: Bool = false,
        beside standby: PathStandby? = nil
    ) throws -> PathRun.Figures {
        let run = try PathRun(
            configuration, sessions: sessions, matchBudgetNanos: matchBudgetNanos, isQuiet: isQuiet)
        try run.waitToSpeak(withStandby: false)
        if let standby {
            try standby.start()
            try run.waitToSpeak(withStandby: true)
        }
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
        return try run.measure(commands: commands, isQuiet: isQuiet, beside: standby)
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
