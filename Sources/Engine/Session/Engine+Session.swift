// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Sessions come and go by commands; what they leave open is cancelled in slices.
extension Engine {
    /// A logout or time-out of a session that is logged on.
    @inline(never)
    mutating func endSession(
        _ record: LogRecord, answer: EventKind, into outbox: inout EventOutbox
    ) -> Bool {
        let session = record.session
        let flags = sessions[session].flags
        let cancels = flags & SessionState.cancelOnDisconnect != 0
        sessions[session].flags &= SessionState.killed
        sessions[session].token = 0
        sessions[session].nonce = 0
        sessions[session].source = 0
        sessions[session].heartbeatMillis = 0
        var work = CancelWork(
            reference: record.sequence, session: session, reason: .sessionEnded,
            closingKind: answer)
        if rulesVersion >= 3, flags & SessionState.cancelAllOnDisconnect == 0 {
            work.flags = CancelWork.sparesGoodTill
        }
        if cancels { return begin(work, into: &outbox) }
        self.answer(work, into: &outbox)
        return true
    }

    /// Opens a session, or binds an open one anew: `sessionOpened` says the next sequence that is
    /// expected (quantity), the reports so far (executed) and the open orders (leaves). Nonce,
    /// token and source are kept, and are in no event: they differ from run to run. Refused while
    /// the end before is not done: its last event would end this one (`sessionInUse`).
    @inline(never)
    mutating func openSession(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let session = record.session
        guard !isEnding(session) else {
            return rejectControl(.sessionInUse, session: session, into: &outbox)
        }
        var flags = SessionState.loggedOn | sessions[session].flags & SessionState.killed
        if record.flags & RecordFlags.cancelOnDisconnect != 0 {
            flags |= SessionState.cancelOnDisconnect
        }
        if record.flags & RecordFlags.extendedReports != 0 {
            flags |= SessionState.extendedReports
        }
        let cancelsAll = RecordFlags.cancelOnDisconnect | RecordFlags.cancelAllOnDisconnect
        if rulesVersion >= 3, record.flags & cancelsAll == cancelsAll {
            flags |= SessionState.cancelAllOnDisconnect
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
}
