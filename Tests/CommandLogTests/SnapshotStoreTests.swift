// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Platform
import Testing
import Wire

@testable @_spi(Testing) import CommandLog

/// Adds up what it is given: eight bytes of state, and one that must be 7.
private struct Tally: SnapshotFolder {
    struct Failure: Error { let reason: String }
    var sum: UInt64 = 0
    /// What it states; for tests another than its sum.
    var stateHash: UInt64 { sum &* 3 }

    mutating func fold(_ record: LogRecord, continuation: LogRecord?) {
        sum &+= record.quantityLots
    }

    func encodeImage() -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: sum >> ($0 * 8)) } + [7]
    }

    static func decodeImage(
        _ image: RawSpan, limits: EngineLimits?, node: NUMANode?
    ) throws(Failure) -> Tally {
        let bytes = (0..<image.byteCount).map {
            unsafe image.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }
        guard bytes.count == 9, bytes[8] == 7 else { throw Failure(reason: "no 7") }
        return Tally(sum: (0..<8).reduce(0) { $0 | UInt64(bytes[$1]) << ($1 * 8) })
    }
}

/// A store in a folder of its own, which is gone after the test.
private func withStore<R>(keptCount: Int = 3, _ body: (SnapshotStore) throws -> R) throws -> R {
    let path = NSTemporaryDirectory() + "needletail-snapshots-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(SnapshotStore(path: path, shard: 4, keptCount: keptCount))
}

/// What `restoreNewest` answers, as values that can be copied.
private func newest(
    _ store: SnapshotStore, sequenceMax: UInt64 = .max, _ skipped: inout [SkippedSnapshot]
) throws -> (sum: UInt64, position: SnapshotPosition)? {
    let found = try store.restoreNewest(
        Tally.self, sequenceMax: sequenceMax, skipped: &skipped)
    guard let found else { return nil }
    return (found.folder.sum, found.position)
}

private func position(_ sequence: UInt64, shard: UInt32 = 4) -> SnapshotPosition {
    SnapshotPosition(
        shard: shard, epoch: 2, rulesVersion: 1, sequence: sequence,
        recordCRC32C: UInt32(sequence) &* 17, timestampNanos: sequence * 1000,
        publicReportCount: sequence / 2)
}

private func names(_ store: SnapshotStore) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: store.path).sorted()
}

private func overwrite(_ store: SnapshotStore, _ sequence: UInt64, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: store.path(sequence: sequence)))
}

private func read(_ store: SnapshotStore, _ sequence: UInt64) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: store.path(sequence: sequence))))
}

@Suite struct `A store of snapshots` {
    @Test func `gives back the newest folder and its place in the log`() throws {
        try withStore { store in
            var skipped: [SkippedSnapshot] = []
            #expect(try newest(store, &skipped) == nil)
            _ = try store.save(Tally(sum: 10), at: position(5))
            _ = try store.save(Tally(sum: 30), at: position(12))
            #expect(try store.sequences() == [12, 5])
            #expect(
                try names(store) == [
                    "00000000000000000005.snapshot", "00000000000000000012.snapshot",
                ])
            let last = try #require(try newest(store, &skipped))
            #expect(last.sum == 30)
            #expect(last.position == position(12))
            #expect(last.position.chain.lastSequence == 12)
            let older = try #require(
                try newest(store, sequenceMax: 11, &skipped))
            #expect(older.sum == 10)
            #expect(skipped.isEmpty)
        }
    }

    @Test func `lets only the owner read`() throws {
        try withStore { store in
            _ = try store.save(Tally(), at: position(1))
            for (path, mode) in [(store.path, 0o700), (store.path(sequence: 1), 0o600)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
            }
        }
    }

    @Test func `keeps as many as it was told, the newest`() throws {
        try withStore(keptCount: 2) { store in
            for sequence in [3, 9, 10, 200] as [UInt64] {
                _ = try store.save(Tally(sum: sequence), at: position(sequence))
            }
            #expect(try store.sequences() == [200, 10])
            // Saved anew, as after a recovery that went back: not one more.
            _ = try store.save(Tally(sum: 7), at: position(200))
            #expect(try store.sequences() == [200, 10])
        }
    }

    @Test(arguments: SnapshotStore.SaveStep.allCases)
    func `has a whole one whenever a save is cut off`(step: SnapshotStore.SaveStep) throws {
        try withStore(keptCount: 1) { store in
            _ = try store.save(Tally(sum: 1), at: position(1))
            var dying = store
            dying.stopsAfter = step
            #expect(throws: SnapshotError.stopped) {
                try dying.save(Tally(sum: 2), at: position(2))
            }
            var skipped: [SkippedSnapshot] = []
            let found = try #require(try newest(store, &skipped))
            let isThere = [.renamed, .folderSynchronized, .pruned].contains(step)
            #expect(found.sum == (isThere ? 2 : 1))
            #expect(skipped.isEmpty)
            let partial = "00000000000000000002.snapshot.partial"
            #expect(try names(store).contains(partial) == !isThere)
            _ = try store.save(Tally(sum: 3), at: position(3))
            #expect(try names(store) == ["00000000000000000003.snapshot"])
        }
    }

    @Test func `passes over a file with any bit changed, and says so`() throws {
        try withStore { store in
            _ = try store.save(Tally(sum: 1), at: position(1))
            _ = try store.save(Tally(sum: 2), at: position(2))
            let whole = try read(store, 2)
            #expect(whole.count == 4096 + 9)
            // All bits of what is used, and some of the zeros.
            let used =
                Array(0..<80) + Array(stride(from: 80, to: 4092, by: 97)) + Array(4092..<4105)
            for bit in used.flatMap({ byte in (0..<8).map { byte * 8 + $0 } }) {
                var changed = whole
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                try overwrite(store, 2, changed)
                var skipped: [SkippedSnapshot] = []
                let found = try newest(store, &skipped)
                #expect(found?.sum == 1, "bit \(bit)")
                #expect(skipped.map(\.sequence) == [2], "bit \(bit)")
            }
        }
    }

    @Test func `passes over a file cut at any length, or longer`() throws {
        try withStore { store in
            _ = try store.save(Tally(sum: 1), at: position(1))
            _ = try store.save(Tally(sum: 2), at: position(2))
            let whole = try read(store, 2)
            let counts = Array(0..<80) + Array(stride(from: 80, to: 4090, by: 61))
            for count in counts + Array(4090..<4105) {
                try overwrite(store, 2, Array(whole[..<count]))
                var skipped: [SkippedSnapshot] = []
                let found = try newest(store, &skipped)
                #expect(found?.sum == 1 && skipped.count == 1, "\(count) bytes")
            }
            try overwrite(store, 2, whole + [0])
            #expect(throws: SnapshotError.self) { try store.load(sequence: 2) }
            try overwrite(store, 2, whole)
            #expect(try store.load(sequence: 2).header.position == position(2))
        }
    }

    @Test func `passes over another shard's, a renamed one, a link and a refused one`() throws {
        try withStore(keptCount: 9) { store in
            _ = try store.save(Tally(sum: 1), at: position(1))
            let other = SnapshotStore(path: store.path, shard: 5, keptCount: 9)
            _ = try other.save(Tally(sum: 2), at: position(2, shard: 5))
            try overwrite(store, 3, try read(store, 1))
            try FileManager.default.createSymbolicLink(
                atPath: store.path(sequence: 4), withDestinationPath: store.path(sequence: 1))
            try store.write([1, 2, 3], stateHash: 0, at: position(5))
            try store.write(Tally(sum: 6).encodeImage(), stateHash: 0, at: position(6))
            // A pipe would wait for a writer for ever.
            #expect(unsafe mkfifo(store.path(sequence: 7), 0o600) == 0)
            var skipped: [SkippedSnapshot] = []
            let found = try newest(store, &skipped)
            #expect(found?.sum == 1)
            #expect(skipped.map(\.sequence) == [7, 6, 5, 4, 3, 2])
            let words = [
                "cannot open as a file", "state hash 0", "no 7", "cannot open", "as its name says",
                "shard 5",
            ]
            for (skip, word) in zip(skipped, words) {
                #expect(skip.error.description.contains(word), "\(skip.error)")
                #expect(skip.error.description.contains(store.path(sequence: skip.sequence)))
            }
        }
    }

    @Test func `ignores what is not a snapshot`() throws {
        try withStore { store in
            #expect(try store.sequences() == [], "a store that nothing was saved in")
            try FileManager.default.createDirectory(
                atPath: store.path, withIntermediateDirectories: false)
            for name in [
                "1.snapshot", "0000000000000000000a.snapshot", "99999999999999999999.snapshot",
                "00000000000000000009.snapshot.partial", "00000000000000000009.segment",
            ] {
                try Data([1]).write(to: URL(fileURLWithPath: store.path + "/" + name))
            }
            #expect(try store.sequences() == [])
        }
    }

    @Test func `says what the system refused`() throws {
        #expect {
            _ = try SnapshotStore(path: "/dev/null/snapshots", shard: 4)
                .save(Tally(sum: 1), at: position(1))
        } throws: { error in
            "\(error)" == "cannot create /dev/null/snapshots: Not a directory"
        }
    }

    /// A format for years: other bytes are another version.
    @Test func `has a header of the same bytes as ever`() throws {
        let image = Tally(sum: 0x0102_0304_0506_0708)
        try withStore { store in
            let header = try store.save(image, at: position(0x1122_3344))
            let bytes = header.encoded()
            #expect(bytes == Array(try read(store, 0x1122_3344)[..<4096]))
            let used = bytes[..<80].map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            #expect(
                used.joined()
                    == [
                        "4e54534e41505348", "01000000", "00100000", "04000000", "02000000",
                        "01000000",
                        "84674523", "4433221100000000", "a04198ed42000000", "1815120f0c090603",
                        "0900000000000000", "a219910800000000", "07c68cdb", "00000000",
                    ].joined())
            #expect(bytes[80..<4092].allSatisfy { $0 == 0 })
        }
    }
}
