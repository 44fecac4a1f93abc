// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How often a polling thread has gone round: a watchdog looks whether the number still moves.
///
/// Threading: counted by that thread alone, read by any.
public final class ThreadTurns: Sendable {
    /// As the kernel shows it, `nt-gateway-0`.
    public let name: String
    private let turnValue = Atomic<UInt64>(0)
    private let busyValue = Atomic<UInt64>(0)

    init(name: String) { self.name = name }

    /// Rounds since the start. A thread that polls adaptively makes 2,000 a second at least.
    public var turns: UInt64 { turnValue.load(ordering: .relaxed) }
    /// Those of them that found something to do.
    public var busyTurns: UInt64 { busyValue.load(ordering: .relaxed) }

    /// By the thread itself, once a round: plain additions, for no other thread writes.
    @inline(__always)
    func count(worked: Bool) {
        turnValue.store(turnValue.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        if worked { busyValue.store(busyValue.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
    }
}
