// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

//    client: br0 10.77.0.1 ─┬─ veth ── gw0: host 1 ── m0 10.78.0.1 ─┐
//                           │                                     veth: the mirror
//                           └─ veth ── gw0: host 2 ── m0 10.78.0.2 ─┘
//
//  Both hosts take the address 10.77.0.2 when they speak.

/// Three namespaces, and a pair of gateways with an arbiter in a folder.
final class ClusterBench {
    let port = UInt16.random(in: 20_000..<30_000)
    private let client: Child
    private let hosts: [Child]
    private let folder: ScratchFolder
    /// Counters and control sockets lie in memory.
    private let runtime: [String]
    private(set) var running: [Child?] = [nil, nil]
    private let arbiter: String

    /// `arbiter` is a folder of both hosts, `file`, or one of each, for `manual`.
    init(arbiter: String = "file") throws {
        self.arbiter = arbiter
        let sides = try (0..<3).map { _ in try Child(["unshare", "--net", "sleep", "300"]) }
        client = sides[0]
        hosts = Array(sides[1...])
        folder = try ScratchFolder()
        let name = "/dev/shm/needletail-test-\(UUID().uuidString.prefix(8))"
        runtime = (1...2).map { "\(name)-\($0)" }
        for path in runtime + (1...2).map(decisions) {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        for side in sides {
            let isThere = eventually(withinSeconds: 20) {
                let its = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(side.pid)/ns/net")
                return its != nil && its != own && side.commandName == "sleep"
            }
            guard isThere else { throw BenchError(description: "no network namespace") }
        }
        try wire()
        for host in 1...2 {
            try configuration(host).write(
                toFile: file(host), atomically: true, encoding: .utf8)
        }
    }

    deinit {
        for child in running { child?.kill() }
        for side in hosts + [client] { side.kill() }
        for path in runtime { try? FileManager.default.removeItem(atPath: path) }
    }

    private func wire() throws {
        try must(client, "ip link add br0 type bridge")
        try must(client, "ip link set br0 up")
        try must(client, "ip link set lo up")
        for (index, host) in hosts.enumerated() {
            try must(host, "ip link set lo up")
            try must(host, "ip link add gw0 type veth peer name b\(index) netns \(client.pid)")
            try must(client, "ip link set b\(index) master br0")
            try must(host, "ethtool -K gw0 tx off gso off tso off gro off")
            try must(client, "ethtool -K b\(index) tx off gso off tso off gro off")
            try must(client, "ip link set b\(index) up")
            try must(host, "ip link set gw0 up")
        }
        try must(client, "ethtool -K br0 tx off gso off tso off gro off")
        try must(client, "ip address add 10.77.0.1/24 dev br0")
        try must(hosts[0], "ip link add m0 type veth peer name m0 netns \(hosts[1].pid)")
        for (index, host) in hosts.enumerated() {
            try must(host, "ip address add 10.78.0.\(index + 1)/24 dev m0")
            try must(host, "ip link set m0 up")
        }
    }

    private func must(_ side: Child, _ command: String) throws {
        let result = try run(Self.enter(side) + command.split(separator: " ").map(String.init))
        guard result.status == 0 || command.hasPrefix("ethtool") else {
            throw BenchError(description: "\(command): \(result.output)")
        }
    }

    private static func enter(_ side: Child) -> [String] {
        ["nsenter", "--net=/proc/\(side.pid)/ns/net", "--"]
    }

    private func file(_ host: Int) -> String { "\(folder.path)/host\(host).yaml" }
    /// A host's journals.
    func journal(_ host: Int) -> String { "\(folder.path)/journal\(host)" }

    private func decisions(_ host: Int) -> String {
        arbiter == "file" ? "\(folder.path)/arbiter" : "\(folder.path)/arbiter\(host)"
    }

    func configuration(_ host: Int) -> String {
        """
        port: af_packet:gw0
        address: 10.77.0.2
        udpPort: \(port)
        macAddress: 02:4e:54:00:00:0\(host)
        packetMemoryMB: 0
        packetBuffers: 8192
        polling: adaptive
        mode: runToCompletion
        rings: {logRecords: 16384, events: 65536}
        engine: {orderCapacity: 65536}
        sessions: {capacity: 16}
        commit: mirrored
        journal: {folder: \(journal(host)), segmentMB: 16}
        cluster:
          name: \(port)
          host: \(host)
          peer: \(3 - host)
          listen: 10.78.0.\(host):7471
          peerAddress: 10.78.0.\(3 - host):7471
          transport: tcp
          # Shared machines pause for longer than a pair of their own would.
          takeOverMillis: 2000
          soloMillis: 2000
          arbiter: {\(arbiter): \(decisions(host))}
        instruments:
          - {number: 1, symbol: TEST, lowestPriceTicks: 90000, highestPriceTicks: 110000}
        """
    }

    // MARK: Doing

    /// Starts a host by a command, `gateway` or `standby`.
    func start(_ host: Int, as command: String) throws {
        running[host - 1] = try Child(
            Self.enter(hosts[host - 1]) + ["env", "RUNTIME_DIRECTORY=\(runtime[host - 1])"]
                + [Machine.needletail, command, "--config", file(host), "--seconds", "240"])
    }

    /// Gives the second host the number of the first, as who copies a file does.
    func confuseNumbers() throws {
        try configuration(2)
            .replacing("  host: 2\n  peer: 1", with: "  host: 1\n  peer: 2")
            .write(toFile: file(2), atomically: true, encoding: .utf8)
    }

    /// Starts both, and waits until they are a pair.
    func startPair() throws {
        try start(1, as: "gateway")
        try start(2, as: "standby")
        try #require(becomes(1, "primary", inSync: true), "\(outputs)")
        try #require(becomes(2, "standby", inSync: true), "\(outputs)")
    }

    /// Takes the link between the two hosts down, or up again.
    func cutMirror(_ isCut: Bool) throws {
        try must(hosts[0], "ip link set m0 \(isCut ? "down" : "up")")
    }

    /// Takes the arbiter's folder away, or puts it back.
    func hideArbiter(_ isHidden: Bool) throws {
        let (there, away) = (decisions(1), decisions(1) + "-away")
        try FileManager.default.moveItem(
            atPath: isHidden ? there : away, toPath: isHidden ? away : there)
    }

    /// Whether anybody says to a client that asks for it where the gateways' address lives.
    func answersForAddress() throws -> Bool {
        try must(client, "ip neigh flush dev br0")
        let ask = Self.enter(client) + ["bash", "-c", "echo > /dev/udp/10.77.0.2/9; sleep 0.5"]
        _ = try run(ask)
        return try run(Self.enter(client) + ["ip", "neigh", "show", "10.77.0.2"])
            .output.contains("lladdr")
    }

    func kill(_ host: Int) {
        running[host - 1]?.kill()
        running[host - 1] = nil
    }

    /// Asks a host to end, as an operator does.
    func stop(_ host: Int) throws -> Outcome {
        let child = try #require(running[host - 1])
        child.signal(SIGTERM)
        return try child.wait(seconds: 60)
    }

    /// `needletail cluster …` on a host.
    func cluster(_ host: Int, _ words: String...) throws -> Outcome {
        try cluster(host, words, configuration: file(host))
    }

    /// Asks a host for a planned switch-over; again where it was called off, which a machine with
    /// other things to do comes to.
    func switchOver(_ host: Int) throws -> Outcome {
        var outcome = try cluster(host, "switchover")
        for _ in 0..<10 where outcome.output.contains("was called off") {
            outcome = try cluster(host, "switchover")
        }
        return outcome
    }

    /// The same with another configuration than the gateway's.
    func cluster(_ host: Int, _ words: [String], configuration: String) throws -> Outcome {
        try run(
            ["env", "RUNTIME_DIRECTORY=\(runtime[host - 1])", Machine.needletail, "cluster"]
                + words + ["--config", configuration])
    }

    /// A file that differs from a host's in the name of the pair alone.
    func foreignConfiguration(_ host: Int) throws -> String {
        let path = "\(folder.path)/foreign.yaml"
        try configuration(host).replacing("name: \(port)", with: "name: another pair")
            .write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// How a host says that it stands; nil while it says nothing.
    func status(_ host: Int) -> [String: Any]? {
        guard let outcome = try? cluster(host, "status", "--json"), outcome.status == 0,
            let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        else { return nil }
        return (object as? [String: Any])?["gateway"] as? [String: Any]
    }

    func becomes(_ host: Int, _ role: String, inSync: Bool) -> Bool {
        eventually(withinSeconds: 60) {
            let status = status(host)
            return status?["role"] as? String == role && status?["inSync"] as? Bool == inSync
        }
    }

    /// Begins to send orders.
    func load(rate: Int, seconds: Int) throws -> Child {
        let lab = Machine.executables.appendingPathComponent("needletail-lab").path
        return try Child(
            Self.enter(client) + [lab, "load", "--gateway", "10.77.0.2:\(port)"]
                + ["--sessions", "2", "--rate", "\(rate)", "--seconds", "\(seconds)"]
                + ["--warm-up", "0"])
    }

    /// What both wrote, for a failure.
    var outputs: String {
        running.enumerated().map { "host \($0 + 1):\n\($1?.output ?? "not running")" }
            .joined(separator: "\n")
    }
}
