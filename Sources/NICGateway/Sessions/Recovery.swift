// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Platform
public import Wire

// The cache of sessions, the numbering of reports and the window of those that can be sent again,
// made anew from the log: its commands go through the same code as live ones, and nothing is sent.
// What was on the wire and not committed is for the clients to send again.
//
// SAFETY: entries are reached by session numbers that the engine has let through.

/// What the log keeps of the logon that a session is open by.
public struct SessionLogon: Equatable, Sendable {
    /// In every header of the session.
    public var token: UInt32
    /// The client's.
    public var nonce: UInt64
    /// IPv4 address << 16 | UDP port, host order.
    public var source: UInt64
    /// Heartbeat interval in force, milliseconds.
    public var heartbeatMillis: UInt32
    /// As in the record: bit 0 cancel on disconnect, bit 1 extended reports.
    public var flags: UInt16

    /// All of it.
    public init(
        token: UInt32, nonce: UInt64, source: UInt64, heartbeatMillis: UInt32, flags: UInt16
    ) {
        self.token = token
        self.nonce = nonce
        self.source = source
        self.heartbeatMillis = heartbeatMillis
        self.flags = flags
    }
}

extension GatewayCore {
    /// Puts a command of the past back into the log, as it was. False when there is no room yet:
    /// poll the engine and `pollRecovery`, then try again. Before the first poll.
    public mutating func restore(_ record: LogRecord, continuation: LogRecord?) -> Bool {
        let isRestored = stageRestored(record, continuation: continuation)
        publishRestored()
        return isRestored
    }

    /// The same for one of a burst, which nobody sees before `publishRestored`.
    public mutating func stageRestored(_ record: LogRecord, continuation: LogRecord?) -> Bool {
        guard sequencer.hasRoom(for: 2) else { return false }
        sequencer.restore(record, continuation: continuation)
        return true
    }

    /// Shows the readers of the log what was staged: once a burst.
    public mutating func publishRestored() { sequencer.publish() }

    /// Goes through events of restored commands. False when there were none.
    public mutating func pollRecovery() -> Bool {
        isRecovering = true
        // Looked for anew by `open`.
        publicStream.tail = nil
        defer { isRecovering = false }
        let hasReported = reportEvents()
        reportedCommandCount = 0
        reportCount = 0
        return hasReported
    }

    /// Takes up a session as a snapshot has it, whose reports so far are not in memory; `logon` is
    /// nil when nobody is logged on. Before the first poll and the first restored command.
    public mutating func restoreSession(
        _ session: UInt32, expectedSequence: UInt64, reportSequence: UInt64,
        logon: SessionLogon?
    ) {
        precondition(sessions.contains(session), "a session of the table")
        let entry = unsafe sessions.entry(session)
        unsafe entry.pointee.expectedSequence = UInt32(truncatingIfNeeded: expectedSequence)
        unsafe entry.pointee.committedThrough = UInt32(truncatingIfNeeded: expectedSequence &- 1)
        unsafe entry.pointee.nextReportSequence = UInt32(truncatingIfNeeded: reportSequence &+ 1)
        if let logon { unsafe restore(logon, entry) }
    }

    /// Takes up the public stream behind so many reports. With `restoreSession`.
    public mutating func restorePublicStream(reportCount: UInt64) {
        publicStream.nextSequence = reportCount &+ 1
    }

    /// Ends the recovery, if there was one: from now on this epoch speaks, behind the gate of the
    /// journal, if there is one, and with its history; a cluster turns the gate by `control`. When
    /// all that was restored is gone through, and before the first poll. A standby may be opened
    /// again when it is promoted, with a higher epoch: sessions of all epochs before go on. All up
    /// to `toldSequence` was told for certain by the one before; 0 = nobody knows. The end of the
    /// public stream behind that is published again, as far as it is in memory.
    public mutating func open(
        epoch: UInt32, policy: CommitPolicy, journal: JournalStatus?, history: ReportHistory?,
        control: GateControl? = nil, toldSequence: UInt64 = 0
    ) {
        precondition(records.available() == 0, "all that was restored is gone through")
        configuration.epoch = epoch
        self.history = history
        counters.logUsedMax.store(0)
        counters.eventsUsedMax.store(0)
        beginPublicTail(told: max(toldSequence, control?.toldSequence ?? 0))
        guard let journal else { return }
        gate = CommitGate(policy: policy, journal: journal, control: control)
        gate.tell(toldSequence: toldSequence)
        sequencer.follow(journal)
    }

    /// A logon of the past.
    mutating func restoreSession(_ record: UnsafePointer<LogRecord>) {
        let logon = unsafe SessionLogon(
            token: record.pointee.account, nonce: record.pointee.orderID,
            source: record.pointee.quantityLots, heartbeatMillis: record.pointee.instrument,
            flags: record.pointee.flags)
        unsafe restore(logon, sessions.entry(record.pointee.session))
    }

    /// The client of a logon of the past goes on with its token, or logs on anew; if it does
    /// neither, it is given up like any other, after a full grace from the start on.
    private func restore(_ logon: SessionLogon, _ entry: UnsafeMutablePointer<SessionEntry>) {
        unsafe entry.pointee.state = .orphaned
        unsafe entry.pointee.token = logon.token
        unsafe entry.pointee.nonce = logon.nonce
        unsafe entry.pointee.source = logon.source
        unsafe entry.pointee.heartbeatMillis = logon.heartbeatMillis
        unsafe entry.pointee.logonFlags = UInt8(truncatingIfNeeded: logon.flags)
        unsafe entry.pointee.usesExtendedReports =
            logon.flags & RecordFlags.extendedReports != 0
        unsafe entry.pointee.lastHeardNanos = listeningNanos
    }
}
