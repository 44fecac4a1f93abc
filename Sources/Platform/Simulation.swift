// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the place is the calling thread's own and lives as long as it; who goes on while a body
// sleeps lives until that is done.
internal import CPlatform

/// Time and chance as a simulation has them: what the calling thread sees from `begin` to `end`.
///
/// Threading: each thread has its own, or none.
public enum Simulation {
    /// Time stands at 1 s, and chance begins with a seed.
    public static func begin(seed: UInt64) {
        set(monotonicNanos: 1_000_000_000, utcNanos: 1_700_000_000_000_000_000)
        unsafe cplatform_simulation().pointee.randomState = seed | 1
    }

    /// Moves both clocks: CLOCK_MONOTONIC, which is not 0, and UTC since 1970.
    public static func set(monotonicNanos: UInt64, utcNanos: UInt64) {
        unsafe cplatform_simulation().pointee.monotonicNanos = monotonicNanos
        unsafe cplatform_simulation().pointee.utcNanos = utcNanos
    }

    /// Runs a body that waits for others: wherever it sleeps `meanwhile` runs, with for how long,
    /// nanoseconds, and has them go on. Not within itself.
    public static func run<Answer>(
        _ body: () -> Answer, meanwhile: @escaping (UInt64) -> Void
    ) -> Answer {
        let others = Others(meanwhile)
        guard let cell = unsafe cplatform_simulation() else { return body() }
        unsafe cell.pointee.sleepContext = Unmanaged.passUnretained(others).toOpaque()
        unsafe cell.pointee.sleep = { context, nanos in
            guard let context = unsafe context else { return }
            unsafe Unmanaged<Others>.fromOpaque(context).takeUnretainedValue().goOn(nanos)
        }
        defer { unsafe cell.pointee.sleep = nil }
        return withExtendedLifetime(others) { body() }
    }

    private final class Others {
        let goOn: (UInt64) -> Void
        init(_ goOn: @escaping (UInt64) -> Void) { self.goOn = goOn }
    }

    /// The system's clocks and chance again.
    public static func end() { unsafe cplatform_simulation().pointee = cplatform_simulated() }
}

/// Numbers that nobody can foresee: the system's, but in a ``Simulation``, which repeats itself.
public struct Chance: RandomNumberGenerator, Sendable {
    /// There is one for all.
    public init() {}

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let state = unsafe cplatform_simulation().pointee.randomState
        guard state != 0 else {
            return UInt64.random(in: 0...UInt64.max)
        }
        var random = SeededRandom(seed: state)
        let bits = random.next()
        unsafe cplatform_simulation().pointee.randomState = random.next() | 1
        return bits
    }

    /// A number that is not 0.
    public static func nonZero<Number: FixedWidthInteger & UnsignedInteger>() -> Number {
        var chance = Chance()
        return Number.random(in: 1...Number.max, using: &chance)
    }
}
