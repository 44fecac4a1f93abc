// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension OrderEntrySession {
    /// Takes one datagram from the gateway. `deliver` is called for each report whose turn it is,
    /// once each, in order. What is malformed or not of this session is counted and dropped.
    public mutating func receive(
        _ datagram: RawSpan, nowNanos: UInt64, deliver: (SessionReport) -> Void
    ) {
        let headerBytes = OrderEntryHeader.byteCount
        guard datagram.byteCount >= headerBytes else { return ignore() }
        let header = datagram.value(at: 0, as: OrderEntryHeader.self)
        guard header.version == OrderEntryHeader.currentVersion, header.keyID == 0,
            header.session == settings.session
        else { return ignore() }
        let messages = datagram.extracting(headerBytes..<datagram.byteCount)
        if header.channel == .control, messages.byteCount >= 16, header.messageCount == 1 {
            let type = messages.value(at: 0, as: MessageType.self)
            if type == .logonAccepted || type == .logonRejected {
                return receiveLogonAnswer(type, messages, header, nowNanos: nowNanos)
            }
            if type == .epochChanged {
                return receiveEpochChange(messages, header, nowNanos: nowNanos)
            }
        }
        guard isOpen, header.epoch == epoch, header.token == token || header.token == 0 else {
            return ignore()
        }
        switch header.channel {
        case .reports:
            receiveReports(header, messages, nowNanos: nowNanos, deliver: deliver)
        case .control:
            receiveNotice(header, messages, nowNanos: nowNanos, deliver: deliver)
        default:
            ignore()
        }
    }

    private var isOpen: Bool {
        switch phase {
        case .open, .closing: true
        default: false
        }
    }

    private mutating func ignore() { counters.datagramsIgnored &+= 1 }

    private mutating func heard(_ header: OrderEntryHeader, nowNanos: UInt64) {
        counters.datagramsReceived &+= 1
        lastHeardNanos = nowNanos
        outbound.acknowledge(
            received: header.receivedThrough, committed: header.committedThrough,
            nowNanos: nowNanos)
    }

    // MARK: Logon

    private mutating func receiveLogonAnswer(
        _ type: MessageType, _ messages: RawSpan, _ header: OrderEntryHeader, nowNanos: UInt64
    ) {
        guard phase == .loggingOn else { return ignore() }
        if type == .logonRejected {
            let notice = messages.value(at: 0, as: SessionNotice.self)
            let answered = UInt64(notice.second) | UInt64(notice.third) << 32
            guard messages.byteCount == 16, answered == nonce else { return ignore() }
            counters.datagramsReceived &+= 1
            return end(notice.reason)
        }
        guard messages.byteCount == MemoryLayout<LogonAccepted>.size else { return ignore() }
        let accepted = messages.value(at: 0, as: LogonAccepted.self)
        guard accepted.nonce == nonce, accepted.messagesPerDatagramMax > 0 else { return ignore() }
        counters.datagramsReceived &+= 1
        guard
            outbound.open(
                expectedLow: accepted.expectedSequence, isFirst: !hasOpened, nowNanos: nowNanos)
        else {
            // The gateway expects what it had committed, or what we never sent: not our session.
            return end(.sessionSequenceBroken)
        }
        inbound.open(
            wantedLow: settings.nextReportSequence,
            gatewayNextLow: accepted.nextReportSequence, isFirst: !hasOpened)
        granted = accepted
        epoch = header.epoch
        token = accepted.token
        heartbeatNanos = UInt64(max(accepted.heartbeatMillis, 10)) * 1_000_000
        hasOpened = true
        lastHeardNanos = nowNanos
        lastSentNanos = nowNanos
        acknowledgedReport = inbound.next
        phase = .open
    }

    /// Another process or another host speaks for the gateway now, and has our session: what it
    /// does not have is sent again at once, and what we do not have is asked for.
    private mutating func receiveEpochChange(
        _ messages: RawSpan, _ header: OrderEntryHeader, nowNanos: UInt64
    ) {
        guard isOpen, header.token == token, header.epoch > epoch,
            messages.byteCount == MemoryLayout<SessionNotice>.size
        else { return ignore() }
        let notice = messages.value(at: 0, as: SessionNotice.self)
        guard outbound.open(expectedLow: notice.first, isFirst: false, nowNanos: nowNanos) else {
            return end(.sessionSequenceBroken)
        }
        epoch = header.epoch
        counters.epochChanges &+= 1
        heard(header, nowNanos: nowNanos)
        inbound.open(wantedLow: 0, gatewayNextLow: notice.second, isFirst: false)
        if case .closing = phase { lastProgressNanos = nowNanos }
    }

    // MARK: Reports

    private mutating func receiveReports(
        _ header: OrderEntryHeader, _ messages: RawSpan, nowNanos: UInt64,
        deliver: (SessionReport) -> Void
    ) {
        let count = Int(header.messageCount)
        if count == 0 {
            guard messages.byteCount == 0 else { return ignore() }
            heard(header, nowNanos: nowNanos)
            inbound.note(gatewayNextLow: header.sequence)
            return finishIfComplete()
        }
        guard let messageBytes = Self.reportByteCount(messages, count: count) else {
            return ignore()
        }
        heard(header, nowNanos: nowNanos)
        let before = inbound.next
        inbound.take(
            messages, firstLow: header.sequence, count: count, messageBytes: messageBytes,
            nowNanos: nowNanos, counters: &counters, deliver: deliver)
        if inbound.next != before { lastProgressNanos = nowNanos }
        finishIfComplete()
    }

    /// Bytes of each report, if the datagram is exactly `count` of one form.
    private static func reportByteCount(_ messages: RawSpan, count: Int) -> Int? {
        guard messages.byteCount >= ExecutionReport.byteCount else { return nil }
        let isExtended = messages.value(at: 0, as: MessageType.self) == .extendedExecutionReport
        let size = isExtended ? ExtendedExecutionReport.byteCount : ExecutionReport.byteCount
        guard messages.byteCount == count * size else { return nil }
        let type: MessageType = isExtended ? .extendedExecutionReport : .executionReport
        for index in 0..<count
        where messages.value(at: index * size, as: MessageType.self) != type {
            return nil
        }
        return size
    }

    // MARK: Notices

    private mutating func receiveNotice(
        _ header: OrderEntryHeader, _ messages: RawSpan, nowNanos: UInt64,
        deliver: (SessionReport) -> Void
    ) {
        guard header.messageCount == 1, messages.byteCount == MemoryLayout<SessionNotice>.size
        else { return ignore() }
        let notice = messages.value(at: 0, as: SessionNotice.self)
        switch notice.type {
        case .gapReport:
            heard(header, nowNanos: nowNanos)
            counters.gapReports &+= 1
            outbound.goBack(toLow: notice.first, nowNanos: nowNanos)
        case .resendUnavailable:
            heard(header, nowNanos: nowNanos)
            guard notice.second == nextReportSequence else { return }
            inbound.skip(toLow: notice.first, counters: &counters, deliver: deliver)
            finishIfComplete()
        case .sessionEnded:
            heard(header, nowNanos: nowNanos)
            guard phase == .open else { return }
            inbound.note(gatewayNextLow: notice.first &+ 1)
            lastProgressNanos = nowNanos
            phase = .closing(notice.reason)
            finishIfComplete()
        default:
            ignore()
        }
    }

    /// The answer to our logout is the last report, even when the notice behind it was lost.
    private mutating func finishIfComplete() {
        if isLogoutSubmitted, inbound.lastKind == .loggedOut, !inbound.hasGap {
            isLogoutSubmitted = false
            return end(.loggedOut)
        }
        if case .closing(let reason) = phase, !inbound.hasGap { end(reason) }
    }
}
