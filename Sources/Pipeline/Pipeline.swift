// SPDX-License-Identifier: Apache-2.0
internal import Hardware
public import CommandLog
internal import Glibc
public import NICGateway
public import Platform
internal import Synchronization
public import Wire

//  The composition root: one shard from port to port.
//
//    1 port ─▶ 2 gateway core ─▶ 3 log ─▶ 4 engine core ─▶ 5 events ─▶ 6 gate ─▶ 2 ─▶ 1
//
//  `pipeline`: 2 and 4 are two threads; `runToCompletion`: one thread polls both in turn. The same
//  bytes come out, and neither allocates after `start()`. With a journal there are three threads
//  more: its own, the maker of its files, and the history, which may allocate. In a cluster there
//  is a mirror thread for each shard, and for all of them one that decides and one that listens.
//
//  SAFETY: each queue of the port goes to one shard; who opened the port closes it after `stop`.

/// A running gateway: its port, and for each shard a log, an engine and their threads.
public final class Pipeline {
    /// Where half of a shard lives; from `start` to `stop` its thread alone touches it.
    private final class Cell<Value: ~Copyable>: @unchecked Sendable {
        var value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    /// What the threads share with whoever started them.
    private final class Control: Sendable {
        let isStopping = Atomic<Bool>(false)
        /// Segments are made until the journal has drained.
        let isMakingSegments = Atomic<Bool>(true)
    }

    /// What is called of a shard.
    private struct Halves {
        var takeIn: @Sendable () -> Bool
        var apply: @Sendable () -> Bool
        var sendOut: @Sendable () -> Bool
        var close: @Sendable () -> Void
    }

    /// A thread that is to be started.
    private struct Role {
        var seat: ThreadPlan.Seat
        var body: @Sendable () -> Void

        func start() throws(PlatformError) -> PinnedThread {
            try PinnedThread(name: seat.name, cpu: seat.cpu, body: body)
        }
    }

    /// How the threads are laid out.
    public let plan: ThreadPlan
    /// For each shard: what its gateway core counts.
    public private(set) var counters: [GatewayCounters] = []
    /// For each shard: when its commands count as committed.
    public private(set) var commitPolicies: [CommitPolicy] = []
    /// For each shard: how far its engine has come.
    public private(set) var progress: [EngineProgress] = []
    /// For each shard: the ring of its log, for observers.
    public private(set) var logs: [LogRing<LogRecord>] = []
    private(set) var events: [LogRing<Event>] = []
    let reportWindow: Int
    /// For each shard: how far its journal is; empty without a journal.
    public private(set) var journals: [JournalStatus] = []
    /// For each shard: where its journal lies and how it is written.
    public private(set) var journalDescriptions: [String] = []
    /// For each shard: what its journal gave back at the start, and the sequence of the snapshot
    /// from which it was folded; empty without a journal.
    public private(set) var recovered: [(log: RecoveredLog, snapshotSequence: UInt64)] = []
    /// For each shard: how its snapshots get on; empty without a journal.
    public private(set) var snapshots: [SnapshotProgress] = []
    /// Activates rules when an operator asks for it.
    public var rules: RulesControl {
        RulesControl(desks: desks, journals: journals, cluster: cluster)
    }
    private(set) var desks: [ShardDesk] = []
    private(set) var calendar: TradingCalendar?
    /// The pair that this gateway belongs to; nil when it is alone.
    public private(set) var cluster: ClusterMembership?
    /// How often each polling thread has gone round: gateway, engine, journal and mirror threads.
    /// One that stands still hangs.
    public var threadTurns: [ThreadTurns] { pipelineCounters.turns }
    /// The counters file, if there is one.
    public var countersPath: String? { pipelineCounters.region.path }
    /// All counters, as a tool sees them.
    public let view: CountersView
    private let pipelineCounters: PipelineCounters
    /// Which snapshots could not be used, and what a journal's folder is not fit for.
    public private(set) var warnings: [String] = []
    /// Where the shards' memory is, all of it.
    public var regions: [MemoryRegion] { memory.flatMap { $0 } }
    /// For each shard: where its memory is.
    private(set) var memory: [[MemoryRegion]] = []
    private let control = Control()
    private var halves: [Halves] = []
    private var journalWriters: [Journal<FileStorage>] = []
    private var members: [ClusterMembership.Member] = []
    private var pollers: [Role] = []
    private var segmentMakers: [Role] = []
    private var lookingBack: [Role] = []
    private var threads: [PinnedThread] = []
    private var makers: [PinnedThread] = []
    private var historians: [PinnedThread] = []

    /// Builds everything over an open port with a queue for each shard. Nothing runs yet. The plan
    /// is that of the configuration on this machine, unless somebody made it already. With a folder
    /// (`CountersFolders.forWriting`), other processes can see the counters. The watchdog is that
    /// of this process, where there is one.
    public init(
        _ configuration: Configuration, port: Port, plan: ThreadPlan? = nil,
        countersFolder: String? = nil, watchdog: Watchdog? = nil
    ) throws {
        let plan = plan ?? ThreadPlan(configuration)
        self.plan = plan
        reportWindow = configuration.reportWindow
        commitPolicies = (0..<UInt32(configuration.shards)).map {
            configuration.commitPolicy(shard: $0)
        }
        let clock = CycleClock.calibrated()
        pipelineCounters = try PipelineCounters(
            configuration, threads: plan, port: port, clock: clock, folder: countersFolder)
        view = CountersView(pipelineCounters.region)
        if let warning = pipelineCounters.warning { warnings.append(warning) }
        let steering =
            configuration.shards > 1 ? try Steering(shardCount: configuration.shards) : nil
        if let settings = configuration.journal {
            try ShardRecovery.checkFolder(settings.folder, shards: configuration.shards)
        }
        let listener = try configuration.cluster?.listen(clock)
        let machine = MachineFacts.read()
        // All are made before one is opened: what is wrong with the last leaves the first alone.
        var made: [Cell<Shard?>] = []
        for shard in 0..<configuration.shards {
            let node = plan.gateway[shard].cpu.flatMap(machine.node(ofCPU:))
            made.append(
                Cell(
                    try Shard(
                        number: UInt32(shard), configuration, queue: port.queue(shard),
                        macAddress: port.macAddress, capabilities: port.capabilities,
                        clock: clock, node: node, steering: steering,
                        counters: pipelineCounters.shards[shard])))
        }
        for (number, cell) in made.enumerated() {
            guard var shard = cell.value.take() else { continue }
            try shard.open()
            describe(shard)
            prepare(shard, configuration, number: number)
        }
        calendar = configuration.calendar
        defer { prepareCalendar() }
        guard let settings = configuration.cluster, let listener else { return }
        cluster = try ClusterMembership(
            settings, policy: configuration.commitPolicy(shard: 0), members: members,
            listener: listener, watchdog: watchdog, clock: clock)
        prepareCluster()
    }

    private func describe(_ shard: borrowing Shard) {
        warnings += shard.warnings
        if let opening = shard.opening { desks.append(opening.desk) }
        memory.append(shard.memory)
        logs.append(shard.log)
        events.append(shard.events)
        progress.append(shard.progress)
        counters.append(shard.core.counterBlock)
        guard let journal = shard.journal, let found = shard.recovered else { return }
        journals.append(journal.status)
        recovered.append((found, shard.recoveredFrom))
        journalDescriptions.append(shard.journalDescription ?? "")
        if let history = shard.history { snapshots.append(history.snapshots) }
    }

    /// Moves a shard into the closures that its threads will run.
    private func prepare(
        _ shard: consuming Shard, _ configuration: Configuration, number: Int
    ) {
        if let journal = shard.journal, let history = shard.history {
            journalWriters.append(journal)
            prepareJournal(journal, history, number: number)
            if let member = shard.member, let opening = shard.opening,
                let settings = configuration.cluster
            {
                let mirror = ShardMirror(
                    member.sender, duty: member.duty, progress: shard.progress,
                    snapshots: member.snapshots(history.snapshots), clock: shard.clock)
                members.append(
                    ClusterMembership.Member(
                        duty: member.duty, mirror: mirror, successor: member.successor,
                        journal: journal.status, log: shard.log, firstEpoch: shard.firstEpoch))
                prepareMirror(mirror, number: number)
                let replica = ReplicaCore(
                    shard.core, duty: member.duty, settings: settings,
                    successor: member.successor,
                    shard: UInt32(number),
                    policy: configuration.commitPolicy(shard: UInt32(number)),
                    journal: journal.status, history: shard.mailbox, progress: shard.progress,
                    opening: opening, clock: shard.clock, node: shard.node)
                return prepare(Cell(replica), Cell(shard.loop), number: number)
            }
        }
        guard let opening = shard.opening else { preconditionFailure("a shard is opened first") }
        let alone = AloneCore(shard.core, opening: opening)
        prepare(Cell(alone), Cell(shard.loop), number: number)
    }

    private func prepare<Core: PolledCore & ~Copyable>(
        _ core: Cell<Core>, _ loop: Cell<EngineLoop>, number: Int
    ) {
        let idle = plan.isBusy ? IdleStrategy.busy : IdleStrategy.adaptive
        halves.append(
            Halves(
                takeIn: { core.value.pollIntake() }, apply: { loop.value.poll() },
                sendOut: { core.value.pollOutput() }, close: { core.value.close() }))
        guard plan.mode == .pipeline else {
            preparePoller(plan.gateway[number], idle) {
                let hasReceived = core.value.pollIntake()
                let hasApplied = loop.value.poll()
                return core.value.pollOutput() || hasReceived || hasApplied
            }
            return
        }
        preparePoller(plan.engine[number], idle) { loop.value.poll() }
        preparePoller(plan.gateway[number], idle) { core.value.poll() }
    }

    private func preparePoller(
        _ seat: ThreadPlan.Seat, _ idle: IdleStrategy, poll: @escaping @Sendable () -> Bool
    ) {
        let control = control
        let turns = turns(of: seat)
        pollers.append(
            Role(seat: seat) {
                EAL.registerThread()
                var idle = idle
                // Relaxed: it only says when to end; `join` orders what the thread did.
                while !control.isStopping.load(ordering: .relaxed) {
                    let hasWorked = poll()
                    turns.count(worked: hasWorked)
                    idle.idle(worked: hasWorked)
                }
                EAL.unregisterThread()
            })
    }

    private func turns(of seat: ThreadPlan.Seat) -> ThreadTurns {
        guard let turns = threadTurns.first(where: { $0.name == seat.name }) else {
            preconditionFailure("every polling thread has its counters")
        }
        return turns
    }

    /// Looks at what no polling thread counts (rings, port, journal, processor time), for whoever
    /// reads the counters: a few times a second, by one thread, as long as the port is open.
    public func sample() { pipelineCounters.sample(self, threads: threads) }

    /// What is done for the journal, away from everybody who waits: each has a thread.
    private func prepareJournal(
        _ journal: Journal<FileStorage>, _ history: ShardHistory, number: Int
    ) {
        let control = control
        let turns = turns(of: plan.journal[number])
        pollers.append(
            Role(seat: plan.journal[number]) {
                var idle = IdleStrategy.adaptive
                while !control.isStopping.load(ordering: .relaxed) {
                    turns.count(worked: journal.turn(&idle))
                }
            })
        lookingBack.append(
            Role(seat: .init(name: "nt-history-\(number)", cpu: nil)) {
                PinnedThread.giveWay()
                while !control.isStopping.load(ordering: .relaxed) {
                    if !history.turn() { usleep(5_000) }
                }
            })
        segmentMakers.append(
            Role(seat: .init(name: "nt-segments-\(number)", cpu: nil)) {
                while control.isMakingSegments.load(ordering: .relaxed) { journal.maker.turn() }
            })
    }

    private func prepareMirror(_ mirror: ShardMirror, number: Int) {
        let seat = plan.mirror[number]
        let isBusy = plan.isBusy(seat)
        preparePoller(seat, isBusy ? .busy : .adaptive) {
            let hasWorked = mirror.poll()
            if !isBusy { IdleStrategy.rest(nanos: mirror.restNanos) }
            return hasWorked
        }
    }

    /// Who decides looks some thousand times a second, and more often while anything changes. Where
    /// processors are shared it waits for no one: what it does is short, and others wait for it.
    private func prepareCluster() {
        guard let cluster else { return }
        let control = control
        pollers.append(
            Role(seat: .init(name: "nt-cluster")) {
                PinnedThread.comeFirst()
                while !control.isStopping.load(ordering: .relaxed) {
                    cluster.turn()
                    cluster.rest()
                }
            })
        lookingBack.append(
            Role(seat: .init(name: "nt-listen")) {
                while !control.isStopping.load(ordering: .relaxed) {
                    cluster.listen(timeoutMillis: 20)
                }
            })
    }

    /// Who looks at the calendar may be late by a moment, and waits for engines.
    private func prepareCalendar() {
        guard let calendar else { return }
        let control = control
        let clerk = Cell(
            CalendarClerk(calendar, desks: desks, progress: progress, cluster: cluster))
        lookingBack.append(
            Role(seat: .init(name: "nt-calendar")) {
                while !control.isStopping.load(ordering: .relaxed) {
                    clerk.value.turn()
                    usleep(20_000)
                }
            })
    }

    /// Polls all of every shard once, on the calling thread: before `start()` only.
    @discardableResult
    public func pollBeforeStart() -> Bool {
        precondition(threads.isEmpty, "once started, the threads poll")
        for journal in journalWriters { _ = journal.poll() || journal.maker.poll() }
        for member in members { _ = member.mirror.poll() }
        cluster?.turn()
        var hasWorked = false
        for shard in halves {
            hasWorked = shard.takeIn() || hasWorked
            hasWorked = shard.apply() || hasWorked
            hasWorked = shard.sendOut() || hasWorked
        }
        return hasWorked
    }

    /// Polls the gateway half of shard 0 alone, for a benchmark of intake: before `start()` only.
    public func pollGatewayBeforeStart() -> Bool {
        precondition(threads.isEmpty, "once started, the threads poll")
        let hasTaken = halves[0].takeIn()
        return halves[0].sendOut() || hasTaken
    }

    /// Starts the threads: all of them, or none when one cannot be had.
    public func start() throws(PlatformError) {
        do throws(PlatformError) {
            for role in segmentMakers { makers.append(try role.start()) }
            for role in pollers { threads.append(try role.start()) }
            for role in lookingBack { historians.append(try role.start()) }
        } catch {
            stop()
            throw error
        }
        segmentMakers = []
        pollers = []
        lookingBack = []
        sample()
    }

    /// Ends the threads and waits for them. The port may be closed after it.
    public func stop() {
        control.isStopping.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        threads = []
        // A primary need not miss this host first: it goes on without it from here on.
        for shard in halves { shard.close() }
        // The last records go to disk before anybody is told that this has ended. Without makers
        // nothing ran, and nothing is to be drained.
        if !makers.isEmpty { for journal in journalWriters { _ = journal.drain() } }
        cluster?.close()
        // What is in the log is applied, so that sequence and hash belong together; told too, for a
        // full ring of events holds the engine up.
        for shard in halves {
            while shard.apply() || shard.sendOut() {}
        }
        control.isMakingSegments.store(false, ordering: .relaxed)
        for maker in makers { maker.join() }
        makers = []
        journalWriters = []
        // A snapshot may take its time.
        for historian in historians { historian.join() }
        historians = []
    }
}
