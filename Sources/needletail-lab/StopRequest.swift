// SPDX-License-Identifier: Apache-2.0
import Glibc

/// SIGTERM asks for the end of a run that is measured: it stays pending, and is looked for.
///
/// SAFETY: the set of signals is initialised by `sigemptyset` before it is used.
struct StopRequest {
    private static let lookNanos: UInt64 = 50_000_000
    private var nextLookNanos: UInt64 = 0
    private var wasAsked = false

    /// Keeps the signal from ending this process.
    init() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigprocmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether the end was asked for; a system call every 50 ms.
    mutating func isAsked(_ nowNanos: UInt64) -> Bool {
        guard nowNanos >= nextLookNanos else { return wasAsked }
        nextLookNanos = nowNanos + Self.lookNanos
        var signals = sigset_t()
        unsafe sigpending(&signals)
        wasAsked = unsafe sigismember(&signals, SIGTERM) == 1
        return wasAsked
    }
}
