// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Engine
public import NICGateway
public import Platform
public import RDMAReplica
public import Wire

/// One host of a pair without threads: everything that `Pipeline` gives to threads, a turn of each
/// at its caller's word. Whoever drops it has killed it. For simulations; of one shard.
///
/// Threading: one thread.
public final class ClusterHost {
    /// What is around it.
    public struct Surroundings {
        /// Its card, open as long as the host.
        public var port: Port
        /// Time.
        public var clock: CycleClock
        /// Where it asks who speaks.
        public var arbiter: any ArbiterDesk
        /// The way to the other host's memory.
        public var connector: MirrorSender.Connector
        /// Where the other host asks for this one's.
        public var acceptor: any MirrorAcceptor
        /// Its disk.
        public var openStorage: OpenStorage

        /// All of it.
        public init(
            port: Port, clock: CycleClock, arbiter: any ArbiterDesk,
            connector: @escaping MirrorSender.Connector, acceptor: any MirrorAcceptor,
            openStorage: @escaping OpenStorage
        ) {
            self.port = port
            self.clock = clock
            self.arbiter = arbiter
            self.connector = connector
            self.acceptor = acceptor
            self.openStorage = openStorage
        }
    }

    /// What has a thread of its own elsewhere, or half of one.
    public enum Piece: CaseIterable, Sendable {
        /// The gateway core's first half.
        case intake
        /// Its second.
        case output
        /// The matching loop.
        case engine
        /// Who writes to disk.
        case journal
        /// Who makes files ahead.
        case segments
        /// Snapshots and old reports.
        case history
        /// Who writes to the standby.
        case mirror
        /// Who waits for the primary.
        case listener
        /// Who decides.
        case driver
    }

    /// How far its journal is, and whether it has failed.
    public let journalStatus: JournalStatus
    /// The ring of its log.
    public let log: LogRing<LogRecord>
    /// What its journal gave back at the start.
    public let recovered: RecoveredLog
    /// Public reports up to the snapshot that its start went on from: it has them no more.
    public let recoveredReportCount: UInt64
    /// Its place in the pair.
    public let cluster: ClusterMembership
    /// Who is served as its standby, and how far that is.
    public var mirror: MirrorStatus { shardMirror.status }
    /// What operators ask of it, as over its control socket. Who waits for an answer when the host
    /// is killed does not keep it.
    public let admin: AdminControl
    /// Looks at the calendar, and waits for the engine: the same is true of it. Nil without one.
    public let lookAtCalendar: (() -> Void)?
    /// How its snapshots get on.
    public let snapshots: SnapshotProgress
    private let journal: Journal<FileStorage>
    private let history: ShardHistory
    private let shardMirror: ShardMirror
    private let duty: ShardDuty
    private var core: ReplicaCore
    private var loop: EngineLoop

    /// Recovers what is on its disk, and stands ready. Throws as a gateway's start does. The
    /// configuration has a cluster, a journal and one shard.
    public init(_ configuration: Configuration, _ around: Surroundings) throws {
        var shard = try Shard(
            number: 0, configuration, queue: around.port.queue(0),
            macAddress: around.port.macAddress, capabilities: around.port.capabilities,
            clock: around.clock, openStorage: around.openStorage, connector: around.connector)
        try shard.open()
        guard let settings = configuration.cluster, let journal = shard.journal,
            let history = shard.history, let member = shard.member, let opening = shard.opening,
            let recovered = shard.recovered
        else { preconditionFailure("a host of a pair has a cluster and a journal") }
        self.journal = journal
        self.history = history
        self.recovered = recovered
        recoveredReportCount = shard.recoveredReportCount
        journalStatus = journal.status
        snapshots = history.snapshots
        log = shard.log
        duty = member.duty
        let policy = configuration.commitPolicy(shard: 0)
        shardMirror = ShardMirror(
            member.sender, duty: member.duty, progress: shard.progress,
            snapshots: member.snapshots(history.snapshots), clock: around.clock)
        cluster = ClusterMembership(
            settings, policy: policy,
            members: [
                ClusterMembership.Member(
                    duty: member.duty, mirror: shardMirror, successor: member.successor,
                    journal: journal.status, log: shard.log, firstEpoch: shard.firstEpoch)
            ],
            arbiter: around.arbiter, arbiterDescription: "simulated",
            listener: MirrorListener([around.acceptor]), death: nil, clock: around.clock)
        admin = AdminControl(
            desks: [opening.desk], cluster: cluster, isKept: true,
            calendar: configuration.calendar)
        let mailbox = shard.mailbox
        let progress = shard.progress
        lookAtCalendar = configuration.calendar.map { [cluster] calendar in
            var clerk = CalendarClerk(
                calendar, desks: [opening.desk], progress: [progress], cluster: cluster)
            return { clerk.turn() }
        }
        core = ReplicaCore(
            shard.core, duty: member.duty, settings: settings, successor: member.successor,
            shard: 0, policy: policy, journal: journal.status, history: mailbox,
            progress: progress, opening: opening, clock: around.clock, node: nil)
        loop = shard.loop
    }

    /// A turn of one piece. False when it had nothing to do.
    @discardableResult
    public func turn(_ piece: Piece) -> Bool {
        switch piece {
        case .intake: return core.pollIntake()
        case .output: return core.pollOutput()
        case .engine: return loop.poll()
        case .journal: return journal.poll()
        case .segments: return journal.maker.poll()
        case .history: return history.turn()
        case .mirror: return shardMirror.poll()
        case .listener:
            cluster.listen(timeoutMillis: 0)
            return false
        case .driver:
            cluster.turn()
            return false
        }
    }

    /// An orderly end, as a gateway has it that comes back as a standby: the mirror is closed, and
    /// what is published is made durable, if the disk takes it in so many turns. False when not.
    public func stop(turnCountMax: Int) -> Bool {
        shardMirror.close()
        journal.hurry()
        for _ in 0..<turnCountMax where !journal.isAtRest && !journalStatus.hasFailed {
            _ = journal.maker.poll()
            _ = journal.poll()
        }
        return journal.isAtRest && !journalStatus.hasFailed
    }

    // MARK: What it has come to

    /// The last record of its log.
    public var logEnd: RecordChain { core.core.logEnd }
    /// Nothing behind this has left the house.
    public var reachedSequence: UInt64 { duty.gate.reachedSequence }
    /// The last record that its epoch carried over; 0 before it has begun one.
    public var carriedSequence: UInt64 { duty.carried.lastSequence }
    /// What its gateway core's gate waits for.
    public var gateMode: GateMode { duty.gate.seenMode }
    /// The last record that its mirror has taken as validated by the standby.
    public var validatedSequence: UInt64 { duty.gate.validated.load() }
    /// The engine's state, when no command is half done: the hash behind the last record applied.
    public var appliedState: (sequence: UInt64, stateHash: UInt64)? {
        loop.engine.isComplete ? (loop.appliedSequence, loop.engine.stateHash) : nil
    }
    /// UTC seconds at which the next open order expires; nil when none does.
    public var nextExpirySeconds: UInt64? { loop.engine.nextExpirySeconds }
    /// What is wrong with the engine's state, between two commands; nil when nothing is.
    public var broken: String? { loop.engine.isComplete ? loop.engine.checkInvariants() : nil }
    /// What its gateway core counts.
    public var counters: GatewayCounters { core.core.counterBlock }
}
