// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

@testable import RDMAReplica

/// Real members of etcd on loopback, ended with this object.
final class EtcdCluster: @unchecked Sendable {
    static let program = "/usr/bin/etcd"
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    let folder: ArbiterFolder
    private(set) var members: [Process] = []
    private let commands: [[String]]
    private let clientPorts: [UInt16]
    private let scheme: String

    /// Starts them. `extra` are arguments for each, as for TLS.
    init(count: Int, folder: ArbiterFolder, scheme: String = "http", extra: [String] = []) throws {
        let ports = try Self.freePorts(2 * count)
        self.folder = folder
        self.scheme = scheme
        clientPorts = Array(ports.prefix(count))
        let peers = ports.suffix(count).map { "http://127.0.0.1:\($0)" }
        let cluster = peers.enumerated().map { "m\($0)=\($1)" }.joined(separator: ",")
        commands = (0..<count).map { index in
            let client = "\(scheme)://127.0.0.1:\(ports[index])"
            return [
                "--name", "m\(index)", "--data-dir", "\(folder.path)/m\(index)",
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peers[index], "--initial-advertise-peer-urls", peers[index],
                "--initial-cluster", cluster, "--initial-cluster-state", "new", "--pre-vote",
                "--election-timeout", "150", "--heartbeat-interval", "15", "--log-level", "error",
                "--logger", "zap",
            ] + extra
        }
        for index in 0..<count { members.append(try Self.start(commands[index])) }
    }

    deinit {
        for member in members where member.isRunning {
            kill(member.processIdentifier, SIGKILL)
            member.waitUntilExit()
        }
    }

    var endpoints: [String] { clientPorts.map { "\(scheme)://127.0.0.1:\($0)" } }

    /// Settings that begin with a member.
    func settings(from first: Int = 0, timeoutMillis: UInt32 = 1_000) -> EtcdSettings {
        let order = (0..<endpoints.count).map { endpoints[(first + $0) % endpoints.count] }
        return EtcdSettings(
            endpoints: order, key: "/needletail/test", timeoutMillis: timeoutMillis)
    }

    func arbiter(from first: Int = 0, timeoutMillis: UInt32 = 1_000) throws -> EtcdArbiter {
        try EtcdArbiter(settings(from: first, timeoutMillis: timeoutMillis))
    }

    func signal(_ number: Int32, _ index: Int) { kill(members[index].processIdentifier, number) }

    /// Stops a member, and waits until all of it stands still: the signal is taken by one of its
    /// threads, and the others run until that one does.
    func stop(_ index: Int) {
        signal(SIGSTOP, index)
        let tasks = "/proc/\(members[index].processIdentifier)/task"
        for _ in 0..<2_000 {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
            let isStill = names.allSatisfy { name in
                let text = try? String(contentsOfFile: "\(tasks)/\(name)/stat", encoding: .utf8)
                return text?.contains(") T ") ?? true
            }
            if isStill { return }
            usleep(5_000)
        }
    }

    func restart(_ index: Int) throws {
        signal(SIGKILL, index)
        members[index].waitUntilExit()
        members[index] = try Self.start(commands[index])
    }

    /// The member that leads, as it says itself; nil when none does for ten seconds.
    func leader() -> Int? {
        for _ in 0..<100 {
            for index in members.indices where members[index].isRunning {
                guard var member = try? EtcdMembers(single(index)),
                    let status = try? member.post("/v3/maintenance/status", "{}", { $0 }),
                    let leader = status["leader"]?.string
                else { continue }
                if leader == status["header"]?["member_id"]?.string { return index }
            }
            usleep(100_000)
        }
        return nil
    }

    /// Settings of one member alone.
    func single(_ index: Int) -> EtcdSettings {
        EtcdSettings(endpoints: [endpoints[index]], key: "/needletail/test")
    }

    private static func start(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Ports that nobody has now; all are held until all are found.
    static func freePorts(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let (descriptor, port) = try listener()
            sockets.append(descriptor)
            return port
        }
    }

    /// A socket that listens on loopback, and its port.
    static func listener() throws -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}

/// Makes each sync of a member's disk take longer, until it ends: the system call waits before it
/// does anything.
final class SlowDisk {
    private static let program = "/usr/bin/strace"
    static var isThere: Bool {
        FileManager.default.isExecutableFile(atPath: program) && geteuid() == 0
    }

    private let tracer = Process()

    init(_ member: Process, syncMillis: Int) throws {
        let output = Pipe()
        tracer.executableURL = URL(fileURLWithPath: Self.program)
        tracer.arguments = [
            "-f", "-p", "\(member.processIdentifier)", "-o", "/dev/null", "-e", "trace=fdatasync",
            "-e", "inject=fdatasync:delay_enter=\(1_000 * syncMillis)",
        ]
        tracer.standardError = output
        try tracer.run()
        // "strace: Process 1 attached with 9 threads"
        let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        try #require(said.contains("attached"), "\(said)")
    }

    /// Other signals are blocked in what a test starts. The member goes on by itself.
    deinit {
        kill(tracer.processIdentifier, SIGKILL)
        tracer.waitUntilExit()
    }
}

/// Asks until it is known; nil after a minute.
func settled(_ arbiter: any Arbiter, _ decision: Decision, for revision: UInt64) -> SwapOutcome? {
    for _ in 0..<600 {
        let outcome = arbiter.swap(decision, for: revision)
        guard case .unknown = outcome else { return outcome }
        usleep(10_000)
    }
    return nil
}

/// Reads until there is an answer; nil after a minute.
func found(_ arbiter: any Arbiter) -> (decision: Decision?, revision: UInt64)? {
    for _ in 0..<600 {
        if let found = try? arbiter.read() { return found }
        usleep(100_000)
    }
    return nil
}
