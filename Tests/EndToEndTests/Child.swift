// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How a program ended, and all that it wrote.
struct Outcome {
    /// Its exit status; 128 + the signal if one ended it.
    let status: Int32
    /// Both of its streams.
    let output: String
}

/// A program under way; its output goes to a file, so that it never waits for us.
final class Child: @unchecked Sendable {
    private let process = Process()
    private let folder: ScratchFolder
    private let log: String

    /// Starts it; the first word is looked up on PATH.
    init(_ command: [String]) throws {
        folder = try ScratchFolder()
        log = folder.path + "/output"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        guard let output = FileHandle(forWritingAtPath: log) else {
            throw BenchError(description: "\(log) cannot be written")
        }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    deinit { kill() }

    /// Its number. Programs that replace themselves (env, nsenter) keep it.
    var pid: Int32 { process.processIdentifier }
    /// Whether it has not ended.
    var isRunning: Bool { ending == nil }
    /// How it ended; nil while it runs. Asked of the kernel: `Process` hears of an end by a
    /// descriptor that children begun in the same moment may have too, and then as late as theirs.
    private var ending: (hasExited: Bool, status: Int32)? {
        var info = unsafe siginfo_t()
        let options = WEXITED | WNOHANG | WNOWAIT
        guard unsafe waitid(P_PID, id_t(pid), &info, options) == 0 else {
            // `Process` has collected it, so it has ended; how, is said a moment later. Who took
            // that moment for running would see an end taken back.
            while process.isRunning { usleep(1_000) }
            return (process.terminationReason == .exit, process.terminationStatus)
        }
        guard unsafe info.si_signo == SIGCHLD else { return nil }
        return unsafe (info.si_code == CLD_EXITED, info._sifields._sigchld.si_status)
    }
    /// What it wrote so far.
    var output: String {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    }
    /// What the kernel calls it now.
    var commandName: String? {
        (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8))?
            .trimmingCharacters(in: .newlines)
    }

    /// Sends a signal, if it is still there.
    func signal(_ number: Int32) {
        if isRunning { Glibc.kill(pid, number) }
    }

    /// Ends it at once.
    func kill() {
        signal(SIGKILL)
        _ = eventually(withinSeconds: 20) { !isRunning }
    }

    /// Waits for its end; ends it, and throws, when that takes longer.
    func wait(seconds: Double) throws -> Outcome {
        guard eventually(withinSeconds: seconds, { !isRunning }), let ending else {
            kill()
            throw BenchError(
                description: "\(process.arguments ?? []) took more than \(seconds) s:\n\(output)")
        }
        let (hasExited, status) = ending
        return Outcome(status: hasExited ? status : 128 + status, output: output)
    }
}

/// Runs a program to its end.
func run(_ command: [String], withinSeconds seconds: Double = 300) throws -> Outcome {
    try Child(command).wait(seconds: seconds)
}

/// A gateway under way.
final class RunningGateway {
    private let child: Child
    private let folder: ScratchFolder

    /// Starts it with a configuration in which `PORT` stands for `port`. Does not wait.
    init(
        port: String, prefix: [String] = [], configuration: String = RunningGateway.configuration
    ) throws {
        folder = try ScratchFolder()
        let file = folder.path + "/gateway.yaml"
        try configuration.replacingOccurrences(of: "PORT", with: port)
            .write(toFile: file, atomically: true, encoding: .utf8)
        // It stops by itself should the test die.
        child = try Child(
            prefix + [Machine.needletail, "gateway", "--config", file, "--seconds", "240"])
    }

    /// Small enough for any machine; holds the golden set.
    static let configuration = """
        port: PORT
        address: 10.77.0.2
        packetMemoryMB: 0
        packetBuffers: 8192
        polling: adaptive
        sessions:
          capacity: 16
        publicStream:
          group: 239.77.0.1
        engine:
          orderCapacity: 16384
        rings:
          logRecords: 16384
          events: 65536
        instruments:
          - number: 1
            symbol: TEST
            lowestPriceTicks: 8_000_000
            highestPriceTicks: 9_000_000
        """

    /// True once it listens; false when it ended instead.
    func listens() -> Bool {
        eventually(withinSeconds: 60) { child.output.contains("listening on") || !child.isRunning }
            && child.isRunning
    }
    /// What it wrote so far.
    var output: String { child.output }
    /// The kernel's number of one of its threads.
    func thread(named name: String) -> Int32? {
        let folder = "/proc/\(child.pid)/task"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return numbers.first {
            (try? String(contentsOfFile: "\(folder)/\($0)/comm", encoding: .utf8)) == name + "\n"
        }.flatMap { Int32($0) }
    }
    /// Ends it as a crash would.
    func kill() { child.kill() }
    /// Waits for an end that it comes to by itself.
    func wait() throws -> Outcome { try child.wait(seconds: 60) }
    /// Asks it to end, as an operator does.
    func stop() throws -> Outcome {
        child.signal(SIGTERM)
        return try child.wait(seconds: 60)
    }
}

extension Outcome {
    /// The number that a stopped gateway gives as its state's hash.
    var stateHash: String? {
        output.split(separator: "\n").first { $0.contains("state hash") }?
            .split(separator: " ").last.map(String.init)
    }
}
