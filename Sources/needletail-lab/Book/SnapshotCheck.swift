// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Foundation
internal import Pipeline
internal import Platform
internal import Wire

/// `bench book --check-snapshots`: one log, three ways through it, the same state.
///
///     live, in bursts   ────●──────────●────────────▶ hash, image
///     replay, singly    ────●──────────●────────────▶ the same, and at each ●
///     snapshot files        └─▶ file ──│────────────▶ the same
///                                      └─▶ file ────▶ the same
///
/// SAFETY: `records` has all commands of the plan's file, sealed behind its opening.
@safe struct SnapshotCheck {
    private let records: UnsafeMutablePointer<LogRecord>
    private let plan: BookPlan
    /// Commands before each snapshot, ascending.
    private let points: [Int]

    init(
        records: UnsafeMutablePointer<LogRecord>, plan: BookPlan, snapshotCount: Int, seed: UInt64
    ) {
        unsafe self.records = records
        self.plan = plan
        var random = SeededRandom(seed: seed)
        let commandCount = UInt64(plan.file.commandCount)
        points = Set((0..<snapshotCount).map { _ in Int(random.below(commandCount)) }).sorted()
    }

    /// Prints what it finds. Throws when anything differs.
    func run() throws {
        let path = NSTemporaryDirectory() + "needletail-snapshots-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = SnapshotStore(path: path, shard: 1, keptCount: points.count)
        var live = unsafe try BookRun(
            records: records, recordCount: plan.file.commandCount, opening: plan.opening)
        let replay = LogFold(shard: 1)
        for (record, continuation) in plan.opening.commands {
            replay.fold(record, continuation: continuation)
        }
        var taken: [(point: Int, sequence: UInt64)] = []
        var done = 0
        for point in points + [plan.file.commandCount] {
            live.apply(done..<point)
            fold(done..<point, into: replay)
            done = point
            let image = live.encodeImage()
            try same("replay of \(point) commands", replay, live.stateHash, image)
            guard point < plan.file.commandCount else { continue }
            let sequence = replay.position.sequence
            try store.save(replay, at: replay.position)
            guard try store.load(sequence: sequence).image == image else {
                throw differs("the snapshot behind \(point) commands", "its bytes")
            }
            taken.append((point, sequence))
        }
        guard plan.matches(live.listener.totals) else {
            throw differs("the live run", "its totals, from the file's")
        }
        let image = live.encodeImage()
        print(
            "live run and replay: \(done) commands, \(live.openOrders) orders open, "
                + "state hash \(String(live.stateHash, radix: 16)), image \(image.count) B")
        for (point, sequence) in taken {
            let restored = try LogFold.restore(store, sequence: sequence)
            fold(point..<done, into: restored)
            try same("the snapshot behind \(point) commands", restored, live.stateHash, image)
            guard restored.position == replay.position else {
                throw differs("the snapshot behind \(point) commands", "its place in the log")
            }
            print("snapshot behind \(point) commands, and \(done - point) more: the same")
        }
        print("snapshots OK")
    }

    private func fold(_ range: Range<Int>, into log: LogFold) {
        for index in range { unsafe log.fold(records[index], continuation: nil) }
    }

    private func same(
        _ what: String, _ log: LogFold, _ stateHash: UInt64, _ image: [UInt8]
    ) throws {
        if let problem = log.problem ?? log.broken { throw differs(what, problem) }
        guard log.stateHash == stateHash else { throw differs(what, "its state hash") }
        guard log.encodeImage() == image else { throw differs(what, "its image's bytes") }
    }

    private func differs(_ what: String, _ how: String) -> any Error {
        print("MISMATCH: \(what): \(how)")
        return ExitCode(1)
    }
}
