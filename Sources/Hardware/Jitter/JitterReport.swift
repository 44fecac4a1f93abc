// SPDX-License-Identifier: Apache-2.0
public import Platform

/// What one core lost, and what the kernel says of it.
public struct CoreJitter: Sendable {
    /// The core.
    public let cpu: Int
    /// Whether the scheduler leaves it alone (`isolcpus`).
    public let isIsolated: Bool
    /// How long it was watched, in nanoseconds.
    public let elapsedNanos: UInt64
    /// The mean turn of the loop, in nanoseconds: nothing shorter can be seen.
    public let loopNanos: UInt64
    /// When it began, UTC in nanoseconds since 1970.
    public let startUTCNanos: UInt64
    /// How long the interruptions were.
    public let lengths: LatencyDistribution
    /// All of them together, in nanoseconds.
    public let stolenNanos: UInt64
    /// How many there were by length, ascending.
    public let histogram: [JitterClass]
    /// The longest, the longest first, five at most.
    public let longest: [Interruption]
    /// What the kernel did there.
    public let activity: KernelActivity
    /// How often the thread lost its core.
    public let switches: ThreadSwitches

    /// The share of the time that was lost, in millionths.
    public var stolenPPM: UInt64 {
        UInt64(Double(stolenNanos) * 1e6 / Double(max(elapsedNanos, 1)))
    }

    /// Interruptions in a second.
    public var perSecond: Double {
        Double(lengths.count) * 1e9 / Double(max(elapsedNanos, 1))
    }
}

/// What cores lost while they were watched.
public struct JitterReport: Sendable {
    /// The shortest gap that counted, in nanoseconds.
    public let thresholdNanos: UInt64
    /// Whether a hypervisor runs below this kernel.
    public let isVirtualMachine: Bool
    /// Each core, in the order in which they were asked for.
    public let cores: [CoreJitter]

    /// The longest interruption of all, in nanoseconds; 0 when there was none.
    public var worstNanos: UInt64 { cores.map(\.lengths.maxNanos).max() ?? 0 }

    /// What should be known before the figures are blamed on this machine's settings; a sentence
    /// each.
    public var notes: [String] {
        var notes: [String] = []
        if isVirtualMachine {
            notes.append(
                "This is a virtual machine: what the host takes of a core is in these figures, and "
                    + "no setting in here ends it.")
        }
        let shared = cores.filter { !$0.isIsolated && $0.switches.involuntary > 0 }.map(\.cpu)
        if !shared.isEmpty {
            notes.append(
                "Shared with other programs, which ran there meanwhile: cpu "
                    + NumberList.text(shared.sorted()) + ". Isolate such cores (isolcpus).")
        }
        return notes
    }

    /// All of it for people.
    public var text: String {
        (cores.map { $0.text(thresholdNanos: thresholdNanos) }
            + (notes.isEmpty ? [] : [notes.joined(separator: "\n") + "\n"]))
            .joined(separator: "\n")
    }
}

extension CoreJitter {
    fileprivate func text(thresholdNanos: UInt64) -> String {
        var lines = [
            "cpu \(cpu)\(isIsolated ? ", isolated" : ""): \(Figure.duration(elapsedNanos)), gaps "
                + "of \(Figure.duration(thresholdNanos)) and more; the loop takes \(loopNanos) ns",
            "  interruptions  \(Figure.count(lengths.count)), "
                + "\(Figure.decimal(perSecond)) a second",
        ]
        if lengths.count > 0 {
            lines.append("  length         \(lengths.figures.joined(separator: "  "))")
        }
        lines.append(
            "  stolen         \(Figure.duration(stolenNanos)), "
                + "\(Figure.decimal(Double(stolenPPM) / 10_000, digits: 4)) %")
        for (index, one) in longest.enumerated() {
            lines.append(
                (index == 0 ? "  longest        " : "                 ")
                    + "\(Figure.duration(one.nanos)) at "
                    + "\(Figure.timeOfDay(startUTCNanos &+ one.atNanos)) UTC, "
                    + "\(Figure.duration(one.atNanos)) after the start")
        }
        return (lines + bars + kernelLines).joined(separator: "\n") + "\n"
    }

    /// One bar for each class; the fullest is the longest, and none that counts is without one.
    private var bars: [String] {
        let most = histogram.map(\.count).max() ?? 0
        return histogram.map { one in
            let range = "from \(Figure.duration(one.fromNanos))"
            let width = one.count == 0 ? 0 : max(1, Int(one.count * 40 / max(most, 1)))
            return "  " + Figure.padded(range, 13)
                + Figure.padded(left: Figure.count(one.count), 11)
                + (width == 0 ? "" : "  " + String(repeating: "#", count: width))
        }
    }

    private var kernelLines: [String] {
        var lines = ["  the kernel meanwhile"]
        func list(_ name: String, _ events: [KernelEvent]) {
            let shown = events.prefix(6).map { "\($0.name) \(Figure.count($0.count))" }
            let rest = events.count > 6 ? ", \(events.count - 6) more" : ""
            lines.append(
                "    \(name)" + (shown.isEmpty ? "none" : shown.joined(separator: ", ") + rest))
        }
        list("interrupts   ", activity.interrupts)
        list("softirqs     ", activity.softirqs)
        lines.append(
            "    scheduler    took the core away \(Figure.count(switches.involuntary)) times; the "
                + "thread waited for it \(Figure.duration(switches.waitedNanos))")
        if let steal = activity.stealMillis, steal > 0 {
            lines.append("    hypervisor   took \(Figure.count(steal)) ms")
        }
        return lines
    }
}
