// SPDX-License-Identifier: Apache-2.0
internal import Platform
import Wire

// Reports again: made from the events that are still in their ring, or else from the journal, byte
// for byte.
//
// SAFETY: an event is read only while the ring retains it: its sequence is above `released`.

extension GatewayCore {
    /// Sends reports `from`… again, at most `reportsPerResend` of them, `count` 0 meaning all. What
    /// is no longer in memory is asked of the history, and told if there is none.
    mutating func resend(
        from: UInt32, count: UInt32, session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        let next = unsafe entry.pointee.nextReportSequence
        let wanted = Int32(bitPattern: next &- from)
        guard wanted > 0 else { return }
        if unsafe nowNanos < entry.pointee.nextResendNanos { return }
        var left = min(Int(wanted), GatewayLimits.reportsPerResend)
        if count != 0 { left = min(left, Int(count)) }
        guard let found = unsafe findReport(from, entry) else {
            guard let history else {
                return unsafe sendResendUnavailable(from, first: nil, session, entry)
            }
            if history.ask(.init(session: session, from: from, count: left)) {
                counters.add(.resendsFromHistory)
            }
            return
        }
        // What is being filled now is not part of the past: seal it, so that each datagram is
        // dense.
        unsafe sealDatagram(session, entry)
        for index in 0..<min(left, found) {
            guard canTransmit,
                unsafe writeAgain(resendPath[found - 1 - index], session, entry)
            else { break }
        }
        unsafe sealDatagram(session, entry, flags: OrderEntryHeader.resentFlag)
    }

    private mutating func sendResendUnavailable(
        _ from: UInt32, first: UInt32?, _ session: UInt32,
        _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        counters.add(.resendsUnavailable)
        unsafe sendControl(
            SessionNotice.resendUnavailable(
                firstAvailable: first ?? firstAvailableReport(entry), requested: from), to: session)
    }

    /// Sends what the history has found, if it has: once a millisecond.
    mutating func sendHistory() {
        guard let history, let answer = history.answer else { return }
        let session = answer.question.session
        let entry = unsafe sessions.entry(session)
        defer { history.clear() }
        // It may have left meanwhile, or come back: then the numbers are the same.
        guard unsafe entry.pointee.state == .open else { return }
        guard answer.count > 0 else {
            return unsafe sendResendUnavailable(
                answer.question.from, first: answer.firstAvailable, session, entry)
        }
        unsafe sealDatagram(session, entry)
        for index in 0..<answer.count {
            let report = history.report(index)
            guard canTransmit,
                unsafe writeAgain(
                    report.event, sequence: report.sequence, reference: report.reference,
                    commandSequence: report.commandSequence,
                    timestampNanos: report.timestampNanos, session, entry)
            else { break }
        }
        unsafe sealDatagram(session, entry, flags: OrderEntryHeader.resentFlag)
    }

    /// Walks back from the session's last report to `from`, leaving the way in `resendPath` (newest
    /// first, only the oldest part of it), and gives its length; nil when the ring has let it go.
    private mutating func findReport(
        _ from: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> Int? {
        var event = unsafe entry.pointee.lastReportEvent
        let capacity = GatewayLimits.reportsPerResend
        var steps = 0
        defer {
            unsafe entry.pointee.nextResendNanos =
                nowNanos &+ GatewayLimits.resendPauseNanos
                &+ UInt64(steps) &* GatewayLimits.resendPauseNanosPerStep
        }
        while event > events.releasedSequence, event != 0 {
            unsafe resendTrail[steps % capacity] = event
            steps += 1
            let note = notes[event]
            if note.reportSequence == from {
                let count = min(steps, capacity)
                for index in 0..<count {
                    unsafe resendPath[index] = resendTrail[(steps - count + index) % capacity]
                }
                return count
            }
            event = note.previousEvent
        }
        return nil
    }

    /// The oldest report of a session that can be made again; the next one where there is none.
    private func firstAvailableReport(_ entry: UnsafeMutablePointer<SessionEntry>) -> UInt32 {
        var event = unsafe entry.pointee.lastReportEvent
        var first = unsafe entry.pointee.nextReportSequence
        while event > events.releasedSequence, event != 0 {
            first = notes[event].reportSequence
            event = notes[event].previousEvent
        }
        return first
    }

    private mutating func writeAgain(
        _ sequence: UInt64, _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> Bool {
        let event = unsafe events.read(sequence)
        let note = notes[sequence]
        var reference = unsafe event.pointee.reference
        if unsafe event.pointee.kind == .traded {
            let isAggressor = unsafe event.pointee.attributes.contains(.aggressor)
            let other = isAggressor ? sequence &- 1 : sequence &+ 1
            // The first of a pair may just have been let go: the second's note cannot be made.
            guard other > events.releasedSequence else { return false }
            reference = unsafe events.read(other).pointee.disclosedReference
        }
        return unsafe writeAgain(
            event.pointee, sequence: note.reportSequence, reference: reference,
            commandSequence: note.commandSequence, timestampNanos: note.timestampNanos, session,
            entry)
    }

    private mutating func writeAgain(
        _ event: Event, sequence: UInt32, reference: UInt64, commandSequence: UInt64,
        timestampNanos: UInt64, _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> Bool {
        let isExtended = unsafe entry.pointee.usesExtendedReports
        let byteCount = isExtended ? ExtendedExecutionReport.byteCount : ExecutionReport.byteCount
        guard
            let place = unsafe reserveReport(
                session, entry, byteCount: byteCount, sequence: sequence,
                flags: OrderEntryHeader.resentFlag)
        else { return false }
        unsafe withUnsafePointer(to: event) {
            unsafe Self.write(
                $0, to: place, isExtended: isExtended, sequence: sequence, reference: reference,
                commandSequence: commandSequence, timestampNanos: timestampNanos)
        }
        counters.add(.resentReports)
        return true
    }
}
