// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Sessions come and go by commands; what they leave open is cancelled in slices.
extension Engine {
    /// Cancels a session's orders, those asked for, and then says how many.
    @inline(never)
    mutating func massCancel(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard record.flags == 0 else {
            return reject(.rejected, .invalidFlags, record, into: &outbox)
        }
        let instrument = record.instrument
        guard
            instrument == 0
                || instrument <= limits.instrumentCapacity
                    && instruments[instrument].tickCount != 0
        else { return reject(.rejected, .unknownInstrument, record, into: &outbox) }
        startCancelling(
            session: record.session, because: .massCancelled, closingKind: .massCancelDone)
        pending.requestID = record.orderID
        pending.instrument = instrument
        pending.sides = record.massCancelSides
        return cancelOrders(into: &outbox)
    }

    /// A logout or time-out of a session that is logged on.
    @inline(never)
    mutating func endSession(
        _ record: LogRecord, answer: EventKind, into outbox: inout EventOutbox
    ) -> Bool {
        let session = record.session
        let cancels = sessions[session].flags & SessionState.cancelOnDisconnect != 0
        sessions[session].flags = 0
        sessions[session].token = 0
        sessions[session].nonce = 0
        sessions[session].source = 0
        sessions[session].heartbeatMillis = 0
        startCancelling(session: session, because: .sessionEnded, closingKind: answer)
        if !cancels { pending.slot = 0 }
        return cancelOrders(into: &outbox)
    }

    /// Opens a session, or binds an open one anew: `sessionOpened` says the next sequence that is
    /// expected (quantity), the reports so far (executed) and the open orders (leaves). Nonce,
    /// token and source are kept, and are in no event: they differ from run to run.
    @inline(never)
    mutating func openSession(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let session = record.session
        var flags = SessionState.loggedOn
        if record.flags & RecordFlags.cancelOnDisconnect != 0 {
            flags |= SessionState.cancelOnDisconnect
        }
        if record.flags & RecordFlags.extendedReports != 0 {
            flags |= SessionState.extendedReports
        }
        sessions[session].flags = flags
        sessions[session].token = record.account
        sessions[session].nonce = record.orderID
        sessions[session].source = record.quantityLots
        sessions[session].heartbeatMillis = record.instrument
        emit(
            Event(
                kind: .sessionOpened, attributes: closing, session: session,
                quantityLots: sessions[session].expectedSequence,
                leavesLots: UInt64(sessions[session].openOrders),
                executedLots: sessions[session].reportSequence), into: &outbox)
        return true
    }

    @inline(__always)
    private mutating func startCancelling(
        session: UInt32, because reason: Reason, closingKind: EventKind
    ) {
        pending.phase = .cancelOrders
        pending.session = session
        pending.slot = entered(after: limits.orderCapacity &+ session)
        pending.instrument = 0
        pending.sides = MassCancelSides(rawValue: 0)
        pending.requestID = 0
        pending.reason = reason
        pending.closingKind = closingKind
        pending.cancelledCount = 0
    }

    /// Goes on cancelling; answers whether the command is complete.
    @inline(never)
    mutating func cancelOrders(into outbox: inout EventOutbox) -> Bool {
        // Orders passed over make no events, and take less time than those cancelled.
        var stepsLeft = sliceEvents &* 4
        while pending.slot != 0 {
            if sliceIsFull(outbox) || stepsLeft == 0 { return false }
            stepsLeft &-= 1
            let slot = pending.slot
            pending.slot = entered(after: slot)
            let side = Side(rawValue: orders[slot].isSell ? 1 : 0)
            guard
                pending.instrument == 0 || pending.instrument == orders[slot].instrument,
                pending.sides.includes(side)
            else { continue }
            pending.cancelledCount &+= 1
            cancel(slot, because: pending.reason, last: [], into: &outbox)
        }
        pending.phase = .none
        let end = Event(
            kind: pending.closingKind, attributes: closing, session: pending.session,
            instrument: pending.instrument, orderID: pending.requestID,
            quantityLots: pending.cancelledCount)
        if pending.closingKind.isReported {
            report(end, into: &outbox)
        } else {
            emit(end, into: &outbox)
        }
        return true
    }
}
