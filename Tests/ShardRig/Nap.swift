// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Sleeps for tests.
public enum Nap {
    /// Gives the processor away for a while.
    public static func micros(_ count: UInt32) { usleep(count) }
}
