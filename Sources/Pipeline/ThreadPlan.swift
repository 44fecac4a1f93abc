// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Which thread runs where, and how it waits.
public struct ThreadPlan: Sendable {
    /// One thread of a shard.
    public struct Seat: Sendable {
        /// What the kernel shows.
        public var name: String
        /// Where it is kept; nil = where the kernel puts it.
        public var cpu: Int?
    }
    /// `pipeline` or `runToCompletion`.
    public var mode: Configuration.Mode
    /// Whether each polling thread has a core to itself.
    public var isBusy: Bool
    /// The gateway thread of each shard.
    public var gateway: [Seat]
    /// The engine thread of each shard; empty in `runToCompletion`.
    public var engine: [Seat]
    /// The journal thread of each shard; empty without a journal. It waits for a disk, not for
    /// nanoseconds: it sleeps between looks, and needs no core to itself.
    public var journal: [Seat]

    /// Chooses from what the configuration leaves open. One processor is left to everybody else.
    public init(_ configuration: Configuration, cpus: [Int]) {
        let shards = configuration.shards
        let free = max(0, cpus.count - 1)
        switch configuration.mode {
        case .auto: mode = free >= 2 * shards ? .pipeline : .runToCompletion
        case .pipeline, .runToCompletion: mode = configuration.mode
        }
        let threads = mode == .pipeline ? 2 * shards : shards
        switch configuration.polling {
        // The journal's disk works too: a core that never pauses keeps the kernel's workers waiting
        // that end its writes.
        case .auto: isBusy = free >= threads + (configuration.journal == nil ? 0 : 1)
        case .busy: isBusy = true
        case .adaptive: isBusy = false
        }
        // From the top: the system's own work gathers on the first processors. What the
        // configuration names is taken.
        let named = Set(configuration.gatewayCPUs + configuration.engineCPUs)
        let unnamed = cpus.reversed().filter { !named.contains($0) }
        var chosen = Array(unnamed.prefix(isBusy ? threads : 0))
        func take() -> Int? { chosen.isEmpty ? nil : chosen.removeFirst() }
        gateway = []
        engine = []
        journal = []
        if configuration.journal != nil {
            journal = (0..<shards).map { Seat(name: "nt-journal-\($0)", cpu: nil) }
        }
        for shard in 0..<shards {
            let cpu = configuration.gatewayCPUs.isEmpty ? take() : configuration.gatewayCPUs[shard]
            gateway.append(Seat(name: "nt-gateway-\(shard)", cpu: cpu))
        }
        guard mode == .pipeline else { return }
        for shard in 0..<shards {
            let cpu = configuration.engineCPUs.isEmpty ? take() : configuration.engineCPUs[shard]
            engine.append(Seat(name: "nt-engine-\(shard)", cpu: cpu))
        }
    }

    /// A line for each thread.
    public var lines: [String] {
        let way = isBusy ? "busy polling" : "adaptive polling"
        return (gateway + engine).map { seat in
            let place = seat.cpu.map { "core \($0)" } ?? "any core"
            return "\(seat.name)  \(place), \(way)"
        } + journal.map { "\($0.name)  any core, waits for the disk" }
            + journal.indices.map {
                "nt-segments-\($0), nt-history-\($0)  any core, when nobody else wants it"
            }
    }
}
