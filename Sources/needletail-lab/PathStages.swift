// SPDX-License-Identifier: Apache-2.0
import OrderEntryClient
import Platform

/// Where the time of a measured run went: each stage of shard 0 beside its budget, and what no
/// stage explains. From the counters that a running gateway shows too.
struct PathStages {
    /// A stage as the table has it.
    private struct Row {
        var name: String
        /// Nanoseconds an order, at one order a datagram: docs/BUDGET.md.
        var budgetNanos: Double
        var isEngine = false
    }

    let before: CountersSnapshot
    let after: CountersSnapshot
    let clock: CycleClock
    /// Orders reported, and their reports.
    let orders: Double
    let reports: Double
    /// From the start to the last report.
    let wallNanos: Double
    /// Nanoseconds that the engine may take for a command of this flow.
    let matchBudgetNanos: Double
    let isOneThread: Bool

    private var rows: [Row] {
        [
            Row(name: "receive", budgetNanos: 12), Row(name: "decode", budgetNanos: 36),
            Row(name: "sequence", budgetNanos: 2),
            Row(name: "match", budgetNanos: matchBudgetNanos, isEngine: true),
            // 20 a report, and its share of sealing a datagram.
            Row(name: "encode", budgetNanos: 20 * reports / orders + 8),
            Row(name: "transmit", budgetNanos: 2),
        ]
    }

    /// Cycles of the stages of intake, since `before`.
    static func intakeCycles(before: CountersSnapshot, after: CountersSnapshot) -> UInt64 {
        ["receive", "decode", "sequence"].reduce(0) { sum, name in
            let cycles = "stage.\(name).cycles"
            return sum + after[cycles, 0] - before[cycles, 0]
        }
    }

    /// The table, and the rest of it.
    var lines: [String] {
        var lines = [Self.line("stage", ["ns/order", "cycles", "budget", "p50", "p99", "max"])]
        var gatewayNanos = 0.0
        var engineNanos = 0.0
        for row in rows {
            let name = "stage.\(row.name)."
            let cycles = Double(after[name + "cycles", 0] - before[name + "cycles", 0])
            let nanos = cycles * Double(clock.nanos(1 << 32)) / Double(UInt64(1) << 32) / orders
            let burst = after.distribution(name + "nanos", shard: 0)
                .since(before.distribution(name + "nanos", shard: 0))
            if row.isEngine { engineNanos += nanos } else { gatewayNanos += nanos }
            lines.append(
                Self.line(
                    row.name,
                    [
                        nanos.text(1), (cycles / orders).text(1), row.budgetNanos.text(0),
                        "\(burst.quantileNanos(0.5))", "\(burst.quantileNanos(0.99))",
                        "\(burst.maxNanos)",
                    ]))
        }
        lines.append("p50, p99, max: ns that one burst spent in the stage")
        let wall = wallNanos / orders
        guard !isOneThread else {
            lines.append(rest("the core", wall, gatewayNanos + engineNanos, "nt-gateway-0"))
            return lines
        }
        lines.append(rest("gateway core", wall, gatewayNanos, "nt-gateway-0"))
        lines.append(rest("engine core", wall, engineNanos, "nt-engine-0"))
        return lines
    }

    /// What of the time of one core no stage explains: rounds that found nothing, the timer, the
    /// loop itself, and reading the counter.
    private func rest(_ core: String, _ wall: Double, _ stages: Double, _ thread: String) -> String
    {
        let turns = after["thread.\(thread).turns"] - before["thread.\(thread).turns"]
        let busy = after["thread.\(thread).busyTurns"] - before["thread.\(thread).busyTurns"]
        let idle = turns == 0 ? 0 : Double(turns - busy) / Double(turns) * 100
        let none = (wall - stages).text(1)
        return "\(core): \(wall.text(1)) ns an order, \(stages.text(1)) in stages, "
            + "\(none) in none; "
            + "\(idle.text(0)) % of \(turns) turns found nothing"
    }

    private static func line(_ name: String, _ cells: [String]) -> String {
        Figure.padded(name, 9) + " " + cells.map { " " + Figure.padded(left: $0, 9) }.joined()
    }
}
