// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: addresses, buffers and a file's status are lent for one call each; sockets are closed
// once.
import Foundation
import TestSeed
import Testing

@testable import Platform

private func name(_ address: inout sockaddr_un, _ path: String) {
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
        for (index, byte) in path.utf8.enumerated() { unsafe bytes[index] = byte }
    }
}

/// A gateway's socket that answers what it was asked.
private final class Served: Sendable {
    let folder: String
    let listener: ControlListener
    private let thread: PinnedThread

    init(folder given: String? = nil) throws {
        let folder = given ?? NSTemporaryDirectory() + "nt-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        self.folder = folder
        let listener = try ControlListener(gateway: "10.77.0.2:7000", folder: folder)
        self.listener = listener
        thread = try PinnedThread(name: "served") { listener.serve { line, _ in "<\(line)>" } }
    }

    func end() {
        listener.close()
        thread.join()
        try? FileManager.default.removeItem(atPath: folder)
    }

    deinit { end() }

    /// Sends bytes as they are and gives what comes back until the other side ends it.
    func exchange(_ bytes: [UInt8], thenStops: Bool = true) -> [UInt8] {
        let handle = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        name(&address, listener.path)
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(handle, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(connected == 0)
        _ = unsafe send(handle, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if thenStops { shutdown(handle, Int32(SHUT_WR)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = unsafe recv(handle, &buffer, buffer.count, 0), count > 0 {
            answer += buffer.prefix(count)
        }
        return answer
    }
}

@Suite struct `A control socket` {
    @Test func `answers a line with a line, one after the other`() throws {
        let served = try Served()
        for number in 0..<50 {
            #expect(
                try ControlClient.ask("request \(number)", at: served.listener.path)
                    == "<request \(number)>")
        }
    }

    @Test func `is its owner's alone`() throws {
        let served = try Served()
        var status = stat()
        #expect(unsafe stat(served.listener.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `gives no answer to what is no line of text, and goes on`() throws {
        let served = try Served()
        #expect(served.exchange([]).isEmpty)
        #expect(served.exchange(Array("no end".utf8)).isEmpty)
        #expect(served.exchange(Array("two\nlines\n".utf8)).isEmpty)
        #expect(served.exchange([0xFF, 0xFE, 0x0A]).isEmpty)
        #expect(served.exchange(Array(repeating: 0x61, count: 600)).isEmpty)
        #expect(served.exchange(Array(repeating: 0x61, count: 511) + [0x0A]).count == 514)
        #expect(try ControlClient.ask("still there", at: served.listener.path) == "<still there>")
    }

    @Test func `lets nobody who says nothing keep the others waiting for ever`() throws {
        let served = try Served()
        #expect(served.exchange(Array("half".utf8), thenStops: false).isEmpty)
        #expect(try ControlClient.ask("next", at: served.listener.path) == "<next>")
    }

    @Test func `takes any bytes without harm`() throws {
        var random = SeededRandom(seed: TestSeed.run)
        let served = try Served()
        for _ in 0..<300 {
            let bytes = (0..<random.below(600)).map { _ in UInt8(random.below(256)) }
            let answer = served.exchange(bytes)
            #expect(answer.isEmpty || bytes.last == 0x0A)
        }
        #expect(try ControlClient.ask("well", at: served.listener.path) == "<well>")
    }

    @Test func `takes the place of what a killed process left, and of nobody else`() throws {
        let folder = NSTemporaryDirectory() + "nt-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        // As after a kill, or before the program began anew in the same process.
        for number in ["1", "\(getpid())"] {
            let left = "\(folder)/needletail-10.77.0.2-7000-\(number).control"
            #expect(Self.leave(left))
        }
        let served = try Served(folder: folder)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder)
                == ["needletail-10.77.0.2-7000-\(getpid()).control"])
        #expect(throws: ControlError.self) {
            try ControlListener(gateway: "10.77.0.2:7000", folder: folder)
        }
        let other = try ControlListener(gateway: "10.77.0.3:7000", folder: folder)
        other.close()
        #expect(try ControlClient.ask("still here", at: served.listener.path) == "<still here>")
        served.end()
        #expect(throws: ControlError.self) {
            try ControlClient.ask("gone", at: served.listener.path)
        }
    }

    /// A name that nobody listens behind.
    private static func leave(_ path: String) -> Bool {
        let handle = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        name(&address, path)
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(handle, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}

@Suite struct `A watchdog` {
    @Test func `that is called off says nothing and is gone`() throws {
        let listener = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(unsafe bind(listener, $0, byteCount) == 0)
                #expect(unsafe getsockname(listener, $0, &byteCount) == 0)
            }
        }
        let watchdog = try #require(
            Watchdog(address: 0x7F00_0001, port: UInt16(bigEndian: address.sin_port)))
        watchdog.tell([1, 2, 3])
        watchdog.tell([4, 5, 6])
        let number = watchdog.processID
        #expect(kill(number, 0) == 0)
        watchdog.callOff()
        #expect(kill(number, 0) != 0)
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(unsafe recv(listener, &bytes, bytes.count, Int32(MSG_DONTWAIT)) < 0)
    }
}
