// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Something that the kernel did on a core, and how often.
public struct KernelEvent: Equatable, Sendable {
    /// As the kernel writes it: "LOC Local timer interrupts", "36 virtio1-req.0", "TIMER".
    public let name: String
    /// How often.
    public let count: UInt64
}

/// What the kernel says of a core over some time.
public struct KernelActivity: Equatable, Sendable {
    /// Interrupts that it took, the most frequent first.
    public let interrupts: [KernelEvent]
    /// Work that they left to be done behind them, the most frequent first.
    public let softirqs: [KernelEvent]
    /// What a hypervisor took of the core, in milliseconds; the kernel counts it in steps of 10.
    /// Nil if it does not say.
    public let stealMillis: UInt64?
}

/// What the kernel has counted up to a moment, for each core.
internal struct KernelCounters {
    private let interrupts: CounterTable
    private let softirqs: CounterTable
    private let stealMillis: [Int: UInt64]

    /// Reads `/proc` below a root.
    static func read(_ root: MachineRoot) -> KernelCounters {
        // A row for each interrupt and a column for each processor: large on large machines.
        let limit = 8 << 20
        return KernelCounters(
            interrupts: CounterTable(
                root.text("proc/interrupts", byteCountMax: limit) ?? ""),
            softirqs: CounterTable(root.text("proc/softirqs", byteCountMax: limit) ?? ""),
            stealMillis: steal(
                root.text("proc/stat", byteCountMax: limit) ?? "",
                tickMillis: 1_000 / max(1, UInt64(max(1, sysconf(Int32(_SC_CLK_TCK)))))))
    }

    /// What was counted on a core since `before`.
    func activity(since before: KernelCounters, cpu: Int) -> KernelActivity {
        KernelActivity(
            interrupts: interrupts.grown(since: before.interrupts, cpu: cpu),
            softirqs: softirqs.grown(since: before.softirqs, cpu: cpu),
            stealMillis: stealMillis[cpu].map { $0 &- min($0, before.stealMillis[cpu] ?? $0) })
    }

    /// `cpu1 user nice system idle iowait irq softirq steal …`, in ticks.
    static func steal(_ text: String, tickMillis: UInt64) -> [Int: UInt64] {
        var found: [Int: UInt64] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("cpu") {
            let words = line.split(separator: " ")
            guard words.count > 8, let cpu = Int(words[0].dropFirst(3)),
                let ticks = UInt64(words[8])
            else { continue }
            found[cpu] = ticks &* tickMillis
        }
        return found
    }
}

/// A table of `/proc` with a column for each processor and a row for each cause.
internal struct CounterTable {
    /// Counts by name, in the order of `cpus`.
    private var rows: [(name: String, counts: [UInt64])] = []
    private var cpus: [Int] = []

    /// `CPU0 CPU1` in the first line, then `36: 0 17 PCI-MSIX-0000:00:02.0 1-edge virtio1-req.0`.
    init(_ text: String) {
        for (number, line) in text.split(separator: "\n").enumerated() {
            let words = line.split { $0 == " " || $0 == "\t" }
            if number == 0 {
                cpus = words.compactMap { $0.hasPrefix("CPU") ? Int($0.dropFirst(3)) : nil }
                continue
            }
            // Rows such as "ERR: 0" are of no processor.
            guard let key = words.first, key.hasSuffix(":"), !cpus.isEmpty,
                words.count > cpus.count
            else { continue }
            let counts = words[1...cpus.count].compactMap { UInt64($0) }
            guard counts.count == cpus.count else { continue }
            rows.append((Self.name(key.dropLast(), words.dropFirst(1 + cpus.count)), counts))
        }
    }

    /// Of a numbered interrupt the last word says who asked for it; of the others all words do.
    private static func name(_ key: Substring, _ words: ArraySlice<Substring>) -> String {
        guard !words.isEmpty else { return String(key) }
        let shown = key.allSatisfy(\.isNumber) ? words.suffix(1) : words
        return "\(key) \(shown.joined(separator: " "))"
    }

    /// What was counted on a core since `before`, the most first; rows that did not move are left
    /// out.
    func grown(since before: CounterTable, cpu: Int) -> [KernelEvent] {
        guard let column = cpus.firstIndex(of: cpu) else { return [] }
        let columnBefore = before.cpus.firstIndex(of: cpu)
        var countBefore: [String: UInt64] = [:]
        if let columnBefore {
            for row in before.rows { countBefore[row.name] = row.counts[columnBefore] }
        }
        let grown = rows.compactMap { row -> KernelEvent? in
            let first = countBefore[row.name] ?? 0
            guard row.counts[column] > first else { return nil }
            return KernelEvent(name: row.name, count: row.counts[column] - first)
        }
        return grown.sorted { $0.count > $1.count }
    }
}

/// How often a thread lost its core, and how long it waited for it.
public struct ThreadSwitches: Equatable, Sendable {
    /// It gave the core away itself.
    public let voluntary: UInt64
    /// The scheduler gave the core to somebody else.
    public let involuntary: UInt64
    /// How long it was ready and had no core, in nanoseconds.
    public let waitedNanos: UInt64

    /// Of the calling thread, since its start.
    internal static func current(_ root: MachineRoot = MachineRoot("/")) -> ThreadSwitches {
        let status = root.text("proc/thread-self/status") ?? ""
        let schedule = root.words("proc/thread-self/schedstat") ?? []
        return ThreadSwitches(
            voluntary: number("voluntary_ctxt_switches:", in: status),
            involuntary: number("nonvoluntary_ctxt_switches:", in: status),
            waitedNanos: schedule.count > 1 ? UInt64(schedule[1]) ?? 0 : 0)
    }

    internal func since(_ before: ThreadSwitches) -> ThreadSwitches {
        ThreadSwitches(
            voluntary: voluntary &- before.voluntary,
            involuntary: involuntary &- before.involuntary,
            waitedNanos: waitedNanos &- before.waitedNanos)
    }

    private static func number(_ name: String, in text: String) -> UInt64 {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return UInt64(line.dropFirst(name.utf8.count).filter(\.isNumber)) ?? 0
        }
        return 0
    }
}
