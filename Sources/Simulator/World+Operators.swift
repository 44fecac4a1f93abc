// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Platform

// Operators, one at a time: each waits for its answer while the world goes on.
extension World {
    /// So long somebody waits for an answer at most.
    private static let patienceNanos: UInt64 = 60_000_000

    /// Now and then somebody asks for something; at the end for all to be as it was.
    func operate() {
        guard let market, !isAsking else { return }
        if market.hasCalendar, chance(400) { return lookAtCalendar() }
        if hasFaults {
            guard chance(market.requestOneIn) else { return }
            let host = speaker.flatMap { chance(12) ? nil : $0 } ?? hosts[Int(random.below(2))]
            aim()
            if let request = clerk?.next(ledger.trail.trades) { _ = ask(host, request) }
        } else if let request = closing.last, chance(32), let host = speaker {
            if ask(host, request) { closing.removeLast() }
        }
    }

    private var speaker: SimulatedHost? { hosts.first(where: \.isSpeaking) }

    /// Asks a host as `needletail admin` does. False when it does not say that it is done.
    private func ask(_ host: SimulatedHost, _ request: AdminRequest) -> Bool {
        guard let admin = host.process?.admin else { return false }
        let number = ledger.trail.begin(request)
        let words = request.words
        note("operator \(number) asks host \(host.index + 1): \(words)")
        let answer = wait(for: host) { admin.answer(to: words, by: number) }
        note("operator \(number) is told: \(answer)")
        let isDone = Invariants.answered(ledger, number, answer)
        figures[.requests] += 1
        if request.isChange, isDone { figures[.requestsDone] += 1 }
        return isDone
    }

    /// What each host does a few times a second.
    private func lookAtCalendar() {
        let host = hosts[Int(random.below(2))]
        if let look = host.process?.lookAtCalendar { wait(for: host, look) }
    }

    /// Runs what waits for a host, while the world goes on.
    private func wait<Answer>(for host: SimulatedHost, _ body: () -> Answer) -> Answer {
        isAsking = true
        defer { isAsking = false }
        setTime(host)
        let life = host.lifeCount
        let endNanos = nowNanos + Self.patienceNanos
        return Simulation.run(body) { [unowned self] nanos in
            // Of who is gone nothing comes any more, however long one waits.
            let untilNanos = min(nowNanos + nanos, endNanos)
            while nowNanos < untilNanos, host.isAlive, host.lifeCount == life,
                ledger.violation == nil
            {
                step()
            }
        }
    }
}
