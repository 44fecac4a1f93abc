// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// How often a polling thread has gone round: a watchdog looks whether the number still moves.
///
/// Threading: counted by that thread alone, read by any.
public final class ThreadTurns: Sendable {
    struct Places: Sendable {
        let name: String
        let turns: CounterPlace
        let busyTurns: CounterPlace
    }

    /// As the kernel shows it, `nt-gateway-0`.
    public let name: String
    private let turnCell: CounterCell
    private let busyCell: CounterCell
    private let region: CountersRegion

    static func plan(_ name: String, _ plan: inout CountersPlan) -> Places {
        plan.beginWriter()
        return Places(
            name: name, turns: plan.add("thread.\(name).turns"),
            busyTurns: plan.add("thread.\(name).busyTurns"))
    }

    init(_ region: CountersRegion, _ places: Places) {
        self.region = region
        name = places.name
        turnCell = region.cell(places.turns)
        busyCell = region.cell(places.busyTurns)
    }

    /// Rounds since the start. A thread that polls adaptively sleeps half a millisecond
    /// at a time, so it makes some hundreds a second at least, unless it gets no processor.
    public var turns: UInt64 { turnCell.value }
    /// Those of them that found something to do.
    public var busyTurns: UInt64 { busyCell.value }

    /// By the thread itself, once a round.
    @inline(__always)
    func count(worked: Bool) {
        turnCell.add(1)
        if worked { busyCell.add(1) }
    }
}
