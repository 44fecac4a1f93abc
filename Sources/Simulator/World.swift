// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: paths are lent for a call.
internal import CommandLog
internal import Glibc
internal import Pipeline
internal import Platform
internal import RDMAReplica
internal import Wire

/// Everything in a run.
final class World {
    /// A datagram on its way: to a client, or to whoever has the gateway's address.
    struct Flight {
        var dueNanos: UInt64
        var client: UInt32?
        var bytes: [UInt8]
    }

    /// Service must be back so long after the faults have stopped.
    static let livenessNanos: UInt64 = 8_000_000_000
    /// And so much later where a line was damaged: a piece of a snapshot whose first line never
    /// came is given up after a minute.
    static let resendNanos: UInt64 = 62_000_000_000

    var random: SeededRandom
    var nowNanos: UInt64 = 1_000_000_000
    let arbiter: SimulatedArbiter
    let network: MirrorNetwork
    let hosts: [SimulatedHost]
    var clients: [SimulatedClient] = []
    let ledger: Ledger
    let plan: FaultPlan
    /// What there is besides plain orders; nil in a run with those alone.
    let market: MarketPlan?
    var figures = SimulationFigures()
    var lastEvents: [String] = []
    var hasFaults = true
    /// A step takes less than this.
    var stepNanosMax: UInt64 = 30_000
    private var steps: UInt64 = 0
    /// Which host's port has the gateway's address, as the network believes.
    var route: Int?
    var flights: [Flight] = []
    /// Nothing arrives before.
    var nextFlightNanos = UInt64.max
    /// Something breaks then, for what was decided just before.
    var strikeNanos = UInt64.max
    var nextQuestionNanos: UInt64 = 0
    var seenDecisionCount = 0
    /// Who draws what operators ask for.
    var clerk: SimulatedOperator?
    /// Whether one waits for its answer.
    var isAsking = false
    /// What operators ask for still when all is to be well, the last one first.
    var closing: [AdminRequest] = []
    private let tell: (@Sendable (String) -> Void)?
    private let pieces: [ClusterHost.Piece]

    init(seed: UInt64, isPlain: Bool, folder: String, tell: (@Sendable (String) -> Void)?) {
        self.tell = tell
        market = isPlain ? nil : MarketPlan(seed: seed)
        clerk = market.map(SimulatedOperator.init)
        var random = SeededRandom(seed: seed)
        plan = FaultPlan(&random)
        arbiter = SimulatedArbiter(seed: random.next())
        network = MirrorNetwork(seed: random.next())
        network.badCompletionOneIn = plan.badCompletionOneIn
        network.damagedLineOneIn = plan.damagedLineOneIn
        unsafe mkdir(folder, 0o700)
        let clientCount = 1 + Int(random.below(3))
        ledger = Ledger(sessionCount: 4, isPlain: market == nil)
        var hosts: [SimulatedHost] = []
        for index in 0..<2 {
            let disk = SimulatedDisk(folder: "\(folder)/\(index + 1)", seed: random.next())
            hosts.append(
                SimulatedHost(
                    index: index, disk: disk,
                    configuration: plan.configuration(
                        host: index, folder: disk.folder, market: market),
                    arbiter: arbiter, network: network))
        }
        self.hosts = hosts
        // How often each has its turn.
        let weights: [(ClusterHost.Piece, Int)] = [
            (.intake, 4), (.output, 3), (.engine, 3), (.journal, 4), (.mirror, 4), (.driver, 3),
            (.listener, 1), (.segments, 1), (.history, 1),
        ]
        pieces = weights.flatMap { Array(repeating: $0.0, count: $0.1) }
        self.random = random
        network.logEnd = { [unowned self] in self.hosts[$0].logEnd }
        network.wasWritten = { [unowned self] in self.ledger.wasWritten($0) }
        for number in 1...clientCount {
            clients.append(
                SimulatedClient(
                    number: UInt32(number), seed: self.random.next(), market: market,
                    nowNanos: nowNanos))
        }
    }

    func note(_ text: @autoclosure () -> String) {
        let line = "\((nowNanos - 1_000_000_000) / 1_000) µs  \(text())"
        if lastEvents.count == 40 { lastEvents.removeFirst() }
        lastEvents.append(line)
        tell?(line)
    }

    func chance(_ oneIn: UInt64) -> Bool { random.below(oneIn) == 0 }

    // MARK: The run

    func run(stepCount: Int) {
        for host in hosts { start(host) }
        while steps < stepCount, ledger.violation == nil { step() }
        if ledger.violation == nil { heal() }
        var deadline = nowNanos + Self.livenessNanos
        if network.damagedLineCount > 0 { deadline += Self.resendNanos }
        while ledger.violation == nil, steps % 64 != 0 || !isWell {
            guard nowNanos < deadline else {
                ledger.fail(18, "service is not back: \(standing)")
                break
            }
            step()
        }
        if ledger.violation == nil { audit() }
        count()
        for host in hosts { host.kill(power: false) }
    }

    func step() {
        steps += 1
        nowNanos += random.below(stepNanosMax)
        if let market, hasFaults, chance(market.lullOneIn) { lull() }
        arbiter.nowNanos = nowNanos
        arbiter.turn()
        network.nowNanos = nowNanos
        if hasFaults { fault() }
        if network.isBusy {
            network.turn()
            if let (invariant, what) = network.offence { ledger.fail(invariant, what) }
        }
        let host = hosts[Int(random.below(2))]
        if host.isAlive {
            if host.pausedUntilNanos <= nowNanos { turn(host) }
        } else if host.restartsNanos <= nowNanos {
            start(host)
        }
        if nowNanos >= nextFlightNanos { deliver() }
        turnClients()
        operate()
    }

    private func turn(_ host: SimulatedHost) {
        setTime(host)
        wake(host)
        let piece = pieces[Int(random.below(UInt64(pieces.count)))]
        host.process?.turn(piece)
        look(host, piece)
        if piece == .driver { live(host) }
    }

    /// Whoever stood still for so long that another speaks by now may not be heard any more.
    private func wake(_ host: SimulatedHost) {
        let stillNanos = nowNanos - host.lastTurnNanos
        host.lastTurnNanos = nowNanos
        guard stillNanos > plan.takeOverNanos, host.isSpeaking, isReplaced(host) else { return }
        figures[.wokenReplaced] += 1
        host.wasReplacedAsleep = true
    }

    /// Whether the decision is that the other host speaks.
    func isReplaced(_ host: SimulatedHost) -> Bool {
        arbiter.decision.map { $0.primary != UInt32(host.index + 1) } ?? false
    }

    func setTime(_ host: SimulatedHost) {
        host.disk.nowNanos = nowNanos
        Simulation.set(monotonicNanos: nowNanos, utcNanos: utcNanos(host))
    }

    private func utcNanos(_ host: SimulatedHost) -> UInt64 {
        1_700_000_000_000_000_000 &+ nowNanos &+ UInt64(bitPattern: host.utcOffsetNanos)
    }

    // MARK: Lives

    func start(_ host: SimulatedHost) {
        setTime(host)
        host.lastTurnNanos = nowNanos
        let faultsBefore = host.disk.faultCount
        let claim = host.claim
        if host.start() {
            note(
                "host \(host.index + 1) starts with \(host.logEnd) records, "
                    + "\(ledger.lastSequence) are acknowledged")
            if host.isDoubtful, host.logEnd < claim.lastSequence { return giveUp(host) }
            host.isDoubtful = false
            Invariants.recovered(ledger, host, claim: claim)
            look(host, .engine)
            return
        }
        note("host \(host.index + 1) does not start: \(host.startProblem ?? "")")
        // A disk that is full, say, is no reason to empty it: what is on it may be nowhere else.
        if host.disk.faultCount == faultsBefore {
            if host.hasFlipped { return giveUp(host) }
            ledger.fail(13, "host \(host.index + 1) does not start: \(host.startProblem ?? "")")
        }
        host.restartsNanos = nowNanos + 1_000_000 + random.below(20_000_000)
    }

    /// A disk that lied is replaced.
    private func giveUp(_ host: SimulatedHost) {
        note("host \(host.index + 1) gets an empty disk")
        host.kill(power: false)
        host.wipe()
        figures[.wipes] += 1
        host.restartsNanos = nowNanos
    }

    /// What whoever supervises a process does.
    private func live(_ host: SimulatedHost) {
        if host.process?.journalStatus.hasFailed == true {
            guard let failed = host.failedNanos else { return host.failedNanos = nowNanos }
            guard nowNanos > failed + 3_000_000, mayKill(host) else { return }
            note("host \(host.index + 1) ends, for its journal has failed")
            host.kill(power: false)
            host.restartsNanos = nowNanos + 1_000_000 + random.below(20_000_000)
        } else if host.process?.cluster.mustComeBack == true, chance(8), mayKill(host) {
            comeBack(host)
        } else if host.process?.cluster.view.current.isLogMissing == true, chance(64),
            ledger.lastSequence == 0
        {
            // A founder that died before its first record: a person sees that nothing is missing.
            _ = host.process?.cluster.view.ask(.takeOverByForce)
        } else if plan.deletesSegments || ledger.hasTwoBeginnings, !hasFaults, chance(64),
            !host.isSpeaking, host.logEnd > 0
        {
            // Where the two logs part nothing is kept, or they have nothing in common: an operator
            // has it begin anew.
            let other = hosts[1 - host.index]
            if other.isSpeaking, other.process?.mirror.failure?.code == ESTALE { giveUp(host) }
        }
    }

    private func comeBack(_ host: SimulatedHost) {
        do {
            let dies = host.process?.cluster.landings.isEmpty == false && hasFaults && chance(2)
            let done = try host.comeBack(stopsAfter: dies ? random.below(9) : nil)
            note("host \(host.index + 1) comes back, \(done)")
            figures[.cuts] += done == .cut ? 1 : 0
            figures[.landings] += done == .landed ? 1 : 0
        } catch JournalCutError.refused(let why) where plan.deletesSegments {
            // Where the cut belongs nothing is left; what is said to the operator is done.
            note("host \(host.index + 1) is not cut: \(why)")
            return giveUp(host)
        } catch  where host.hasFlipped {
            note("host \(host.index + 1) cannot be cut: \(error)")
            return giveUp(host)
        } catch {
            ledger.fail(13, "host \(host.index + 1) cannot be cut: \(error)")
        }
        host.restartsNanos = nowNanos + random.below(5_000_000)
    }

    /// Whether all that was acknowledged is somewhere else, or on its disk: one failure at a time.
    func mayKill(_ host: SimulatedHost) -> Bool {
        let last = ledger.lastSequence
        let other = hosts[1 - host.index]
        if host.durableEnd >= last { return true }
        if other.durableEnd >= last, !other.isDoubtful { return true }
        // Who is about to lose its disk will end.
        return other.isAlive && other.hasSoundDisk && other.logEnd >= last
            && (other.crc(of: last).map { $0 == ledger.acknowledged[Int(last) - 1] } ?? false)
    }

    // MARK: The end

    var isWell: Bool {
        guard let speaker = hosts.first(where: { $0.isInSyncPrimary }),
            hosts[1 - speaker.index].isInSync, !isOverdue(speaker)
        else { return false }
        return closing.isEmpty && !isAsking
            && clients.allSatisfy { $0.isOpen && $0.isIdle && $0.countSinceHealing >= 3 }
            && ledger.lastSequence == speaker.logEnd
            && hosts[1 - speaker.index].logEnd == speaker.logEnd
            && hosts.allSatisfy { $0.process?.appliedState?.sequence == speaker.logEnd }
    }

    /// Whether something should have expired by the clock of whoever speaks.
    private func isOverdue(_ host: SimulatedHost) -> Bool {
        guard let seconds = host.process?.nextExpirySeconds else { return false }
        return seconds &* 1_000_000_000 <= utcNanos(host)
    }

    private var standing: String {
        let roles = hosts.map { host in
            "host \(host.index + 1) \(host.role.map { "\($0)" } ?? "dead") \(host.logEnd)"
                + (host.process?.mirror.failure.map { " (\($0))" } ?? "")
        }
        return roles.joined(separator: ", ")
            + ", acknowledged \(ledger.lastSequence), clients "
            + clients.map(\.description).joined(separator: ", ")
    }

    /// At rest: what both hosts have is the same, and is what was acknowledged.
    private func audit() {
        for host in hosts {
            Invariants.survives(ledger, host)
            Invariants.soundBooks(ledger, host.process?.broken, "host \(host.index + 1)")
            if let state = host.process?.appliedState {
                Invariants.sameState(
                    ledger, ledger.place, state.stateHash, "host \(host.index + 1)")
            }
        }
        Invariants.sameState(ledger, ledger.place, ledger.fold.stateHash, "the acknowledged log")
        Invariants.soundBooks(ledger, ledger.fold.broken, "the acknowledged log")
        // What an operator has deleted is gone: a client that was too far behind does not get it.
        for client in clients where !plan.deletesSegments { Invariants.gapless(ledger, client) }
        for client in clients where client.nextSequence != ledger.taken[Int(client.number)] &+ 1 {
            ledger.fail(
                2,
                "client \(client.number) goes on with \(client.nextSequence), and "
                    + "\(ledger.taken[Int(client.number)]) was the last that was acknowledged")
        }
    }

    private func count() {
        figures[.seeds] = 1
        figures[.steps] = steps
        figures[.milliseconds] = (nowNanos - 1_000_000_000) / 1_000_000
        figures[.acknowledged] = ledger.lastSequence
        figures[.timesTold] = ledger.timesTold
        for (count, times) in ledger.eventCounts { figures[count] = times }
        figures[.reports] = UInt64(clients.reduce(0) { $0 + $1.deliveredCount })
        figures[.unknownSwaps] = UInt64(arbiter.unknownCount)
        figures[.badCompletions] = UInt64(network.badCompletionCount)
        figures[.lines] = UInt64(network.lineCount)
        figures[.damagedLines] = UInt64(network.damagedLineCount)
        figures[.diskErrors] = UInt64(hosts.reduce(0) { $0 + $1.disk.faultCount })
    }
}
