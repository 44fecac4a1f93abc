// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Platform
public import Wire

// The cache of sessions, the numbering of reports and the window of those that can be sent again,
// made anew from the log: its commands go through the same code as live ones, and nothing is sent.
// What was on the wire and not committed is for the clients to send again.
//
// SAFETY: entries are reached by session numbers that the engine has let through.

extension GatewayCore {
    /// Puts a command of the past back into the log, as it was. False when there is no room yet:
    /// poll the engine and `pollRecovery`, then try again. Before the first poll.
    public mutating func restore(_ record: LogRecord, continuation: LogRecord?) -> Bool {
        guard sequencer.hasRoom(for: 2) else { return false }
        sequencer.restore(record, continuation: continuation)
        return true
    }

    /// Goes through events of restored commands. False when there were none.
    public mutating func pollRecovery() -> Bool {
        isRecovering = true
        defer { isRecovering = false }
        let hasReported = reportEvents()
        reportedCommandCount = 0
        reportCount = 0
        return hasReported
    }

    /// Takes up a session as a snapshot has it, whose reports so far are not in memory. Before the
    /// first poll and the first restored command.
    public mutating func restoreSession(
        _ session: UInt32, expectedSequence: UInt64, reportSequence: UInt64, isLoggedOn: Bool,
        heartbeatMillis: UInt32, usesExtendedReports: Bool
    ) {
        precondition(sessions.contains(session), "a session of the table")
        let entry = unsafe sessions.entry(session)
        unsafe entry.pointee.expectedSequence = UInt32(truncatingIfNeeded: expectedSequence)
        unsafe entry.pointee.committedThrough = UInt32(truncatingIfNeeded: expectedSequence &- 1)
        unsafe entry.pointee.nextReportSequence = UInt32(truncatingIfNeeded: reportSequence &+ 1)
        unsafe entry.pointee.state = isLoggedOn ? .orphaned : .closed
        unsafe entry.pointee.heartbeatMillis = heartbeatMillis
        unsafe entry.pointee.usesExtendedReports = usesExtendedReports
    }

    /// Takes up the public stream behind so many reports. With `restoreSession`.
    public mutating func restorePublicStream(reportCount: UInt64) {
        publicStream.nextSequence = reportCount &+ 1
    }

    /// Ends the recovery, if there was one: from now on this epoch speaks, behind the gate of the
    /// journal, if there is one, and with its history. Before the first poll.
    public mutating func open(
        epoch: UInt32, policy: CommitPolicy, journal: JournalStatus?, history: ReportHistory?
    ) {
        configuration.epoch = epoch
        self.history = history
        counters.logUsedMax.store(0)
        counters.eventsUsedMax.store(0)
        guard let journal else { return }
        gate = CommitGate(policy: policy, journal: journal)
        sequencer.follow(journal)
    }

    /// A logon of the past: its client may come back, and if it does not, it is given up like any
    /// other, after a full grace from the start on.
    mutating func restoreSession(_ logon: UnsafePointer<LogRecord>) {
        let entry = unsafe sessions.entry(logon.pointee.session)
        unsafe entry.pointee.state = .orphaned
        unsafe entry.pointee.heartbeatMillis = logon.pointee.instrument
        unsafe entry.pointee.usesExtendedReports =
            logon.pointee.flags & RecordFlags.extendedReports != 0
    }
}
