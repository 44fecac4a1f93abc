// SPDX-License-Identifier: Apache-2.0
import CommandLog
import TestSeed
import Testing

@testable import RDMAReplica

@Suite struct `A host of a pair` {
    /// Of pairs under a person that once failed: run first, whatever the seed of the run.
    static let seedsUnderPerson: [UInt64] = [
        // A dead host's folder changed, after a person had looked at it.
        0x6_6160_cc88_bf2f
    ]

    @Test func `does not take the mirror that it followed for one of its own`() {
        var machine = HostMachine(
            HostSettings(host: 1, peer: 2, mayFound: true), policy: .mirrored, firstEpoch: 1,
            seed: 1)
        var seen = HostObservation()
        var question: ArbiterRunner.Request?
        func step() {
            seen.nowNanos += 100_000
            for case .ask(let asked) in machine.step(seen) { question = asked }
            seen.answer = nil
        }
        while question == nil { step() }
        seen.answer = .read(nil, revision: 0)
        step()
        #expect(machine.role == .claiming)
        // Seen as who follows: the other end is gone a moment later.
        seen.link = .live
        seen.answer = .swap(.won(revision: 1))
        step()
        #expect(machine.role == .primary(.solo))
    }

    @Test func `never loses what was acknowledged, and never speaks beside the other`() {
        let first = TestSeed.run
        var promotions = 0
        var soloTurns = 0
        var admissions = 0
        var handOvers = 0
        for seed in first..<(first &+ 400) {
            var model = PairModel(seed: seed)
            for _ in 0..<3_000 where model.failure == nil { model.turn(withFaults: true) }
            model.heal()
            for _ in 0..<4_000 where model.failure == nil && !model.isWell {
                model.turn(withFaults: false)
            }
            #expect(model.failure == nil, "SEED=\(String(seed, radix: 16))")
            let roles = model.hosts.map { $0.machine.role }
            #expect(model.isWell, "not in service: \(roles), SEED=\(String(seed, radix: 16))")
            promotions += model.promotions
            soloTurns += model.soloTurns
            admissions += model.admissions
            handOvers += model.handOvers
        }
        #expect(promotions > 100 && soloTurns > 100 && admissions > 100 && handOvers > 100)
    }

    @Test func `does neither where a person decides, and nothing but what the person says`() {
        let first = TestSeed.run
        var promotions = 0
        var soloTurns = 0
        var admissions = 0
        for seed in Self.seedsUnderPerson + Array(first..<(first &+ 400)) {
            var model = PairModel(seed: seed, isManual: true)
            for _ in 0..<3_000 where model.failure == nil { model.turn(withFaults: true) }
            model.heal()
            for _ in 0..<6_000 where model.failure == nil && !model.isWell {
                model.turn(withFaults: false)
            }
            let text = "\(model.folders), SEED=\(String(seed, radix: 16))"
            let (failure, isWell) = (model.failure, model.isWell)
            #expect(failure == nil, "\(text)")
            let roles = model.hosts.map { $0.machine.role }
            #expect(isWell, "not in service: \(roles), \(text)")
            promotions += model.promotions
            soloTurns += model.soloTurns
            admissions += model.admissions
        }
        #expect(promotions > 100 && soloTurns > 100 && admissions > 100)
    }
}
