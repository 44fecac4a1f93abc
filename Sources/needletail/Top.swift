// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import OrderEntryClient
internal import Platform

/// `needletail top`: a gateway at work, live.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch the gateways of this host at work.",
        discussion: """
            Rates, latency of each stage, rings, journal, threads and what is dropped, over the \
            last second. Reads the counters files, read-only and without disturbing the gateways. \
            Where there is no terminal a line is printed for each interval.

            KEYS
              q, Ctrl-C  quit
              g, Tab     the next gateway
              s          the next shard
              t          since the start instead of the last second, and back

            EXIT CODES
              0   quit, or the gateway of a run without a terminal has ended
              64  the command line is wrong
              66  a counters file cannot be read
              69  no such gateway is running here
            """)

    @OptionGroup var source: StatsSource

    @Option(help: "Seconds from one picture to the next, 0.1 to 60.")
    var interval = 1.0

    @Option(help: "Quit after so many pictures; 0 = when told.")
    var count = 0

    func validate() throws {
        guard (0.1...60).contains(interval), count >= 0 else {
            throw ValidationError("--interval is 0.1 to 60 seconds, --count 0 or more.")
        }
    }

    func run() throws {
        var watch: TopWatch
        do throws(StatsError) {
            watch = try TopWatch(source, try source.open())
        } catch {
            StandardError.write("needletail: \(error)\n")
            throw source.file == nil ? Exit.unavailable : Exit.badInput
        }
        let stop = StopSignal()
        if let terminal = TopTerminal() {
            draw(terminal, &watch, stop)
        } else {
            printLines(&watch, stop)
        }
    }

    private func draw(
        _ terminal: borrowing TopTerminal, _ watch: inout TopWatch, _ stop: StopSignal
    ) {
        var pictures = 0
        while true {
            let due = MonotonicClock.nowNanos() + UInt64(interval * 1e9)
            watch.look()
            let size = terminal.size
            terminal.draw(watch.screen(columns: size.columns, rows: size.rows).lines)
            pictures += 1
            if pictures == count { return }
            while MonotonicClock.nowNanos() < due {
                if stop.wait(milliseconds: 0) { return }
                let left = Int((due &- MonotonicClock.nowNanos()) / 1_000_000)
                guard let key = terminal.key(withinMillis: min(100, left + 1)) else { continue }
                switch key {
                case UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4: return
                case UInt8(ascii: "g"), 9: watch.nextGateway()
                case UInt8(ascii: "s"): watch.nextShard()
                case UInt8(ascii: "t"): watch.showsWhole.toggle()
                default: continue
                }
                let size = terminal.size
                terminal.draw(watch.screen(columns: size.columns, rows: size.rows).lines)
            }
        }
    }

    private func printLines(_ watch: inout TopWatch, _ stop: StopSignal) {
        var lines = 0
        watch.look()
        while !stop.wait(milliseconds: Int(interval * 1_000)) {
            watch.look()
            print(watch.screen(columns: 80, rows: 24).summary)
            // Into a pipe, a line at once.
            fflush(nil)
            lines += 1
            if lines == count || !watch.isAlive { return }
        }
    }
}

/// The gateways that are watched, and the one that is shown.
struct TopWatch {
    private let source: StatsSource
    private var views: [CountersView]
    private var chosen = 0
    private var shard: UInt32 = 0
    private var before: CountersSnapshot?
    private var now: CountersSnapshot
    private var beforeNanos: UInt64 = 0
    private var nowNanos: UInt64
    private var isCut = false
    var showsWhole = false

    /// At least one.
    init(_ source: StatsSource, _ views: [CountersView]) throws(StatsError) {
        self.source = source
        self.views = views
        do throws(CountersError) {
            now = try CountersSnapshot(views[0])
        } catch {
            throw StatsError(error.description)
        }
        nowNanos = MonotonicClock.nowNanos()
    }

    private var view: CountersView { views[chosen] }
    /// Whether the gateway that is shown still runs.
    var isAlive: Bool { view.isAlive }

    /// Takes the numbers of this moment, and sees whether gateways came or went.
    mutating func look() {
        if let found = try? source.open() { follow(found) }
        before = now
        beforeNanos = nowNanos
        read()
    }

    /// What was read last stays when the file cannot be read any more.
    private mutating func read() {
        do throws(CountersError) {
            now = try CountersSnapshot(view)
            isCut = false
        } catch {
            isCut = true
        }
        nowNanos = MonotonicClock.nowNanos()
    }

    /// Stays with what is shown, also when it has ended; a gateway of the same name that came after
    /// it takes its place.
    private mutating func follow(_ found: [CountersView]) {
        let current = view
        if let same = found.firstIndex(where: { $0.path == current.path }) {
            views = found
            chosen = same
        } else if let heir = found.firstIndex(where: { $0.identity.name == current.identity.name })
        {
            views = found
            choose(heir)
        } else {
            views = [current] + found
            chosen = 0
        }
    }

    mutating func nextGateway() { if views.count > 1 { choose((chosen + 1) % views.count) } }

    mutating func nextShard() {
        shard = (shard + 1) % max(1, UInt32(view.identity.shardCount))
    }

    private mutating func choose(_ index: Int) {
        chosen = index
        shard = 0
        read()
        before = nil
    }

    func screen(columns: Int, rows: Int) -> TopScreen {
        var earlier = before
        var seconds = Double(nowNanos &- beforeNanos) / 1e9
        // Of a moment there is nothing to say.
        if showsWhole || before == nil || seconds < 0.05 {
            earlier = nil
            seconds =
                StatsInterval(identity: view.identity, now: now, before: nil, seconds: 0).age
        }
        let interval = StatsInterval(
            identity: view.identity, now: now, before: earlier, seconds: seconds)
        var screen = TopScreen(
            interval: interval, shard: shard, columns: columns, rows: max(4, rows))
        if views.count > 1 { screen.position = "\(chosen + 1)/\(views.count)" }
        screen.showsWhole = earlier == nil
        screen.alarm = alarm
        return screen
    }

    private var alarm: String? {
        guard view.isAlive else { return "HAS ENDED" }
        if isCut { return "FILE IS CUT" }
        let utcNanos = UInt64(Date().timeIntervalSince1970 * 1e9)
        let sampled = now["sample.utc"]
        guard sampled > 0, utcNanos > sampled, utcNanos - sampled > 3_000_000_000 else {
            return nil
        }
        return "SILENT FOR \((utcNanos - sampled) / 1_000_000_000) s"
    }
}
