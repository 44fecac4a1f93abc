// SPDX-License-Identifier: Apache-2.0
import TestSeed
import Testing

@testable import RDMAReplica

@Suite struct `A host of a pair` {
    @Test func `never loses what was acknowledged, and never speaks beside the other`() {
        let first = TestSeed.run
        var promotions = 0
        var soloTurns = 0
        var admissions = 0
        for seed in first..<(first &+ 200) {
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
        }
        #expect(promotions > 100 && soloTurns > 100 && admissions > 100)
    }
}
