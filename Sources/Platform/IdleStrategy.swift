// SPDX-License-Identifier: Apache-2.0
public import CPlatform

/// What a polling thread does when it found nothing: nothing at all, or by steps less and less.
///
/// Threading: a value of one thread's loop.
public struct IdleStrategy: Sendable {
    @usableFromInline internal let spinLimit: UInt32
    @usableFromInline internal let yieldLimit: UInt32
    @usableFromInline internal let sleepNanosMin: UInt64
    @usableFromInline internal let sleepNanosMax: UInt64
    @usableFromInline internal var idleRounds: UInt32 = 0
    @usableFromInline internal var sleepNanos: UInt64

    /// For a thread with a core of its own: pauses between polls and never gives the core away.
    @inlinable public static var busy: IdleStrategy {
        @_noLocks get { IdleStrategy(spins: .max, yields: 0) }
    }

    /// For a thread that shares its core: spins, then yields, then sleeps 50 µs and longer up to
    /// 500 µs.
    @inlinable public static var adaptive: IdleStrategy {
        @_noLocks get { IdleStrategy(spins: 64, yields: 64) }
    }

    /// Other steps: rounds of each kind, and the bounds of the sleep, which doubles in between.
    @inlinable @_noLocks public init(
        spins: UInt32, yields: UInt32, sleepNanosMin: UInt64 = 50_000,
        sleepNanosMax: UInt64 = 500_000
    ) {
        precondition(
            sleepNanosMin > 0 && sleepNanosMin <= sleepNanosMax, "a sleep grows from its minimum")
        spinLimit = spins
        yieldLimit = spins.addingReportingOverflow(yields).overflow ? .max : spins + yields
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
            return
        }
        if idleRounds < spinLimit {
            if spinLimit != .max { idleRounds &+= 1 }
            unsafe _unsafePerformance { cplatform_pause() }
            return
        }
        rest()
    }

    /// System calls, all of them.
    @usableFromInline @inline(never) @_noLocks internal mutating func rest() {
        if idleRounds < yieldLimit {
            idleRounds &+= 1
            sleepNanos = sleepNanosMin
            unsafe _unsafePerformance { cplatform_yield() }
            return
        }
        unsafe _unsafePerformance { cplatform_sleep_nanos(sleepNanos) }
        sleepNanos = min(sleepNanos &* 2, sleepNanosMax)
    }
}
