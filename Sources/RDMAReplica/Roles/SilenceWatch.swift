// SPDX-License-Identifier: Apache-2.0

/// How long something has not moved, by the time in which it was looked at.
struct SilenceWatch: Sendable {
    private var last: UInt64?
    private(set) var silentNanos: UInt64 = 0
    /// It has moved since it was looked at first.
    private(set) var hasMoved = false

    /// Looks again, so long after the last look.
    mutating func look(_ value: UInt64, after nanos: UInt64) {
        if value == last {
            silentNanos = silentNanos &+ nanos
        } else {
            hasMoved = last != nil
            last = value
            silentNanos = 0
        }
    }

    /// Begins anew.
    mutating func forgive() {
        last = nil
        silentNanos = 0
        hasMoved = false
    }
}
