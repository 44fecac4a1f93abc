// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Synchronization
import TestSeed
import Testing

@testable import RDMAReplica

/// Something on loopback that is asked as a member is, and answers every request with one text, or
/// with none: then it hangs up. The first so many it swallows, and says nothing.
private final class FakeMember: Sendable {
    let endpoint: String
    private let descriptor: Int32
    private let requests = Atomic(0)

    init(_ answer: [UInt8], swallowing swallowed: Int = 0, afterMillis: UInt32 = 0) throws {
        let (descriptor, port) = try EtcdCluster.listener()
        self.descriptor = descriptor
        endpoint = "http://127.0.0.1:\(port)"
        let thread = Thread { [weak self] in
            var silent: [Int32] = []
            while true {
                let connection = accept(descriptor, nil, nil)
                // Closed by its only user: somebody else may have the number the moment after.
                guard connection >= 0 else {
                    for descriptor in silent + [descriptor] { close(descriptor) }
                    return
                }
                if Self.takeRequest(connection) {
                    _ = self?.requests.add(1, ordering: .relaxed)
                }
                if silent.count < swallowed {
                    silent.append(connection)
                    continue
                }
                usleep(1_000 * afterMillis)
                unsafe answer.withUnsafeBytes {
                    _ = unsafe send(
                        connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                close(connection)
            }
        }
        thread.start()
    }

    convenience init(
        json: String, status: String = "200 OK", swallowing swallowed: Int = 0,
        afterMillis: UInt32 = 0
    ) throws {
        try self.init(
            Array(
                "HTTP/1.1 \(status)\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)".utf8),
            swallowing: swallowed, afterMillis: afterMillis)
    }

    /// All of it: to close with bytes unread would take the answer back.
    private static func takeRequest(_ connection: Int32) -> Bool {
        var request = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe read(connection, &buffer, buffer.count)
            guard count > 0 else { return false }
            request += String(decoding: buffer.prefix(count), as: UTF8.self)
            let parts = request.split(separator: "\r\n\r\n", maxSplits: 1)
            if parts.count == 2, let length = parts[0].firstMatch(of: /Content-Length: (\d+)/),
                parts[1].utf8.count >= Int(length.1) ?? 0
            {
                return true
            }
        }
    }

    var requestCount: Int { requests.load(ordering: .relaxed) }

    /// Ends the thread: what waits for a connection fails.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

@Suite struct `A swap in etcd` {
    private let wanted = decision(1, 1, [1], nonce: 7)
    private let put = #"{"header":{"revision":"5"},"succeeded":true}"#

    /// What came of it, asked of endpoints that are no members first.
    private func outcome(
        _ endpoints: [String] = [], _ members: FakeMember..., timeoutMillis: UInt32 = 30_000
    ) throws -> SwapOutcome {
        let settings = EtcdSettings(
            endpoints: endpoints + members.map(\.endpoint), key: "k",
            timeoutMillis: timeoutMillis)
        return try withExtendedLifetime(members) {
            try EtcdArbiter(settings).swap(wanted, for: 4)
        }
    }

    private func found(_ decision: Decision) -> String {
        let value = Base64.encode(decision.text.utf8)
        return """
            {"header":{"revision":"9"},"responses":[{"response_range":{"kvs":[\
            {"value":"\(value)","mod_revision":"8"}]}}]}
            """
    }

    @Test func `goes to the next member when one is gone, hangs up or answers nonsense`() throws {
        let right = try FakeMember(json: put)
        for bad in [
            try FakeMember([]), try FakeMember(Array("HTTP/1.1 200 OK\r\n".utf8)),
            try FakeMember(json: "nonsense"), try FakeMember(json: "{}"),
            try FakeMember(
                json: #"{"error":"etcdserver: no leader","code":14}"#,
                status: "503 Service Unavailable"),
        ] {
            #expect(try outcome([], bad, right) == .won(revision: 5))
            #expect(bad.requestCount > 0)
        }
        let nobody = try #require(try EtcdCluster.freePorts(1).first)
        #expect(try outcome(["http://127.0.0.1:\(nobody)"], right) == .won(revision: 5))
    }

    @Test func `goes to the next member when one is silent, and is unknown when all are`() throws {
        let right = try FakeMember(json: put)
        let (silent, port) = try EtcdCluster.listener()
        defer { close(silent) }
        let endpoint = "http://127.0.0.1:\(port)"
        #expect(try outcome([endpoint], right, timeoutMillis: 4_000) == .won(revision: 5))
        guard case .unknown(let cause) = try outcome([endpoint], timeoutMillis: 100) else {
            Issue.record("known, by nobody")
            return
        }
        #expect(cause.contains(endpoint))
    }

    @Test func `is asked again where it was passed on to a leader that is dead, and lost`() throws {
        let followers = try (0..<2).map { _ in try FakeMember(json: put, swallowing: 1) }
        let dead = "http://127.0.0.1:\(try #require(try EtcdCluster.freePorts(1).first))"
        let outcome = try outcome([dead], followers[0], followers[1], timeoutMillis: 4_000)
        #expect(outcome == .won(revision: 5))
        #expect(followers.allSatisfy { $0.requestCount > 0 })
    }

    @Test func `is asked again however often a member is silent`() throws {
        let member = try FakeMember(json: put, swallowing: 5)
        #expect(try outcome([], member) == .won(revision: 5))
    }

    @Test func `has the longer to be answered, as from a slow disk, the longer it waits`() throws {
        let slow = try FakeMember(json: put, afterMillis: 300)
        #expect(try outcome([], slow) == .won(revision: 5))
    }

    @Test(arguments: [
        (
            "500 Internal Server Error", #"{"error":"etcdserver: request timed out"}"#,
            "etcdserver: request timed out"
        ),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", "", "no reason (HTTP status 302)"),
        ("200 OK", #"{"header":{"revision":"5"}}"#, "gives an answer that etcd would not"),
        ("200 OK", String(repeating: " ", count: 70_000), "127.0.0.1"),
    ])
    func `is unknown when no member says what became of it`(
        status: String, json: String, clause: String
    ) throws {
        let member = try FakeMember(json: json, status: status)
        guard case .unknown(let cause) = try outcome([], member) else {
            Issue.record("known")
            return
        }
        #expect(cause.contains(clause), "\(cause)")
    }

    @Test func `that finds its own decision was won before, and another's is lost`() throws {
        let other = decision(1, 1, [1], nonce: 8)
        let mine = try FakeMember(json: found(wanted))
        let others = try FakeMember(json: found(other))
        #expect(try outcome([], mine) == .won(revision: 8))
        #expect(try outcome([], others) == .lost(other, revision: 8))
    }

    @Test func `never takes a decision for another that was changed on its way`() throws {
        var random = SeededRandom(seed: TestSeed.run)
        let right = Array(found(wanted).utf8)
        for _ in 0..<40 {
            var bytes = right
            bytes[Int(random.below(UInt64(bytes.count)))] ^= UInt8(1 << random.below(8))
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n"
            let member = try FakeMember(Array(head.utf8) + bytes)
            let outcome = try outcome([], member)
            // The checksum is the decision's own.
            if case .lost(let decision, _) = outcome { #expect(decision == nil) }
        }
    }
}
