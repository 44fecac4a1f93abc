// SPDX-License-Identifier: Apache-2.0
import Wire

/// Where a session stands at the gateway.
enum SessionState: UInt8, BitwiseCopyable {
    /// Nobody is logged on.
    case closed
    /// A logon is in the log and not yet answered.
    case opening
    /// Orders are taken.
    case open
    /// Its end is in the log and not yet told.
    case closing
    /// Open in the log that this process recovered; the client has not come back yet.
    case orphaned

    /// Whether there is anybody to tell.
    @inline(__always) var hasClient: Bool { self != .closed && self != .orphaned }
}

/// The gateway's cache of one session: three cache lines, intake, output, the rest.
///
/// What must survive a fail-over is in the engine's state; all of this can be made anew from there
/// and from the client's next datagram.
@safe struct SessionEntry: BitwiseCopyable {
    // Intake.
    /// Low bits of the next session sequence.
    var expectedSequence: UInt32 = 1
    var token: UInt32 = 0
    /// Address << 16 | port, host order.
    var source: UInt64 = 0
    /// Theoretical arrival time of the next message under the narrow limit (see `Throttle`).
    var throttleNanos: UInt64 = 0
    /// The same under the wide limit.
    var wideThrottleNanos: UInt64 = 0
    /// In the core's listening time.
    var lastHeardNanos: UInt64 = 0
    /// First datagram held out of order; 0 = none.
    var heldHead: UInt16 = 0
    var heldCount: UInt16 = 0
    var state = SessionState.closed
    var usesExtendedReports = false
    /// Something moved that no report has told the client yet.
    var owesAcknowledgement = false
    var linkByteCount: UInt8 = 0
    /// When the last gap report left, and for which expected sequence.
    var gapReportNanos: UInt64 = 0
    var gapReportSequence: UInt32 = 0
    var heartbeatMillis: UInt32 = 0

    // Output.
    /// The datagram being filled.
    var datagram: Packet?
    var datagramByteCount: Int32 = 0
    var datagramMessageCount: UInt16 = 0
    var reserved: UInt16 = 0
    var datagramFirstSequence: UInt32 = 0
    /// Low bits of the next report sequence.
    var nextReportSequence: UInt32 = 1
    /// Highest session sequence whose command is committed and answered.
    var committedThrough: UInt32 = 0
    /// Highest report that the client says it has.
    var reportsReceivedThrough: UInt32 = 0
    /// Sequence in the event ring of the last report of this session; 0 = none.
    var lastReportEvent: UInt64 = 0
    var lastSentNanos: UInt64 = 0
    var nextResendNanos: UInt64 = 0

    // The rest.
    var nonce: UInt64 = 0
    /// Reports from here on are wanted after the logon; 0 = only new ones.
    var resumeReportSequence: UInt32 = 0
    var logonFlags: UInt8 = 0
    /// When the client may be told again that the epoch is another.
    var nextEpochNoticeNanos: UInt64 = 0

    @inline(__always) var heartbeatNanos: UInt64 { UInt64(heartbeatMillis) &* 1_000_000 }
}

/// All sessions of a shard, numbered 1…capacity, and the head of a frame to each of them.
///
/// SAFETY: both regions are initialised from `init` to `deinit` for 0…capacity; entries are reached
/// by numbers that `contains` has let through.
@safe struct SessionTable: ~Copyable {
    let capacity: UInt32
    private let entries: UnsafeMutablePointer<SessionEntry>
    private let heads: UnsafeMutableRawPointer
    /// Bytes kept for the head of a frame: Ethernet, two VLAN tags, IPv4, UDP is 50.
    static let headByteCount = 64

    init(capacity: UInt32) {
        self.capacity = capacity
        let count = Int(capacity) + 1
        unsafe entries = UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<SessionEntry>.stride, alignment: 64
        ).bindMemory(to: SessionEntry.self, capacity: count)
        unsafe entries.initialize(repeating: SessionEntry(), count: count)
        unsafe heads = UnsafeMutableRawPointer.allocate(
            byteCount: count * Self.headByteCount, alignment: 64)
        unsafe heads.initializeMemory(
            as: UInt8.self, repeating: 0, count: count * Self.headByteCount)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe heads.deallocate()
    }

    @inline(__always) func contains(_ session: UInt32) -> Bool {
        session &- 1 < capacity
    }

    /// The entry of a session that `contains` has let through.
    @inline(__always)
    func entry(_ session: UInt32) -> UnsafeMutablePointer<SessionEntry> {
        assert(contains(session), "session \(session) is not 1…\(capacity)")
        return unsafe entries + Int(session)
    }

    /// Ethernet to UDP header of a frame to that session, lengths left open.
    @inline(__always)
    func head(_ session: UInt32) -> UnsafeMutableRawPointer {
        assert(contains(session), "session \(session) is not 1…\(capacity)")
        return unsafe heads + Int(session) * Self.headByteCount
    }
}
