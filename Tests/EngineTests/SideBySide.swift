// SPDX-License-Identifier: Apache-2.0
import Wire

@testable @_spi(Testing) import Engine

/// The engine and the naive engine, given the same commands.
struct SideBySide {
    let limits: EngineLimits
    var sliceEvents = 256
    var bounds = StepBounds()
    /// What the naive engine is told of a record: for tests, something else than there is.
    var hearsay: (LogRecord) -> LogRecord = { $0 }

    struct Disagreement {
        /// The command after which it was seen.
        let number: Int
        /// In words, given those of the commands.
        let description: (Speech) -> String
    }

    struct Outcome {
        /// The first, behind which nothing was played.
        var disagreement: Disagreement?
        /// Hash and digest of the engine in one; 0 with a disagreement.
        var hash: UInt64 = 0
    }

    /// Plays commands, whose records it numbers; looks at events after each, at the invariants after
    /// many, and at everything after the last.
    func play(_ commands: [Command]) throws -> Outcome {
        var rig = try Rig(limits, sliceEvents: sliceEvents, bounds: bounds)
        var naive = NaiveEngine(limits: limits, bounds: bounds)
        var watch = BandWatch()
        var ruleWatch = RuleWatch()
        func broken(_ number: Int, _ text: String) -> Outcome {
            Outcome(disagreement: Disagreement(number: number) { _ in text })
        }
        for (number, command) in commands.enumerated() {
            var record = command.record
            record.sequence = rig.upcomingSequence
            let expected = naive.apply(hearsay(record), command.continuation)
            let found = rig.apply(command)
            guard found.map(bytes) == expected.map(bytes) else {
                return Outcome(
                    disagreement: Disagreement(number: number) {
                        Self.words(expected: expected, found: found, $0)
                    })
            }
            if let flaw = watch.flaw(record, found, rules: rig.engine.rulesVersion)
                ?? ruleWatch.flaw(record, found)
            {
                return broken(number, flaw)
            }
            let waiting = rig.engine.waiting
            guard waiting == naive.waiting else {
                return broken(number, "\(naive.waiting) wait, not \(waiting)")
            }
            guard rig.engine.backlogSize == naive.backlog.count else {
                return broken(number, "\(naive.backlog.count) go on, not \(rig.engine.backlogSize)")
            }
            guard number % 16 == 0 || commands.count < 100 else { continue }
            if let text = rig.engine.checkInvariants() { return broken(number, text) }
        }
        if let text = rig.engine.checkInvariants() ?? difference(rig.engine, naive) {
            return broken(commands.count - 1, text)
        }
        return Outcome(hash: rig.engine.stateHash ^ rig.engine.digest())
    }

    private static func words(
        expected: [Event], found: [Event], _ speech: Speech
    ) -> String {
        func list(_ events: [Event]) -> [String] {
            events.map { ExpectedEvent.words(for: $0, like: nil, speech) }
        }
        let (left, right) = (list(expected), list(found))
        guard left != right else { return "expected \(expected), found \(found)" }
        let difference = Difference(left.count, right.count) { left[$0] == right[$1] }
        return difference.table(left.map { (line: nil, text: $0) }) { index, _ in right[index] }
    }

    /// What the two think differently of at the end, or nil.
    private func difference(_ engine: borrowing Engine, _ naive: NaiveEngine) -> String? {
        if engine.rulesVersion != naive.rules {
            return "rules \(naive.rules) are in force, not \(engine.rulesVersion)"
        }
        if UInt64(engine.businessDay.rawValue) != naive.day {
            return "the day is \(naive.day), not \(engine.businessDay.rawValue)"
        }
        for session in 1...limits.sessionCapacity {
            let view = engine.session(session)
            let other = naive.sessions[session] ?? NaiveEngine.Session()
            if view?.expectedSequence != other.expected || view?.reportSequence != other.reports {
                return "session \(session) is \(other), not \(view as Any)"
            }
        }
        for instrument in 1...limits.instrumentCapacity {
            for side in [Side.buy, .sell] {
                var found: [UInt64] = []
                engine.forEachRestingOrder(instrument: instrument, side: side) {
                    found.append($0.reference)
                }
                let expected = naive.book(instrument: instrument, side: side).map(\.reference)
                if found != expected {
                    return "instrument \(instrument), side \(side.rawValue): orders \(expected), "
                        + "not \(found)"
                }
            }
        }
        return nil
    }
}

extension Engine {
    /// Reference and trigger price of each order that waits, by reference.
    var waiting: [String] {
        var found: [(UInt64, Int64)] = []
        forEachWaiting { slot in
            let lowest = instruments[orders[slot].instrument].lowestPriceTicks
            found.append((orders[slot].reference, lowest + extras[orders[slot].extra].triggerTick))
        }
        return found.sorted { $0.0 < $1.0 }.map { "\($0.0)@\($0.1)" }
    }
}

extension NaiveEngine {
    /// The same.
    var waiting: [String] {
        orders.filter { $0.trigger != nil }.sorted { $0.reference < $1.reference }
            .map { "\($0.reference)@\($0.trigger!)" }
    }
}
