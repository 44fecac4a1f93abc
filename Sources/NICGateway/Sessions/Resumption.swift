// SPDX-License-Identifier: Apache-2.0
import Wire

// Sessions of the epochs before: they go on, for the log has their tokens. The client need not know
// that another process, or another host, has taken over before it is told.
//
// SAFETY: entries are reached by session numbers that the table has let through; messages are read
// after the datagram's size was checked.

extension GatewayCore {
    /// A datagram that is not of an open session of this epoch: counted, and its messages are not
    /// taken. If only its epoch is of the past, its client is told ours, at most once a
    /// millisecond, and gets the reports that it has not received.
    @inline(never)
    mutating func takeUnbound(
        _ packet: Packet, _ datagram: UDPDatagram, _ header: OrderEntryHeader,
        _ entry: UnsafeMutablePointer<SessionEntry>
    ) {
        let state = unsafe entry.pointee.state
        guard state == .open || state == .orphaned else { return counters.add(.sessionNotOpen) }
        guard header.epoch <= configuration.epoch else { return counters.add(.wrongEpoch) }
        guard unsafe header.token == entry.pointee.token else { return counters.add(.wrongToken) }
        guard unsafe datagram.source == entry.pointee.source else {
            return counters.add(.wrongSource)
        }
        // Nobody was told this epoch for an orphan.
        guard header.epoch < configuration.epoch else { return counters.add(.sessionNotOpen) }
        guard isWellFormed(packet, datagram, header) else { return }
        counters.add(.wrongEpoch)
        guard unsafe nowNanos >= entry.pointee.nextEpochNoticeNanos else { return }
        if state == .orphaned { unsafe resume(header.session, entry, packet, datagram) }
        unsafe entry.pointee.nextEpochNoticeNanos = nowNanos &+ 1_000_000
        counters.add(.epochNotices)
        let notice = unsafe SessionNotice.epochChanged(
            expectedSequence: entry.pointee.expectedSequence,
            nextReportSequence: entry.pointee.nextReportSequence)
        sendControl(notice, to: header.session)
        unsafe resend(
            from: header.receivedThrough &+ 1, count: 0, session: header.session, entry)
    }

    /// The client of a session of before is back, on its own token. Its grace begins here, once: a
    /// client that never takes up this epoch is given up.
    mutating func resume(
        _ session: UInt32, _ entry: UnsafeMutablePointer<SessionEntry>, _ packet: Packet,
        _ datagram: UDPDatagram
    ) {
        counters.add(.sessionsResumed)
        unsafe entry.pointee.state = .open
        unsafe entry.pointee.lastHeardNanos = listeningNanos
        unsafe prepareHead(session, entry, packet, datagram)
    }

    /// Whether a datagram of the orders channel is what it should be; one of the control channel
    /// was looked at before.
    private func isWellFormed(
        _ packet: Packet, _ datagram: UDPDatagram, _ header: OrderEntryHeader
    ) -> Bool {
        guard header.channel == .orders else { return true }
        let offset = datagram.payloadOffset + OrderEntryHeader.byteCount
        return unsafe isWellFormed(
            packet.start + offset,
            byteCount: datagram.payloadByteCount - OrderEntryHeader.byteCount,
            messageCount: Int(header.messageCount))
    }
}
