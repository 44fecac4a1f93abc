// SPDX-License-Identifier: Apache-2.0
public import CommandLog
public import NICGateway
public import Platform
internal import Synchronization
public import Wire

//  The composition root: one shard from port to port.
//
//    1 port ─▶ 2 gateway core ─▶ 3 log ─▶ 4 engine core ─▶ 5 events ─▶ 6 gate ─▶ 2 ─▶ 1
//
//  `pipeline`: 2 and 4 are two threads; `runToCompletion`: one thread polls both in turn. The same
//  bytes come out. Nothing is allocated after `start()`.
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
        let isMakingSegments = Atomic<Bool>(true)
    }

    /// How the threads are laid out.
    public let plan: ThreadPlan
    /// For each shard: what its gateway core counts.
    public private(set) var counters: [GatewayCounters] = []
    /// For each shard: how far its engine has come.
    public private(set) var progress: [EngineProgress] = []
    /// For each shard: the ring of its log, for observers.
    public private(set) var logs: [LogRing<LogRecord>] = []
    /// For each shard: how far its journal is; empty without a journal.
    public private(set) var journals: [JournalStatus] = []
    /// For each shard: where its journal lies and how it is written.
    public private(set) var journalDescriptions: [String] = []
    /// For each shard: what its journal gave back at the start; empty without a journal.
    public private(set) var recovered: [RecoveredLog] = []
    /// What memory could not be had as wished.
    public private(set) var warnings: [String] = []
    private let control = Control()
    private var threads: [PinnedThread] = []
    private var halves: [(core: Cell<GatewayCore>, loop: Cell<EngineLoop>)] = []
    private var writers: [(journal: Journal<FileStorage>, maker: PinnedThread?)] = []
    private var seats: [(seat: ThreadPlan.Seat, body: @Sendable () -> Void)] = []

    /// Builds everything over an open port with a queue for each shard. Nothing runs yet.
    public init(
        _ configuration: Configuration, port: Port, cpus: [Int] = Affinity.allowedCPUs()
    ) throws {
        plan = ThreadPlan(configuration, cpus: cpus)
        let clock = CycleClock.calibrated()
        let steering =
            configuration.shards > 1 ? try Steering(shardCount: configuration.shards) : nil
        for shard in 0..<configuration.shards {
            let node = plan.gateway[shard].cpu.flatMap { NUMATopology().node(ofCPU: $0) }
            let built = try Shard(
                number: UInt32(shard), configuration, queue: port.queue(shard),
                macAddress: port.macAddress, capabilities: port.capabilities, clock: clock,
                node: node, steering: steering)
            warnings += built.warnings
            logs.append(built.log)
            progress.append(built.progress)
            counters.append(built.core.counterBlock)
            if let journal = built.journal, let found = built.recovered {
                journals.append(journal.status)
                recovered.append(found)
                journalDescriptions.append(built.journalDescription ?? "")
            }
            prepare(built, number: shard)
        }
    }

    /// Moves a shard into the closure that will start its threads.
    private func prepare(_ shard: consuming Shard, number: Int) {
        let control = control
        let idle = plan.isBusy ? IdleStrategy.busy : IdleStrategy.adaptive
        func thread(_ seat: ThreadPlan.Seat, poll: @escaping @Sendable () -> Bool) {
            let body: @Sendable () -> Void = {
                EAL.registerThread()
                var idle = idle
                // Relaxed: it only says when to end; `join` orders what the thread did.
                while !control.isStopping.load(ordering: .relaxed) {
                    idle.idle(worked: poll())
                }
                EAL.unregisterThread()
            }
            seats.append((seat, body))
        }
        if let journal = shard.journal {
            writers.append((journal, nil))
            seats.append((plan.journal[number], Self.journalBody(journal, control)))
        }
        let core = Cell(shard.core)
        let loop = Cell(shard.loop)
        halves.append((core, loop))
        guard plan.mode == .pipeline else {
            thread(plan.gateway[number]) {
                let hasReceived = core.value.pollIntake()
                let hasApplied = loop.value.poll()
                return core.value.pollOutput() || hasReceived || hasApplied
            }
            return
        }
        thread(plan.engine[number]) { loop.value.poll() }
        thread(plan.gateway[number]) { core.value.poll() }
    }

    private static func journalBody(
        _ journal: Journal<FileStorage>, _ control: Control
    ) -> @Sendable () -> Void {
        {
            var idle = IdleStrategy.adaptive
            while !control.isStopping.load(ordering: .relaxed) {
                journal.turn(&idle)
            }
        }
    }

    /// Makes segments ahead, away from everybody who waits.
    private static func makerBody(
        _ journal: Journal<FileStorage>, _ control: Control
    ) -> @Sendable () -> Void {
        {
            while control.isMakingSegments.load(ordering: .relaxed) {
                journal.maker.turn()
            }
        }
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

    /// Cycles spent in the stages of a shard's gateway core, and in its engine: not between
    /// `start()` and `stop()`.
    public func cycles(shard: Int) -> (gateway: StageCycles, engine: UInt64) {
        precondition(threads.isEmpty, "asked before the start or after the end")
        return (halves[shard].core.value.stages, halves[shard].loop.value.cycles)
    }

    /// Starts the threads: all of them, or none when one cannot be had.
    public func start() throws(PlatformError) {
        for index in writers.indices {
            writers[index].maker = try PinnedThread(
                name: "nt-segments-\(index)", cpu: nil,
                body: Self.makerBody(writers[index].journal, control))
        }
        for (seat, body) in seats {
            do throws(PlatformError) {
                threads.append(try PinnedThread(name: seat.name, cpu: seat.cpu, body: body))
            } catch {
                stop()
                throw error
            }
        }
        seats = []
    }

    /// Ends the threads and waits for them. The port may be closed after it.
    public func stop() {
        control.isStopping.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        // What is in the log is applied, so that sequence and hash belong together.
        for (_, loop) in halves { while loop.value.poll() {} }
        threads = []
        // The last records go to disk before anybody is told that this has ended.
        for (journal, _) in writers { _ = journal.drain() }
        control.isMakingSegments.store(false, ordering: .relaxed)
        for (_, maker) in writers { maker?.join() }
        writers = []
    }
}
