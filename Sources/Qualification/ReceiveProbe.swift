// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
public import NICGateway
internal import Pipeline
public import Platform
internal import Synchronization
internal import Wire

/// The gateway's receive path on a thread of its own, up to the decoded record, and nothing behind
/// it: no log, no engine, no reports.
///
/// Threading: made, asked and ended by one thread; the port's queue 0 belongs to it meanwhile.
public final class ReceiveProbe {
    /// What the core counts, by any thread.
    public let counters: GatewayCounters
    private let state: State
    private let thread: PinnedThread
    private let clock: CycleClock

    /// Starts to receive. `configuration` says address and UDP port; sessions, epoch and rings are
    /// those of the traffic. A busy probe never gives its core away. Throws when there is no memory
    /// or no thread to be had.
    public init(
        _ port: Port, _ configuration: GatewayConfiguration, _ traffic: ProbeTraffic,
        cpu: Int? = nil, isBusy: Bool, clock: CycleClock
    ) throws(PlatformError) {
        var configuration = configuration
        configuration.epoch = ProbeTraffic.epoch
        configuration.sessionCapacity = traffic.sessions
        configuration.publicGroup = nil
        configuration.shardCount = 1
        configuration.messagesPerSecond = 0
        configuration.reportWindow = 1_024
        let log = try LogRing<LogRecord>(capacity: 1_024)
        let events = try LogRing<Event>(capacity: 4_096)
        let counters = try ShardCounters(shard: 0).gateway
        var core = GatewayCore(
            configuration: configuration, queue: port.queue(0), macAddress: port.macAddress,
            capabilities: port.capabilities, sequencer: Sequencer(ring: log),
            records: log.gatingReader("reports"), events: events.gatingReader("reports"),
            clock: clock, counters: counters)
        core.becomeProbe(token: ProbeTraffic.token, source: ProbeTraffic.source)
        self.counters = counters
        let state = State()
        self.state = state
        self.clock = clock
        thread = try PinnedThread(name: "nt-probe", cpu: cpu, owning: core) { core in
            EAL.registerThread()
            defer { EAL.unregisterThread() }
            var idle = isBusy ? IdleStrategy.busy : .adaptive
            while !state.isStopping.load(ordering: .relaxed) {
                let hasWorked = core.pollProbe()
                if hasWorked {
                    state.lastCycles.store(clock.nowCycles, ordering: .relaxed)
                } else {
                    state.emptyPolls.wrappingAdd(1, ordering: .relaxed)
                }
                idle.idle(worked: hasWorked)
            }
        }
    }

    /// Datagrams that were taken so far.
    public var received: UInt64 { counters[.datagramsTaken] }
    /// When something was received last, in the clock's cycles; 0 before.
    public var lastCycles: UInt64 { state.lastCycles.load(ordering: .relaxed) }

    /// How often it looked and found nothing.
    public var emptyPolls: UInt64 { state.emptyPolls.load(ordering: .relaxed) }

    /// Ends it. Nanoseconds that it spent in polls which found something.
    public func finish() -> UInt64 {
        state.isStopping.store(true, ordering: .relaxed)
        thread.join()
        return clock.nanos(counters.intakeCycles)
    }

    deinit { _ = finish() }

    private final class State: Sendable {
        let isStopping = Atomic(false)
        let lastCycles = Atomic<UInt64>(0)
        let emptyPolls = Atomic<UInt64>(0)
    }
}
