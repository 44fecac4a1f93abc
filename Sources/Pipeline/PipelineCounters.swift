// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
internal import Hardware
internal import NICGateway
internal import Platform

/// The counters of a whole gateway: one region, which may be a file that `needletail top` reads.
///
/// What the hot threads know they write themselves; everything else is looked at here, by the
/// thread that calls `sample`, a few times a second.
final class PipelineCounters: @unchecked Sendable {
    let region: CountersRegion
    let shards: [ShardCounters]
    let turns: [ThreadTurns]
    /// Why there is no file, if one was wanted.
    let warning: String?
    private let port: Port
    private let clock: CycleClock
    private let sampled: CounterCell
    private let cpuNanos: [String: CounterCell]
    private let portCells: PortCells
    private let sampledShards: [SampledShard]

    /// Counters for the shards and threads of a plan over an open port, in a file of `folder`, or,
    /// without one, for this process alone.
    init(
        _ configuration: Configuration, threads: ThreadPlan, port: Port, clock: CycleClock,
        folder: String?
    ) throws(PlatformError) {
        var plan = CountersPlan()
        var places: [ShardCounters.Places] = []
        for shard in 0..<UInt32(configuration.shards) {
            places.append(ShardCounters.plan(shard: shard, &plan))
        }
        let names = (threads.gateway + threads.engine + threads.journal + threads.mirror).map(
            \.name)
        let turnPlaces = names.map { ThreadTurns.plan($0, &plan) }
        plan.beginWriter()
        let sampledPlace = plan.add("sample.utc", .gauge, unit: .nanos)
        let cpuPlaces = names.map { plan.add("thread.\($0).cpu", unit: .nanos) }
        let portPlaces = PortCells.plan(port, &plan)
        let shardPlaces = places.indices.map {
            SampledShard.plan(
                shard: UInt32($0), hasJournal: configuration.journal != nil, &plan)
        }
        let identity = Self.identity(configuration, threads, port, clock)
        (region, warning) = try Self.region(plan, identity, folder)
        let region = region
        shards = places.map { ShardCounters(region, $0) }
        turns = turnPlaces.map { ThreadTurns(region, $0) }
        sampled = region.cell(sampledPlace)
        cpuNanos = Dictionary(
            uniqueKeysWithValues: zip(names, cpuPlaces.map { region.cell($0) }))
        portCells = PortCells(region, portPlaces)
        sampledShards = shardPlaces.map { SampledShard(region, $0) }
        self.port = port
        self.clock = clock
    }

    private static func identity(
        _ configuration: Configuration, _ threads: ThreadPlan, _ port: Port, _ clock: CycleClock
    ) -> CountersIdentity {
        var identity = CountersIdentity()
        identity.startedNanos = clock.utcNanos()
        identity.processID = UInt32(getpid())
        identity.ipv4Address = configuration.ipv4Address
        identity.udpPort = configuration.udpPort
        identity.shardCount = UInt16(configuration.shards)
        identity.nanosPerCycleQ48 = clock.nanosPerCycleQ48
        identity.port = configuration.port
        identity.driver = port.driverName
        identity.mode = threads.mode.rawValue
        return identity
    }

    /// The gateway goes on without a file.
    private static func region(
        _ plan: CountersPlan, _ identity: CountersIdentity, _ folder: String?
    ) throws(PlatformError) -> (CountersRegion, warning: String?) {
        guard let folder else { return (try CountersRegion(plan, identity: identity), nil) }
        CountersFolders.removeStale(in: folder)
        do throws(PlatformError) {
            return (try CountersRegion(plan, identity: identity, folder: folder), nil)
        } catch {
            return (try CountersRegion(plan, identity: identity), error.description)
        }
    }

    /// Looks at everything that no hot thread counts. One thread, while the port is open.
    func sample(_ pipeline: Pipeline, threads: [PinnedThread]) {
        for thread in threads {
            if let cell = cpuNanos[thread.name], let nanos = thread.cpuNanos { cell.store(nanos) }
        }
        portCells.sample(port)
        for (shard, cells) in sampledShards.enumerated() { cells.sample(pipeline, shard: shard) }
        sampled.store(clock.utcNanos())
    }
}

/// A port's numbers: ours and the driver's own.
private struct PortCells {
    struct Places {
        let first: CounterPlace
        let linkUp: CounterPlace
        let extended: [CounterPlace]
    }

    /// In the order of `values`.
    private static let names: [(name: String, unit: CounterUnit)] = [
        ("receivedPackets", .count), ("receivedBytes", .bytes), ("transmittedPackets", .count),
        ("transmittedBytes", .bytes), ("receiveMissed", .count), ("receiveErrors", .count),
        ("receiveNoBuffer", .count), ("transmitErrors", .count),
    ]
    private let first: CounterCell
    private let linkUp: CounterCell
    private let extended: [CounterCell]

    static func plan(_ port: Port, _ plan: inout CountersPlan) -> Places {
        let places = names.map { plan.add("port.\($0.name)", unit: $0.unit) }
        return Places(
            first: places[0], linkUp: plan.add("port.linkUp", .gauge),
            extended: port.extendedStatisticNames.map { plan.add("xstat.\($0)") })
    }

    init(_ region: CountersRegion, _ places: Places) {
        first = region.cell(places.first)
        linkUp = region.cell(places.linkUp)
        extended = places.extended.map { region.cell($0) }
    }

    func sample(_ port: Port) {
        let counted = port.statistics
        let values = [
            counted.receivedPackets, counted.receivedBytes, counted.transmittedPackets,
            counted.transmittedBytes, counted.receiveMissed, counted.receiveErrors,
            counted.receiveNoBuffer, counted.transmitErrors,
        ]
        for (index, value) in values.enumerated() { first.next(index).store(value) }
        linkUp.store(counted.isLinkUp ? 1 : 0)
        for (cell, value) in zip(extended, port.extendedStatistics(extended.count)) {
            cell.store(value)
        }
    }
}

/// Rings, gate and journal of a shard, as they are at one moment.
private struct SampledShard {
    /// Everything that gates the log, and so may fill it.
    private static let gates = ["engine", "reports", "journal", "mirror"]
    private static let names =
        ["log.published", "log.capacity", "log.used", "events.capacity", "events.used"]
        + gates.map { "log.behind.\($0)" } + ["commit.isDurable"]
    private static let journalNames = [
        "journal.durable", "journal.lag", "journal.isShortOfSpace", "journal.hasFailed",
        "journal.snapshot",
    ]
    private let cells: CounterCell
    private let journal: CounterCell?

    static func plan(
        shard: UInt32, hasJournal: Bool, _ plan: inout CountersPlan
    ) -> (CounterPlace, journal: CounterPlace?) {
        let places = names.map { plan.add($0, .gauge, shard: shard) }
        guard hasJournal else { return (places[0], nil) }
        return (places[0], journalNames.map { plan.add($0, .gauge, shard: shard) }[0])
    }

    init(_ region: CountersRegion, _ places: (CounterPlace, journal: CounterPlace?)) {
        cells = region.cell(places.0)
        journal = places.journal.map { region.cell($0) }
    }

    func sample(_ pipeline: Pipeline, shard: Int) {
        let log = pipeline.logs[shard]
        let published = log.publishedSequence
        var behind: [String: UInt64] = [:]
        for gate in log.gatingReaders {
            // It may have gone on since.
            behind[gate.name] = published - min(published, gate.releasedSequence)
        }
        let ring = pipeline.events[shard]
        let reported = pipeline.counters[shard].eventsReportedSequence
        let told = ring.publishedSequence
        let values: [UInt64] =
            [
                published, UInt64(log.capacity), behind.values.max() ?? 0,
                UInt64(ring.capacity - pipeline.reportWindow), told - min(told, reported),
            ] + Self.gates.map { behind[$0] ?? 0 }
            + [pipeline.commitPolicies[shard] == .durable ? 1 : 0]
        for (index, value) in values.enumerated() { cells.next(index).store(value) }
        guard let journal else { return }
        let status = pipeline.journals[shard]
        let durable = status.durable.load()
        let numbers: [UInt64] = [
            durable, published - min(published, durable), status.isShortOfSpace ? 1 : 0,
            status.hasFailed ? 1 : 0, pipeline.snapshots[shard].last?.sequence ?? 0,
        ]
        for (index, value) in numbers.enumerated() { journal.next(index).store(value) }
    }
}
