// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a bug is planted before anything runs, in a process of one thread.
import ArgumentParser
import Foundation
import Platform
import Simulator

/// `needletail-lab simulate`: both hosts of a pair and all around them in one thread, under faults.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a pair of hosts under faults, and check what must always hold.",
        discussion: """
            Each seed is a run of its own: the hosts' real code, a simulated network, disks, \
            arbiter and clients. docs/operations/simulator.md has the invariants by number.

            EXIT CODES
              0   all held
              1   one did not: the seed and the last events are printed
              64  the command line is wrong
            """)

    @Option(help: "One seed.") var seed: UInt64?
    @Option(help: "Seeds from the first to below the last, as 1000..2000.") var seeds: String?
    @Option(help: "Turns under faults in each run.") var steps = SimulationRun.stepCountDefault
    @Flag(help: "Leave out what a market has besides plain orders, whatever the seed says.")
    var plain = false
    @Flag(help: "Print each event.") var verbose = false

    #if NEEDLETAIL_MUTANTS
    @Option(help: "Plant this bug.") var mutant: String?
    @Flag(help: "Name the bugs that can be planted.") var mutants = false
    #endif

    func run() throws {
        #if NEEDLETAIL_MUTANTS
        if mutants { return Mutant.allCases.forEach { print($0.rawValue) } }
        unsafe Mutant.planted = mutant.flatMap(Mutant.init)
        #endif
        var figures = SimulationFigures()
        let start = Date()
        for seed in try range() {
            var run = SimulationRun(seed: seed)
            run.stepCount = steps
            run.isPlain = plain
            if verbose { run.tell = { print($0) } }
            let outcome = run.run()
            figures.add(outcome.figures)
            guard let violation = outcome.violation else { continue }
            report(outcome, violation)
            throw ExitCode(1)
        }
        report(figures, seconds: Date().timeIntervalSince(start))
    }

    private func range() throws -> Range<UInt64> {
        if let seed, seeds == nil { return seed..<seed + 1 }
        guard let seeds, seed == nil else {
            throw ValidationError("name --seed or --seeds, one of the two")
        }
        let ends = seeds.components(separatedBy: "..")
        guard ends.count == 2, let first = UInt64(ends[0]), let last = UInt64(ends[1]), first < last
        else { throw ValidationError("--seeds is FIRST..END, as 1000..2000") }
        return first..<last
    }

    private func report(_ outcome: SimulationOutcome, _ violation: Violation) {
        if !verbose { for line in outcome.lastEvents { print(line) } }
        print("seed \(outcome.seed): \(violation)")
        let plainly = plain ? " --plain" : ""
        print("needletail-lab simulate --seed \(outcome.seed) --steps \(steps)\(plainly) --verbose")
    }

    private func report(_ figures: SimulationFigures, seconds: Double) {
        for count in SimulationFigures.Count.allCases {
            let name = count.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0)
            print("\(name)\(figures[count])")
        }
        let rate = Double(figures[.seeds]) / max(seconds, 0.001)
        print(String(format: "%.1f s, %.1f seeds a second", seconds, rate))
    }
}
