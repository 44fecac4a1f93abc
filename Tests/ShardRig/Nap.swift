// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Sleeps for tests.
public enum Nap {
    /// Gives the processor away for a while.
    public static func micros(_ count: UInt32) { usleep(count) }

    /// Looks again and again for what threads or a disk bring about, which takes as long as the
    /// machine has other things to do. False when it is not there after a minute.
    @discardableResult
    public static func until(everyMicros micros: UInt32 = 200, _ isThere: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        while !isThere() {
            guard ContinuousClock.now < end else { return false }
            usleep(micros)
        }
        return true
    }
}
