// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The seed of random tests. `SEED=1a2b swift test` repeats a run.
public enum TestSeed {
    /// From SEED (hexadecimal) or the clock; printed, so that a failure can be repeated.
    public static let run: UInt64 = {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var seed = UInt64(now.tv_sec) &* 1_000_003 &+ UInt64(now.tv_nsec)
        if let text = unsafe getenv("SEED"),
            let given = unsafe UInt64(String(cString: text), radix: 16)
        {
            seed = given
        }
        print("re-run with: SEED=\(String(seed, radix: 16)) swift test")
        return seed
    }()
}
