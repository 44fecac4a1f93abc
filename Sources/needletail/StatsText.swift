// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import OrderEntryClient
internal import Platform

/// Numbers as people read them, in few columns.
enum StatsText {
    /// Three digits and a letter: `999`, `12.3 k`, `4.56 M`.
    static func amount(_ value: Double) -> String {
        var value = value
        guard value >= 999.5 else {
            return value >= 10 || value == value.rounded() ? value.text(0) : value.text(1)
        }
        for unit in ["k", "M", "G"] {
            value /= 1_000
            if value < 999.5 || unit == "G" {
                return value.text(value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " " + unit
            }
        }
        return ""
    }

    static func amount(_ value: UInt64) -> String { amount(Double(value)) }

    /// A duration of two units at most.
    static func age(_ seconds: Double) -> String {
        let whole = Int(seconds)
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3_600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3_600) h"
        }
    }

    /// A share (0…1) as a bar of so many columns, to an eighth of a column.
    static func bar(_ share: Double, width: Int) -> String {
        let eighths = Int((max(0, min(1, share)) * Double(width) * 8).rounded())
        // What is there at all is seen.
        let shown = share > 0 ? max(1, eighths) : 0
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        let text = String(repeating: "█", count: shown / 8) + parts[shown % 8]
        return text + String(repeating: "·", count: max(0, width - (shown + 7) / 8))
    }

    /// `0.1 %`, `12 %`; a lot is shown as a lot.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        return percent > 0 && percent < 9.95 ? "\(percent.text(1)) %" : "\(percent.text(0)) %"
    }
}

/// What `needletail stats` prints of one gateway: since its start.
struct StatsReport {
    let interval: StatsInterval
    private var now: CountersSnapshot { interval.now }

    init(_ view: CountersView) throws(CountersError) {
        let snapshot = try CountersSnapshot(view)
        let whole = StatsInterval(
            identity: view.identity, now: snapshot, before: nil, seconds: 0)
        interval = StatsInterval(
            identity: view.identity, now: snapshot, before: nil, seconds: whole.age)
    }

    /// Lines for a person.
    var lines: [String] {
        let identity = interval.identity
        var lines = [
            "gateway \(identity.name)  process \(identity.processID), \(identity.port) "
                + "(\(identity.driver)), \(identity.mode), up \(StatsText.age(interval.age))"
        ]
        for shard in 0..<UInt32(identity.shardCount) { lines += shardLines(shard) }
        lines.append("threads")
        for name in interval.threads {
            let turns = now["thread.\(name).turns"]
            let busy = now["thread.\(name).busyTurns"]
            let share = turns == 0 ? 0 : Double(busy) / Double(turns)
            lines.append(
                item(
                    name,
                    "\(StatsText.amount(turns)) turns, \(StatsText.percent(share)) busy, "
                        + "processor time \((Double(now["thread.\(name).cpu"]) / 1e9).text(1)) s"))
        }
        lines.append("port")
        for (name, value) in now.numbers("port.") where value != 0 {
            lines.append(item(name, value))
        }
        for (name, value) in now.numbers("xstat.") where value != 0 {
            lines.append(item(name, value))
        }
        return lines
    }

    private func shardLines(_ shard: UInt32) -> [String] {
        var lines = ["shard \(shard)"]
        for name in ["log.published", "engine.sequence", "engine.openOrders", "sessions.open"] {
            lines.append(item(name, now[name, shard]))
        }
        lines.append(item("engine.stateHash", hex(now["engine.stateHash", shard])))
        for ring in ["log", "events"] {
            lines.append(
                item(
                    "\(ring) ring",
                    "\(now["\(ring).used", shard]) of "
                        + "\(now["\(ring).capacity", shard]) in use, at most "
                        + "\(now["\(ring).usedMax", shard])"))
        }
        for (name, value) in now.numbers("journal.", shard: shard) {
            lines.append(item("journal.\(name)", value))
        }
        let policy = now["commit.isDurable", shard] == 1 ? "durable" : "none"
        lines.append(item("commit (\(policy))", durations("commit.nanos", shard)))
        for stage in StatsInterval.stages {
            let each =
                interval.nanosPerCommand(stage, shard).map { "\($0.text(1)) ns each · " } ?? ""
            lines.append(item("stage \(stage)", each + durations("stage.\(stage).nanos", shard)))
        }
        for (name, value) in now.numbers("counter.", shard: shard) where value != 0 {
            lines.append(item(name, value))
        }
        return lines
    }

    private func durations(_ name: String, _ shard: UInt32) -> String {
        let all = interval.distribution(name, shard)
        guard all.count > 0 else { return "no sample" }
        return all.figures.joined(separator: " · ")
    }

    private func item(_ name: String, _ value: UInt64) -> String { item(name, "\(value)") }
    private func item(_ name: String, _ text: String) -> String {
        "  \(Figure.padded(name, 24)) \(text)"
    }
}
