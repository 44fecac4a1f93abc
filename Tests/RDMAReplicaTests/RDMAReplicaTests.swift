// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

@Suite struct `A span of the ring` {
    @Test func `is what lies side by side, up to the end of the ring and the limit`() {
        var random = SeededRandom(seed: TestSeed.run)
        for _ in 0..<2_000 {
            let capacity = 1 << Int(random.below(8))
            let sequence = random.next()
            let count = 1 + Int(random.below(UInt64(2 * capacity)))
            let limit = 1 + Int(random.below(UInt64(capacity + 3)))
            // Naive: from slot to slot, as long as the next lies behind the last.
            var slots = [Int(sequence % UInt64(capacity))]
            while slots.count < min(count, limit) {
                let next = Int((sequence &+ UInt64(slots.count)) % UInt64(capacity))
                guard next == slots.last! + 1 else { break }
                slots.append(next)
            }
            let span = RingSpan(
                sequence: sequence, count: count, capacity: capacity, limit: limit)
            #expect(span.byteOffset == slots[0] * 64 && span.count == slots.count)
            #expect(Int(span.byteCount) == slots.count * 64)
        }
    }

    @Test func `is cut in two by the ring's end, which together are all of it`() {
        let first = RingSpan(sequence: 1_022, count: 5, capacity: 1_024, limit: 1_024)
        #expect(first.byteOffset == 1_022 * 64 && first.count == 2)
        let second = RingSpan(sequence: 1_024, count: 3, capacity: 1_024, limit: 1_024)
        #expect(second.byteOffset == 0 && second.count == 3)
    }
}

@Suite struct `What the two sides say` {
    @Test func `has its fields where the other side looks for them`() {
        #expect(MemoryLayout<MirrorHello>.size == 40 && MemoryLayout<MirrorAnswer>.size == 32)
        #expect(MemoryLayout<MirrorCounter>.size == 16)
        let hello = MirrorHello(
            shard: 0x0102, lastSequence: 0x1112_1314_1516_1718, crc32c: 0x2122_2324,
            recordCapacity: 0x3132_3334, counterAddress: 0x4142_4344_4546_4748,
            counterKey: 0x5152_5354, nonce: 0x6162_6364)
        #expect(
            hex(hello) == "4e544d52" + "0100" + "0201" + "1817161514131211" + "24232221"
                + "34333231" + "4847464544434241" + "54535251" + "64636261")
        let answer = MirrorAnswer(
            refusal: 3, ringAddress: 0x1112_1314_1516_1718, fenceAddress: 0x2122_2324_2526_2728,
            ringKey: 0x3132_3334)
        #expect(
            hex(answer) == "4e544d52" + "0100" + "0300" + "1817161514131211" + "2827262524232221"
                + "34333231" + "00000000")
    }

    @Test func `is drawn in the page with each field at its offset`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(
            contentsOf: root.appending(path: "docs/formats/mirror.md"), encoding: .utf8)
        var drawn: [String: [String: Int]] = [:]
        var heading = ""
        for line in page.split(separator: "\n") {
            if let match = line.wholeMatch(of: /## (\w+)/) { heading = String(match.1) }
            guard let row = line.firstMatch(of: /^\| (\d+) \| \d+ \| `(\w+)` \|/) else { continue }
            drawn[heading, default: [:]][String(row.2)] = Int(row.1)
        }
        #expect(
            drawn["MirrorHello"]
                == offsets(
                    MirrorHello.self,
                    [
                        \.magic, \.version, \.shard, \.lastSequence, \.crc32c, \.recordCapacity,
                        \.counterAddress, \.counterKey, \.nonce,
                    ]))
        #expect(
            drawn["MirrorAnswer"]
                == offsets(
                    MirrorAnswer.self,
                    [
                        \.magic, \.version, \.refusal, \.ringAddress, \.fenceAddress, \.ringKey,
                        \.reserved,
                    ]))
        #expect(
            drawn["MirrorCounter"]
                == offsets(
                    MirrorCounter.self, [\.sequence, \.nonce, \.crc32c]))
    }

    private func offsets<Root>(_: Root.Type, _ paths: [PartialKeyPath<Root>]) -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: paths.map { path in
                let name = "\(path)".split(separator: ".").last.map(String.init) ?? ""
                return (name, MemoryLayout<Root>.offset(of: path) ?? -1)
            })
    }

    private func hex<Value: BitwiseCopyable>(_ value: Value) -> String {
        unsafe withUnsafeBytes(of: value) { bytes in
            unsafe bytes.map { String(format: "%02x", $0) }.joined()
        }
    }

    @Test func `counts only where both halves of a counter belong together`() {
        var random = SeededRandom(seed: TestSeed.run)
        for _ in 0..<1_000 {
            let nonce = UInt32(truncatingIfNeeded: random.next())
            let old = words(MirrorCounter(sequence: random.next(), nonce: nonce))
            let new = words(MirrorCounter(sequence: random.next(), nonce: nonce))
            #expect(MirrorCounter(words: (new.0, new.1), nonce: nonce)?.sequence == new.0)
            #expect(MirrorCounter(words: (new.0, new.1), nonce: nonce &+ 1) == nil)
            // Any mixture of bytes that is neither the one nor the other.
            let mask = random.next() & 0x0101_0101_0101_0101 &* 0xFF
            let torn = (old.0 & mask | new.0 & ~mask, old.1)
            guard torn.0 != old.0 else { continue }
            #expect(MirrorCounter(words: torn, nonce: nonce) == nil)
        }
        #expect(MirrorCounter(words: (0, 0), nonce: 5) == nil, "memory that nobody has written")
    }

    private func words(_ counter: MirrorCounter) -> (UInt64, UInt64) {
        unsafe withUnsafeBytes(of: counter) { bytes in
            unsafe (bytes.load(as: UInt64.self), bytes.load(fromByteOffset: 8, as: UInt64.self))
        }
    }

    @Test func `is refused when it asks for what cannot be`() {
        let good = MirrorHello(recordCapacity: 1_024)
        #expect(good.refusal == nil)
        var bad = good
        bad.magic += 1
        #expect(bad.refusal == .version)
        bad = good
        bad.version += 1
        #expect(bad.refusal == .version)
        for capacity: UInt32 in [0, 1, 1_023, 1 << 25, .max] {
            bad = good
            bad.recordCapacity = capacity
            #expect(bad.refusal == .capacity)
        }
        bad = good
        bad.lastSequence = .max
        #expect(bad.refusal == .place)
    }

    @Test(arguments: MirrorAnswer.Refusal.allCases)
    func `is a reason for people when it is a refusal`(_ refusal: MirrorAnswer.Refusal) {
        let settings = MirrorSettings(peerAddress: 0x0A09_0001, peerPort: 7_471)
        let error = MirrorLink.refused(MirrorAnswer(refusal: refusal.rawValue), settings)
        #expect(error.description.hasPrefix("10.9.0.1:7471 "))
        let unknown = MirrorLink.refused(MirrorAnswer(refusal: 99), settings)
        #expect(unknown.description.contains("99"))
    }

    @Test func `about a broken chain names the sequence`() {
        let standings: [MirrorStanding] = [
            .damaged(sequence: 7), .missing(sequence: 7), .foreign(sequence: 7, foundSequence: 3),
        ]
        for standing in standings { #expect("\(standing)".contains("broken at 7")) }
        #expect("\(MirrorStanding.whole)" == "whole")
    }
}

private let devices =
    (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/infiniband")) ?? []

@Suite struct `A mirror` {
    @Test(.enabled(if: devices.isEmpty, "this machine has RDMA devices"))
    func `says what is missing where there is no RDMA device`() throws {
        let settings = MirrorSettings(peerAddress: 0x7F00_0001, peerPort: 7_471)
        let ring = try LogRing<LogRecord>(capacity: 64)
        let sender = MirrorSender(ring: ring, shard: 0, settings: settings, clock: .calibrated())
        let error = #expect(throws: VerbsError.self) { try sender.connect(after: RecordChain()) }
        #expect(error?.description.contains("rdma_rxe") == true)
        #expect(error?.located("the mirror").description.hasPrefix("the mirror: there is") == true)
        #expect(throws: VerbsError.self) { try MirrorListener(address: 0, port: 7_471) }
        #expect(throws: VerbsError.self) { try MirrorProbe(settings, clock: .calibrated()) }
    }

    @Test func `holds the ring's writer until it has passed over, and no longer than it lives`()
        throws
    {
        let ring = try LogRing<LogRecord>(capacity: 4)
        let sender = MirrorSender(
            ring: ring, shard: 0, settings: MirrorSettings(peerAddress: 1, peerPort: 1),
            clock: .calibrated())
        var writer = ring.writer()
        func fill() -> Int {
            var count = 0
            while count < 100, writer.append(LogRecord(kind: .filler)) { count += 1 }
            return count
        }
        #expect(fill() == 4)
        sender.skip()
        #expect(fill() == 4)
        #expect(!sender.poll() && fill() == 0, "without a standby nothing moves")
        sender.close()
        #expect(fill() == 100)
    }
}
