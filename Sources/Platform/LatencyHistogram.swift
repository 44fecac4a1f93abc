// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// How often durations occurred, in fixed memory, while they go on occurring.
///
/// Classes are exact below 16 ns, and from there on 16 to each doubling, so that a quantile is too
/// high by less than 1/16 of itself. Durations of 2^37 ns (137 s) and more share the last class;
/// the largest is kept exactly.
///
///     0 1 2 … 15 │ 16 17 … 31 │ 32 34 … 62 │ 64 68 … 124 │ … 2^36 … 2^37
///
/// Threading: `record` by one thread; everything else by any, meanwhile.
@safe public final class LatencyHistogram: Sendable {
    /// The numbers themselves, for the thread that records.
    public let recorder: LatencyRecorder
    /// Keeps them; nil: they are our own.
    private let region: CountersRegion?

    /// Empty, in memory of its own.
    public init() {
        recorder = LatencyRecorder()
        region = nil
    }

    /// Empty, at the place that `CountersPlan.addHistogram` gave: other processes see it too.
    public init(_ region: CountersRegion, _ place: CounterPlace) {
        recorder = LatencyRecorder(region.cell(place))
        self.region = region
    }

    deinit { if region == nil { recorder.deallocate() } }

    /// Adds one duration, by the one thread that writes: plain additions, for no other does.
    @inlinable @inline(__always) @_noLocks
    public func record(nanos: UInt64) { recorder.record(nanos: nanos) }

    /// What was recorded so far; by any thread. Allocates. What is recorded meanwhile may be in it
    /// or not, but is in all of it or in nothing but the largest.
    public var distribution: LatencyDistribution { recorder.distribution }
}

/// The numbers of a ``LatencyHistogram``: the largest, and how many there are of each class.
///
/// SAFETY: `words` has `CountersFormat.histogramWordCount` numbers as long as whoever holds this
/// keeps them; an index is below that by construction. All access is atomic.
@safe public struct LatencyRecorder: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline internal let words: UnsafeMutablePointer<Atomic<UInt64>>

    /// Zeroes, until `deallocate`.
    init() {
        let count = CountersFormat.histogramWordCount
        unsafe words = .allocate(capacity: count)
        for index in 0..<count { unsafe (words + index).initialize(to: Atomic(0)) }
    }

    func deallocate() {
        unsafe words.deinitialize(count: CountersFormat.histogramWordCount)
        unsafe words.deallocate()
    }

    /// Numbers that lie from a cell on.
    init(_ first: CounterCell) { unsafe words = first.word }

    /// Adds one duration, by the one thread that writes: plain additions, for no other does.
    @inlinable @inline(__always) @_noLocks
    public func record(nanos: UInt64) {
        let largestBefore = unsafe words.pointee.load(ordering: .relaxed)
        if nanos > largestBefore {
            unsafe words.pointee.store(nanos, ordering: .relaxed)
        }
        let count = unsafe words + 1 + LatencyClass.index(nanos)
        let old = unsafe count.pointee.load(ordering: .relaxed)
        // Release: pairs with the acquire in `distribution`, which then sees the largest too.
        unsafe count.pointee.store(old &+ 1, ordering: .releasing)
    }

    /// What was recorded so far; by any thread. Allocates.
    public var distribution: LatencyDistribution {
        // Acquire: pairs with the release in `record`.
        let copies = (0..<LatencyClass.count).map {
            unsafe words[1 + $0].load(ordering: .acquiring)
        }
        return LatencyDistribution(
            counts: copies, maxNanos: unsafe words.pointee.load(ordering: .relaxed))
    }
}

/// Which durations count as one.
@usableFromInline internal enum LatencyClass {
    /// 16 exact ones and 33 doublings of 16.
    internal static var count: Int { 16 + 33 * 16 }

    /// The class of a duration, 0 ..< count.
    @inlinable @inline(__always) @_noLocks
    internal static func index(_ nanos: UInt64) -> Int {
        let clamped = min(nanos, 1 << 37 &- 1)
        guard clamped >= 16 else { return Int(truncatingIfNeeded: clamped) }
        // The highest bit says which doubling, the four bits below it which of its 16 classes.
        let exponent = 63 &- clamped.leadingZeroBitCount
        let fraction = Int(truncatingIfNeeded: clamped &>> UInt64(exponent &- 4)) & 15
        return (exponent &- 3) &* 16 &+ fraction
    }

    /// The longest duration that falls into a class.
    internal static func highestNanos(_ index: Int) -> UInt64 {
        guard index >= 16 else { return UInt64(index) }
        let exponent = UInt64(index / 16 + 3)
        return (UInt64(index % 16) + 17) << (exponent - 4) - 1
    }
}

/// What a ``LatencyHistogram`` held at one moment.
public struct LatencyDistribution: Sendable {
    private let counts: [UInt64]
    /// How many durations there are.
    public let count: UInt64
    /// The largest duration, nanoseconds, exactly; 0 when there is none.
    public let maxNanos: UInt64

    internal init(counts: [UInt64], maxNanos: UInt64) {
        self.counts = counts
        self.maxNanos = maxNanos
        count = counts.reduce(0, &+)
    }

    /// Of the numbers of a histogram in a counters file: `CountersFormat.histogramWordCount` of
    /// them, or what is missing is 0.
    public init(histogram words: [UInt64]) {
        let classes = words.dropFirst().prefix(LatencyClass.count)
        let padding = repeatElement(UInt64(0), count: LatencyClass.count - classes.count)
        self.init(counts: Array(classes) + padding, maxNanos: words.first ?? 0)
    }

    /// What came since an earlier moment of the same histogram. Its largest is the upper end of its
    /// highest class, or the largest of all, if that is less.
    public func since(_ earlier: LatencyDistribution) -> LatencyDistribution {
        let new = zip(counts, earlier.counts).map { $0 &- min($0, $1) }
        let highest = new.lastIndex { $0 > 0 }
        let ceiling = highest.map { min(LatencyClass.highestNanos($0), maxNanos) } ?? 0
        // The last class has no upper end.
        return LatencyDistribution(
            counts: new, maxNanos: highest == LatencyClass.count - 1 ? maxNanos : ceiling)
    }

    /// The duration, nanoseconds, that a share (0…1) of all do not exceed: the one at rank
    /// ⌈share × count⌉, at least the first, or up to 1/16 more; never above the largest. 0 when
    /// there is none. Traps on another share.
    public func quantileNanos(_ share: Double) -> UInt64 {
        precondition((0...1).contains(share), "a share is from 0 to 1")
        let rank = max(1, UInt64(exactly: (share * Double(count)).rounded(.up)) ?? count)
        var seen: UInt64 = 0
        for (index, number) in counts.enumerated() {
            // They may be what a stranger wrote into a file.
            seen = seen.addingReportingOverflow(number).overflow ? .max : seen + number
            guard seen >= rank else { continue }
            // The last class has no upper end.
            guard index + 1 < counts.count else { return maxNanos }
            return min(LatencyClass.highestNanos(index), maxNanos)
        }
        return maxNanos
    }
}

extension LatencyDistribution {
    /// "p50 1 µs", "p99 …", "p99.9 …", "max …": for people.
    package var figures: [String] {
        zip(["p50", "p99", "p99.9", "max"], quantiles).map { "\($0) \(Figure.duration($1.nanos))" }
    }

    /// The same for programs, each with the name that it has in JSON.
    package var quantiles: [(name: String, nanos: UInt64)] {
        [
            ("p50Nanos", quantileNanos(0.5)), ("p99Nanos", quantileNanos(0.99)),
            ("p999Nanos", quantileNanos(0.999)), ("maxNanos", maxNanos),
        ]
    }

    /// Members of an object of JSON.
    package var quantileValues: [(name: String, value: JSONValue)] {
        quantiles.map { ($0.name, .number(Int(clamping: $0.nanos))) }
    }
}
