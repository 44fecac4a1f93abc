// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

//  What the tests stand on: two network namespaces joined by a veth pair, as in `make run`.
//
//    client namespace                    gateway namespace
//    cl0 10.77.0.1 ═══════ veth ═══════ gw0, no address: the gateway under test is 10.77.0.2
//
//  A namespace is a process that sleeps in it, and ends by itself if the test dies.

/// What went wrong around a test rather than in the gateway.
struct BenchError: Error, CustomStringConvertible {
    let description: String
}

/// The executables under test, and what this machine lets us do.
enum Machine {
    /// The folder of `needletail`: NEEDLETAIL_BIN, or where the tests themselves were built.
    static let executables: URL = {
        if let folder = ProcessInfo.processInfo.environment["NEEDLETAIL_BIN"] {
            return URL(fileURLWithPath: folder)
        }
        return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent()
    }()
    static let needletail = executables.appendingPathComponent("needletail").path
    static let hasExecutables = FileManager.default.isExecutableFile(atPath: needletail)
    /// Whether they are a release build's.
    static let areOptimised = executables.lastPathComponent == "release"
    /// Whether namespaces and veth pairs can be made here.
    static let hasNamespaces =
        (try? run(["unshare", "--net", "ip", "link", "add", "nt0", "type", "veth"]).status) == 0
    /// Whether the kernel can tag frames (8021q); many small kernels cannot.
    static let hasVLAN =
        (try? run(
            ["unshare", "--net"]
                + ["ip", "link", "add", "link", "lo", "name", "v", "type", "vlan", "id", "7"]
        ).status) == 0
    /// The golden set, or nil where the data is not on this machine.
    static let goldenSet: String? = {
        let root =
            ProcessInfo.processInfo.environment["NEEDLETAIL_DATA"]
            ?? packageRoot.appendingPathComponent("../shared/data").path
        let folder = "\(root)/exchange_golden/small"
        return FileManager.default.fileExists(atPath: "\(folder)/orders.csv") ? folder : nil
    }()
    /// The yardstick's files (its `gen` makes them), or empty where NEEDLETAIL_YARDSTICK is not set.
    static let yardstickFiles: [String] = {
        guard let folder = ProcessInfo.processInfo.environment["NEEDLETAIL_YARDSTICK"] else {
            return []
        }
        return ["a", "b", "c"].map { "\(folder)/\($0).bin" }
            .filter { FileManager.default.fileExists(atPath: $0) }
    }()
    static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// A folder that is gone with its last user.
final class ScratchFolder: Sendable {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "needletail-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Polls until something holds; false when it never did.
func eventually(withinSeconds seconds: Double, _ condition: () -> Bool) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
        if condition() { return true }
        usleep(20_000)
    }
    return condition()
}

/// Two namespaces and the pair between them.
final class VethBench {
    private let gatewaySide: Child
    private let clientSide: Child

    /// `vlan` puts the client's address on a tagged interface.
    init(vlan: Int? = nil) throws {
        gatewaySide = try Child(["unshare", "--net", "sleep", "300"])
        clientSide = try Child(["unshare", "--net", "sleep", "300"])
        for side in [gatewaySide, clientSide] {
            let own = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/ns/net")
            let isThere = eventually(withinSeconds: 20) {
                let its = try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(side.pid)/ns/net")
                return its != nil && its != own && side.commandName == "sleep"
            }
            guard isThere else { throw BenchError(description: "no network namespace") }
        }
        try inGateway(
            "ip link add gw0 type veth peer name cl0 netns \(clientSide.pid)")
        try inGateway("ethtool -K gw0 tx off gso off tso off gro off rxvlan off txvlan off")
        try inClient("ethtool -K cl0 tx off gso off tso off gro off rxvlan off txvlan off")
        try inGateway("ip link set gw0 up")
        try inClient("ip link set lo up")
        try inClient("ip link set cl0 up")
        var interface = "cl0"
        if let vlan {
            interface = "cl0.\(vlan)"
            try inClient("ip link add link cl0 name \(interface) type vlan id \(vlan)")
            try inClient("ip link set \(interface) up")
        }
        try inClient("ip address add 10.77.0.1/24 dev \(interface)")
        try inClient("ip route add 239.77.0.0/16 dev \(interface)")
    }

    deinit {
        clientSide.kill()
        gatewaySide.kill()
    }

    private static func enter(_ side: Child) -> [String] {
        ["nsenter", "--net=/proc/\(side.pid)/ns/net", "--"]
    }
    /// To put before a command, so that it runs on the gateway's side.
    var gatewayPrefix: [String] { Self.enter(gatewaySide) }
    /// To put before a command, so that it runs on the client's side.
    var clientPrefix: [String] { Self.enter(clientSide) }

    private func inGateway(_ command: String) throws { try must(gatewayPrefix, command) }
    private func inClient(_ command: String) throws { try must(clientPrefix, command) }
    private func must(_ prefix: [String], _ command: String) throws {
        let result = try run(prefix + command.split(separator: " ").map(String.init))
        guard result.status == 0 || command.hasPrefix("ethtool") else {
            throw BenchError(description: "\(command): \(result.output)")
        }
    }

    /// Whether the gateway answers a ping: ARP and ICMP.
    func gatewayAnswersPing() -> Bool {
        eventually(withinSeconds: 20) {
            (try? run(clientPrefix + ["ping", "-c", "1", "-W", "1", "10.77.0.2"]).status) == 0
        }
    }

    /// Runs `needletail` on the client's side against the gateway.
    func client(_ arguments: [String], withinSeconds seconds: Double = 60) throws -> Outcome {
        var arguments = arguments
        arguments.insert(contentsOf: ["--gateway", "10.77.0.2:7000"], at: 1)
        return try run(clientPrefix + [Machine.needletail] + arguments, withinSeconds: seconds)
    }
}
