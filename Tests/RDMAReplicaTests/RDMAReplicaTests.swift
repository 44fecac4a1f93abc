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
    @Test func `is refused when it asks for what cannot be`() {
        let here = MirrorIdentity(cluster: "venue", host: 2, peerHost: 1)
        let good = MirrorHello(
            recordCapacity: 1_024, clusterHash: here.clusterHash, epoch: 7, host: 1, peerHost: 2)
        func refusal(_ hello: MirrorHello) -> MirrorAnswer.Refusal? {
            hello.refusal(by: here, knownEpoch: 7)
        }
        #expect(refusal(good) == nil)
        var bad = good
        bad.magic += 1
        #expect(refusal(bad) == .version)
        bad = good
        bad.version += 1
        #expect(refusal(bad) == .version)
        for capacity: UInt32 in [0, 1, 8, 1_023, 1 << 25, .max] {
            bad = good
            bad.recordCapacity = capacity
            #expect(refusal(bad) == .capacity)
        }
        bad = good
        bad.lastSequence = .max
        #expect(refusal(bad) == .place)
        bad = good
        bad.clusterHash = MirrorIdentity(cluster: "Venue").clusterHash
        #expect(refusal(bad) == .cluster)
        bad = good
        bad.host = 3
        #expect(refusal(bad) == .host)
        bad = good
        bad.peerHost = 1
        #expect(refusal(bad) == .host)
        bad = good
        bad.epoch = 6
        #expect(refusal(bad) == .epoch)
        let anybody = MirrorHello(recordCapacity: 1_024, clusterHash: MirrorIdentity().clusterHash)
        #expect(anybody.refusal(by: MirrorIdentity(), knownEpoch: 0) == nil)
    }

    @Test(arguments: MirrorAnswer.Refusal.allCases)
    func `is a reason for people when it is a refusal`(_ refusal: MirrorAnswer.Refusal) {
        let error = MirrorLink.refused(MirrorAnswer(refusal: refusal.rawValue), "10.9.0.1:7471")
        #expect(error.description.hasPrefix("10.9.0.1:7471 "))
        let unknown = MirrorLink.refused(MirrorAnswer(refusal: 99), "10.9.0.1:7471")
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
        var settings = MirrorSettings(peerAddress: 0x7F00_0001, peerPort: 7_471)
        settings.transport = .rdma
        let ring = try LogRing<LogRecord>(capacity: 64)
        let clock = CycleClock.calibrated()
        let sender = MirrorSender(ring: ring, shard: 0, settings: settings, clock: clock)
        let error = #expect(throws: MirrorError.self) { try sender.connect() }
        #expect(error?.description.contains("rdma_rxe") == true)
        #expect(sender.status.failure?.description == error?.description)
        #expect(error?.located("the mirror").description.hasPrefix("the mirror: there is") == true)
        #expect(throws: MirrorError.self) {
            try MirrorListener(address: 0, port: 7_471, transport: .rdma, clock: clock)
        }
        #expect(throws: MirrorError.self) { try MirrorProbe(settings, clock: clock) }
    }
}
