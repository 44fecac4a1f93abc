// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
internal import Engine
internal import Platform
internal import Wire

/// `bench scaling`: what a command costs as the book, and the number of books, grow; beside two
/// books of the usual builds.
///
/// SAFETY: the records live in `memory`, which outlives every run that reads them.
struct ScalingBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling",
        abstract: "Measure the engine as books and instruments grow, beside simple books.",
        discussion: """
            A flow of its own: so many orders rest, at random prices, 20 at a price; then come \
            45 % more of them, 45 % cancels, 10 % that trade. First in one instrument with more \
            and more orders, then in more and more instruments with 10 orders each.

            The engine does all that it does in a gateway: whole records of 1,000 sessions, \
            checks, index, matching, state hash, and events that a listener reads. The two books \
            beside it only match. All must come to the same trades. Times are processor time of \
            the thread, the best of --runs. Memory is what the engine takes for such limits when \
            it starts.

            The largest size takes about a gigabyte and some minutes.
            """)

    @Option(help: "Orders that rest, of one instrument; separated by commas.")
    var orders = "10,100,1000,10000,100000,1000000,10000000"
    @Option(help: "Instruments; separated by commas.") var instruments =
        "1,10,100,1000,10000,100000"
    @Option(help: "Timed commands.") var commands = 1_000_000
    @Option(help: "Timed runs; the best counts.") var runs = 3
    @Option(help: "Seed of the flow.") var seed: UInt64 = 1
    @Option(
        help: ArgumentHelp(
            "Draw scaling-orders.svg and scaling-instruments.svg there.",
            valueName: "folder"))
    var plot: String?

    private static let sessionCount: UInt32 = 1_000
    private static let ordersOfInstrument = 10

    private struct Row {
        var size: Int
        var engineNanos: Double
        /// Of each compared book.
        var otherNanos: [Double]
    }

    func validate() throws {
        guard commands > 0, runs > 0 else {
            throw ValidationError("--commands and --runs are 1 or more")
        }
        _ = try (sizes(orders, "--orders"), sizes(instruments, "--instruments"))
    }

    private func sizes(_ text: String, _ option: String) throws -> [Int] {
        let sizes = text.split(separator: ",").compactMap { Int($0) }
        guard sizes.count == text.split(separator: ",", omittingEmptySubsequences: false).count,
            sizes.allSatisfy({ 1...10_000_000 ~= $0 }), sizes == sizes.sorted()
        else {
            throw ValidationError(
                "\(option) is ascending numbers from 1 to 10000000, as 10,1000,100000")
        }
        return sizes
    }

    func run() throws {
        var rows: [Row] = []
        print(heading("orders resting", "B an order"))
        for size in try sizes(orders, "--orders") {
            rows.append(try row(size, restingCount: size, instrumentCount: 1))
        }
        try draw(rows, "scaling-orders", "orders that rest in one instrument")
        rows = []
        print("\n" + heading("instruments", "B each"))
        for size in try sizes(instruments, "--instruments") {
            let resting = size * Self.ordersOfInstrument
            rows.append(try row(size, restingCount: resting, instrumentCount: size))
        }
        try draw(rows, "scaling-instruments", "instruments, 10 orders each")
    }

    private func heading(_ size: String, _ each: String) -> String {
        "| \(size) | engine ns | \(TreeBook.name) ns | \(ArrayBook.name) ns | memory MB "
            + "| \(each) |\n|---:|---:|---:|---:|---:|---:|"
    }

    private func row(_ size: Int, restingCount: Int, instrumentCount: Int) throws -> Row {
        let flow = ScalingFlow(
            restingCount: restingCount, instrumentCount: instrumentCount, timedCount: commands,
            seed: seed)
        let (engine, memory, totals) = try measureEngine(flow)
        let tree = measure(TreeBook.self, flow)
        let array = measure(ArrayBook.self, flow)
        guard tree.totals == totals, array.totals == totals else {
            print("not the same trades: \(totals), \(tree.totals), \(array.totals)")
            throw ExitCode(1)
        }
        let megabytes = (Double(memory) / 1e6).text(1)
        print(
            "| \(size) | \(engine.text(1)) | \(tree.nanos.text(1)) | \(array.nanos.text(1)) | "
                + "\(megabytes) | \((Double(memory) / Double(size)).text(0)) |")
        return Row(
            size: size, engineNanos: engine, otherNanos: [tree.nanos, array.nanos])
    }

    private func measureEngine(
        _ flow: ScalingFlow
    ) throws -> (nanos: Double, memory: Int, totals: YardstickFile.Totals) {
        let count = flow.commands.count
        let memory = try HugePages(byteCount: count * LogRecord.byteCount)
        let records = unsafe memory.base.bindMemory(to: LogRecord.self, capacity: count)
        let sessions = UInt64(Self.sessionCount)
        var sequences = [UInt32](repeating: 0, count: Int(Self.sessionCount) + 1)
        for (index, command) in flow.commands.enumerated() {
            // An order is its session's, so its id says whose.
            let session = UInt32(command.id % sessions) + 1
            sequences[Int(session)] += 1
            unsafe records[index] = command.record(
                session: session, sessionSequence: sequences[Int(session)],
                sequence: UInt64(index) + 1_000_000)
        }
        let capacity = UInt32(flow.restingCount + flow.restingCount / 16 + 64)
        let opening = BookOpening(
            EngineLimits(
                orderCapacity: capacity, sessionCapacity: Self.sessionCount,
                instrumentCapacity: UInt32(flow.instrumentCount),
                ladderTickCapacity: UInt32(Engine.pricesInPages(UInt64(flow.priceTicks.count)))
                    * UInt32(flow.instrumentCount),
                sessionOpenOrdersMax: capacity),
            priceTicks: flow.priceTicks)
        var best = UInt64.max
        var found = (byteCount: 0, totals: YardstickFile.Totals())
        for _ in 0..<runs {
            var run = unsafe try BookRun(records: records, recordCount: count, opening: opening)
            run.apply(0..<flow.restingCount)
            let start = ThreadClock.cpuNanos
            run.apply(flow.restingCount..<count)
            best = min(best, ThreadClock.cpuNanos - start)
            found = (run.memoryByteCount, run.listener.totals)
        }
        return (Double(best) / Double(commands), found.byteCount, found.totals)
    }

    private func measure<Book: ComparedBook>(
        _ kind: Book.Type, _ flow: ScalingFlow
    ) -> (nanos: Double, totals: YardstickFile.Totals) {
        var best = UInt64.max
        var totals = YardstickFile.Totals()
        for _ in 0..<runs {
            var book = Book(instrumentCount: flow.instrumentCount)
            for index in 0..<flow.restingCount { book.apply(flow.commands[index]) }
            let start = ThreadClock.cpuNanos
            for index in flow.restingCount..<flow.commands.count {
                book.apply(flow.commands[index])
            }
            best = min(best, ThreadClock.cpuNanos - start)
            totals = book.totals
        }
        return (Double(best) / Double(commands), totals)
    }

    private func draw(_ rows: [Row], _ name: String, _ caption: String) throws {
        guard let plot, rows.count > 1 else { return }
        let others = [TreeBook.name, ArrayBook.name].enumerated().map { number, name in
            LogChart.Line(
                name: name, points: rows.map { (Double($0.size), $0.otherNanos[number]) })
        }
        let engine = LogChart.Line(
            name: "Needletail", points: rows.map { (Double($0.size), $0.engineNanos) })
        let chart = LogChart(
            title: "A command's time", caption: caption,
            ticks: rows.map { LogChart.Tick(label: Self.label($0.size), x: Double($0.size)) },
            lines: [engine] + others)
        try LoadReport.write(chart.text, to: "\(plot)/\(name).svg")
    }

    private static func label(_ size: Int) -> String {
        switch size {
        case 1_000_000...: "\(size / 1_000_000) M"
        case 1_000...: "\(size / 1_000) k"
        default: "\(size)"
        }
    }
}
