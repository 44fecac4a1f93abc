// SPDX-License-Identifier: Apache-2.0
internal import Hardware
public import CommandLog
internal import Glibc
public import NICGateway
public import Platform
public import RDMAReplica
internal import Synchronization
public import Wire

//  The composition root: one shard from port to port.
//
//    1 port ─▶ 2 gateway core ─▶ 3 log ─▶ 4 engine core ─▶ 5 events ─▶ 6 gate ─▶ 2 ─▶ 1
//
//  `pipeline`: 2 and 4 are two threads; `runToCompletion`: one thread polls both in turn. The same
//  bytes come out, and neither allocates after `start()`. With a journal there are three threads
//  more: its own, the maker of its files, and the history, which may allocate. A mirror has one.
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
    /// For each shard: how far its mirror is; empty without a mirror.
    public private(set) var mirrors: [MirrorStatus] = []
    /// For each shard: what its mirror runs over and to whom.
    public private(set) var mirrorDescriptions: [String] = []
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
    private var memory: [[MemoryRegion]] = []
    private let control = Control()
    private var halves: [(core: Cell<GatewayCore>, loop: Cell<EngineLoop>)] = []
    private var journalWriters: [Journal<FileStorage>] = []
    private var mirrorSenders: [MirrorSender] = []
    private var pollers: [Role] = []
    private var segmentMakers: [Role] = []
    private var lookingBack: [Role] = []
    private var threads: [PinnedThread] = []
    private var makers: [PinnedThread] = []
    private var historians: [PinnedThread] = []

    /// Builds everything over an open port with a queue for each shard. Nothing runs yet. The plan
    /// is that of the configuration on this machine, unless somebody made it already. With a folder
    /// (`CountersFolders.forWriting`), other processes can see the counters.
    public init(
        _ configuration: Configuration, port: Port, plan: ThreadPlan? = nil,
        countersFolder: String? = nil
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
            prepare(shard, number: number)
        }
    }

    private func describe(_ shard: borrowing Shard) {
        warnings += shard.warnings
        memory.append(shard.memory)
        logs.append(shard.log)
        events.append(shard.events)
        progress.append(shard.progress)
        counters.append(shard.core.counterBlock)
        if let mirror = shard.mirror {
            mirrors.append(mirror.status)
            mirrorDescriptions.append(mirror.description ?? "")
        }
        guard let journal = shard.journal, let found = shard.recovered else { return }
        journals.append(journal.status)
        recovered.append((found, shard.recoveredFrom))
        journalDescriptions.append(shard.journalDescription ?? "")
        if let history = shard.history { snapshots.append(history.snapshots) }
    }

    /// Moves a shard into the closures that its threads will run.
    private func prepare(_ shard: consuming Shard, number: Int) {
        let idle = plan.isBusy ? IdleStrategy.busy : IdleStrategy.adaptive
        if let journal = shard.journal, let history = shard.history {
            journalWriters.append(journal)
            prepareJournal(journal, history, number: number)
        }
        if let mirror = shard.mirror { prepareMirror(mirror, number: number) }
        let core = Cell(shard.core)
        let loop = Cell(shard.loop)
        halves.append((core, loop))
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

    private func prepareMirror(_ mirror: MirrorSender, number: Int) {
        let control = control
        let seat = plan.mirror[number]
        let idle = plan.isBusy(seat) ? IdleStrategy.busy : IdleStrategy.adaptive
        let turns = turns(of: seat)
        mirrorSenders.append(mirror)
        pollers.append(
            Role(seat: seat) {
                var idle = idle
                while !control.isStopping.load(ordering: .relaxed) {
                    let hasWorked = mirror.poll()
                    turns.count(worked: hasWorked)
                    idle.idle(worked: hasWorked)
                }
            })
    }

    /// Polls both halves of every shard once, on the calling thread: before `start()` only.
    @discardableResult
    public func pollBeforeStart() -> Bool {
        precondition(threads.isEmpty, "once started, the threads poll")
        var hasWorked = false
        for (core, loop) in halves {
            hasWorked = core.value.pollIntake() || hasWorked
            hasWorked = loop.value.poll() || hasWorked
            hasWorked = core.value.pollOutput() || hasWorked
        }
        return hasWorked
    }

    /// Polls the gateway half of shard 0 alone, for a benchmark of intake: before `start()` only.
    public func pollGatewayBeforeStart() -> Bool {
        precondition(threads.isEmpty, "once started, the threads poll")
        return halves[0].core.value.poll()
    }

    /// Where threads and memory are, once started.
    public func placement(of port: Port) -> Placement {
        let way = plan.isBusy ? "busy polling" : "adaptive polling"
        var seats: [Placement.Thread] = []
        for (shard, seat) in plan.gateway.enumerated() {
            seats.append(.init(seat: seat, way: way, shard: shard))
        }
        for (shard, seat) in plan.engine.enumerated() {
            seats.append(.init(seat: seat, way: way, shard: shard))
        }
        for seat in plan.mirror {
            let isBusy = plan.isBusy(seat)
            seats.append(.init(seat: seat, way: isBusy ? way : "adaptive polling"))
        }
        for seat in plan.journal { seats.append(.init(seat: seat, way: "waits for the disk")) }
        for shard in plan.journal.indices {
            for name in ["nt-segments-\(shard)", "nt-history-\(shard)"] {
                seats.append(.init(seat: .init(name: name), way: "when nobody else wants it"))
            }
        }
        let pieces =
            port.memory.map { Placement.Memory(region: $0) }
            + memory.enumerated().flatMap { shard, regions in
                regions.map { Placement.Memory(region: $0, shard: shard) }
            }
        return Placement(plan: plan, portNode: port.node, threads: seats, memory: pieces)
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
        // The last records go to disk before anybody is told that this has ended. Without makers
        // nothing ran, and nothing is to be drained.
        if !makers.isEmpty { for journal in journalWriters { _ = journal.drain() } }
        for mirror in mirrorSenders {
            _ = mirror.drain()
            mirror.close()
        }
        mirrorSenders = []
        // What is in the log is applied, so that sequence and hash belong together; told too, for a
        // full ring of events holds the engine up.
        for (core, loop) in halves {
            while loop.value.poll() || core.value.pollOutput() {}
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
