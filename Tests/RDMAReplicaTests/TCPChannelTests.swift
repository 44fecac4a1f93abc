// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

/// A stranger with a socket.
// SAFETY: the descriptor is closed once; buffers are read within the call.
private final class Stranger {
    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(
                descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Bytes that came, as far as there are any now; nil once the connection is over.
    func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe recv(descriptor, &bytes, 256, Int32(MSG_DONTWAIT))
        return count > 0 ? Array(bytes.prefix(count)) : count < 0 && errno == EAGAIN ? [] : nil
    }
}

/// A primary that keeps to no rule.
private final class Rogue {
    let channel: TCPChannel
    let answer: MirrorAnswer
    private let memory = RingMemory(capacity: 16)
    private let counter = RingMemory(capacity: 1)

    init(_ rig: MirrorRig) throws {
        let channel = try TCPChannel(
            to: 0x7F00_0001, port: try #require(rig.listener?.tcpPort), key: nil)
        self.channel = channel
        _ = unsafe channel.register(
            region: 0, memory.base, byteCount: 1_024, isWrittenByPeer: false)
        let key = unsafe channel.register(
            region: 1, counter.base, byteCount: 64, isWrittenByPeer: true)
        try channel.connect(
            MirrorHello(
                recordCapacity: 16, counterAddress: unsafe UInt64(UInt(bitPattern: counter.base)),
                counterKey: key, clusterHash: MirrorIdentity().clusterHash))
        var answer: MirrorAnswer?
        try rig.wait("for an answer") {
            _ = try channel.pump()
            rig.stepStandby()
            answer = try channel.takeAnswer()
            return answer != nil
        }
        self.answer = try #require(answer)
    }

    func place(_ record: LogRecord) { memory.place(record) }

    func write(_ byteCount: Int, to address: UInt64, key: UInt32) throws {
        unsafe try channel.write(
            region: 0, from: memory.base, byteCount: byteCount, to: address, key: key, token: 1,
            isSignalled: true)
        _ = try channel.pump()
    }
}

private func keyFile(_ byte: UInt8, count: Int = 32, mode: Int = 0o600) throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(
        path: "needletail-key-\(UUID().uuidString)"
    ).path
    let isMade = FileManager.default.createFile(
        atPath: path, contents: Data(repeating: byte, count: count),
        attributes: [.posixPermissions: mode])
    try #require(isMade)
    return path
}

/// The bytes of a structure, filled up with zeroes.
private func bytes<Value: BitwiseCopyable>(of value: Value, count: Int) -> [UInt8] {
    let own = unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    return own + [UInt8](repeating: 0, count: count - own.count)
}

@Suite struct `A primary that breaks the rules` {
    @Test func `is cut off when it writes outside of its memory, and nothing is placed`() throws {
        for wrong in 0..<6 {
            let rig = try MirrorRig()
            let rogue = try Rogue(rig)
            let answer = rogue.answer
            var random = SeededRandom(seed: TestSeed.run)
            rogue.place(chainedRecords(1, &random)[0])
            let end = answer.ringAddress + 16 * 64 + 4_096
            // A page or more behind the ring is registered with it.
            let pages: UInt64 = 1 << 22
            switch wrong {
            case 0: try rogue.write(128, to: answer.ringAddress, key: answer.ringKey &+ 1)
            case 1: try rogue.write(128, to: answer.ringAddress - 64, key: answer.ringKey)
            case 2: try rogue.write(128, to: end - 64, key: answer.ringKey)
            case 3: try rogue.write(128, to: end + pages, key: answer.ringKey)
            case 4: try rogue.write(128, to: .max - 63, key: answer.ringKey)
            default: try rogue.write(128, to: 0, key: answer.ringKey)
            }
            let receiver = try #require(rig.receiver)
            try rig.wait("for the end") {
                rig.stepStandby()
                return receiver.ended != nil
            }
            #expect(receiver.ended?.code == EPROTO && rig.taken.isEmpty, "case \(wrong)")
            #expect(rig.listener?.refusals.malformedCount == 1)
            try rig.wait("for the rogue to hear of it") {
                (try? rogue.channel.pump()) == nil
            }
        }
    }

    @Test func `may write where it was let, up to the last byte`() throws {
        let rig = try MirrorRig()
        let rogue = try Rogue(rig)
        let end = rogue.answer.ringAddress + 16 * 64 + 4_096
        try rogue.write(64, to: end - 64, key: rogue.answer.ringKey)
        var random = SeededRandom(seed: TestSeed.run)
        rogue.place(chainedRecords(1, &random)[0])
        // Record 1 lies in slot 1, here and there.
        try rogue.write(128, to: rogue.answer.ringAddress, key: rogue.answer.ringKey)
        try rig.wait("for the record") {
            rig.stepStandby()
            return rig.taken.count == 1
        }
        #expect(rig.receiver?.ended == nil)
    }

    @Test func `may cut its bytes anywhere`() throws {
        let rig = try MirrorRig()
        var random = SeededRandom(seed: TestSeed.run)
        let capacity = 512
        let stranger = try Stranger(port: try #require(rig.listener?.tcpPort))
        stranger.send(
            bytes(
                of: MirrorHello(
                    recordCapacity: UInt32(capacity), counterAddress: 4_096, counterKey: 1,
                    clusterHash: MirrorIdentity().clusterHash), count: 56))
        var said: [UInt8] = []
        try rig.wait("for an answer") {
            rig.stepStandby()
            said += stranger.receive() ?? []
            return said.count >= 56
        }
        let answer = unsafe said.withUnsafeBytes {
            unsafe $0.loadUnaligned(as: MirrorAnswer.self)
        }
        // Writes of one record, and of more than the inbox takes.
        let records = chainedRecords(capacity - 1, &random)
        var stream: [UInt8] = []
        var next = 0
        while next < records.count {
            let most: UInt64 = random.below(3) == 0 ? 200 : 3
            let count = min(records.count - next, Int(1 + random.below(most)))
            let address = answer.ringAddress + UInt64(next + 1) * 64
            stream += bytes(of: address, count: 8) + bytes(of: answer.ringKey, count: 4)
            stream += bytes(of: UInt32(count * 64), count: 4)
            for record in records[next..<next + count] { stream += bytes(of: record, count: 64) }
            next += count
        }
        while !stream.isEmpty {
            let most: UInt64 = random.below(2) == 0 ? 40 : 9_000
            let piece = stream.prefix(Int(1 + random.below(most)))
            stranger.send(Array(piece))
            stream.removeFirst(piece.count)
            rig.stepStandby()
        }
        try rig.wait("for the records") {
            rig.stepStandby()
            return rig.taken.count == records.count
        }
        #expect(rig.receiver?.ended == nil)
        #expect(rig.taken.map(\.crc32c) == records.map(\.crc32c))
    }

    @Test func `is turned away when it does not speak the protocol, others are not`() throws {
        let rig = try MirrorRig()
        let port = try #require(rig.listener?.tcpPort)
        var random = SeededRandom(seed: TestSeed.run)
        // More than may wait; some say nothing, some too little, some go at once.
        var strangers: [Stranger] = []
        for number in 0..<50 {
            let stranger = try Stranger(port: port)
            switch number % 4 {
            case 0: stranger.send((0..<100).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            case 1: stranger.send(Array("NTMR".utf8))
            case 2: stranger.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            default: break
            }
            if number % 3 > 0 { strangers.append(stranger) }
            rig.stepStandby()
        }
        try rig.connect()
        try rig.publish(100)
        try rig.settle()
        rig.checkTaken()
        #expect(try #require(rig.listener).refusals.malformedCount > 10)
        for stranger in strangers { #expect(stranger.receive() ?? [] == [], "they get nothing") }
    }

    @Test func `is fenced off: what lies in the socket is not placed, and it falls silent`() throws
    {
        let rig = try MirrorRig(capacity: 1_024)
        try rig.connect()
        try rig.publish(100)
        try rig.settle()
        let receiver = try #require(rig.receiver)
        // Written, and on its way or in the socket: nobody polls here.
        for _ in 0..<200 { _ = rig.publish() }
        for _ in 0..<10 { _ = rig.sender.poll() }
        try receiver.fence()
        let count = rig.taken.count
        // It keeps writing, as far as it is let.
        try rig.wait("for the primary to hear of it") {
            _ = rig.publish()
            _ = rig.sender.poll()
            _ = receiver.poll()
            rig.take()
            return rig.sender.status.phase == .idle
        }
        #expect(rig.taken.count == count, "nothing was placed behind the fence")
        #expect(rig.sender.status.failure?.description.contains("no longer lets itself") == true)
        #expect(receiver.fenced?.lastSequence == receiver.chain.lastSequence)
        #expect(receiver.finalStanding() == .whole)
        rig.published.removeLast(rig.published.count - count)
        rig.checkTaken()
    }

    @Test func `with half a write placed before the fence leaves a chain that ends before it`()
        throws
    {
        let rig = try MirrorRig()
        let rogue = try Rogue(rig)
        var random = SeededRandom(seed: TestSeed.run)
        for record in chainedRecords(3, &random) { rogue.place(record) }
        try rogue.write(64 * 2 + 40, to: rogue.answer.ringAddress, key: rogue.answer.ringKey)
        let receiver = try #require(rig.receiver)
        try rig.wait("for the first record") {
            rig.stepStandby()
            return rig.taken.count == 1
        }
        try receiver.fence()
        rig.take()
        #expect(rig.taken.count == 1 && receiver.standing == .whole)
        #expect(receiver.finalStanding() == .whole || receiver.ended == nil)
    }
}

@Suite struct `A standby that reads nothing` {
    @Test func `stalls the log when the ring is full, until its time is over`() throws {
        let rig = try MirrorRig(capacity: 64, timeoutMillis: 200)
        try rig.connect()
        try rig.publish(10)
        try rig.settle()
        var isFull = false
        try rig.wait("for the sender to give up") {
            if !rig.publish() { isFull = true }
            _ = rig.sender.poll()
            return rig.sender.status.phase == .idle
        }
        #expect(isFull && rig.sender.status.failure?.code == ETIMEDOUT)
        for _ in 0..<200 { #expect(rig.publish(), "the log goes on") }
        // What was placed is taken still; it was never written over.
        try rig.wait("for what was sent") {
            rig.stepStandby()
            return rig.receiver?.ended != nil
        }
        rig.take()
        #expect(rig.taken.count >= 10)
        rig.published.removeLast(rig.published.count - rig.taken.count)
        rig.checkTaken()
    }
}

@Suite struct `A mirror with a key` {
    @Test func `is one that both sides prove`() throws {
        let file = try keyFile(7)
        let rig = try MirrorRig(keyFile: file, listenerKeyFile: file)
        try rig.connect()
        try rig.publish(2_000)
        try rig.settle()
        rig.checkTaken()
        #expect(rig.sender.status.description?.contains("TLS 1.3") == true)
        #expect(rig.receiver?.description.contains("TLS 1.3") == true)
        let refusals = try #require(rig.listener?.refusals)
        #expect(refusals.unauthenticatedCount == 0)
        rig.sender.close()
        try rig.wait("for the end") {
            rig.stepStandby()
            return rig.receiver?.ended != nil
        }
        #expect(rig.receiver?.ended?.code == ECONNRESET)
    }

    @Test(arguments: ["another key", "a key here alone", "a key there alone"])
    func `is none without the same key on both sides, and nothing is said`(_ which: String) throws {
        let (one, other) = (try keyFile(7), try keyFile(8))
        let rig = try MirrorRig(
            timeoutMillis: 300, keyFile: which == "a key there alone" ? nil : one,
            listenerKeyFile: which == "a key here alone" ? nil : other)
        try rig.connect()
        #expect(rig.receiver == nil && rig.sender.status.failure != nil)
        #expect(rig.sender.status.failure?.description.contains("keyFile") == true, "\(which)")
        let refusals = try #require(rig.listener?.refusals)
        try rig.wait("for the count") {
            rig.stepStandby()
            return refusals.unauthenticatedCount + refusals.malformedCount == 1
        }
        #expect(refusals.unauthenticatedCount == (which == "a key here alone" ? 0 : 1))
    }

    @Test func `comes from a file that nobody else may read, and that is long enough`() throws {
        #expect(throws: MirrorError.self) { try MirrorKey(file: "/nonexistent/key") }
        let short = #expect(throws: MirrorError.self) {
            try MirrorKey(file: try keyFile(1, count: 31))
        }
        #expect(short?.description.contains("31 bytes") == true)
        let open = #expect(throws: MirrorError.self) {
            try MirrorKey(file: try keyFile(1, mode: 0o640))
        }
        #expect(open?.description.contains("chmod 600") == true)
    }
}
