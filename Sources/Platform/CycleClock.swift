// SPDX-License-Identifier: Apache-2.0
public import CPlatform
internal import Glibc

/// Time from the processor's cycle counter, without a system call.
///
/// A value: a copy keeps the calibration that it was made with. The thread that stamps keeps its
/// own and calls `resync()` about once a second, off the order path; UTC then follows the system
/// clock without ever going back. Where the counter is not invariant, "cycles" are nanoseconds of
/// CLOCK_MONOTONIC, read through the vDSO.
public struct CycleClock: Sendable {
    /// Whether the processor's counter is used.
    public let usesCycleCounter: Bool
    /// Fixed point: nanoseconds a cycle * 2^48.
    public internal(set) var nanosPerCycleQ48: UInt64
    @usableFromInline internal var anchorCycles: UInt64
    @usableFromInline internal var anchorUTCNanos: UInt64
    /// The correction runs for this long after the anchor, at this pace (nanos a cycle * 2^30).
    @usableFromInline internal var slewCycles: UInt64 = 0
    @usableFromInline internal var slewNanosPerCycleQ30: Int64 = 0

    private let firstCycles: UInt64
    private let firstMonotonicNanos: UInt64

    /// Measures the counter against CLOCK_MONOTONIC for 20 ms; `resync` makes it finer.
    public static func calibrated() -> CycleClock {
        CycleClock(usesCycleCounter: cplatform_cycles_are_invariant())
    }

    /// One whose cycles are nanoseconds of CLOCK_MONOTONIC, and so of the time that a
    /// ``Simulation`` has set on the calling thread.
    public static func ofNanoseconds() -> CycleClock { CycleClock(usesCycleCounter: false) }

    internal init(usesCycleCounter: Bool) {
        self.usesCycleCounter = usesCycleCounter
        let first = Self.sample(CLOCK_MONOTONIC, usesCycleCounter)
        firstCycles = first.cycles
        firstMonotonicNanos = first.nanos
        nanosPerCycleQ48 = 1 << 48
        if usesCycleCounter {
            cplatform_sleep_nanos(20_000_000)
            let second = Self.sample(CLOCK_MONOTONIC, usesCycleCounter)
            nanosPerCycleQ48 = Self.paceQ48(
                nanos: second.nanos - first.nanos, cycles: second.cycles - first.cycles)
        }
        let now = Self.sample(CLOCK_REALTIME, usesCycleCounter)
        anchorCycles = now.cycles
        anchorUTCNanos = now.nanos
    }

    /// The counter now. Only differences mean something; see `nanos`.
    @inlinable @inline(__always) public var nowCycles: UInt64 {
        @_noLocks get {
            usesCycleCounter
                ? unsafe _unsafePerformance { cplatform_cycles() }
                : unsafe _unsafePerformance { cplatform_monotonic_nanos() }
        }
    }

    /// How long so many cycles last.
    @inlinable @inline(__always) @_noLocks public func nanos(_ cycles: UInt64) -> UInt64 {
        let product = cycles.multipliedFullWidth(by: nanosPerCycleQ48)
        return (product.high << 16) | (product.low >> 48)
    }

    /// Nanoseconds since 1970, UTC. Never goes back on one value of the clock, whose reader is one
    /// thread; two values may differ by what the system clock was corrected in between.
    @inlinable @_noLocks public func utcNanos() -> UInt64 { utcNanos(at: nowCycles) }

    /// The same at a counter value taken before, at or after the last `resync`.
    @inlinable @_noLocks public func utcNanos(at cycles: UInt64) -> UInt64 {
        // A stamp from just before the anchor counts as the anchor.
        let elapsed = cycles > anchorCycles ? cycles &- anchorCycles : 0
        let slewed = Int64(truncatingIfNeeded: min(elapsed, slewCycles)) &* slewNanosPerCycleQ30
        return anchorUTCNanos &+ nanos(elapsed) &+ UInt64(bitPattern: slewed >> 30)
    }

    /// Nanoseconds since 1970, UTC, as the system has them now, or the ``Simulation``. Calls the
    /// kernel's clock.
    public static var systemUTCNanos: UInt64 { cplatform_clock_nanos(CLOCK_REALTIME) }

    /// Takes the system clock's word for UTC again. A small difference is worked off at no more
    /// than 500 ppm over the next second, a system clock more than a second ahead is followed
    /// at once, and the clock never goes back. Calls the kernel's clock; not on the order path.
    public mutating func resync() {
        let monotonic = Self.sample(CLOCK_MONOTONIC, usesCycleCounter)
        let real = Self.sample(CLOCK_REALTIME, usesCycleCounter)
        resync(toUTCNanos: real.nanos, at: real.cycles, monotonic: monotonic)
    }

    internal mutating func resync(
        toUTCNanos realNanos: UInt64, at cycles: UInt64, monotonic: (cycles: UInt64, nanos: UInt64)
    ) {
        let predicted = utcNanos(at: cycles)
        let baseline = monotonic.nanos - firstMonotonicNanos
        if usesCycleCounter && baseline > 100_000_000 {
            nanosPerCycleQ48 = Self.paceQ48(
                nanos: baseline, cycles: monotonic.cycles - firstCycles)
        }
        anchorCycles = max(anchorCycles, cycles)
        let behindNanos = Int64(bitPattern: realNanos &- predicted)
        if behindNanos > 1_000_000_000 {
            anchorUTCNanos = realNanos
            (slewCycles, slewNanosPerCycleQ30) = (0, 0)
            return
        }
        anchorUTCNanos = predicted
        let correctionNanos = max(-500_000, min(500_000, behindNanos))
        slewCycles = UInt64(Double(1 << 48) / Double(nanosPerCycleQ48) * 1e9)
        slewNanosPerCycleQ30 = correctionNanos * (1 << 30) / Int64(slewCycles)
    }

    private static func paceQ48(nanos: UInt64, cycles: UInt64) -> UInt64 {
        UInt64(Double(nanos) / Double(max(cycles, 1)) * Double(1 << 48))
    }

    /// One clock against the counter: of a few tries the one that was interrupted least.
    private static func sample(
        _ clock: clockid_t, _ usesCycleCounter: Bool
    ) -> (cycles: UInt64, nanos: UInt64) {
        func counter() -> UInt64 {
            usesCycleCounter
                ? cplatform_cycles_ordered() : cplatform_clock_nanos(CLOCK_MONOTONIC)
        }
        var best = (cycles: UInt64(0), nanos: UInt64(0))
        var bestWidth = UInt64.max
        for _ in 0..<16 {
            let before = counter()
            let nanos = cplatform_clock_nanos(clock)
            let width = counter() - before
            if width < bestWidth {
                bestWidth = width
                best = (before + width / 2, nanos)
            }
        }
        return best
    }
}

/// What threads have used of their processors.
public enum ThreadClock {
    /// CPU time of the calling thread in nanoseconds. A system call.
    public static var cpuNanos: UInt64 { cplatform_thread_cpu_nanos() }
}
