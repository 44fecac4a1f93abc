// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the set and the time are lent for one call each.
internal import Glibc

/// SIGINT and SIGTERM as something to wait for; SIGUSR1 as a request for a snapshot.
///
/// Threading: made by the main thread before it starts others, which inherit that these signals
/// are held back; used by the main thread alone.
final class StopSignal {
    private var signals = sigset_t()
    private var isSnapshotWanted = false

    init() {
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGUSR1] { unsafe sigaddset(&signals, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether a snapshot was asked for since the last call.
    func takeSnapshotRequest() -> Bool {
        defer { isSnapshotWanted = false }
        return isSnapshotWanted
    }

    /// True once the end was asked for; false after that time, or when something else was.
    func wait(milliseconds: Int) -> Bool {
        var time = timespec(
            tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
        switch unsafe sigtimedwait(&signals, nil, &time) {
        case SIGINT, SIGTERM: return true
        case SIGUSR1: isSnapshotWanted = true
        default: break
        }
        return false
    }
}
