// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
import Wire

// Logon, takeover, time-out: what opens and ends a session. docs/formats/session-protocol.md.
//
// SAFETY: entries are reached by session numbers that the table has let through; messages are read
// after their size was checked.

extension GatewayCore {
    /// A datagram of the control channel.
    @inline(never)
    mutating func takeControl(
        _ packet: Packet, _ datagram: UDPDatagram, _ header: OrderEntryHeader,
        _ message: UnsafeRawPointer
    ) {
        let byteCount = datagram.payloadByteCount - OrderEntryHeader.byteCount
        guard header.messageCount == 1, byteCount >= 1 else {
            counters.add(.sizeMismatch)
            return
        }
        let entry = unsafe sessions.entry(header.session)
        switch MessageType(rawValue: unsafe message.load(as: UInt8.self)) {
        case .logon:
            guard byteCount == MemoryLayout<Logon>.size else {
                counters.add(.sizeMismatch)
                return
            }
            unsafe takeLogon(
                message.loadUnaligned(as: Logon.self), header.session, entry, packet, datagram)
        case .resendRequest:
            guard byteCount == MemoryLayout<SessionNotice>.size else {
                counters.add(.sizeMismatch)
                return
            }
            guard unsafe isBound(header, entry, source: datagram.source) else {
                return unsafe takeUnbound(packet, datagram, header, entry)
            }
            unsafe entry.pointee.lastHeardNanos = listeningNanos
            let request = unsafe message.loadUnaligned(as: SessionNotice.self)
            counters.add(.resendRequests)
            unsafe resend(
                from: request.first, count: request.second, session: header.session, entry)
        default:
            counters.add(.unknownMessage)
        }
    }

    private mutating func takeLogon(
        _ logon: Logon, _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>,
        _ packet: Packet, _ datagram: UDPDatagram
    ) {
        let isSameSource = unsafe entry.pointee.source == datagram.source
        let isSameLogon = unsafe isSameSource && entry.pointee.nonce == logon.nonce
        switch unsafe entry.pointee.state {
        case .opening, .closing:
            // Its answer is on the way; the client asks again.
            return
        case .open where isSameLogon:
            unsafe entry.pointee.lastHeardNanos = listeningNanos
            unsafe sendLogonAccepted(session, entry)
            return
        case .orphaned where isSameLogon:
            // It is open by this logon in the log: the answer was lost with the one before us.
            unsafe resume(session, entry, packet, datagram)
            unsafe sendLogonAccepted(session, entry)
            let from = logon.nextReportSequence
            if from != 0 { unsafe resend(from: from, count: 0, session: session, entry) }
            return
        case .open where !isSameSource:
            let silence = unsafe listeningNanos &- entry.pointee.lastHeardNanos
            guard unsafe silence > entry.pointee.heartbeatNanos else {
                counters.add(.logonsRejected)
                replyUnbound(
                    SessionNotice.logonRejected(reason: .sessionInUse, nonce: logon.nonce),
                    session: session, packet, datagram)
                return
            }
        default: break
        }
        let heartbeat =
            logon.heartbeatMillis == 0
            ? configuration.heartbeatMillis : max(10, logon.heartbeatMillis)
        unsafe releaseOutput(entry)
        // The client may number its messages anew from what is expected: what was sent ahead under
        // the old token must not fill the place of one of them.
        unsafe releaseHeld(entry)
        unsafe entry.pointee.state = .opening
        unsafe entry.pointee.token = Chance.nonZero()
        unsafe entry.pointee.source = datagram.source
        unsafe entry.pointee.nonce = logon.nonce
        // Bit 2 says how far bit 0 goes, and is nothing without it.
        unsafe entry.pointee.logonFlags = logon.flags & (logon.flags & 1 == 0 ? 0b10 : 0b111)
        unsafe entry.pointee.heartbeatMillis = UInt32(heartbeat)
        unsafe entry.pointee.resumeReportSequence = logon.nextReportSequence
        unsafe entry.pointee.lastHeardNanos = listeningNanos
        unsafe prepareHead(session, entry, packet, datagram)
        counters.add(.logons)
        sequencer.append(
            unsafe LogRecord.logon(
                session: session, nonce: logon.nonce, token: entry.pointee.token,
                heartbeatMillis: UInt32(heartbeat), source: datagram.source,
                flags: UInt16(entry.pointee.logonFlags)))
    }

    /// The engine has opened the session, and that is committed: the client may know.
    mutating func sessionOpened(_ session: UInt32) {
        let entry = unsafe sessions.entry(session)
        guard unsafe entry.pointee.state == .opening else { return }
        // Reports of before are of the old form: no datagram holds both.
        unsafe sealDatagram(session, entry)
        unsafe entry.pointee.state = .open
        // A full grace from here on: the disk may have taken its time.
        unsafe entry.pointee.lastHeardNanos = listeningNanos
        unsafe entry.pointee.usesExtendedReports =
            UInt16(entry.pointee.logonFlags) & RecordFlags.extendedReports != 0
        unsafe sendLogonAccepted(session, entry)
        let resume = unsafe entry.pointee.resumeReportSequence
        if resume != 0 { unsafe resend(from: resume, count: 0, session: session, entry) }
    }

    /// The engine would not open it.
    mutating func sessionRefused(_ session: UInt32, reason: Reason) {
        guard sessions.contains(session) else { return }
        let entry = unsafe sessions.entry(session)
        guard unsafe entry.pointee.state == .opening else { return }
        // Its end before goes on: the client asks again.
        guard reason != .sessionInUse else {
            unsafe entry.pointee.state = .closed
            return
        }
        counters.add(.logonsRejected)
        unsafe sendControl(
            SessionNotice.logonRejected(reason: reason, nonce: entry.pointee.nonce), to: session)
        unsafe entry.pointee.state = .closed
    }

    /// The end of a session is committed. The client is told once, and its window let go.
    mutating func sessionEnded(_ session: UInt32, reason: Reason) {
        let entry = unsafe sessions.entry(session)
        // A logon came behind the end: it is in the log, and the client waits for its answer.
        guard unsafe entry.pointee.state != .opening else { return }
        unsafe sealDatagram(session, entry)
        // Of a session that has not come back since the start, nobody knows where to tell it.
        if unsafe entry.pointee.linkByteCount != 0 {
            unsafe sendControl(
                SessionNotice.sessionEnded(
                    reason: reason, lastReportSequence: entry.pointee.nextReportSequence &- 1,
                    expectedSequence: entry.pointee.expectedSequence), to: session)
        }
        unsafe releaseHeld(entry)
        unsafe entry.pointee.state = .closed
    }

    /// Gives back what a session has held out of order.
    private mutating func releaseHeld(_ entry: UnsafeMutablePointer<SessionEntry>) {
        while let held = unsafe reorderWindow.removeFirst(&entry.pointee) {
            queue.free(held)
        }
    }

    private mutating func sendLogonAccepted(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        let accepted = unsafe LogonAccepted(
            flags: entry.pointee.logonFlags,
            heartbeatMillis: UInt16(truncatingIfNeeded: entry.pointee.heartbeatMillis),
            token: entry.pointee.token, expectedSequence: entry.pointee.expectedSequence,
            nextReportSequence: entry.pointee.nextReportSequence, nonce: entry.pointee.nonce,
            reorderWindow: UInt16(reorderWindow.limit),
            messagesPerDatagramMax: UInt16(GatewayLimits.messagesPerDatagram),
            messagesPerSecond: configuration.messagesPerSecond)
        sendControl(accepted, to: session)
    }

    /// Looks after a slice of the sessions once a millisecond: silence, heartbeats,
    /// acknowledgements that no report has carried, held datagrams that found the log full.
    mutating func tick() {
        let slice = max(64, sessions.capacity / 8)
        for _ in 0..<min(slice, sessions.capacity) {
            if timerSession >= sessions.capacity {
                timerSession = 0
                counters.sessionsOpen.store(openSessionCount)
                openSessionCount = 0
            }
            timerSession += 1
            let entry = unsafe sessions.entry(timerSession)
            switch unsafe entry.pointee.state {
            case .open:
                openSessionCount += 1
                if unsafe takesIntake && entry.pointee.heldHead != 0 {
                    unsafe takeHeld(timerSession, entry)
                }
                if unsafe endIfSilent(timerSession, entry) { continue }
                unsafe tick(timerSession, entry)
            case .orphaned: _ = unsafe endIfSilent(timerSession, entry)
            default: break
            }
        }
        sequencer.publish()
    }

    /// Gives a session up that has been silent for three intervals.
    private mutating func endIfSilent(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) -> Bool {
        let silence = unsafe Int64(bitPattern: listeningNanos &- entry.pointee.lastHeardNanos)
        guard unsafe silence > 3 * Int64(entry.pointee.heartbeatNanos), takesIntake,
            sequencer.hasRoom(for: 1)
        else { return false }
        counters.add(.timeouts)
        // Of an orphan nobody knows where to tell what becomes of its orders.
        unsafe entry.pointee.state = entry.pointee.state == .orphaned ? .closed : .closing
        sequencer.append(LogRecord(kind: .sessionTimeout, session: session))
        return true
    }

    private mutating func tick(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        let quiet = unsafe nowNanos &- entry.pointee.lastSentNanos
        let isDue = unsafe quiet > entry.pointee.heartbeatNanos
        if unsafe isDue || (entry.pointee.owesAcknowledgement && quiet > 1_000_000) {
            counters.add(.heartbeats)
            unsafe sendHeartbeat(session, entry)
        }
    }
}
