// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
internal import Engine
internal import OrderEntryClient
internal import Platform
internal import Wire

/// `bench book`: the engine alone, on a recorded stream of commands.
///
/// SAFETY: the records live in `memory`, which outlives every run that reads them.
struct BookBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "book",
        abstract: "Measure the engine alone on a file of the yardstick.",
        discussion: """
            Every command goes through a whole 64-byte log record, session sequence, validation, \
            order index, matching, state hash and 64-byte events in a ring, which a listener reads \
            and adds up in the timed region. The four totals must equal the file's: `match OK`. \
            Times are CPU time of the thread.

            With --check-snapshots the commands are made a log, and three ways through it must \
            give the same state hash and the same bytes of an image: the live run in bursts, the \
            replay one by one, and snapshot files taken at random points with the rest of the log \
            behind them.
            """)

    @Option(help: "A file that the yardstick's `gen` made.") var commands: String
    @Flag(help: "Also stamp each command, in a run of its own.") var latency = false
    @Option(help: "Sessions to which the file's users are dealt out.") var sessions: UInt32 = 1
    @Flag(help: "Spread the file's order ids over 64 bits, as clients' own are.")
    var sparseIds = false
    @Flag(help: "Ask of each order what order rules may: a tick table of 20 rows, a value.")
    var orderRules = false
    @Option(help: "Room for open orders.") var orders: UInt32 = 2_000_000
    @Option(help: "Timed runs; the best counts.") var runs = 3
    @Flag(
        help: "Measure nothing: check that a live run, a replay and snapshots with tails agree.")
    var checkSnapshots = false
    @Option(help: "Snapshots to take, with --check-snapshots.") var snapshots = 4
    @Option(help: "Seed of where they are taken.") var seed: UInt64 = 1

    func validate() throws {
        guard sessions > 0, orders > 0, runs > 0, snapshots > 0 else {
            throw ValidationError("--sessions, --orders, --runs and --snapshots are 1 or more")
        }
    }

    func run() throws {
        let file = try YardstickFile(path: commands)
        var plan = BookPlan(
            file: file, sessionCount: sessions, orderCapacity: orders, isSparse: sparseIds,
            hasRules: orderRules)
        let memory = try HugePages(
            byteCount: file.commandCount * LogRecord.byteCount)
        let records = unsafe memory.base.bindMemory(
            to: LogRecord.self, capacity: file.commandCount)
        unsafe plan.buildRecords(into: records)
        unsafe try plan.settleReplaces(in: records)
        if checkSnapshots {
            unsafe plan.seal(records)
            let check = unsafe SnapshotCheck(
                records: records, plan: plan, snapshotCount: snapshots, seed: seed)
            return try check.run()
        }
        let timed = file.warmUpCount..<file.commandCount
        var best = UInt64.max
        var matches = true
        var grown = 0
        for number in 1...runs {
            var run = unsafe try BookRun(
                records: records, recordCount: file.commandCount, opening: plan.opening)
            run.apply(0..<file.warmUpCount)
            let bytesBefore = Measurement.mallocByteCount
            let start = ThreadClock.cpuNanos
            run.apply(timed)
            best = min(best, ThreadClock.cpuNanos - start)
            grown = max(grown, Measurement.mallocByteCount - bytesBefore)
            matches = matches && plan.matches(run.listener.totals)
            guard number == runs else { continue }
            print("\(commands): \(sessions) session(s), \(run.openOrders) orders open at the end")
            if let warning = run.memoryWarning { print("memory: \(warning)") }
        }
        let nanos = Double(best) / Double(timed.count)
        print(
            "book t: \((1000 / nanos).text(1)) M commands/s, \(nanos.text(1)) ns/command, "
                + "allocated after start \(grown) B, match \(matches ? "OK" : "MISMATCH")")
        if latency { matches = unsafe try measureLatency(plan, records, timed) && matches }
        if !matches { throw ExitCode(1) }
    }

    private func measureLatency(
        _ plan: BookPlan, _ records: UnsafeMutablePointer<LogRecord>, _ timed: Range<Int>
    ) throws -> Bool {
        var run = unsafe try BookRun(
            records: records, recordCount: plan.file.commandCount, opening: plan.opening)
        run.apply(0..<plan.file.warmUpCount)
        var histogram = CycleHistogram()
        let clock = CycleClock.calibrated()
        run.measure(timed, into: &histogram)
        let matches = plan.matches(run.listener.totals)
        let parts = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)].map { name, share in
            "\(name) \(clock.nanos(histogram.percentile(share)))"
        }
        print(
            "book l: \(parts.joined(separator: " ")) ns, "
                + "match \(matches ? "OK" : "MISMATCH")")
        return matches
    }
}
