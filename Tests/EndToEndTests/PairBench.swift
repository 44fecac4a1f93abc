// SPDX-License-Identifier: Apache-2.0
import Foundation

//    host 1                 clients                 host 2
//    gw0 ═════════════ br0 10.77.0.1 ═════════════ gw0     both are 10.77.0.2
//    m0 10.78.0.1 ═══════════ mirror ═══════════════ m0 10.78.0.2

/// Two hosts of a pair and their clients, each in a network namespace of its own.
final class PairBench {
    private let hosts: [Child]
    private let clients: Child
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
        let own = Self.namespace("self")
        let made = try (0..<3).map { _ in try Child(["unshare", "--net", "sleep", "300"]) }
        clients = made[2]
        hosts = Array(made[..<2])
        for side in made {
            let isThere = eventually(withinSeconds: 20) {
                let its = Self.namespace("\(side.pid)")
                return its != nil && its != own && side.commandName == "sleep"
            }
            guard isThere else { throw BenchError(description: "no network namespace") }
        }
        try must(clientPrefix, "ip link add br0 type bridge")
        for (index, host) in hosts.enumerated() {
            let name = "h\(index + 1)"
            try must(Self.enter(host), "ip link set lo up")
            try must(
                Self.enter(host), "ip link add gw0 type veth peer name \(name) netns \(clients.pid)"
            )
            try must(Self.enter(host), "ethtool -K gw0 tx off gso off tso off gro off")
            try must(Self.enter(host), "ip link set gw0 up")
            try must(clientPrefix, "ethtool -K \(name) tx off gso off tso off gro off")
            try must(clientPrefix, "ip link set \(name) master br0")
            try must(clientPrefix, "ip link set \(name) up")
        }
        try must(clientPrefix, "ip link set br0 up")
        try must(clientPrefix, "ip address add 10.77.0.1/24 dev br0")
        try must(
            Self.enter(hosts[0]),
            "ip link add m0 type veth peer name m0 netns \(hosts[1].pid)")
        for (index, host) in hosts.enumerated() {
            try must(Self.enter(host), "ip address add 10.78.0.\(index + 1)/24 dev m0")
            try must(Self.enter(host), "ip link set m0 up")
        }
    }

    deinit { for side in hosts + [clients] { side.kill() } }

    /// To put before a command, so that it runs where the clients are.
    var clientPrefix: [String] { Self.enter(clients) }

    /// The folder of a host's shard.
    func shard(_ host: Int) -> String { "\(folder.path)/journal\(host)/shard-0" }

    /// Starts host 1 or 2. Does not wait.
    func gateway(_ host: Int) throws -> RunningGateway {
        let runtime = "\(folder.path)/runtime\(host)"
        try FileManager.default.createDirectory(
            atPath: runtime, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/arbiter", withIntermediateDirectories: true)
        return try RunningGateway(
            port: "af_packet:gw0",
            prefix: Self.enter(hosts[host - 1]) + ["env", "RUNTIME_DIRECTORY=\(runtime)"],
            configuration: configuration(host))
    }

    /// Lets segments go as soon as it may.
    private func configuration(_ host: Int) -> String {
        """
        port: PORT
        address: 10.77.0.2
        macAddress: 02:4e:54:00:00:0\(host)
        packetMemoryMB: 0
        polling: adaptive
        mode: runToCompletion
        rings: {logRecords: 16384, events: 16384}
        engine: {orderCapacity: 65536}
        sessions: {capacity: 16}
        commit: mirrored
        journal:
          folder: \(folder.path)/journal\(host)
          segmentMB: 1
          snapshotEvery: 10000
          snapshotsKept: 2
          oldSegments: delete
        cluster:
          host: \(host)
          peer: \(3 - host)
          listen: 10.78.0.\(host):7471
          peerAddress: 10.78.0.\(3 - host):7471
          transport: tcp
          takeOverMillis: 2000
          soloMillis: 2000
          arbiter: {file: \(folder.path)/arbiter}
        instruments:
          - {number: 1, symbol: DEMO, lowestPriceTicks: 90000, highestPriceTicks: 110000}
        """
    }

    private static func namespace(_ process: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }

    private static func enter(_ side: Child) -> [String] {
        ["nsenter", "--net=/proc/\(side.pid)/ns/net", "--"]
    }

    private func must(_ prefix: [String], _ command: String) throws {
        let result = try run(prefix + command.split(separator: " ").map(String.init))
        guard result.status == 0 || command.hasPrefix("ethtool") else {
            throw BenchError(description: "\(command): \(result.output)")
        }
    }
}
