// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The client side of one session as a state machine: bytes and the time go in, bytes and reports
/// come out.
///
/// The owner calls `receive` for each datagram that came, then `nextDatagram` until it gives 0,
/// and again at `nextDeadlineNanos` at the latest. `nowNanos` is any monotonic clock.
/// Threading: one thread. Errors: none are thrown; bad input is counted and changes nothing.
public struct OrderEntrySession: ~Copyable {
    /// What it was made with.
    public let settings: SessionSettings
    /// Where it is in its life.
    public internal(set) var phase = SessionPhase.idle
    /// What it has seen.
    public internal(set) var counters = SessionCounters()
    /// What the gateway granted at the last logon.
    public internal(set) var granted: LogonAccepted?

    var outbound: OutboundWindow
    var inbound: ReportWindow
    var epoch: UInt32 = 0
    var token: UInt32 = 0
    var nonce: UInt64
    var hasOpened = false
    var isLogonDue = false
    var lastLogonNanos: UInt64 = 0
    var lastSentNanos: UInt64 = 0
    var lastHeardNanos: UInt64 = 0
    var acknowledgedReport: UInt64 = 0
    var heartbeatNanos: UInt64 = 1_000_000_000
    /// Of the end: when a report was last delivered.
    var lastProgressNanos: UInt64 = 0
    var isLogoutSubmitted = false

    /// Takes all its memory.
    public init(settings: SessionSettings) {
        precondition(settings.session > 0, "sessions are numbered from 1")
        precondition(
            (OrderEntryHeader.byteCount + 96...2_000).contains(settings.datagramBytesMax),
            "a datagram holds at least one message")
        self.settings = settings
        nonce = settings.nonce
        outbound = OutboundWindow(settings: settings)
        inbound = ReportWindow(settings: settings)
    }

    // MARK: What the owner asks

    /// Starts to log on; the logon itself comes out of `nextDatagram`.
    public mutating func logon(nowNanos: UInt64) {
        phase = .loggingOn
        isLogonDue = true
        lastLogonNanos = nowNanos
    }

    /// Messages that `submit` would take now; 0 while the session is not open, or far behind with
    /// its reports.
    public var room: Int {
        phase == .open && inbound.backlog <= UInt64(settings.reportBacklogMax) ? outbound.room : 0
    }
    /// Whether every message submitted is committed.
    public var isIdle: Bool { outbound.isEmpty }
    /// Messages submitted that are not committed yet.
    public var uncommittedCount: Int { Int(outbound.next - outbound.firstKept) }
    /// The sequence that the next message submitted will have, low bits.
    public var nextSequence: UInt32 { UInt32(truncatingIfNeeded: outbound.next) }
    /// The next report, low bits: to come back to later as `nextReportSequence`.
    public var nextReportSequence: UInt32 { UInt32(truncatingIfNeeded: inbound.next) }

    /// Queues an order. False when the session is not open or its window is full.
    public mutating func submit(_ message: NewOrder) -> Bool { queue(message) }
    /// Queues a cancel.
    public mutating func submit(_ message: CancelOrder) -> Bool { queue(message) }
    /// Queues a replace.
    public mutating func submit(_ message: ReplaceOrder) -> Bool { queue(message) }
    /// Queues a reduce.
    public mutating func submit(_ message: ReduceOrder) -> Bool { queue(message) }
    /// Queues a mass cancel.
    public mutating func submit(_ message: MassCancel) -> Bool { queue(message) }
    /// Queues a mass cancel of an account's orders.
    public mutating func submit(_ message: MassCancelByAccount) -> Bool { queue(message) }
    /// Queues an order with rare fields.
    public mutating func submit(_ message: NewOrderExtended) -> Bool { queue(message) }
    /// Queues the end of the session: the last message.
    public mutating func submit(_ message: Logout) -> Bool {
        let isQueued = queue(message)
        isLogoutSubmitted = isLogoutSubmitted || isQueued
        return isQueued
    }

    private mutating func queue<Message: BitwiseCopyable>(_ message: Message) -> Bool {
        guard room > 0 else { return false }
        _ = outbound.append(message)
        counters.messagesSubmitted &+= 1
        return true
    }

    // MARK: What goes out

    /// Writes the next datagram that is due to `target` (at least `datagramBytesMax` long) and
    /// gives its bytes; 0 when nothing is due.
    public mutating func nextDatagram(nowNanos: UInt64, into target: inout MutableRawSpan) -> Int {
        precondition(target.byteCount >= settings.datagramBytesMax, "room for a datagram")
        switch phase {
        case .idle, .ended: return 0
        case .loggingOn: return logonDatagram(nowNanos, &target)
        case .open, .closing: break
        }
        if let request = inbound.requestIfDue(nowNanos: nowNanos) {
            counters.resendRequests &+= 1
            let notice = SessionNotice.resendRequest(from: request.from, count: request.count)
            return controlDatagram(notice, nowNanos, &target)
        }
        if case .closing(let reason) = phase {
            // A gateway may answer nothing after the end: three seconds without a report is enough.
            if nowNanos &- lastProgressNanos > 3_000_000_000 {
                counters.reportsLost &+= inbound.knownEnd &- inbound.next
                end(reason)
            }
            return 0
        }
        if nowNanos &- lastHeardNanos > 3 * heartbeatNanos && lastHeardNanos < nowNanos {
            reconnect(nowNanos: nowNanos)
            return logonDatagram(nowNanos, &target)
        }
        if outbound.resendIfDue(nowNanos: nowNanos) { counters.resendTimeouts &+= 1 }
        return ordersDatagram(nowNanos, &target)
    }

    /// When `nextDatagram` must be called again even if nothing comes in; nil when never.
    public var nextDeadlineNanos: UInt64? {
        switch phase {
        case .idle, .ended: return nil
        case .loggingOn: return isLogonDue ? 0 : lastLogonNanos + settings.logonRetryNanos
        case .closing:
            return min(
                inbound.requestDeadlineNanos ?? 0, lastProgressNanos + 3_000_000_001)
        case .open: break
        }
        if outbound.mayFill { return 0 }
        var deadline = min(lastSentNanos + heartbeatNanos, lastHeardNanos + 3 * heartbeatNanos + 1)
        if let resend = outbound.resendDeadlineNanos { deadline = min(deadline, resend) }
        if let request = inbound.requestDeadlineNanos { deadline = min(deadline, request) }
        return deadline
    }

    private mutating func logonDatagram(_ nowNanos: UInt64, _ target: inout MutableRawSpan) -> Int {
        guard isLogonDue || nowNanos &- lastLogonNanos >= settings.logonRetryNanos else { return 0 }
        isLogonDue = false
        lastLogonNanos = nowNanos
        counters.logonsSent &+= 1
        counters.datagramsSent &+= 1
        let header = OrderEntryHeader(
            channel: .control, messageCount: 1, session: settings.session, epoch: 0, sequence: 0)
        let wanted = hasOpened ? nextReportSequence : settings.nextReportSequence
        let logon = Logon(
            nonce: nonce, nextReportSequence: wanted,
            heartbeatMillis: settings.heartbeatMillis, flags: settings.logonFlags)
        target.write(header, at: 0)
        target.write(logon, at: OrderEntryHeader.byteCount)
        return OrderEntryHeader.byteCount + MemoryLayout<Logon>.size
    }

    private mutating func controlDatagram(
        _ notice: SessionNotice, _ nowNanos: UInt64, _ target: inout MutableRawSpan
    ) -> Int {
        target.write(header(.control, count: 1, sequence: 0), at: 0)
        target.write(notice, at: OrderEntryHeader.byteCount)
        sent(nowNanos)
        return OrderEntryHeader.byteCount + MemoryLayout<SessionNotice>.size
    }

    private mutating func ordersDatagram(_ nowNanos: UInt64, _ target: inout MutableRawSpan) -> Int
    {
        let unacknowledged = inbound.next &- acknowledgedReport
        if outbound.mayFill {
            let filled = outbound.fill(
                &target, from: OrderEntryHeader.byteCount, to: settings.datagramBytesMax,
                messagesMax: Int(granted?.messagesPerDatagramMax ?? 1), nowNanos: nowNanos)
            if filled.count > 0 {
                counters.messagesSent &+= UInt64(filled.count)
                counters.messagesResent &+= UInt64(filled.resent)
                let sequence = UInt32(truncatingIfNeeded: filled.first)
                target.write(header(.orders, count: filled.count, sequence: sequence), at: 0)
                sent(nowNanos)
                return filled.end
            }
        }
        guard
            nowNanos &- lastSentNanos >= heartbeatNanos
                || unacknowledged >= UInt64(settings.acknowledgeEvery)
        else { return 0 }
        // Names what comes after everything sent, so a lost tail shows at the gateway.
        let sequence = UInt32(truncatingIfNeeded: outbound.highestSent &+ 1)
        target.write(header(.orders, count: 0, sequence: sequence), at: 0)
        sent(nowNanos)
        return OrderEntryHeader.byteCount
    }

    private func header(_ channel: Channel, count: Int, sequence: UInt32) -> OrderEntryHeader {
        let through = UInt32(truncatingIfNeeded: inbound.next &- 1)
        return OrderEntryHeader(
            channel: channel, messageCount: UInt16(truncatingIfNeeded: count),
            session: settings.session, epoch: epoch, sequence: sequence,
            receivedThrough: through, committedThrough: through, token: token)
    }

    private mutating func sent(_ nowNanos: UInt64) {
        lastSentNanos = nowNanos
        acknowledgedReport = inbound.next
        counters.datagramsSent &+= 1
    }

    /// The gateway is silent: another one may be there. A new nonce, the same sequences.
    private mutating func reconnect(nowNanos: UInt64) {
        counters.reconnects &+= 1
        nonce = nonce &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        logon(nowNanos: nowNanos)
    }

    mutating func end(_ reason: Reason) {
        phase = .ended(reason)
    }
}
