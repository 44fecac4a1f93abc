// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RDMAReplica

/// The one key, behind a network that delays, and loses questions and answers.
final class SimulatedArbiter {
    var random: SeededRandom
    private(set) var decision: Decision?
    private(set) var revision: UInt64 = 0
    /// Every decision there was; its revision is its place, from 1.
    private(set) var decisions: [Decision] = []
    /// Nobody gets an answer.
    var isDown = false
    var nowNanos: UInt64 = 0
    private(set) var unknownCount = 0
    /// Swaps of processes that are gone, on their way still.
    private var late: [(wanted: Decision, expected: UInt64, arrivesNanos: UInt64)] = []

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func swap(_ wanted: Decision, for expected: UInt64) -> SwapOutcome {
        guard expected == revision else {
            return SwapOutcome(asked: wanted, found: decision, revision: revision)
        }
        decision = wanted
        decisions.append(wanted)
        revision += 1
        return .won(revision: revision)
    }

    func countUnknown() { unknownCount += 1 }
    /// Whether a swap of a process that is gone may still win.
    var awaitsLate: Bool { !late.isEmpty }

    /// What nobody waits for arrives too.
    func turn() {
        while let index = late.firstIndex(where: { $0.arrivesNanos <= nowNanos }) {
            let one = late.remove(at: index)
            if !isDown { _ = swap(one.wanted, for: one.expected) }
        }
    }

    fileprivate func takeLate(_ wanted: Decision, for expected: UInt64, at arrivesNanos: UInt64) {
        late.append((wanted, expected, arrivesNanos))
    }
}

/// The desk of one process.
final class SimulatedDesk: ArbiterDesk {
    private let arbiter: SimulatedArbiter
    /// Whether questions and answers get through.
    var isCutThere = false
    var isCutBack = false
    /// The process asked twice, or went on from what was unknown as if it were known.
    private(set) var misuse: String?
    private var asked: (request: ArbiterRunner.Request, arrivesNanos: UInt64)?
    private var answer: (ArbiterRunner.Answer, dueNanos: UInt64)?
    private var unknown: ArbiterRunner.Request?

    init(_ arbiter: SimulatedArbiter) { self.arbiter = arbiter }

    func ask(_ request: ArbiterRunner.Request) -> Bool {
        if asked != nil || answer != nil {
            misuse = "asks again before the answer"
            return false
        }
        if let unknown, unknown != request { misuse = "does not ask again what was unknown" }
        unknown = nil
        let isSlow = arbiter.random.below(20) == 0
        let delay = arbiter.random.below(isSlow ? 20_000_000 : 1_500_000)
        asked = (request, arbiter.nowNanos + delay)
        return true
    }

    func takeAnswer() -> ArbiterRunner.Answer? {
        if let (request, arrives) = asked, arrives <= arbiter.nowNanos { put(request) }
        guard let (given, due) = answer, due <= arbiter.nowNanos else { return nil }
        answer = nil
        return given
    }

    /// The process is gone, and not what it has asked.
    func abandon() {
        guard let (request, arrives) = asked, case .swap(let wanted, let expected) = request,
            !isCutThere
        else { return }
        arbiter.takeLate(wanted, for: expected, at: arrives)
    }

    private func put(_ request: ArbiterRunner.Request) {
        asked = nil
        let isLostThere = arbiter.isDown || isCutThere
        let isLostBack = arbiter.isDown || isCutBack || arbiter.random.below(25) == 0
        let isHeard = !isLostThere && !isLostBack
        var due = arbiter.nowNanos + arbiter.random.below(500_000)
        if !isHeard { due += 2_000_000 + arbiter.random.below(8_000_000) }
        switch request {
        case .read:
            answer = (
                isHeard
                    ? .read(arbiter.decision, revision: arbiter.revision)
                    : .failed(ArbiterError("no answer")), due
            )
        case .swap(let wanted, let expected):
            let outcome =
                isLostThere ? .unknown("no answer") : arbiter.swap(wanted, for: expected)
            answer = (.swap(isHeard ? outcome : .unknown("no answer")), due)
            guard !isHeard else { return }
            unknown = request
            arbiter.countUnknown()
        }
    }
}
