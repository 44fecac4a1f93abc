// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// One number of a ``CountersRegion``: written by one thread, read by any.
///
/// SAFETY: the address is 8-aligned, holds nothing but this number, and lies in a region that
/// whoever holds the cell keeps. All access is atomic and relaxed: a number says nothing of others.
@safe public struct CounterCell: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline internal let word: UnsafeMutablePointer<Atomic<UInt64>>

    init(_ word: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.word = word }

    /// The number now; any thread.
    @inlinable @inline(__always) public var value: UInt64 {
        @_noLocks get { unsafe word.pointee.load(ordering: .relaxed) }
    }

    /// By the one thread that writes, as everything below.
    @inlinable @inline(__always) @_noLocks public func store(_ value: UInt64) {
        unsafe word.pointee.store(value, ordering: .relaxed)
    }

    /// A plain addition, for no other thread writes.
    @inlinable @inline(__always) @_noLocks public func add(_ count: UInt64) {
        store(value &+ count)
    }

    /// Keeps the highest.
    @inlinable @inline(__always) @_noLocks public func raise(to value: UInt64) {
        if value > self.value { store(value) }
    }

    /// The number `index` words behind this one: those of one plan lie as they were added.
    @inlinable @inline(__always) @_noLocks public func next(_ index: Int) -> CounterCell {
        unsafe CounterCell(at: word + index)
    }

    @usableFromInline @_noLocks
    internal init(at word: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.word = word }
}

/// What a stage of the order path takes, counted by the thread that runs it, a burst at a time.
///
/// Four lines at most are touched for a burst: three sums, the largest, and one class.
/// SAFETY: as of ``CounterCell``; the numbers lie side by side as `add(to:)` plans them.
@safe public struct StageMeter: BitwiseCopyable, Sendable {
    @usableFromInline internal let cycles: CounterCell
    @usableFromInline internal let histogram: LatencyRecorder

    /// Plans the numbers of a stage: `stage.NAME.cycles`, `.bursts`, `.commands`, `.nanos`.
    public static func add(
        _ name: String, shard: UInt32, to plan: inout CountersPlan
    ) -> CounterPlace {
        let place = plan.add("stage.\(name).cycles", unit: .cycles, shard: shard)
        _ = plan.add("stage.\(name).bursts", shard: shard)
        _ = plan.add("stage.\(name).commands", shard: shard)
        _ = plan.addHistogram("stage.\(name).nanos", shard: shard)
        return place
    }

    /// The meter at the place that `add` gave; whoever holds it keeps the region.
    public init(_ region: CountersRegion, _ place: CounterPlace) {
        cycles = region.cell(place)
        histogram = LatencyRecorder(cycles.next(3))
    }

    /// One burst: what it took, and for how many commands. By the thread of the stage.
    @inlinable @inline(__always) @_noLocks
    public func note(cycles count: UInt64, nanos: UInt64, commands: Int) {
        cycles.add(count)
        cycles.next(1).add(1)
        cycles.next(2).add(UInt64(truncatingIfNeeded: commands))
        histogram.record(nanos: nanos)
    }

    /// From zero again, by the thread of the stage: what came before it began to work is no work.
    public func reset() {
        for word in 0..<(3 + CountersFormat.histogramWordCount) { cycles.next(word).store(0) }
    }

    /// Cycles of all bursts; any thread.
    public var cycleCount: UInt64 { cycles.value }
    /// Commands in them; any thread.
    public var commandCount: UInt64 { cycles.next(2).value }
}
