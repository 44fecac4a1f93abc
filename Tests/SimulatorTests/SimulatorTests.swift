// SPDX-License-Identifier: Apache-2.0
import Simulator
import TestSeed
import Testing

/// A run that has found a bug, which was mended.
private struct Found: CustomTestStringConvertible, Sendable {
    let seed: UInt64
    let steps: Int
    /// With nothing but plain orders, as there once was nothing else.
    var isPlain = true
    let what: String
    var testDescription: String { "seed \(seed): \(what)" }
}

@Suite(.serialized) struct `A simulated pair` {
    // What a seed says changes with the simulator: these are kept for the ground that they cover,
    // and run as they were found.
    private static let found = [
        Found(
            seed: 133, steps: 60_000,
            what: "a host that had missed a whole epoch was told to cut behind a record of its own"),
        Found(
            seed: 51, steps: 20_000,
            what: "a new primary took the old direction's link for its standby's"),
        Found(
            seed: 110, steps: 20_000,
            what: "a standby that ended where its primary began got neither records nor a snapshot"),
        Found(
            seed: 1_120, steps: 20_000,
            what: "a host that waits to compare could not: the other one needed a snapshot"),
        Found(
            seed: 1_127, steps: 20_000,
            what: "a standby was in sync without what had been acknowledged before a start"),
        Found(
            seed: 30_066, steps: 20_000,
            what: "a damaged record far behind kept a standby from being brought up at all"),
        Found(
            seed: 50_085, steps: 20_000,
            what: "the host with the longer log was named before that log was on its disk"),
        Found(
            seed: 2_623, steps: 20_000,
            what: "a footer that a killed process had written was built on before it was durable"),
        Found(
            seed: 3_243, steps: 20_000,
            what: "a standby came back empty, unnoticed, and was still called in sync"),
        Found(
            seed: 585, steps: 20_000,
            what: "a start behind a snapshot waited for records to go through that there were not"),
        Found(
            seed: 18_352, steps: 20_000,
            what: "a standby with nothing in common was told to cut its log for ever"),
        Found(
            seed: 48_834, steps: 20_000,
            what: "the same, with a primary that had carried something over from the first"),
        Found(
            seed: 74_694, steps: 20_000,
            what: "the same, after the standby had died in between"),
        Found(
            seed: 85_050, steps: 20_000,
            what: "a log was cut whose process had not ended, for its disk stood still"),
        Found(
            seed: 92_858, steps: 20_000,
            what: "nobody set a log aside that was begun before its founder lost its own"),
        Found(
            seed: 36_017, steps: 20_000,
            what: "a standby had let go of public reports that its primary had not told"),
        Found(
            seed: 65_406, steps: 20_000,
            what: "the same, of a primary whose heir died before it spoke"),
        Found(
            seed: 614_325, steps: 20_000, isPlain: false,
            what: "one that a person let lead died, and the other led, that had not been in sync"),
        Found(
            seed: 804_561, steps: 20_000, isPlain: false,
            what: "operators waited for ever behind a day's end that was refused in between"),
        Found(
            seed: 1_174_149, steps: 20_000, isPlain: false,
            what: "a segment went before the header of the next one was on the disk"),
    ]

    @Test(arguments: found)
    private func `holds its invariants where one was once broken`(_ found: Found) {
        var run = SimulationRun(seed: found.seed)
        run.stepCount = found.steps
        run.isPlain = found.isPlain
        let outcome = run.run()
        #expect(outcome.violation == nil, "\(outcome.lastEvents.joined(separator: "\n"))")
    }

    @Test func `holds its invariants under fresh seeds`() {
        let first = TestSeed.run & 0xFFFF_FFFF
        var figures = SimulationFigures()
        for seed in first..<first + 30 {
            let outcome = SimulationRun(seed: seed).run()
            figures.add(outcome.figures)
            #expect(
                outcome.violation == nil,
                """
                needletail-lab simulate --seed \(seed) --verbose
                \(outcome.lastEvents.joined(separator: "\n"))
                """)
        }
        #expect(figures[.acknowledged] > 1_000 && figures[.admissions] > 10)
        #expect(figures[.timesTold] > 0)
        #expect(figures[.requestsDone] > 50 && figures[.triggers] > 50)
        #expect(figures[.auctions] > 0 && figures[.busts] > 0 && figures[.rolls] > 0)
    }

    @Test func `has nothing but plain orders where nothing else is wanted`() {
        var run = SimulationRun(seed: 5)
        #expect(run.run().figures[.requests] > 0)
        run.isPlain = true
        #expect(run.run().figures[.requests] == 0)
    }

    @Test func `repeats itself`() {
        let runs = (0..<2).map { _ in SimulationRun(seed: 7).run() }
        #expect(runs[0].lastEvents == runs[1].lastEvents)
        #expect(runs[0].figures[.lines] == runs[1].figures[.lines])
        #expect(runs[0].figures[.reports] == runs[1].figures[.reports])
    }
}
