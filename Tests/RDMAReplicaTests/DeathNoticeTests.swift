// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the address is lent for one call; sockets are closed once.
import Foundation
import Platform
import TestSeed
import Testing

@testable import RDMAReplica

@Suite struct `A death notice` {
    private static let sender = MirrorIdentity(cluster: "venue", host: 1, peerHost: 2)
    private static let receiver = MirrorIdentity(cluster: "venue", host: 2, peerHost: 1)
    private static let notice = DeathNotice(identity: sender, epoch: 7, nonce: 0x0102_0304)

    private static func key(_ first: UInt8 = 0) throws -> MirrorKey {
        let file = NSTemporaryDirectory() + "needletail-key-\(UUID().uuidString)"
        let bytes = Data((0..<32).map { $0 &+ first })
        defer { try? FileManager.default.removeItem(atPath: file) }
        _ = FileManager.default.createFile(
            atPath: file, contents: bytes, attributes: [.posixPermissions: 0o600])
        return try MirrorKey(file: file)
    }

    private static func goldenBytes() throws -> [UInt8] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/DeathNotice.hex")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }
            .flatMap { $0.split(separator: " ").dropFirst().dropLast() }
            .compactMap { UInt8($0, radix: 16) }
    }

    @Test func `has the bytes that were written down for it`() throws {
        let golden = try Self.goldenBytes()
        #expect(golden.count == DeathNotice.byteCount)
        #expect(Self.notice.bytes(key: try Self.key()) == golden)
        let read = DeathNotice(golden, to: Self.receiver, key: try Self.key())
        #expect(read == Self.notice)
    }

    @Test func `counts without a key only where there is none`() throws {
        let bare = Self.notice.bytes(key: nil)
        #expect(DeathNotice(bare, to: Self.receiver, key: nil) == Self.notice)
        #expect(DeathNotice(bare, to: Self.receiver, key: try Self.key()) == nil)
        let proven = Self.notice.bytes(key: try Self.key())
        #expect(DeathNotice(proven, to: Self.receiver, key: nil) == nil)
        #expect(DeathNotice(proven, to: Self.receiver, key: try Self.key(1)) == nil)
    }

    @Test func `is nobody's but the two hosts'`() throws {
        let key = try Self.key()
        let bytes = Self.notice.bytes(key: key)
        for other in [
            Self.sender, MirrorIdentity(cluster: "venue", host: 3, peerHost: 1),
            MirrorIdentity(cluster: "venue", host: 2, peerHost: 3),
            MirrorIdentity(cluster: "revenue", host: 2, peerHost: 1),
        ] {
            #expect(DeathNotice(bytes, to: other, key: key) == nil)
        }
    }

    @Test func `says nothing when one bit of it is another, or a byte is missing`() throws {
        for key in [nil, try Self.key()] {
            let bytes = Self.notice.bytes(key: key)
            for bit in 0..<bytes.count * 8 {
                var changed = bytes
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(DeathNotice(changed, to: Self.receiver, key: key) == nil, "bit \(bit)")
            }
            for count in 0..<bytes.count {
                #expect(DeathNotice(bytes.prefix(count), to: Self.receiver, key: key) == nil)
            }
            #expect(DeathNotice(bytes + [0], to: Self.receiver, key: key) == nil)
        }
    }

    @Test func `is found among noise, which is counted`() throws {
        var random = SeededRandom(seed: TestSeed.run)
        var listener: NoticeListener?
        var port: UInt16 = 0
        for _ in 0..<20 where listener == nil {
            port = UInt16(20_000 + random.below(30_000))
            listener = try? NoticeListener(
                address: 0x7F00_0001, port: port, to: Self.receiver, key: nil)
        }
        let open = try #require(listener)
        let sender = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(sender) }
        for _ in 0..<40 {
            let count = Int(random.below(120))
            Self.send((0..<count).map { _ in UInt8(random.below(256)) }, sender, port)
        }
        Self.send(Self.notice.bytes(key: nil), sender, port)
        open.wait(nanos: 1_000_000_000)
        #expect(open.take() == Self.notice)
        #expect(open.take() == nil)
        #expect(open.refusedCount == 40)
    }

    private static func send(_ bytes: [UInt8], _ sender: Int32, _ port: UInt16) {
        var native = sockaddr_in()
        native.sin_family = sa_family_t(AF_INET)
        native.sin_port = port.bigEndian
        native.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let sent = unsafe withUnsafePointer(to: &native) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(
                    sender, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(sent == bytes.count)
    }
}
