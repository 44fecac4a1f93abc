// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: addresses and buffers are lent for one call each; sockets are closed once; `ptrace` is
// found by name, for Swift imports no variadic function, and is given four words as it expects;
// `hasStopped` is written before the signal that its reader waits for.
import Foundation
import Testing

//  The gateway as a service manager sees it. The manager is a socket of ours, and a thread that
//  hangs is one that we stop: the others go on, as they would beside a matcher in an endless loop.

/// What stands for systemd: the socket behind NOTIFY_SOCKET.
private final class ServiceManager {
    let socketName = "@needletail-service-\(UUID().uuidString)"
    private let handle: Int32
    /// Every line so far, in order; those of one message stay together.
    private(set) var lines: [String] = []

    init() throws {
        handle = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in socketName.utf8.dropFirst().enumerated() {
                unsafe path[1 + index] = byte
            }
        }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(handle, $0, socklen_t(2 + socketName.utf8.count))
            }
        }
        try #require(bound == 0)
    }

    deinit { close(handle) }

    /// Takes what has come; how many lines there were before.
    @discardableResult func take() -> Int {
        let before = lines.count
        var bytes = [UInt8](repeating: 0, count: 4_096)
        while case let count = unsafe recv(
            handle, &bytes, bytes.count, Int32(MSG_DONTWAIT)), count >= 0
        {
            lines += String(decoding: bytes.prefix(count), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        return before
    }

    /// Waits for a line after the first `start`; its place.
    func place(after start: Int = 0, _ isWanted: (String) -> Bool) -> Int? {
        var found: Int?
        _ = eventually(withinSeconds: 60) {
            take()
            found = lines.indices.dropFirst(start).first { isWanted(lines[$0]) }
            return found != nil
        }
        return found
    }
}

/// One thread of another process, stopped as long as this lives, while its neighbours run.
private final class StoppedThread {
    private let release = DispatchSemaphore(value: 0)
    private let released = DispatchSemaphore(value: 0)
    /// Whether it could be stopped: the kernel may forbid it.
    private(set) var isStopped = false

    init(_ thread: Int32) {
        let begun = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var hasStopped = false
        // The tracer is a thread, and what it stopped goes on when it ends.
        Thread.detachNewThread { [release, released] in
            unsafe hasStopped = Self.stop(thread)
            begun.signal()
            release.wait()
            _ = Self.trace(17, thread)  // PTRACE_DETACH
            released.signal()
        }
        begun.wait()
        isStopped = unsafe hasStopped
    }

    deinit {
        release.signal()
        released.wait()
    }

    private static func stop(_ thread: Int32) -> Bool {
        // PTRACE_SEIZE, PTRACE_INTERRUPT: no signal, so it concerns this thread alone.
        guard trace(0x4206, thread) == 0, trace(0x4207, thread) == 0 else { return false }
        var status: Int32 = 0
        let allThreads: Int32 = 0x4000_0000  // __WALL
        return unsafe waitpid(thread, &status, allThreads) == thread
    }

    private static func trace(_ request: Int, _ thread: Int32) -> Int {
        typealias Trace = @convention(c) (Int, Int, Int, Int) -> Int
        guard let symbol = unsafe dlsym(nil, "ptrace") else { return -1 }
        let function = unsafe unsafeBitCast(symbol, to: Trace.self)
        return function(request, Int(thread), 0, 0)
    }
}

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `A gateway under a service manager` {
    private static let configuration = """
        port: PORT
        address: 127.0.0.1
        udpPort: NUMBER
        mode: pipeline
        polling: adaptive
        engine:
          orderCapacity: 16384
        rings:
          logRecords: 16384
          events: 65536
        instruments:
          - number: 1
            symbol: TEST
            lowestPriceTicks: 1
            highestPriceTicks: 1_000
        """

    private func start(_ manager: ServiceManager, watchdogMicros: Int?) throws -> RunningGateway {
        let number = UInt16.random(in: 20_000..<30_000)
        let watchdog = watchdogMicros.map { ["WATCHDOG_USEC=\($0)"] } ?? []
        return try RunningGateway(
            port: "udp:127.0.0.1:\(number)",
            prefix: ["env", "NOTIFY_SOCKET=\(manager.socketName)"] + watchdog,
            configuration: Self.configuration.replacingOccurrences(of: "NUMBER", with: "\(number)"))
    }

    @Test func `is ready when it listens, and says when it ends`() throws {
        let manager = try ServiceManager()
        let gateway = try start(manager, watchdogMicros: nil)
        #expect(manager.place { $0 == "READY=1" } == 0, "\(manager.lines) \(gateway.output)")
        #expect(gateway.output.contains("listening on"))
        #expect(manager.lines.dropFirst().first?.hasPrefix("STATUS=listening on 127.0.0.1") == true)
        let end = try gateway.stop()
        #expect(end.status == 0, "\(end.output)")
        manager.take()
        #expect(manager.lines.contains("STOPPING=1"))
        #expect(!manager.lines.contains("WATCHDOG=1"), "nobody asked for it")
    }

    @Test(.enabled(if: ServiceMachine.canStopThreads, "the kernel lets us trace no other process"))
    func `feeds the watchdog only while its matcher turns`() throws {
        let manager = try ServiceManager()
        let gateway = try start(manager, watchdogMicros: 400_000)
        let first = try #require(manager.place { $0 == "WATCHDOG=1" }, "\(gateway.output)")
        _ = try #require(manager.place(after: first + 1) { $0 == "WATCHDOG=1" })
        let matcher = try #require(gateway.thread(named: "nt-engine-0"))
        var stopped: StoppedThread? = StoppedThread(matcher)
        #expect(stopped?.isStopped == true)
        manager.take()
        let start = manager.lines.count
        let told = try #require(
            manager.place(after: start) { $0.hasPrefix("STATUS=nt-engine-0 stuck") })
        // Several periods of the watchdog, in which the main thread is as well as ever.
        usleep(1_500_000)
        manager.take()
        #expect(!manager.lines[told...].contains("WATCHDOG=1"), "\(manager.lines[told...])")
        // On a machine with much to do another thread may be among them.
        #expect(gateway.output.contains(/ALARM: .*nt-engine-0 has not turned for/))
        let end = manager.lines.count
        stopped = nil
        #expect(manager.place(after: end) { $0 == "WATCHDOG=1" } != nil)
        #expect(try gateway.stop().output.contains("every polling thread turns again"))
    }
}

private enum ServiceMachine {
    /// Whether a child may be traced here: containers often forbid it.
    static let canStopThreads: Bool = {
        guard let child = try? Child(["sleep", "30"]) else { return false }
        return StoppedThread(child.pid).isStopped
    }()
}
