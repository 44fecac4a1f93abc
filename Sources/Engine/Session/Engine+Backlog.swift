// SPDX-License-Identifier: Apache-2.0
internal import Wire

// What is left of a command that cancels more orders than one command may (`StepBounds`), since
// rules 3. It waits in a queue and goes on behind later commands, whosever they are: behind each a
// few steps of the first in the queue, which then goes to its end. So nobody waits for all of it,
// and its last event comes where it ends. A command behind which it goes on ends with `closed`.
//
// Until an order is reached it is open like any other: it trades, and its owner may cancel it.
// Orders entered after the command are spared. The place that the work has come to is a mark in the
// ring of its session's orders, which nobody else need know of: who leaves the ring beside it ties
// its links like any other's.
extension Engine {
    /// Pieces of work that may wait at a time: two of a session, up to 255, and what expires.
    static func backlogCapacity(_ limits: EngineLimits) -> UInt32 {
        min(limits.sessionCapacity, 127) &* 2 &+ 2
    }

    /// How many pieces of work go on behind later commands.
    public var backlogSize: Int { Int(backlogCount) }

    /// Whether a session may mass cancel: not while one of it goes on, nor without a place for it,
    /// unless it has so few orders that it needs none.
    func mayMassCancel(_ session: UInt32) -> Bool {
        guard backlogCount != 0, sessions[session].openOrders > bounds.own else { return true }
        return hasRoom && !isMassCancelling(session)
    }

    func isMassCancelling(_ session: UInt32) -> Bool {
        contains { $0.closingKind == .massCancelDone && $0.session == session }
    }

    /// Whether orders of a session that has ended are still being cancelled.
    func isEnding(_ session: UInt32) -> Bool {
        contains { $0.endsSession && $0.session == session }
    }

    /// Whether what stops a session or an account goes on.
    func isBeingStopped(session: UInt32, account: UInt32) -> Bool {
        contains { work in
            work.reason == .killSwitch
                && (work.isByAccount ? work.account == account : work.session == session)
        }
    }

    /// Whether what has expired is still being cancelled.
    var isExpiring: Bool { contains(\.isExpiry) }

    /// Another one may be put in; the last place is for what expires.
    private var hasRoom: Bool { backlogCount &+ 1 < UInt32(backlog.count) }

    private func contains(_ isIt: (CancelWork) -> Bool) -> Bool {
        for position in 0..<backlogCount where isIt(backlog[backlogOrder[position]]) {
            return true
        }
        return false
    }

    /// Puts what is left of the command's own work into the queue; false: there is no place.
    mutating func leaveOver() -> Bool {
        guard hasRoom || pending.work.isExpiry else { return false }
        closeLate()
        // It has taken its steps.
        pending.stepsBehind = 0
        put(pending.work)
        return true
    }

    /// Adds a piece of work at the end of the queue, where there is a place.
    mutating func put(_ work: CancelWork) {
        let place = backlogOrder[backlogCount]
        backlogCount &+= 1
        backlog[place] = work
        if !work.isExpiry { setMark(place) }
    }

    /// Takes its share of the first in the queue behind the command under way; false: the slice is
    /// full.
    mutating func workOff(into outbox: inout EventOutbox) -> Bool {
        if !pending.isWorking {
            guard backlogCount != 0, pending.stepsBehind != 0 else { return true }
            pending.isWorking = true
            pending.stepsLeft = pending.stepsBehind
            let place = backlogOrder[0]
            if !backlog[place].isExpiry { takeMark(place) }
            pending.work = backlog[place]
        }
        let end = pending.work.isExpiry ? expireSome(into: &outbox) : cancelSome(into: &outbox)
        guard end != .sliceFull else { return false }
        pending.isWorking = false
        let place = backlogOrder[0]
        for position in 1..<backlogCount { backlogOrder[position &- 1] = backlogOrder[position] }
        backlogOrder[backlogCount &- 1] = place
        backlogCount &-= 1
        if end == .done {
            answer(pending.work, into: &outbox)
        } else {
            put(pending.work)
        }
        return true
    }

    // MARK: Marks

    private func mark(_ place: UInt32) -> UInt32 {
        limits.orderCapacity &+ limits.sessionCapacity &+ 1 &+ place
    }

    /// Marks the order that comes next, or the end of the session's.
    func setMark(_ place: UInt32) {
        let work = backlog[place]
        let next = work.slot == 0 ? limits.orderCapacity &+ work.session : work.slot
        let previous = links[next].sessionPrevious
        let mark = mark(place)
        links[mark].sessionNext = next
        links[mark].sessionPrevious = previous
        links[previous].sessionNext = mark
        links[next].sessionPrevious = mark
    }

    /// Takes the mark out of the ring; what comes next is the work's.
    private func takeMark(_ place: UInt32) {
        let mark = mark(place)
        backlog[place].slot = entered(after: mark)
        let next = links[mark].sessionNext
        let previous = links[mark].sessionPrevious
        links[previous].sessionNext = next
        links[next].sessionPrevious = previous
    }

    /// The order that a piece of work in the queue comes to next, or 0.
    func nextOrder(ofWorkAt place: UInt32) -> UInt32 {
        backlog[place].isExpiry ? 0 : entered(after: mark(place))
    }
}
