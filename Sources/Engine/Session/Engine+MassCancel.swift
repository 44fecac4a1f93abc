// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Whatever cancels many orders: a client's mass cancel, the end of a session, the kill switch, the
// end of the business day.
extension Engine {
    /// Cancels a session's orders, those asked for, and then says how many. `byAccount` since
    /// rules 3.
    @inline(never)
    mutating func massCancel(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let known = rulesVersion < 3 ? 0 : RecordFlags.byAccount
        guard record.flags & ~known == 0 else {
            return reject(.rejected, .invalidFlags, record, into: &outbox)
        }
        let instrument = record.instrument
        guard
            instrument == 0
                || instrument <= limits.instrumentCapacity
                    && instruments[instrument].tickCount != 0
        else { return reject(.rejected, .unknownInstrument, record, into: &outbox) }
        guard mayMassCancel(record.session) else {
            return reject(.rejected, .massCancelUnderWay, record, into: &outbox)
        }
        var work = CancelWork(
            requestID: record.orderID, reference: record.sequence, session: record.session,
            instrument: instrument, sides: record.massCancelSides, reason: .massCancelled,
            closingKind: .massCancelDone)
        if record.flags & RecordFlags.byAccount != 0 {
            work.flags |= CancelWork.byAccount
            work.account = record.account
        }
        return begin(work, into: &outbox)
    }

    /// Begins with the oldest order of the work's session.
    mutating func begin(_ work: CancelWork, into outbox: inout EventOutbox) -> Bool {
        pending.phase = .cancelOrders
        pending.work = work
        pending.work.slot = entered(after: limits.orderCapacity &+ work.session)
        pending.stepsLeft = rulesVersion < 3 ? .max : bounds.own
        return cancelOrders(into: &outbox)
    }

    /// Goes on with what the command under way cancels; answers whether it is complete.
    @inline(never)
    mutating func cancelOrders(into outbox: inout EventOutbox) -> Bool {
        var end = cancelSome(into: &outbox)
        if end == .stepsUsed, !leaveOver() {
            // No place in the queue: everybody waits, as for any command.
            pending.stepsLeft = .max
            end = cancelSome(into: &outbox)
        }
        guard end != .sliceFull else { return false }
        pending.phase = .none
        if end == .done { answer(pending.work, into: &outbox) }
        return true
    }

    /// Where a piece of work has come to.
    enum CancelEnd {
        case done
        case stepsUsed
        case sliceFull
    }

    /// Cancels orders as long as the steps and the slice allow.
    mutating func cancelSome(into outbox: inout EventOutbox) -> CancelEnd {
        // Orders and sessions passed over make no events, and take less time than a cancel.
        var looksLeft = sliceEvents &* 4
        while pending.work.slot != 0 || hasNextSession(pending.work) {
            if pending.stepsLeft == 0 { return .stepsUsed }
            if sliceIsFull(outbox) || looksLeft == 0 { return .sliceFull }
            looksLeft &-= 1
            pending.stepsLeft &-= 1
            let slot = pending.work.slot
            guard slot != 0 else {
                pending.work.session &+= 1
                pending.work.slot = entered(after: limits.orderCapacity &+ pending.work.session)
                continue
            }
            pending.work.slot = entered(after: slot)
            guard isMeant(slot, by: pending.work) else { continue }
            pending.work.cancelledCount &+= 1
            cancel(slot, because: pending.work.reason, last: [], into: &outbox)
        }
        return .done
    }

    @inline(__always)
    private func hasNextSession(_ work: CancelWork) -> Bool {
        work.isOfAllSessions && work.session < limits.sessionCapacity
    }

    /// Whether an open order is one of those to be cancelled.
    @inline(__always)
    func isMeant(_ slot: UInt32, by work: CancelWork) -> Bool {
        let side = Side(rawValue: orders[slot].isSell ? 1 : 0)
        return (work.instrument == 0 || work.instrument == orders[slot].instrument)
            && work.sides.includes(side)
            && (!work.isByAccount || work.account == orders[slot].account)
            && !(work.sparesGoodTill && orders[slot].traits.isGoodTill)
            && (rulesVersion < 3 || entryReference(slot) <= work.reference)
    }

    /// The sequence of the record that created an open order.
    @inline(__always)
    private func entryReference(_ slot: UInt32) -> UInt64 {
        let extra = orders[slot].extra
        return extra == 0 ? orders[slot].reference : extras[extra].entryReference
    }

    /// All that was to be cancelled is: says so.
    mutating func answer(_ work: CancelWork, into outbox: inout EventOutbox) {
        let isControl = work.closingKind == .controlApplied
        let end = Event(
            kind: work.closingKind, attributes: closing,
            detail: UInt16(work.answerReason.rawValue),
            session: work.isOfAllSessions ? 0 : work.session, account: work.account,
            instrument: work.instrument, orderID: work.requestID,
            reference: isControl ? work.reference : 0, quantityLots: work.cancelledCount)
        if work.closingKind.isReported {
            report(end, into: &outbox)
        } else {
            emit(end, into: &outbox)
        }
    }
}
