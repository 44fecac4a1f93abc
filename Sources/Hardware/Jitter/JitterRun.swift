// SPDX-License-Identifier: Apache-2.0
public import Platform
internal import Synchronization

/// Threads that spin, one on each core, and note when they were kept from it.
///
///     thread on cpu n:  read the counter ─▶ gap? ─▶ note it ─▶ read the counter …
///
/// Threading: made, asked and finished by one thread, which is not on these cores if it can be
/// helped. The threads end by themselves after their time, or earlier when they are told.
public final class JitterRun {
    private let cores: [SpinningCore]
    private let threads: [PinnedThread]
    private let before: KernelCounters
    private let isStopping = StopFlag()
    private let root = MachineRoot("/")
    private let thresholdNanos: UInt64

    /// Starts a thread on each of `cpus` (at least one, each once) for so many seconds (above 0).
    /// Gaps of `thresholdNanos` and more count. Throws `.processor` for a core that this process
    /// may not use, `.thread` when there is no thread to be had.
    public init(
        cpus: [Int], seconds: Double, thresholdNanos: UInt64 = 1_000
    ) throws(PlatformError) {
        precondition(!cpus.isEmpty && seconds > 0, "some cores, for some time")
        self.thresholdNanos = thresholdNanos
        let clock = CycleClock.calibrated()
        let spin = Spin(
            nanos: UInt64(seconds * 1e9), thresholdNanos: thresholdNanos, clock: clock,
            isStopping: isStopping)
        var cores: [SpinningCore] = []
        var threads: [PinnedThread] = []
        before = KernelCounters.read(root)
        for cpu in cpus {
            let core = SpinningCore(cpu: cpu)
            do throws(PlatformError) {
                threads.append(
                    try PinnedThread(name: "jitter-\(cpu)", cpu: cpu) { spin.run(core) })
            } catch {
                isStopping.set()
                for thread in threads { thread.join() }
                throw error
            }
            cores.append(core)
        }
        self.cores = cores
        self.threads = threads
    }

    /// The longest interruption so far, in nanoseconds, and the core that it was on.
    public var longestSoFar: (cpu: Int, nanos: UInt64) {
        cores.map { ($0.cpu, $0.lengths.distribution.maxNanos) }.max { $0.1 < $1.1 } ?? (0, 0)
    }

    /// Ends the threads that have not ended yet, and tells what they found. Once.
    public func finish() -> JitterReport {
        isStopping.set()
        for thread in threads { thread.join() }
        let after = KernelCounters.read(root)
        let isolated = root.list("\(cpuFolder)/isolated") ?? []
        let flags = (root.text("proc/cpuinfo") ?? "").split(separator: "\n")
            .first { $0.hasPrefix("flags") }
        return JitterReport(
            thresholdNanos: thresholdNanos,
            isVirtualMachine: flags?.split(separator: " ").contains("hypervisor") ?? false,
            cores: cores.map {
                $0.result(
                    isIsolated: isolated.contains($0.cpu),
                    activity: after.activity(since: before, cpu: $0.cpu))
            })
    }

    deinit {
        isStopping.set()
        for thread in threads { thread.join() }
    }
}

internal final class StopFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// What one thread finds.
///
/// SAFETY: its thread alone writes until it is joined; only `lengths`, which is made for it, is
/// read before.
private final class SpinningCore: @unchecked Sendable {
    let cpu: Int
    let lengths = LatencyHistogram()
    var tally: JitterTally
    var elapsedNanos: UInt64 = 0
    var startUTCNanos: UInt64 = 0
    var loopNanos: UInt64 = 0
    var switches = ThreadSwitches(voluntary: 0, involuntary: 0, waitedNanos: 0)

    init(cpu: Int) {
        self.cpu = cpu
        tally = JitterTally(lengths: lengths)
    }

    func result(isIsolated: Bool, activity: KernelActivity) -> CoreJitter {
        CoreJitter(
            cpu: cpu, isIsolated: isIsolated, elapsedNanos: elapsedNanos, loopNanos: loopNanos,
            startUTCNanos: startUTCNanos, lengths: lengths.distribution,
            stolenNanos: tally.stolenNanos, histogram: tally.histogram, longest: tally.longest,
            activity: activity, switches: switches)
    }
}

/// The loop of the threads.
private struct Spin: Sendable {
    let nanos: UInt64
    let thresholdNanos: UInt64
    let clock: CycleClock
    let isStopping: StopFlag

    func run(_ core: SpinningCore) {
        let before = ThreadSwitches.current()
        // Of a thousand million cycles, for the fraction's sake.
        let cyclesPerNano = 1e9 / Double(max(clock.nanos(1_000_000_000), 1))
        core.startUTCNanos = clock.utcNanos()
        let start = clock.nowCycles
        let end = start &+ UInt64(Double(nanos) * cyclesPerNano)
        var detector = GapDetector(
            thresholdCycles: UInt64(Double(thresholdNanos) * cyclesPerNano), startCycles: start)
        var now = start
        while now < end, !isStopping.isSet {
            now = clock.nowCycles
            guard let gap = detector.see(now) else { continue }
            // The threshold in cycles is rounded down.
            let nanos = clock.nanos(gap.cycles)
            guard nanos >= thresholdNanos else { continue }
            core.tally.note(
                Interruption(nanos: nanos, atNanos: clock.nanos(gap.beginCycles &- start)))
        }
        core.elapsedNanos = clock.nanos(now &- start)
        core.loopNanos = detector.loopNanos(clock)
        core.switches = ThreadSwitches.current().since(before)
    }
}
