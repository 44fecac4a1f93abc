// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Hardware
internal import Pipeline
internal import Platform
internal import Testing

/// A machine of two nodes with two cores each, and a profile on it.
private struct TwoNodes {
    let machine: MachineFacts

    init() throws {
        let root = FileManager.default.temporaryDirectory
            .appendingPathComponent("placement-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in [
            ("cpu/online", "0-3"), ("node/online", "0-1"), ("node/node0/cpulist", "0-1"),
            ("node/node1/cpulist", "2-3"),
        ] {
            let file = root.appendingPathComponent("sys/devices/system/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("\(text)\n".utf8).write(to: file)
        }
        machine = MachineFacts.read(root: root.path)
    }

    func plan(gateway: Int, engine: Int) -> ThreadPlan {
        var configuration = Configuration()
        configuration.host.mode = .pipeline
        configuration.host.polling = .busy
        configuration.host.cpus.gateway = [gateway]
        configuration.host.cpus.engine = [engine]
        return ThreadPlan(configuration, machine: machine, cpus: [0, 1, 2, 3])
    }

    func placement(_ plan: ThreadPlan, portNode: Int?, running: [Int]? = nil) -> Placement {
        let seats = plan.gateway + plan.engine
        return Placement(
            plan: plan, portNode: portNode.map(NUMANode.init(rawValue:)),
            threads: seats.map { Placement.Thread(seat: $0, way: "busy polling", shard: 0) },
            memory: [], machine: machine,
            running: seats.enumerated().map {
                RunningThread(name: $1.name, cpus: [running?[$0] ?? $1.cpu!])
            })
    }
}

@Suite struct `The placement` {
    @Test func `is quiet about threads that are near each other and the port`() throws {
        let nodes = try TwoNodes()
        let found = nodes.placement(nodes.plan(gateway: 2, engine: 3), portNode: 1)
        #expect(found.warnings == [])
        #expect(
            found.lines == [
                "nt-gateway-0  core 2 of node 1, busy polling",
                "nt-engine-0  core 3 of node 1, busy polling",
            ])
    }

    @Test func `warns of threads far from the port`() throws {
        let nodes = try TwoNodes()
        let found = nodes.placement(nodes.plan(gateway: 0, engine: 1), portNode: 1)
        #expect(
            found.warnings == [
                "nt-gateway-0 is on node 0, and the port is on node 1",
                "nt-engine-0 is on node 0, and the port is on node 1",
            ])
    }

    @Test func `warns of an engine far from its shard's memory`() throws {
        let nodes = try TwoNodes()
        let found = nodes.placement(nodes.plan(gateway: 0, engine: 2), portNode: nil)
        #expect(found.warnings == ["nt-engine-0 is on node 1, and shard 0's memory on node 0"])
    }

    @Test func `warns of a thread that is not where it was put`() throws {
        let nodes = try TwoNodes()
        let found = nodes.placement(
            nodes.plan(gateway: 2, engine: 3), portNode: 1, running: [3, 3])
        #expect(found.warnings == ["nt-gateway-0 was put on core 2, and may run on [3]"])
    }

    @Test func `tells where memory really is`() throws {
        let nodes = try TwoNodes()
        let memory = try HugePages(byteCount: 1 << 20, preferred: .small)
        let region = MemoryRegion(name: "log", memory)
        let found = Placement(
            plan: nodes.plan(gateway: 2, engine: 3), portNode: nil, threads: [],
            memory: [.init(region: region, shard: 0)], machine: nodes.machine, running: [])
        let place = region.pagesByNode().keys.map { "node \($0.rawValue)" }
        #expect(place.count <= 1, "a small region lies on one node")
        #expect(
            found.lines == ["memory  log 0: 1 MB in 4 KB pages, \(place.first ?? "node unknown")"])
        // This machine has it on node 0, and the profile's gateway is on node 1.
        #expect(found.warnings.count == place.count)
    }
}
