// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a session is opened with. All times are nanoseconds of a monotonic clock.
public struct SessionSettings: Sendable {
    /// The session, from 1, as the gateway's configuration numbers it.
    public var session: UInt32
    /// Random: tells this logon from the one before it. Later logons derive theirs from it.
    public var nonce: UInt64
    /// Whether the gateway cancels the open orders when the session ends; since rules 3 not those
    /// good till cancel or till time.
    public var cancelOnDisconnect = false
    /// With `cancelOnDisconnect`: also those good till cancel or till time.
    public var cancelAllOnDisconnect = false
    /// Whether reports come in the 96-byte form.
    public var extendedReports = false
    /// The first report wanted; 0 = only new ones.
    public var nextReportSequence: UInt32 = 0
    /// A datagram goes out in every such interval; 0 = what the gateway says.
    public var heartbeatMillis: UInt16 = 0
    /// Bytes of a datagram, header included: 1,472 fits an Ethernet frame without fragments.
    public var datagramBytesMax = 1_472
    /// Messages kept until they are committed, at most: a power of two. Full = `submit` refuses.
    public var keptMessagesMax = 16_384
    /// Messages sent and not yet received by the gateway, at most.
    public var inFlightMessagesMax = 4_096
    /// Whether fewer messages are kept in flight after some were lost. A flood does not care.
    public var adaptsToLoss = true
    /// Datagrams of reports held beyond a gap, at most.
    public var heldDatagramsMax = 64
    /// A logon is repeated after this long without an answer.
    public var logonRetryNanos: UInt64 = 100_000_000
    /// Sent messages are repeated when nothing has moved for this long…
    public var resendNanos: UInt64 = 20_000_000
    /// … doubled each time up to this.
    public var resendNanosMax: UInt64 = 320_000_000
    /// Missing reports are asked for again when none came for this long, doubled up to a quarter of
    /// `resendNanosMax`.
    public var reportRetryNanos: UInt64 = 5_000_000
    /// Reports behind which no new message is taken: else a client with a bad network outruns what
    /// the gateway can still send again.
    public var reportBacklogMax = 8_192
    /// Unanswered reports that make an acknowledgement go out before the next heartbeat.
    public var acknowledgeEvery = 512

    /// The defaults for one session.
    public init(session: UInt32, nonce: UInt64) {
        self.session = session
        self.nonce = nonce
    }

    /// The flags of the logon.
    var logonFlags: UInt8 {
        (cancelOnDisconnect ? 1 : 0) | (extendedReports ? 2 : 0)
            | (cancelOnDisconnect && cancelAllOnDisconnect ? 4 : 0)
    }
}

/// Where a session is in its life.
public enum SessionPhase: Equatable, Sendable {
    /// Not asked to log on yet.
    case idle
    /// Logons go out until one is answered.
    case loggingOn
    /// Orders may go out.
    case open
    /// The gateway ended the session; reports up to its last are still being fetched.
    case closing(Reason)
    /// Over: logged out, timed out, rejected, taken over.
    case ended(Reason)
}

/// What a session has seen. Counts since it was made, over all its logons.
public struct SessionCounters: Equatable, Sendable {
    /// Messages given to `submit`.
    public var messagesSubmitted: UInt64 = 0
    /// Messages put into datagrams, repeats included.
    public var messagesSent: UInt64 = 0
    /// Messages put into datagrams again.
    public var messagesResent: UInt64 = 0
    /// Datagrams made.
    public var datagramsSent: UInt64 = 0
    /// Datagrams taken in and understood.
    public var datagramsReceived: UInt64 = 0
    /// Datagrams dropped: malformed, of another session, epoch or token.
    public var datagramsIgnored: UInt64 = 0
    /// Reports delivered, each once and in order.
    public var reportsDelivered: UInt64 = 0
    /// Reports that came again and were dropped.
    public var reportsDuplicated: UInt64 = 0
    /// Reports that came before their turn.
    public var reportsOutOfOrder: UInt64 = 0
    /// Reports that the gateway could not give any more.
    public var reportsLost: UInt64 = 0
    /// Gaps in the reports: resends asked for.
    public var resendRequests: UInt64 = 0
    /// Gaps in what we sent, as the gateway told.
    public var gapReports: UInt64 = 0
    /// Times nothing had moved for the resend interval.
    public var resendTimeouts: UInt64 = 0
    /// Logons sent, repeats included.
    public var logonsSent: UInt64 = 0
    /// Times that a silent gateway made the session log on again.
    public var reconnects: UInt64 = 0
    /// Times that the session went on with another process or host behind the gateway's address.
    public var epochChanges: UInt64 = 0

    /// All zero.
    public init() {}
}

/// A report as it is delivered: the long form, its tail zero when the gateway sends the short one.
public struct SessionReport: BitwiseCopyable, Sendable {
    /// The report.
    public var report: ExtendedExecutionReport
    /// Whether the fields beyond the core are there.
    public var isExtended: Bool

    /// A long report as it is, or one made from a short one.
    init(report: ExtendedExecutionReport, isExtended: Bool) {
        self.report = report
        self.isExtended = isExtended
    }

    init(core: ExecutionReport) {
        report = ExtendedExecutionReport(
            core: core, instrument: 0, account: 0, leavesLots: 0, executedLots: 0,
            commandSequence: 0, tradeIndex: 0, liquidity: 0)
        report.core.type = core.type
        isExtended = false
    }

    /// What both forms have.
    public var core: ExecutionReport { report.core }
}
