// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing
import Wire

@testable import CommandLog

/// A folder as text: `file NAME SIZE`, then `offset hex` for each line of 64 bytes that is not zero.
/// Commit times, which came later, have a text of their own.
private func text(of storage: FaultyStorage, times: Bool = false) -> String {
    var result = "# A journal of format version 1: see JournalGoldenTests.swift.\n"
    for (name, inode) in storage.names.sorted(by: { $0.key < $1.key })
    where name.hasSuffix(".times") == times {
        result += "file \(name) \(inode.live.count)\n"
        for offset in stride(from: 0, to: inode.live.count, by: 64) {
            let line = inode.live[offset..<min(offset + 64, inode.live.count)]
            guard line.contains(where: { $0 != 0 }) else { continue }
            result += "\(offset) "
            for byte in line { result += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            result += "\n"
        }
    }
    return result
}

private func storage(of text: String) throws -> FaultyStorage {
    let storage = FaultyStorage(seed: 1)
    var inode = FaultyStorage.Inode(byteCount: 0)
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
        let words = line.split(separator: " ")
        if words[0] == "file" {
            inode = FaultyStorage.Inode(byteCount: try #require(Int(words[2])))
            storage.names[String(words[1])] = inode
            continue
        }
        let digits = Array(words[1])
        let bytes = stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(digits[index...index + 1]), radix: 16) ?? 0
        }
        inode.apply(try #require(Int(words[0])), bytes, toDisk: true)
    }
    storage.durableNames = storage.names
    return storage
}

@Suite struct `The journal of format version 1` {
    private static func path(times: Bool) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/journal-\(times ? "times-" : "")v1.txt").path
    }

    /// Two lives: a segment that was full, one that recovery ended, one that goes on, one prepared.
    private static func written() throws -> JournalRig<FaultyStorage> {
        let rig = JournalRig(FaultyStorage(seed: 7), seed: 7)
        rig.segmentByteCount = 4096 * 4
        rig.storage.completionEagerness = 8
        for end in [150, 200] as [UInt64] {
            try rig.start("golden")
            while rig.lastSequence < end {
                rig.publish(upTo: 20)
                rig.rest()
            }
            rig.kill()
        }
        return rig
    }

    /// Written anew only together with a new version: `GOLDEN=write swift test --filter …`.
    @Test(arguments: [false, true])
    func `is written byte for byte as ever`(times: Bool) throws {
        let now = text(of: try Self.written().storage, times: times)
        let path = Self.path(times: times)
        if ProcessInfo.processInfo.environment["GOLDEN"] == "write" {
            try now.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOfFile: path, encoding: .utf8)
        #expect(now == golden)
    }

    @Test func `is still read, and gone on with`() throws {
        let rig = try Self.written()
        rig.storage = try storage(
            of: String(
                contentsOfFile: Self.path(times: false), encoding: .utf8))
        let log = try rig.scan("golden")
        #expect(log.lastSequence == rig.lastSequence && log.epoch == 2)
        #expect(log.durableSequence == log.lastSequence)
        #expect(log.segments.map(\.hasFooter) == [true, true, false])
        try rig.start("behind the golden files")
        rig.publish(upTo: 30)
        rig.rest()
        #expect(rig.acknowledged == rig.lastSequence)
    }

    @Test func `gives the same commit times as ever`() throws {
        let text = try String(contentsOfFile: Self.path(times: true), encoding: .utf8)
        let times = try CommitTimes(storage(of: text))
        // The pair of 127 and 128 is durable with 128 only; 169 ends the first life.
        let nanos = [1, 126, 127, 128, 169, 170, 200, 201].map { sequence in
            times.durableNanos(of: sequence).map { ($0 - 1_700_000_000_000_000_000) / 1_000 }
        }
        #expect(nanos == [1, 10, 11, 11, 12, 13, 15, nil])
    }

    @Test func `is refused with another version`() throws {
        let rig = try Self.written()
        for inode in rig.storage.names.values { inode.live[4] = 2 }
        #expect(throws: JournalError.self) { try rig.scan("version 2") }
    }

    @Test func `has the offsets that its page draws`() {
        #expect(MemoryLayout<SegmentHeader>.size == 64 && MemoryLayout<SegmentHeader>.stride == 64)
        #expect(MemoryLayout<SegmentFooter>.size == 64 && MemoryLayout<SegmentFooter>.stride == 64)
        #expect(MemoryLayout<TimesHeader>.size == 64 && MemoryLayout<CommitNote>.stride == 16)
        #expect(MemoryLayout<TimesHeader>.offset(of: \.firstSequence) == 8)
        #expect(MemoryLayout<TimesHeader>.offset(of: \.shard) == 20)
        #expect(MemoryLayout<TailSlot>.size == 64 && MemoryLayout<TailSlot>.stride == 64)
        #expect(MemoryLayout<SegmentHeader>.offset(of: \.chainBefore) == 44)
        #expect(MemoryLayout<SegmentFooter>.offset(of: \.chain) == 40)
        #expect(MemoryLayout<TailSlot>.offset(of: \.segmentFirstSequence) == 40)
        #expect(MemoryLayout<TailSlot>.offset(of: \.chainBefore) == 56)
        let geometry = SegmentGeometry(firstSequence: 1_000, byteCount: 256 << 20)
        #expect(geometry.offset(of: 1_000) == 4096 + (1_000 - 960) * 64)
        #expect(geometry.offset(of: geometry.lastSequence) == geometry.footerOffset - 64)
        // Ring slot and file offset are congruent modulo 4,096.
        #expect((1_000 * 64 - geometry.offset(of: 1_000)) % 4096 == 0)
    }
}
