// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing

@testable import RDMAReplica

/// A file of Golden: bytes that were written by hand, and the page that draws them.
private struct Golden {
    var bytes: [UInt8] = []
    var fields: [String: Int] = [:]

    static var root: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    init(_ name: String) throws {
        let file = Self.root.appending(path: "Tests/RDMAReplicaTests/Golden/\(name).hex")
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            let field = try #require(words.last)
            fields[String(field)] = bytes.count
            #expect(words.first.flatMap { Int($0) } == bytes.count, "\(name).\(field)")
            bytes += words.dropFirst().dropLast().compactMap { UInt8($0, radix: 16) }
        }
    }

    /// The offsets that the page draws below a heading.
    static func drawn(_ name: String) throws -> [String: Int] {
        let page = try String(
            contentsOf: root.appending(path: "docs/formats/mirror.md"), encoding: .utf8)
        var drawn: [String: Int] = [:]
        var heading = ""
        for line in page.split(separator: "\n") {
            if let match = line.wholeMatch(of: /## (\w+)/) { heading = String(match.1) }
            guard heading == name,
                let row = line.firstMatch(of: /^\| (\d+) \| \d+ \| `(\w+)` \|/)
            else { continue }
            drawn[String(row.2)] = Int(row.1)
        }
        return drawn
    }
}

@Suite struct `A line of the mirror` {
    @Test func `has the bytes that were written down for it, in the file and in the page`() throws {
        let hello = MirrorHello(
            shard: 0x0708, lastSequence: 0x1112_1314_1516_1718, crc32c: 0x2122_2324,
            recordCapacity: 0x3132_3334, counterAddress: 0x4142_4344_4546_4748,
            counterKey: 0x5152_5354, nonce: 0x6162_6364, clusterHash: 0x7172_7374_7576_7778,
            epoch: 0x8182_8384, host: 0x9192, peerHost: 0xA1A2)
        try compare(hello, "MirrorHello")
        let answer = MirrorAnswer(
            refusal: 0x0708, ringAddress: 0x1112_1314_1516_1718,
            beatAddress: 0x2122_2324_2526_2728, lastSequence: 0x3132_3334_3536_3738,
            crc32c: 0x4142_4344, ringKey: 0x5152_5354, epoch: 0x6162_6364, host: 0x7172,
            oldestRules: 0x8182_8384, newestRules: 0x9192_9394)
        try compare(answer, "MirrorAnswer")
        let beat = PrimaryBeat(
            number: 0x0102_0304_0506_0708, progress: 0x1112_1314_1516_1718,
            publishedSequence: 0x2122_2324_2526_2728, toldSequence: 0x3132_3334_3536_3738,
            hashSequence: 0x4142_4344_4546_4748, stateHash: 0x5152_5354_5556_5758,
            epoch: 0x6162_6364, flags: 0x7172, rules: 0x7374, nonce: 0x8182_8384)
        try compare(beat.sealed(), "PrimaryBeat")
        let counter = MirrorCounter(
            sequence: 0x0102_0304_0506_0708, durableSequence: 0x1112_1314_1516_1718,
            number: 0x2122_2324_2526_2728, mismatchSequence: 0x3132_3334_3536_3738,
            epoch: 0x4142_4344, flags: 0x5152_5354, wantedPiece: 0x6162_6364_6566_6768,
            nonce: 0x8182_8384)
        try compare(counter.sealed(), "MirrorCounter")
        let line = SnapshotLine(
            number: 0x0102_0304_0506_0708, sequence: 0x1112_1314_1516_1718,
            byteOffset: 0x2122_2324_2526_2728, totalByteCount: 0x3132_3334_3536_3738,
            byteCount: 0x4142_4344, bytesCRC32C: 0x5152_5354, nonce: 0x8182_8384)
        try compare(line.sealed(), "SnapshotLine")
    }

    private func compare<Line: BitwiseCopyable>(_ line: Line, _ name: String) throws {
        let golden = try Golden(name)
        let bytes = unsafe withUnsafeBytes(of: line) { unsafe Array($0) }
        #expect(bytes == golden.bytes, "\(name)")
        #expect(try Golden.drawn(name) == golden.fields, "\(name) in docs/formats/mirror.md")
    }

    @Test func `counts only whole, and on its own connection`() {
        var random = SeededRandom(seed: TestSeed.run)
        for _ in 0..<1_000 {
            let nonce = UInt32(truncatingIfNeeded: random.next())
            let old = bytes(MirrorCounter(sequence: random.next(), number: 1, nonce: nonce))
            let new = bytes(MirrorCounter(sequence: random.next(), number: 2, nonce: nonce))
            #expect(read(new, nonce)?.number == 2 && read(new, nonce &+ 1) == nil)
            // Naive: any mixture of the two that is neither.
            let torn = zip(old, new).map { random.below(2) == 0 ? $0 : $1 }
            if torn != old, torn != new { #expect(read(torn, nonce) == nil) }
            var flipped = new
            flipped[Int(random.below(64))] ^= 1 << UInt8(random.below(8))
            #expect(read(flipped, nonce) == nil)
        }
        #expect(read(Array(repeating: 0, count: 64), 5) == nil, "memory that nobody has written")
    }

    private func bytes(_ counter: MirrorCounter) -> [UInt8] {
        unsafe withUnsafeBytes(of: counter.sealed()) { unsafe Array($0) }
    }

    private func read(_ bytes: [UInt8], _ nonce: UInt32) -> MirrorCounter? {
        // SAFETY: 64 aligned bytes, read within the call.
        unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 64) { memory in
            unsafe memory.copyBytes(from: bytes)
            return unsafe MirrorCounter.copy(from: memory.baseAddress!, nonce: nonce)
        }
    }
}
