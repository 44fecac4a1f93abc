// SPDX-License-Identifier: Apache-2.0
import Hardware
import CommandLog
import Engine
import NICGateway
import OrderEntryClient
import Pipeline
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

@Suite(.serialized) struct `Over a bad network` {
    static func faults(_ seed: UInt64, percent: Double) -> LinkFaults {
        var faults = LinkFaults()
        faults.lossPercent = percent
        faults.duplicatePercent = percent
        faults.reorderPercent = 4 * percent
        faults.seed = seed
        return faults
    }

    static func messages(_ seed: UInt64, sessions: Int, count: Int) -> [[[UInt8]]] {
        var flow = MessageFlow(seed: seed, sessionCount: sessions)
        return (0..<sessions).map { session in
            (0..<count).map { _ in flow.message(session: session) }
        }
    }

    /// Records of one session that came from its messages, without what depends on the moment.
    static func commands(_ records: [LogRecord], session: UInt32) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for (index, record) in records.enumerated()
        where record.kind.rawValue < 32 && record.session == session {
            for var part in record.isPair ? [record, records[index + 1]] : [record] {
                part.sequence = 0
                part.crc32c = 0
                if part.kind != .continuation { part.timestampNanos = 0 }
                found.append(bytes(part))
            }
        }
        return found
    }

    /// Runs a flow through a shard and gives the records, the hash, and what was delivered.
    static func run(
        seed: UInt64, messages: [[[UInt8]]], percent: Double, corruption: UInt64
    ) throws -> (rig: ShardRig, records: [LogRecord], bench: LossyBench) {
        let rig = try ShardRig {
            $0.host.rings.logRecords = 32_768
            $0.host.rings.events = 65_536
            $0.verifiesChecksums = true
            $0.reorderWindow = 4
        }
        let bench = LossyBench(
            port: rig.port, seed: seed, faults: faults(seed, percent: percent),
            corruptionPercent: corruption, messages: messages, poll: { rig.poll(2) })
        let isDone = bench.run { seat in
            let state = rig.session(seat.session.settings.session)
            return UInt64(seat.delivered.count) == state.reportSequence
        }
        #expect(isDone, "seed \(String(seed, radix: 16)) comes to its end")
        return (rig, rig.records(), bench)
    }

    static func expectDelivered(_ bench: LossyBench, _ refold: Refold, seed: UInt64) {
        for seat in bench.seats {
            let expected = refold.reports[seat.session.settings.session] ?? []
            #expect(seat.delivered.count == expected.count, "seed \(String(seed, radix: 16))")
            for (found, wanted) in zip(seat.delivered, expected) {
                let isSame =
                    found.isExtended
                    ? bytes(found.report) == bytes(wanted)
                    : bytes(found.core) == bytes(wanted.core.inShortForm)
                guard isSame else {
                    Issue.record("seed \(String(seed, radix: 16)): \(found) is not \(wanted)")
                    return
                }
            }
        }
    }

    @Test(arguments: [(0, 1.0, 0), (1, 5.0, 0), (2, 15.0, 0), (3, 3.0, 5), (4, 10.0, 10)])
    func `every message is applied once, in order, and every report delivered once, in order`(
        run: UInt64, percent: Double, corruption: Int
    ) throws {
        let seed = TestSeed.run &+ run
        let messages = Self.messages(seed, sessions: 4, count: 400)
        let (rig, records, bench) = try Self.run(
            seed: seed, messages: messages, percent: percent, corruption: UInt64(corruption))
        let refold = try Refold(rig.configuration, records)
        #expect(refold.stateHash == rig.stateHash)
        var chain = RecordChain()
        #expect(records.allSatisfy { chain.take($0) }, "the log's chain holds")
        // What a perfect network would have brought.
        let (_, perfect, _) = try Self.run(
            seed: seed, messages: messages, percent: 0, corruption: 0)
        for session in UInt32(1)...4 {
            #expect(
                Self.commands(records, session: session)
                    == Self.commands(perfect, session: session),
                "seed \(String(seed, radix: 16)), session \(session)")
        }
        Self.expectDelivered(bench, refold, seed: seed)
        let seen = bench.seats.reduce(0) { $0 + $1.session.counters.messagesResent }
        #expect(seen > 0, "the network was bad")
    }

    @Test(arguments: 0..<3)
    func `a session alone has the state hash of the run without losses`(run: UInt64) throws {
        let seed = TestSeed.run &+ 100 &+ run
        let messages = Self.messages(seed, sessions: 1, count: 800)
        let bad = try Self.run(seed: seed, messages: messages, percent: 8, corruption: 3)
        let good = try Self.run(seed: seed, messages: messages, percent: 0, corruption: 0)
        #expect(bad.rig.stateHash == good.rig.stateHash, "seed \(String(seed, radix: 16))")
        #expect(bad.bench.seats[0].session.counters.messagesResent > 0)
    }

    @Test(arguments: [HardwareProfile.Mode.pipeline, .runToCompletion])
    func `threads give the events and the hash of a fold of their log`(
        mode: HardwareProfile.Mode
    ) throws {
        let seed = TestSeed.run &+ 200
        let messages = Self.messages(seed, sessions: 3, count: 150)
        let configuration = ShardRig.configuration {
            $0.host.mode = mode
            $0.host.polling = .adaptive
            $0.host.rings.logRecords = 32_768
            $0.host.rings.events = 65_536
            $0.verifiesChecksums = true
        }
        let port = try ShardRig.port(buffers: 2_047)
        port.captureTransmitted()
        let pipeline = try Pipeline(configuration, port: port)
        try pipeline.start()
        let bench = LossyBench(
            port: port, seed: seed, faults: Self.faults(seed, percent: 3), corruptionPercent: 2,
            messages: messages, poll: { Nap.micros(100) })
        #expect(bench.run { _ in true }, "seed \(String(seed, radix: 16)) is committed")
        // So the log is complete, and says how many reports there will be. Silence would not: the
        // last report and the word that there was one may both be lost.
        var observer = pipeline.logs[0].observer(from: 1)
        var records: [LogRecord] = []
        while case .record(let record) = observer.next() { records.append(record) }
        let refold = try Refold(configuration, records)
        let isDone = bench.run { seat in
            let expected = refold.reports[seat.session.settings.session] ?? []
            return seat.delivered.count >= expected.count
        }
        #expect(isDone, "seed \(String(seed, radix: 16)) comes to its end")
        pipeline.stop()
        #expect(pipeline.progress[0].sequence == UInt64(records.count))
        #expect(pipeline.progress[0].stateHash == refold.stateHash)
        Self.expectDelivered(bench, refold, seed: seed)
    }

    @Test func `one thread and two give the same bytes for the same messages`() throws {
        let seed = TestSeed.run &+ 300
        let messages = Self.messages(seed, sessions: 1, count: 300)
        var hashes: [UInt64] = []
        var told: [[[UInt8]]] = []
        for mode in [HardwareProfile.Mode.pipeline, .runToCompletion] {
            let configuration = ShardRig.configuration {
                $0.host.mode = mode
                $0.host.polling = .adaptive
            }
            let port = try ShardRig.port(buffers: 2_047)
            port.captureTransmitted()
            let pipeline = try Pipeline(configuration, port: port)
            try pipeline.start()
            let bench = LossyBench(
                port: port, seed: seed, faults: LinkFaults(), corruptionPercent: 0,
                messages: messages, poll: { Nap.micros(100) })
            var isDone = bench.run { _ in true }
            isDone = bench.run { _ in bench.isQuiet } && isDone
            #expect(isDone)
            pipeline.stop()
            hashes.append(pipeline.progress[0].stateHash)
            told.append(
                bench.seats[0].delivered.map { delivered in
                    var report = delivered.report
                    report.core.timestampNanos = 0
                    return bytes(report)
                })
        }
        #expect(hashes[0] == hashes[1], "seed \(String(seed, radix: 16))")
        #expect(told[0] == told[1], "seed \(String(seed, radix: 16))")
        #expect(told[0].count >= 300)
    }
}

extension ExecutionReport {
    /// The same without the long form's type.
    var inShortForm: ExecutionReport {
        var report = self
        report.type = .executionReport
        return report
    }
}
