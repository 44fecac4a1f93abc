// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Finds the moments at which a thread that does nothing but read a counter was kept from it.
internal struct GapDetector {
    private let thresholdCycles: UInt64
    private var lastCycles: UInt64
    /// Readings that no gap was before, and how long they took together.
    private(set) var turns: UInt64 = 0
    private(set) var turnCycles: UInt64 = 0

    /// What the loop itself takes: the mean of all readings that no gap was before, so that no
    /// single one decides. 0 before the first.
    func loopNanos(_ clock: CycleClock) -> UInt64 {
        turns == 0 ? 0 : (clock.nanos(turnCycles) + turns / 2) / turns
    }

    /// `thresholdCycles` is the shortest gap that counts.
    init(thresholdCycles: UInt64, startCycles: UInt64) {
        self.thresholdCycles = thresholdCycles
        lastCycles = startCycles
    }

    /// The next reading: when the gap before it began and how long it was, if it counts. A counter
    /// that goes back (another processor's) is no gap.
    @inline(__always)
    mutating func see(_ cycles: UInt64) -> (beginCycles: UInt64, cycles: UInt64)? {
        let begin = lastCycles
        lastCycles = cycles
        guard cycles >= begin else { return nil }
        let gap = cycles &- begin
        if gap >= thresholdCycles { return (begin, gap) }
        turns &+= 1
        turnCycles &+= gap
        return nil
    }
}

/// One time in which a core did something else.
public struct Interruption: Equatable, Sendable {
    /// How long, in nanoseconds.
    public let nanos: UInt64
    /// Since the core's start, in nanoseconds.
    public let atNanos: UInt64
}

/// What one core lost: filled by its thread, then read by anybody.
internal struct JitterTally {
    /// Where the classes of the histogram begin, in nanoseconds: 0, then 100 ns, 200 ns, 500 ns,
    /// 1 µs, 2 µs, … 50 s.
    static let bounds: [UInt64] = {
        var bounds: [UInt64] = [0]
        var decade: UInt64 = 100
        while decade < 100_000_000_000 {
            bounds += [decade, 2 * decade, 5 * decade]
            decade *= 10
        }
        return bounds
    }()
    static let longestCount = 5

    private(set) var stolenNanos: UInt64 = 0
    private(set) var classes = [UInt64](repeating: 0, count: bounds.count)
    /// The longest first.
    private(set) var longest: [Interruption] = []
    /// Of their lengths; the one part that others may read meanwhile.
    let lengths: LatencyHistogram

    init(lengths: LatencyHistogram = LatencyHistogram()) {
        self.lengths = lengths
        longest.reserveCapacity(Self.longestCount + 1)
    }

    /// Adds one interruption.
    mutating func note(_ interruption: Interruption) {
        stolenNanos &+= interruption.nanos
        var index = Self.bounds.count - 1
        while Self.bounds[index] > interruption.nanos { index -= 1 }
        classes[index] += 1
        lengths.record(nanos: interruption.nanos)
        if longest.count < Self.longestCount
            || interruption.nanos > longest[longest.count - 1].nanos
        {
            let place =
                longest.firstIndex { $0.nanos < interruption.nanos } ?? longest.endIndex
            longest.insert(interruption, at: place)
            if longest.count > Self.longestCount { longest.removeLast() }
        }
    }

    /// The classes from the first that is not empty to the last.
    var histogram: [JitterClass] {
        guard let first = classes.firstIndex(where: { $0 > 0 }),
            let last = classes.lastIndex(where: { $0 > 0 })
        else { return [] }
        return (first...last).map {
            JitterClass(fromNanos: Self.bounds[$0], count: classes[$0])
        }
    }
}

/// One class of the histogram of lengths, which ends where the next one begins.
public struct JitterClass: Equatable, Sendable {
    /// The shortest that is in it, in nanoseconds.
    public let fromNanos: UInt64
    /// How many there were.
    public let count: UInt64
}
