// SPDX-License-Identifier: Apache-2.0

/// A token bucket in one number: the theoretical arrival time of the generic cell rate algorithm
/// (ITU-T I.371). A message conforms when it does not come earlier than that time less the burst.
struct Throttle: Sendable {
    /// Nanoseconds that one message costs; 0 = no limit.
    let intervalNanos: UInt64
    /// How far ahead of the rate a burst may run.
    let burstNanos: UInt64

    /// `messagesPerSecond` 0 means no limit; `burst` in messages.
    init(messagesPerSecond: UInt32, burst: UInt32) {
        intervalNanos = messagesPerSecond == 0 ? 0 : 1_000_000_000 / UInt64(messagesPerSecond)
        burstNanos = intervalNanos * UInt64(max(1, burst))
    }

    /// Takes a token if there is one. `state` is the session's number for this bucket.
    @inline(__always)
    func take(_ state: inout UInt64, nowNanos: UInt64) -> Bool {
        if intervalNanos == 0 { return true }
        let arrival = max(state, nowNanos) &+ intervalNanos
        guard arrival &- nowNanos <= burstNanos else { return false }
        state = arrival
        return true
    }
}
