// SPDX-License-Identifier: Apache-2.0
import Platform
import Testing

@Suite struct `A simulation` {
    @Test func `has others go on where a body sleeps`() {
        Simulation.begin(seed: 1)
        defer { Simulation.end() }
        var sleptNanos: [UInt64] = []
        let answer = Simulation.run {
            IdleStrategy.rest(nanos: 1_000_000_000_000)
            IdleStrategy.rest(nanos: 7)
            return sleptNanos.count
        } meanwhile: {
            sleptNanos.append($0)
        }
        #expect(answer == 2)
        #expect(sleptNanos == [1_000_000_000_000, 7])
        // Behind it a sleep is one.
        IdleStrategy.rest(nanos: 1)
        #expect(sleptNanos.count == 2)
    }
}
