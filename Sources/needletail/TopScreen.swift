// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Platform

/// What `needletail top` shows of one shard of one gateway: a function of two moments, and of how
/// much room there is.
struct TopScreen {
    let interval: StatsInterval
    let shard: UInt32
    /// For the head: `2/3`, or nothing when there is one gateway.
    var position = ""
    /// What is wrong with the gateway itself.
    var alarm: String?
    var showsWhole = false
    let columns: Int
    let rows: Int

    private var now: CountersSnapshot { interval.now }
    /// Columns of a bar: what is left of 80 behind label and numbers, and of more its share.
    private var barWidth: Int { max(10, min(60, columns - 54)) }

    /// At most `rows` lines. Blank ones go first when there is too little room, and details come
    /// when there is more.
    var lines: [TopLine] {
        var sections = [
            [head], rates, [TopLine()], stages, [TopLine()], rings, [TopLine()], threads, drops,
        ]
        sections.append(portLines)
        var all = sections.flatMap { $0 }
        let details = driverCounters
        let room = rows - all.count - 1
        if room > 1, !details.isEmpty { all += [TopLine()] + details.prefix(room - 1) }
        while all.count > rows - 1, let blank = all.lastIndex(where: \.isEmpty) {
            all.remove(at: blank)
        }
        return Array(all.prefix(rows - 1)) + [keys]
    }

    /// One line, where there is no terminal.
    var summary: String {
        let commit = interval.distribution("commit.nanos", shard)
        let dropped = interval.dropped(shard).reduce(0) { $0 + $1.perSecond }
        return [
            "\(interval.identity.name)/\(shard)",
            "orders \(perSecond("counter.commands"))", "reports \(perSecond("counter.reports"))",
            "sessions \(now["sessions.open", shard])",
            "commit p50 \(duration(commit, 0.5)) p99 \(duration(commit, 0.99))",
            "log \(StatsText.percent(fill("log"))) events \(StatsText.percent(fill("events")))",
            "dropped \(StatsText.amount(dropped))/s",
        ].joined(separator: " · ") + (alarm.map { " · \($0)" } ?? "")
    }

    private var head: TopLine {
        let identity = interval.identity
        var line = TopLine("needletail ", .bold)
        line.add(identity.name, .accent)
        if identity.shardCount > 1 {
            line.add("  shard \(shard) of \(identity.shardCount)", .accent)
        }
        if !position.isEmpty { line.add("  gateway \(position)", .accent) }
        if let alarm { line.add("  \(alarm)", .bad) }
        line.add(
            "  \(identity.port) · \(identity.mode) · up \(StatsText.age(interval.age))", .dim)
        return line
    }

    private var rates: [TopLine] {
        func cell(_ name: String, _ value: String, _ width: Int) -> String {
            "\(name) \(value)"
                + String(repeating: " ", count: max(1, width - name.count - value.count - 1))
        }
        let first = TopLine()
            .with(cell("orders", perSecond("counter.commands"), 20), .bold)
            .with(cell("reports", perSecond("counter.reports"), 20), .bold)
            .with(cell("frames in", perSecond("counter.framesReceived"), 20))
            .with(cell("out", perSecond("counter.framesSent"), 20))
        let second = TopLine()
            .with(cell("sessions", "\(now["sessions.open", shard])", 20))
            .with(
                cell("open orders", Figure.count(now["engine.openOrders", shard]), 20)
            )
            .with(cell("sequence", Figure.count(now["log.published", shard]), 24))
        return [first, second]
    }

    private var stages: [TopLine] {
        let names = ["ns/order", "p50", "p99", "p99.9", "max", "of core"]
        var lines = [
            TopLine(
                Figure.padded("stage", 16) + names.map { Figure.padded(left: $0, 10) }.joined(),
                .dim)
        ]
        for stage in StatsInterval.stages {
            let all = interval.distribution("stage.\(stage).nanos", shard)
            let each = interval.nanosPerCommand(stage, shard)
            let share = interval.share(stage, shard)
            lines.append(
                TopLine(Figure.padded(stage, 16)).with(
                    Figure.padded(left: each?.text(1) ?? "-", 10), .bold
                )
                .with(durations(all)).with(Figure.padded(left: StatsText.percent(share), 10))
                .with("  " + StatsText.bar(share, width: max(0, min(20, columns - 80))), .dim))
        }
        let policy = now["commit.isDurable", shard] == 1 ? "durable" : "none"
        lines.append(
            TopLine(Figure.padded("commit, \(policy)", 16), .accent).with(
                Figure.padded(left: "", 10)
            )
            .with(durations(interval.distribution("commit.nanos", shard))))
        return lines
    }

    private var rings: [TopLine] {
        var lines = ["log", "events"].map { ring in
            let capacity = now["\(ring).capacity", shard]
            let most = Double(now["\(ring).usedMax", shard]) / Double(max(1, capacity))
            return bar(ring, fill(ring)).with(
                "of \(Figure.count(capacity)), most \(StatsText.percent(most))", .dim)
        }
        guard now.has("journal.durable", shard: shard) else { return lines }
        var line = TopLine(Figure.padded("journal", 14))
        line.add("durable through \(Figure.count(now["journal.durable", shard]))")
        line.add(", \(Figure.count(now["journal.lag", shard])) behind", .dim)
        let snapshot = now["journal.snapshot", shard]
        if snapshot > 0 { line.add(", snapshot of \(Figure.count(snapshot))", .dim) }
        if now["journal.isShortOfSpace", shard] != 0 { line.add("  NO SPACE", .bad) }
        if now["journal.hasFailed", shard] != 0 { line.add("  FAILED", .bad) }
        lines.append(line)
        return lines
    }

    private var threads: [TopLine] {
        interval.threads.map { name in
            let turns = interval.count("thread.\(name).turns")
            let busy = interval.count("thread.\(name).busyTurns")
            let share = turns == 0 ? 0 : Double(busy) / Double(turns)
            let processor = interval.rate("thread.\(name).cpu") / 1e9
            let line = bar(name, share, neverAlarms: true).with(
                "busy, \(StatsText.amount(interval.rate("thread.\(name).turns"))) turns/s, "
                    + "CPU \(StatsText.percent(processor))", .dim)
            return turns == 0 && alarm == nil ? line.with("  STANDS STILL", .bad) : line
        }
    }

    private var drops: [TopLine] {
        let dropped = interval.dropped(shard)
        guard !dropped.isEmpty else {
            return [TopLine(Figure.padded("dropped", 14)).with("nothing", .good)]
        }
        var lines = [TopLine(Figure.padded("dropped", 14))]
        for drop in dropped {
            let isGrowing = drop.perSecond > 0 && !showsWhole
            let recent = isGrowing ? " (+\(StatsText.amount(drop.perSecond))/s)" : ""
            let text = "\(drop.name) \(StatsText.amount(drop.total))\(recent)  "
            if lines[lines.count - 1].width + text.count > columns {
                lines.append(TopLine(Figure.padded("", 14)))
            }
            lines[lines.count - 1].add(text, isGrowing ? .warning : .dim)
        }
        return lines
    }

    private var portLines: [TopLine] {
        var line = TopLine(Figure.padded("port", 14))
        let isUp = now["port.linkUp"] != 0
        line.add(isUp ? "link up" : "LINK DOWN", isUp ? .good : .bad)
        for (name, label) in [
            ("receiveMissed", "missed"), ("receiveErrors", "errors"),
            ("receiveNoBuffer", "no buffer"), ("transmitErrors", "not sent"),
        ] {
            let value = now["port.\(name)"]
            line.add(" · \(label) \(StatsText.amount(value))", value == 0 ? .dim : .warning)
        }
        return [line.with(" · \(interval.identity.driver)", .dim)]
    }

    /// The driver's own counters that say anything, where there is room.
    private var driverCounters: [TopLine] {
        now.numbers("xstat.").filter { $0.value != 0 }.map { name, value in
            TopLine(Figure.padded("  \(name)", 44), .dim).with(
                Figure.padded(left: Figure.count(value), 20)
            )
            .with(
                Figure.padded(left: "\(StatsText.amount(interval.rate("xstat.\(name)")))/s", 14),
                .dim)
        }
    }

    private var keys: TopLine {
        var line = TopLine("q", .bold).with(" quit  ", .dim)
        if !position.isEmpty { line = line.with("g", .bold).with(" next gateway  ", .dim) }
        if interval.identity.shardCount > 1 {
            line = line.with("s", .bold).with(" next shard  ", .dim)
        }
        return line.with("t", .bold).with(
            showsWhole ? " last second instead of since the start" : " since the start", .dim)
    }

    /// A label, a bar and its percentage.
    private func bar(_ label: String, _ share: Double, neverAlarms: Bool = false) -> TopLine {
        let style: TopLine.Style =
            neverAlarms || share < 0.5 ? .good : share < 0.85 ? .warning : .bad
        return TopLine(Figure.padded(label, 14)).with(StatsText.bar(share, width: barWidth), style)
            .with(Figure.padded(left: StatsText.percent(share), 7) + " ")
    }

    private func fill(_ ring: String) -> Double {
        Double(now["\(ring).used", shard]) / Double(max(1, now["\(ring).capacity", shard]))
    }

    private func perSecond(_ name: String) -> String {
        "\(StatsText.amount(interval.rate(name, shard)))/s"
    }

    private func durations(_ all: LatencyDistribution) -> String {
        [0.5, 0.99, 0.999, 1].map { Figure.padded(left: duration(all, $0), 10) }.joined()
    }

    private func duration(_ all: LatencyDistribution, _ share: Double) -> String {
        all.count == 0 ? "-" : Figure.duration(all.quantileNanos(share))
    }
}
