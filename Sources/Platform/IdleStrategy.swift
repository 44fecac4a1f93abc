// SPDX-License-Identifier: Apache-2.0
public import CPlatform

/// What a polling thread does when it found nothing: nothing at all, or by steps less and less.
///
/// It sleeps where others would call `sched_yield`: a fair scheduler that makes a thread pay for
/// each yield lets one that yields all the time, or its neighbours, wait for seconds (Linux 6.18).
///
/// Threading: a value of one thread's loop.
public struct IdleStrategy: Sendable {
    @usableFromInline internal let spinLimit: UInt32
    @usableFromInline internal let sleepNanosMin: UInt64
    @usableFromInline internal let sleepNanosMax: UInt64
    @usableFromInline internal var idleRounds: UInt32 = 0
    @usableFromInline internal var sleepNanos: UInt64

    /// For a thread with a core of its own: pauses between polls and never gives the core away.
    @inlinable public static var busy: IdleStrategy {
        @_noLocks get { IdleStrategy(spins: .max) }
    }

    /// For a thread that shares its core: spins, then sleeps 2 µs and longer up to 500 µs.
    @inlinable public static var adaptive: IdleStrategy {
        @_noLocks get { IdleStrategy(spins: 64) }
    }

    /// Other steps: rounds of spinning, and the bounds of the sleep, which doubles in between.
    @inlinable @_noLocks public init(
        spins: UInt32, sleepNanosMin: UInt64 = 2_000, sleepNanosMax: UInt64 = 500_000
    ) {
        precondition(
            sleepNanosMin > 0 && sleepNanosMin <= sleepNanosMax, "a sleep grows from its minimum")
        spinLimit = spins
        self.sleepNanosMin = sleepNanosMin
        self.sleepNanosMax = sleepNanosMax
        sleepNanos = sleepNanosMin
    }

    /// Whether it will ever give the core away.
    public var isBusy: Bool { spinLimit == .max }

    /// After each round of a polling loop. Work starts the steps again.
    @inlinable @_noLocks public mutating func idle(worked: Bool) {
        if worked {
            idleRounds = 0
            sleepNanos = sleepNanosMin
            return
        }
        if idleRounds < spinLimit {
            if spinLimit != .max { idleRounds &+= 1 }
            unsafe _unsafePerformance { cplatform_pause() }
            return
        }
        rest()
    }

    /// Sleeps for so long, at once; 0 = not at all.
    public static func rest(nanos: UInt64) {
        guard nanos > 0 else { return }
        cplatform_sleep_nanos(nanos)
    }

    /// A system call.
    @usableFromInline @inline(never) @_noLocks internal mutating func rest() {
        unsafe _unsafePerformance { cplatform_sleep_nanos(sleepNanos) }
        sleepNanos = min(sleepNanos &* 2, sleepNanosMax)
    }
}
