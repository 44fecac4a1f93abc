// SPDX-License-Identifier: Apache-2.0
public import Hardware
public import NICGateway
public import Platform

/// Where the threads and the memory of a running gateway really are, as the kernel says, and what
/// of it is not where it should be.
public struct Placement: Sendable {
    /// A thread as it was planned.
    public struct Thread: Sendable {
        var seat: ThreadPlan.Seat
        /// How it waits, for a person.
        var way: String
        /// Its shard; nil = not on the order path.
        var shard: Int?

        /// From its parts.
        public init(seat: ThreadPlan.Seat, way: String, shard: Int? = nil) {
            self.seat = seat
            self.way = way
            self.shard = shard
        }
    }
    /// Memory, and the shard that works on it; nil: the packets of all.
    public struct Memory: Sendable {
        var region: MemoryRegion
        var shard: Int?

        /// From its parts.
        public init(region: MemoryRegion, shard: Int? = nil) {
            self.region = region
            self.shard = shard
        }
    }
    /// For each shard the node on which its memory should be; nil = its thread may run anywhere.
    private let homes: [NUMANode?]
    /// The node of the port's card; nil = nobody knows.
    private let portNode: NUMANode?
    private let machine: MachineFacts

    /// A line for each thread and each piece of memory.
    public private(set) var lines: [String] = []
    /// What is remote, or not where it was put. Empty: all is well.
    public private(set) var warnings: [String] = []

    /// Asks the kernel where things are. `running` are the threads of this process.
    public init(
        plan: ThreadPlan, portNode: NUMANode?, threads: [Thread], memory: [Memory],
        machine: MachineFacts = .read(), running: [RunningThread] = RunningThread.readAll()
    ) {
        self.machine = machine
        self.portNode = portNode
        homes = plan.gateway.map { seat in seat.cpu.flatMap { Self.node(of: $0, machine) } }
        for thread in threads {
            add(thread, running.last { $0.name == String(thread.seat.name.prefix(15)) })
        }
        for piece in memory { add(piece) }
    }

    private static func node(of cpu: Int, _ machine: MachineFacts) -> NUMANode? {
        machine.nodes.first { $0.cpus.contains(cpu) }?.node
    }

    private mutating func add(_ thread: Thread, _ running: RunningThread?) {
        let name = thread.seat.name
        guard let cpus = running?.cpus else {
            lines.append("\(name)  is not running, \(thread.way)")
            warnings.append("\(name) is not there: the kernel knows no thread of that name")
            return
        }
        let nodes = Set(cpus.compactMap { Self.node(of: $0, machine) })
        var place = "any of \(cpus.count) cores"
        if let cpu = thread.seat.cpu {
            place = "core \(cpu)"
            if cpus != [cpu] {
                warnings.append("\(name) was put on core \(cpu), and may run on \(cpus)")
            }
        }
        if nodes.count == 1, let node = nodes.first { place += " of node \(node.rawValue)" }
        lines.append("\(name)  \(place), \(thread.way)")
        guard let shard = thread.shard, nodes.count == 1, let node = nodes.first else { return }
        if let portNode, node != portNode {
            warnings.append(
                "\(name) is on node \(node.rawValue), and the port is on node \(portNode.rawValue)")
        } else if let home = homes[shard], node != home {
            warnings.append(
                "\(name) is on node \(node.rawValue), and shard \(shard)'s memory on node "
                    + "\(home.rawValue)")
        }
    }

    private mutating func add(_ piece: Memory) {
        let name = piece.shard.map { "\(piece.region.name) \($0)" } ?? piece.region.name
        let found = piece.region.pagesByNode().sorted { $0.key < $1.key }
        let total = found.reduce(0) { $0 + $1.value }
        var place = found.map { "\($0.value * 100 / max(1, total)) % on node \($0.key.rawValue)" }
            .joined(separator: ", ")
        if found.count == 1 { place = "node \(found[0].key.rawValue)" }
        if found.isEmpty { place = "node unknown" }
        lines.append(
            "memory  \(name): \(Self.size(piece.region.byteCount)) in \(piece.region.pages) pages, "
                + place)
        let home = piece.shard.map { homes[$0] } ?? portNode ?? homes.first ?? nil
        if let home, found.contains(where: { $0.key != home }) {
            warnings.append("\(name) should be on node \(home.rawValue), and is: \(place)")
        }
    }

    private static func size(_ byteCount: Int) -> String {
        byteCount < 1 << 20 ? "\(byteCount >> 10) KB" : "\(byteCount >> 20) MB"
    }
}

extension Pipeline {
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
}
