// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import Hardware
import NICGateway
import OrderEntryClient
import Pipeline
import Platform
import ShardRig
import TestSeed
import Testing
import Wire

/// Every report that was ever sent, by its number: the same number is the same bytes for ever.
private struct Told {
    private var reports: [UInt32: [UInt32: [UInt8]]] = [:]
    /// The same of public ones.
    private(set) var publicReports: [UInt64: [UInt8]] = [:]
    private(set) var differences = 0

    mutating func take(_ sent: SentFrame) {
        for (index, report) in sent.reports.enumerated() {
            let number = sent.header.sequence &+ UInt32(index)
            let known = reports[sent.header.session, default: [:]].updateValue(
                report, forKey: number)
            if let known, known != report { differences += 1 }
        }
        for (index, report) in sent.publicReports.enumerated() {
            let number = sent.header.publicSequence + UInt64(index)
            let known = publicReports.updateValue(bytes(report), forKey: number)
            if let known, known != bytes(report) { differences += 1 }
        }
    }
}

@Suite(.serialized) struct `After a take-over` {
    private static func configuration(
        _ change: (inout Configuration) -> Void = { _ in }
    ) -> Configuration {
        ShardRig.configuration {
            // So small that a follower goes round them many times.
            $0.host.rings.logRecords = 512
            $0.verifiesChecksums = true
            $0.publicGroup = 0xEF01_0101
            change(&$0)
        }
    }

    @Test(arguments: [0.0, 0, 1, 3, 5, 5, 8, 10, 15, 20].enumerated().map { ($0, $1) })
    func `sessions go on: every message is applied once, every report is told the same`(
        run: Int, percent: Double
    ) throws {
        let seed = TestSeed.run &+ 700 &+ UInt64(run)
        let text = "seed \(String(seed, radix: 16))"
        var random = SeededRandom(seed: seed)
        let messages = `Over a bad network`.messages(seed, sessions: 4, count: 150)
        let first = 20 + Int(random.below(250))
        let kills = [first, first + 1 + Int(random.below(250))]
        let venue = try Succession(Self.configuration(), kills: kills)
        var told = Told()
        let bench = LossyBench(
            port: venue.primary.port, seed: seed,
            faults: `Over a bad network`.faults(seed, percent: percent), corruptionPercent: 0,
            messages: messages, heartbeatMillis: 100,
            poll: { #expect(throws: Never.self) { try venue.poll() } })
        bench.onSent = { told.take($0) }
        venue.onTakeover = { bench.port = $0.port }
        let isDone = bench.run { seat in
            let state = venue.primary.session(seat.session.settings.session)
            return venue.isDone && UInt64(seat.delivered.count) == state.reportSequence
        }
        #expect(isDone, "\(text) comes to its end")
        #expect(told.differences == 0, "\(text): a number was told twice, and not the same")
        let refold = try Refold(venue.primary.configuration, venue.log)
        #expect(refold.stateHash == venue.primary.stateHash, "\(text)")
        var chain = RecordChain()
        #expect(venue.log.allSatisfy { chain.take($0) }, "\(text): the log's chain holds")
        let (_, perfect, _) = try `Over a bad network`.run(
            seed: seed, messages: messages, percent: 0, corruption: 0)
        for session in UInt32(1)...4 {
            #expect(
                `Over a bad network`.commands(venue.log, session: session)
                    == `Over a bad network`.commands(perfect, session: session),
                "\(text), session \(session)")
        }
        `Over a bad network`.expectDelivered(bench, refold, seed: seed)
        let changes = bench.seats.reduce(0) { $0 + $1.session.counters.epochChanges }
        #expect(changes > 0, "\(text): somebody went on without a logon")
        // The public numbers are those of the log, over all that spoke, and none was left out.
        let publicCount = refold.events.count { $0.isPublic }
        #expect(told.publicReports.keys.max() == UInt64(publicCount), "\(text)")
        #expect(told.publicReports.count == publicCount, "\(text): the public stream has no gap")
    }
}
