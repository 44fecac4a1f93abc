// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// The engine as whoever recovers or mirrors a log sees it.
struct Fold: SnapshotFolder, ~Copyable {
    var rig: Rig

    mutating func fold(_ record: LogRecord, continuation: LogRecord?) {
        _ = rig.apply(Command(record, continuation))
    }

    var stateHash: UInt64 { rig.engine.stateHash }
    func encodeImage() -> [UInt8] { rig.engine.encodeImage() }

    static func decodeImage(
        _ image: RawSpan, limits: EngineLimits?, node: NUMANode?
    ) throws(EngineImageError) -> Fold {
        Fold(
            rig: Rig(
                try Engine.decodeImage(image, limits: limits, node: node), upcomingSequence: 1))
    }
}

@Suite struct `A snapshot and the tail of the log` {
    @Test func `give the state of the whole log`() throws {
        announce(TestSeed.run)
        let path = NSTemporaryDirectory() + "needletail-engine-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = SnapshotStore(path: path, shard: 1, keptCount: 2)
        var flow = RandomFlow(seed: TestSeed.run, limits: smallLimits, rules: 3)
        var commands = flow.opening()
        for _ in 0..<3000 { commands.append(flow.next()) }
        var live = Fold(rig: try Rig(smallLimits))
        var ends: [UInt64: Int] = [:]
        for (number, command) in commands.enumerated() {
            live.fold(command.record, continuation: command.continuation)
            guard number % 700 == 699 else { continue }
            let sequence = live.rig.upcomingSequence - 1
            ends[sequence] = number + 1
            _ = try store.save(
                live,
                at: SnapshotPosition(
                    shard: 1, epoch: 1, rulesVersion: 1, sequence: sequence, recordCRC32C: 0,
                    timestampNanos: 0, publicReportCount: 0))
        }
        #expect(try store.sequences().count == 2)
        for sequence in try store.sequences() {
            let restored = try store.restore(Fold.self, sequence: sequence, limits: smallLimits)
            let first = try #require(ends[restored.position.sequence])
            var engine = restored.take()
            engine.rig = Rig(
                try restore(engine.encodeImage()), upcomingSequence: sequence + 1)
            for command in commands[first...] {
                engine.fold(command.record, continuation: command.continuation)
            }
            #expect(engine.stateHash == live.stateHash)
            #expect(engine.encodeImage() == live.encodeImage())
        }
    }
}
