// SPDX-License-Identifier: Apache-2.0
public import Hardware

/// Which thread runs where, and how it waits.
public struct ThreadPlan: Sendable {
    /// One thread of a shard.
    public struct Seat: Sendable {
        /// What the kernel shows.
        public var name: String
        /// Where it is kept; nil = where the kernel puts it.
        public var cpu: Int?
    }
    /// The host's profile, with what it left open chosen.
    public var host: HardwareProfile
    /// The gateway thread of each shard.
    public var gateway: [Seat] = []
    /// The engine thread of each shard; empty in `runToCompletion`.
    public var engine: [Seat] = []
    /// The journal thread of each shard; empty without a journal. It waits for a disk, not for
    /// nanoseconds: it sleeps between looks, and needs no core to itself.
    public var journal: [Seat] = []
    /// The mirror thread of each shard; empty without a cluster. Without a core
    /// of its own it sleeps between looks.
    public var mirror: [Seat] = []

    /// Chooses from what the configuration leaves open, on the machine that this process runs on.
    public init(_ configuration: Configuration) {
        self.init(
            configuration,
            host: configuration.host.completed(
                shards: configuration.shards, hasJournal: configuration.journal != nil))
    }

    /// The same on another machine, among `cpus`, which the process may use.
    public init(_ configuration: Configuration, machine: MachineFacts, cpus: [Int]) {
        self.init(
            configuration,
            host: configuration.host.completed(
                for: machine, cpus: cpus, shards: configuration.shards,
                hasJournal: configuration.journal != nil))
    }

    private init(_ configuration: Configuration, host: HardwareProfile) {
        self.host = host
        let shards = configuration.shards
        let roles = host.cpus
        gateway = Self.seats("nt-gateway", shards, roles.gateway)
        if host.mode == .pipeline { engine = Self.seats("nt-engine", shards, roles.engine) }
        if configuration.journal != nil {
            journal = Self.seats("nt-journal", shards, roles.journal)
        }
        if configuration.cluster != nil {
            mirror = Self.seats("nt-mirror", shards, roles.mirror)
        }
    }

    private static func seats(_ name: String, _ count: Int, _ cpus: [Int]) -> [Seat] {
        (0..<count).map { Seat(name: "\(name)-\($0)", cpu: cpus.isEmpty ? nil : cpus[$0]) }
    }

    /// `pipeline` or `runToCompletion`.
    public var mode: HardwareProfile.Mode { host.mode }
    /// Whether each polling thread has a core to itself.
    public var isBusy: Bool { host.polling == .busy }

    /// Whether a thread that others do not wait for polls busily too: only on a core of its own.
    func isBusy(_ seat: Seat) -> Bool { isBusy && seat.cpu != nil }

    /// A line for each thread.
    public var lines: [String] {
        func place(_ seat: Seat) -> String { seat.cpu.map { "core \($0)" } ?? "any core" }
        let way = isBusy ? "busy polling" : "adaptive polling"
        return (gateway + engine).map { seat in
            "\(seat.name)  \(place(seat)), \(way)"
        } + journal.map { "\($0.name)  \(place($0)), waits for the disk" }
            + journal.indices.map {
                "nt-segments-\($0), nt-history-\($0)  any core, when nobody else wants it"
            }
            + mirror.map { "\($0.name)  \(place($0)), \(isBusy($0) ? way : "adaptive polling")" }
    }
}
