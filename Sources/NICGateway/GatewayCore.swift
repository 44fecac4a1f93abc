// SPDX-License-Identifier: Apache-2.0
public import CommandLog
public import Platform
public import Wire

/// One RX queue, its sessions, and the one writer of its shard's log.
///
/// Threading: made anywhere, then `poll()`ed by one thread, which owns it until it ends.
/// SAFETY: buffers allocated in `init` live until `deinit`; `burst`, `spent` and `outbox` hold
/// packet buffers that are ours; none is used after it was given back or sent.
@safe public struct GatewayCore: ~Copyable, @unchecked Sendable {
    static let outboxCapacity = 512
    static let eventsPerPoll = 256
    /// Buffers that one event may begin: two sessions' and the public one.
    static let buffersPerEvent: UInt32 = 3
    /// Ethernet's 1,500 bytes: what a datagram with its IPv4 header may take.
    static let frameByteCountMax =
        FrameFields.udpPayloadByteCountMax + IPv4Head.byteCount

    var configuration: GatewayConfiguration
    let portMACAddress: MACAddress
    let writesUDPChecksum: Bool
    let queue: PortQueue
    let counters: GatewayCounters
    let stages: GatewayStages
    var clock: CycleClock
    /// When the clock takes the system's word for UTC again.
    var nextResyncNanos: UInt64 = 0
    var gate: CommitGate
    let throttle: Throttle
    let wideThrottle: Throttle
    let steering: Steering?
    /// Who makes reports again that are no longer in memory; nil without a journal.
    var history: ReportHistory?

    var sequencer: Sequencer
    var events: RingReader<Event>
    var records: RingReader<LogRecord>
    var sessions: SessionTable
    var reorderWindow: ReorderWindow
    var notes: ReportIndex
    var publicStream: PublicStream
    var filling: FillingSessions

    let burst: UnsafeMutablePointer<PacketPointer>
    var burstCount = 0
    var burstNext = 0
    let spent: UnsafeMutablePointer<PacketPointer>
    var spentCount = 0
    let outbox: UnsafeMutablePointer<PacketPointer>
    var outboxCount = 0
    let publicHead: UnsafeMutableRawPointer
    let resendTrail: UnsafeMutablePointer<UInt64>
    let resendPath: UnsafeMutablePointer<UInt64>

    /// UTC nanoseconds at the start of this poll.
    var nowNanos: UInt64 = 0
    /// Time in which this core listened: silence is measured by it, so that nobody is given up for
    /// what waited in the queue while the core itself was kept from running.
    var listeningNanos: UInt64 = 0
    var nextTickNanos: UInt64 = 0
    var timerSession: UInt32 = 0
    /// Open sessions of this round of the timer.
    var openSessionCount: UInt64 = 0
    /// Commands of before the start are being gone through: nothing is sent.
    var isRecovering = false
    /// Whether what comes in is taken; see GatewayCore+Standby.swift.
    public var takesIntake = true
    /// The command whose events are being reported; 0 between two.
    var commandSequence: UInt64 = 0
    var commandTimestampNanos: UInt64 = 0
    /// The operator's command whose outcome is waited for; 0 = none.
    var awaitedSequence: UInt64 = 0
    /// What is known of it so far.
    var awaitedAnswer = CommandAnswer(sequence: 0, reason: .none)
    /// What the last one came to, once that is committed.
    public internal(set) var commandAnswer: CommandAnswer?
    /// Messages are decoded and let go of; see `becomeProbe`.
    var isProbe = false
    /// The last one of them: nobody reads it, but what is not stored is not decoded either.
    var probed = LogRecord(kind: .newOrder)
    /// There is a limit on messages, or this is a probe: one question for each message.
    var isNotPlain: Bool
    /// When the oldest command was logged that this poll reports; 0 when it is nobody's order.
    var oldestReportedNanos: UInt64 = 0
    var reportCount = 0
    var reportedCommandCount = 0
    /// When the first half of this poll ended, if it took something in.
    var takenCycles: UInt64 = 0
    /// When the outbox was last looked at, to give it to the port.
    var leavingCycles: UInt64 = 0
    /// When the turn began of a core of a host of two, by the clock.
    public var turnCycles: UInt64 = 0
    /// Nothing leaves in a turn that has lasted longer; see GatewayCore+Standby.swift.
    public var stillNanosMax: UInt64 = .max

    /// A core over a queue of an open port. `records` is the gateway's own gating reader of the
    /// log: a record stays in the ring until its reports are out. The ring of events must be larger
    /// than the report window.
    public init(
        configuration: GatewayConfiguration, queue: PortQueue, macAddress: MACAddress,
        capabilities: PortCapabilities = PortCapabilities(),
        sequencer: consuming Sequencer, records: consuming RingReader<LogRecord>,
        events: consuming RingReader<Event>, clock: CycleClock, counters: GatewayCounters,
        steering: Steering? = nil
    ) {
        precondition(
            configuration.reportWindow + 1_024 <= events.capacity,
            "the ring of events holds the report window and room to work")
        self.configuration = configuration
        portMACAddress = macAddress
        // DPDK computes both checksums of a packet or none.
        writesUDPChecksum = capabilities.writesUDPChecksum && capabilities.writesIPv4Checksum
        self.queue = queue
        self.counters = counters
        stages = counters.stages
        self.clock = clock
        gate = CommitGate()
        throttle = Throttle(
            messagesPerSecond: configuration.messagesPerSecond, burst: configuration.messageBurst)
        isNotPlain = throttle.intervalNanos != 0
        wideThrottle = Throttle(
            messagesPerSecond: configuration.messagesPerSecond &* GatewayLimits.wideLimitFactor,
            burst: configuration.messageBurst &* GatewayLimits.wideLimitFactor)
        self.steering = steering
        self.sequencer = sequencer
        notes = ReportIndex(capacity: events.capacity)
        self.events = events
        self.records = records
        sessions = SessionTable(capacity: configuration.sessionCapacity)
        reorderWindow = ReorderWindow(
            capacity: GatewayLimits.heldDatagrams, limit: configuration.reorderWindow)
        publicStream = PublicStream(isOn: configuration.publicGroup != nil)
        filling = FillingSessions(capacity: Self.outboxCapacity)
        unsafe burst = .allocate(capacity: configuration.burstFrames)
        unsafe spent = .allocate(capacity: configuration.burstFrames)
        unsafe outbox = .allocate(capacity: Self.outboxCapacity)
        unsafe publicHead = .allocate(byteCount: SessionTable.headByteCount, alignment: 64)
        unsafe publicHead.initializeMemory(
            as: UInt8.self, repeating: 0, count: SessionTable.headByteCount)
        unsafe resendTrail = .allocate(capacity: GatewayLimits.reportsPerResend)
        unsafe resendTrail.initialize(repeating: 0, count: GatewayLimits.reportsPerResend)
        unsafe resendPath = .allocate(capacity: GatewayLimits.reportsPerResend)
        unsafe resendPath.initialize(repeating: 0, count: GatewayLimits.reportsPerResend)
        if let group = configuration.publicGroup {
            unsafe Self.writePublicHead(
                publicHead, configuration: configuration, group: group, source: macAddress)
        }
    }

    deinit {
        unsafe burst.deallocate()
        unsafe spent.deallocate()
        unsafe outbox.deallocate()
        unsafe publicHead.deallocate()
        unsafe resendTrail.deallocate()
        unsafe resendPath.deallocate()
    }

    /// What this core counts; readable by any thread.
    public var counterBlock: GatewayCounters { counters }

    /// Takes what came in, reports what is committed, and sends. Never waits. False when there was
    /// nothing to do.
    public mutating func poll() -> Bool {
        guard pollIntake() else { return pollOutput() }
        _ = pollOutput(start: takenCycles)
        return true
    }

    /// The first half of `poll`: what came in goes to the log. A core that runs the engine too
    /// does so between the halves, and a report leaves in the poll in which its order came.
    public mutating func pollIntake() -> Bool {
        let start = clock.nowCycles
        let previousNanos = nowNanos
        nowNanos = clock.utcNanos(at: start)
        takenCycles = start
        guard takesIntake else { return discard(answering: true) }
        // While the log is full, what clients say waits here: that is not their silence.
        if previousNanos != 0, burstNext == burstCount {
            listeningNanos &+= min(nowNanos &- previousNanos, GatewayLimits.listeningGapNanosMax)
        }
        sequencer.begin(nowNanos: nowNanos)
        let hasReceived = takeBurst()
        // Both in each poll: frames from other cores must not wait for an own queue to run dry.
        return takeSteered() || hasReceived
    }

    /// The second half of `poll`: reports, timers, transmission.
    public mutating func pollOutput() -> Bool { pollOutput(start: clock.nowCycles) }

    @inline(__always)
    private mutating func pollOutput(start: UInt64) -> Bool {
        gate.refresh()
        let hasReported = reportEvents()
        let commandCount = reportedCommandCount
        if commandCount > 0 {
            counters.add(.commandsReported, commandCount)
            counters.add(.reports, reportCount)
            reportedCommandCount = 0
            reportCount = 0
        }
        if nowNanos >= nextTickNanos {
            nextTickNanos = nowNanos &+ 1_000_000
            resyncClock()
            tick()
            sendHistory()
            sendPublicHeartbeat()
            hastenPublicTail()
        }
        flush()
        if publicStream.tail != nil {
            sendPublicTail()
        } else if outboxCount == 0 {
            gate.tell(toldSequence: records.nextSequence &- 1)
        }
        if hasReported {
            let sent = clock.nowCycles
            // Nothing has left where nobody was there to hear it.
            let sealed = leavingCycles >= start ? leavingCycles : sent
            note(stages.encode, from: start, to: sealed, commandCount)
            note(stages.transmit, from: sealed, to: sent, commandCount)
            noteCommitLatency(sentNanos: clock.utcNanos(at: sent))
        }
        return hasReported || publicStream.tail != nil
    }

    /// Once a second, for some microseconds: or the log's time would run away from UTC, by the
    /// error of the calibration and by all that the system clock is corrected.
    private mutating func resyncClock() {
        guard nowNanos >= nextResyncNanos else { return }
        nextResyncNanos = nowNanos &+ 1_000_000_000
        clock.resync()
    }

    /// One burst through a stage, from one value of the cycle counter to another.
    @inline(__always)
    func note(_ stage: StageMeter, from start: UInt64, to end: UInt64, _ commandCount: Int) {
        let cycles = end &- start
        stage.note(cycles: cycles, nanos: clock.nanos(cycles), commands: commandCount)
    }

    /// The stages of one burst of intake: the driver's burst came at `received`, its frames were
    /// records at `decoded`, the readers saw them at `published`, and the buffers are given back.
    @inline(__always)
    mutating func noteIntake(
        received: UInt64, decoded: UInt64, published: UInt64, commandCount: Int
    ) {
        let start = takenCycles
        let end = clock.nowCycles
        takenCycles = end
        note(stages.receive, from: start, to: end &- published &+ received, commandCount)
        note(stages.decode, from: received, to: decoded, commandCount)
        note(stages.sequence, from: decoded, to: published, commandCount)
    }

    /// One sample for this poll. The log's time may be ahead of the clock, when the one before this
    /// process was: then nothing can be said.
    @inline(__always)
    private func noteCommitLatency(sentNanos: UInt64) {
        guard oldestReportedNanos != 0, sentNanos > oldestReportedNanos else { return }
        counters.commitLatencies.record(nanos: sentNanos &- oldestReportedNanos)
    }

    /// Writes control commands at the head of the log: the epoch, the instruments. Before the first
    /// poll; false when the log has no room.
    public mutating func control(_ record: LogRecord, continuation: LogRecord?) -> Bool {
        guard sequencer.hasRoom(for: 2) else { return false }
        sequencer.begin(nowNanos: clock.utcNanos())
        if let continuation {
            sequencer.append(record, continuation: continuation)
        } else {
            sequencer.append(record)
        }
        sequencer.publish()
        return true
    }

    /// Waits for the outcome of an operator's command, which was just written.
    public mutating func awaitAnswer(to sequence: UInt64) {
        awaitedSequence = sequence
        awaitedAnswer = CommandAnswer(sequence: sequence, reason: .none)
    }

    private static func writePublicHead(
        _ head: UnsafeMutableRawPointer, configuration: GatewayConfiguration, group: UInt32,
        source: MACAddress
    ) {
        // The group's Ethernet address: 01:00:5e and the low 23 bits (RFC 1112).
        unsafe NetworkOrder.store16(0x0100, head, 0)
        unsafe NetworkOrder.store32(0x5E00_0000 | group & 0x007F_FFFF, head, 2)
        unsafe source.store(to: head + 6)
        unsafe NetworkOrder.store16(FrameFields.etherTypeIPv4, head, 12)
        let port = configuration.publicUDPPort &+ UInt16(truncatingIfNeeded: configuration.shard)
        unsafe IPv4Head.write(
            to: head + FrameFields.ethernetByteCount, source: configuration.ipv4Address,
            destination: group, sourcePort: port, destinationPort: port, timeToLive: 1)
    }
}
