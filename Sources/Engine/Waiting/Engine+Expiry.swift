// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

// Since rules 3 `timeAdvance` says what time it is: that of its record. Nothing expires between two
// of them, and no order is entered that would expire before the last.
extension Engine {
    /// The orders that expire, by when they do.
    var expiries: WaitingTree { WaitingTree(kind: .expiry, extras: extras, seed: indexSeed) }

    @inline(never)
    mutating func advanceTime(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        if rulesVersion >= 3 {
            let seconds = record.timestampNanos / 1_000_000_000
            // Once a second, however often it is told.
            if seconds > timeSeconds {
                timeSeconds = seconds
                if auctionCount != 0 { oweIndications() }
            }
        }
        guard !isExpiring else {
            // It goes on up to the new time.
            emit(Event(kind: .controlApplied, attributes: closing), into: &outbox)
            return true
        }
        pending.work = CancelWork(
            reference: 0, flags: CancelWork.expiry, closingKind: .controlApplied)
        pending.stepsLeft = bounds.own
        return expire(into: &outbox)
    }

    /// Cancels what has expired; answers whether the command is complete.
    @inline(never)
    mutating func expire(into outbox: inout EventOutbox) -> Bool {
        pending.phase = .expire
        let end = expireSome(into: &outbox)
        guard end != .sliceFull else { return false }
        pending.phase = .none
        guard end == .done else { return leaveOver() }
        emit(Event(kind: .controlApplied, attributes: closing), into: &outbox)
        return true
    }

    /// Cancels what has expired, the earliest first, of one second the oldest, as long as the steps
    /// and the slice allow.
    mutating func expireSome(into outbox: inout EventOutbox) -> CancelEnd {
        while true {
            let extra = expiries.first(of: expiryRoot)
            guard extra != 0, UInt64(extras[extra].expirySeconds) <= timeSeconds else {
                return .done
            }
            if pending.stepsLeft == 0 { return .stepsUsed }
            if sliceIsFull(outbox) { return .sliceFull }
            pending.stepsLeft &-= 1
            cancel(extras[extra].slot, because: .expired, last: [], into: &outbox)
        }
    }

    /// UTC seconds at which a `timeAdvance` is due: when the next open order expires, or the next
    /// second while triggers are left over, which go on behind any command, or while an auction is
    /// near, for which it tells a price; nil without any.
    public var nextExpirySeconds: UInt64? {
        if firstInLine | auctionCount != 0 { return timeSeconds &+ 1 }
        let extra = expiries.first(of: expiryRoot)
        return extra == 0 ? nil : UInt64(extras[extra].expirySeconds)
    }
}
