// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Platform

@testable import RDMAReplica

/// Two hosts, their logs as lists of numbers, an arbiter and a network that fail in every way: the
/// real machines, and models of all that is around them.
struct PairModel {
    /// What the machine of one host is surrounded by.
    struct Host {
        var machine: HostMachine
        /// The records, the first at 0; each is a number that is used once.
        var log: [UInt64] = []
        var durableCount = 0
        /// Known of the other's memory.
        var validatedCount = 0
        /// Acknowledged to clients.
        var reachedCount = 0
        var seenGate = GateMode.closed
        var isAlive = true
        var pausedUntilNanos: UInt64 = 0
        var progress: UInt64 = 0
        var takesIntake = true
        var isTakingOver = false
        var asked: (request: ArbiterRunner.Request, dueNanos: UInt64)?
        var answer: ArbiterRunner.Answer?
        /// As a primary: the mirror stands, and the standby has been told that it is in sync.
        var isConnected = false
        var saysAdmitted = false
        /// As a standby: no byte of the primary is placed any more.
        var isFenced = false
        var peerLog = HostObservation.PeerLog.unknown
        /// The end of the mirror was seen, not only its silence.
        var hasPeerLeft = false
        /// How often it was kept from running, and up to which time that was confirmed.
        var doubt: UInt64 = 0
        var confirmed: UInt64 = 0
        /// The newest epoch in which the other has said that it is the primary.
        var peerEpoch: UInt32 = 0
        /// What a person has just asked for.
        var request: HostObservation.Request?
    }

    var random: SeededRandom
    var nowNanos: UInt64 = 1_000_000
    var hosts: [Host] = []
    /// What the arbiter says; a person's has a folder for each host.
    var folders: [(decision: Decision?, revision: UInt64)] = [(nil, 0), (nil, 0)]
    /// The last decision of a primary in whose epoch it spoke, as a person knows it.
    var lastSpoken: Decision?
    /// Acknowledged, by position.
    var acknowledged: [UInt64] = []
    var nextNumber: UInt64 = 1
    var isCut = false
    var isArbiterDown = false
    /// Which host has spoken in an epoch.
    var speakers: [UInt32: UInt32] = [:]
    var failure: String?
    /// What happened, to see that a run was worth it.
    var promotions = 0
    var soloTurns = 0
    var admissions = 0
    var handOvers = 0
    /// A host died that alone held something acknowledged, and not on its disk.
    var mayHaveLost = false
    var losses = 0

    let policy: CommitPolicy
    let isManual: Bool

    init(seed: UInt64, isManual: Bool = false) {
        random = SeededRandom(seed: seed)
        self.isManual = isManual
        policy = random.below(4) == 0 ? .mirroredAndDurable : .mirrored
        for host in 1...2 as ClosedRange<UInt32> { hosts.append(Host(machine: machine(host, 1))) }
    }

    private mutating func machine(_ host: UInt32, _ firstEpoch: UInt32) -> HostMachine {
        var settings = HostSettings(host: host, peer: 3 - host, mayFound: host == 1)
        settings.isManual = isManual
        settings.takeOverNanos = 2_000_000
        settings.soloNanos = 1_000_000
        settings.reclaimNanos = 20_000_000
        settings.readNanos = 1_000_000
        settings.handOverNanos = 10_000_000
        return HostMachine(
            settings, policy: policy, firstEpoch: firstEpoch, seed: random.next())
    }

    mutating func chance(_ oneIn: UInt64) -> Bool { random.below(oneIn) == 0 }

    // MARK: One moment

    mutating func turn(withFaults: Bool) {
        nowNanos += 50_000 + random.below(100_000)
        if withFaults { fault() }
        answerQuestions()
        if isManual { person() }
        for index in random.below(2) == 0 ? [0, 1] : [1, 0] {
            guard hosts[index].isAlive, hosts[index].pausedUntilNanos <= nowNanos else { continue }
            write(index)
            mirror(index)
            acknowledge(index)
            step(index)
        }
    }

    /// Clients and the disk.
    private mutating func write(_ index: Int) {
        hosts[index].progress += 1
        let isSure = hosts[index].doubt == hosts[index].confirmed
        if hosts[index].machine.isSpeaking, hosts[index].takesIntake, isSure {
            for _ in 0..<random.below(4) {
                hosts[index].log.append(nextNumber)
                nextNumber += 1
            }
        }
        let behind = hosts[index].log.count - hosts[index].durableCount
        hosts[index].durableCount += Int(random.below(UInt64(behind) + 1))
    }

    /// The mirror, and what the standby writes back.
    private mutating func mirror(_ index: Int) {
        let peer = 1 - index
        let role = hosts[index].machine.role
        let mayConnect = role == .primary(.solo) || isManual && role == .primary(.leaving)
        if hosts[index].isConnected {
            let isOver =
                isCut || !hosts[peer].isAlive || hosts[peer].isFenced
                || !hosts[index].machine.isSpeaking
            if isOver { return disconnect(index) }
        } else if mayConnect, !isCut, hosts[peer].isAlive,
            hosts[peer].pausedUntilNanos <= nowNanos, isFollowed(index, by: peer)
        {
            connect(index, peer)
        }
        guard hosts[index].isConnected else { return compare(index, peer) }
        hosts[index].saysAdmitted = hosts[index].machine.admitsStandby
        let missing = hosts[index].log.count - hosts[peer].log.count
        if missing > 0, hosts[peer].pausedUntilNanos <= nowNanos {
            let count = Int(random.below(UInt64(missing) + 1))
            let from = hosts[peer].log.count
            hosts[peer].log += hosts[index].log[from..<from + count]
        }
        if hosts[peer].pausedUntilNanos <= nowNanos, !chance(3) {
            hosts[index].validatedCount = hosts[peer].log.count
        }
    }

    /// The standby's log is cut back to what both have.
    private mutating func connect(_ index: Int, _ peer: Int) {
        let common = zip(hosts[index].log, hosts[peer].log).prefix { $0 == $1 }.count
        hosts[peer].log.removeLast(hosts[peer].log.count - common)
        hosts[peer].durableCount = min(hosts[peer].durableCount, common)
        hosts[peer].isFenced = false
        hosts[peer].hasPeerLeft = false
        hosts[index].isConnected = true
        hosts[index].validatedCount = common
        hosts[index].saysAdmitted = false
    }

    private mutating func disconnect(_ index: Int) {
        hosts[index].isConnected = false
        hosts[index].saysAdmitted = false
        hosts[index].validatedCount = 0
    }

    /// Two hosts that both wait compare their logs.
    private mutating func compare(_ index: Int, _ peer: Int) {
        guard !isCut, hosts[peer].isAlive, hosts[index].machine.role == .waiting,
            hosts[peer].machine.role == .standby, !hosts[peer].machine.isInSync
        else { return }
        let mine = hosts[index].log.count
        let other = hosts[peer].log.count
        hosts[index].peerLog = other < mine ? .shorter : other == mine ? .same : .longer
        hosts[peer].peerLog = mine < other ? .shorter : other == mine ? .same : .longer
    }

    /// The gateway core.
    private mutating func acknowledge(_ index: Int) {
        // A core in doubt does not look at it.
        let isSure = hosts[index].doubt == hosts[index].confirmed
        if isSure, !chance(3) { hosts[index].seenGate = hosts[index].machine.gate }
        let host = hosts[index]
        let committed =
            switch host.seenGate {
            case .closed: 0
            case .published: host.log.count
            case .durable: host.durableCount
            case .mirrored: host.validatedCount
            case .both: min(host.durableCount, host.validatedCount)
            }
        guard committed > host.reachedCount, host.doubt == host.confirmed else { return }
        if let newest = speakers.keys.max(), newest > host.machine.decision?.epoch ?? 0 {
            return fail("host \(index + 1) acknowledges, and epoch \(newest) has begun")
        }
        for position in host.reachedCount..<committed {
            if position < acknowledged.count {
                guard acknowledged[position] == host.log[position] else {
                    return fail("host \(index + 1) acknowledges another record at \(position)")
                }
            } else {
                acknowledged.append(host.log[position])
            }
        }
        hosts[index].reachedCount = committed
    }

    private mutating func step(_ index: Int) {
        let peer = 1 - index
        var seen = HostObservation()
        seen.nowNanos = nowNanos
        let isPrimary = hosts[index].machine.isSpeaking
        let isLinked = isPrimary ? hosts[index].isConnected : hosts[peer].isConnected
        seen.link = isLinked && !hosts[index].isFenced ? .live : .down
        if isLinked {
            seen.peerBeat = hosts[peer].progress
            seen.peerProgress = hosts[peer].progress
        }
        seen.isLeftOut = isLinked && hosts[peer].machine.leavesStandbyOut
        seen.peerEpoch = hosts[index].peerEpoch
        // True of the dead, and now and then of a host that is as well as ever.
        seen.isPeerDead = hosts[peer].isAlive ? chance(2_000) : chance(2)
        seen.isAdmitted = isLinked && hosts[peer].saysAdmitted
        let isLogDurable = hosts[index].durableCount == hosts[index].log.count
        seen.isOffered = isLinked && hosts[peer].machine.isHandingOver
        seen.isPeerRelieving = isLinked && hosts[peer].machine.role == .relieving && chance(2)
        // Told before it was cut or closed: that it is true stays true.
        seen.isHandedOver =
            hosts[index].machine.role == .relieving && !hosts[peer].takesIntake
            && hosts[index].log.count == hosts[peer].log.count
            && hosts[peer].reachedCount == hosts[peer].log.count
        seen.isLogDurable = isLogDurable
        seen.gate = hosts[index].seenGate
        seen.isAcknowledgedDurable = hosts[index].durableCount >= hosts[index].reachedCount
        seen.isAcknowledgedMirrored = hosts[index].validatedCount >= hosts[index].reachedCount
        seen.isTakenOver =
            hosts[index].isTakingOver && isLogDurable
        seen.peerLog = hosts[index].peerLog
        seen.hasPeerLeft = hosts[index].hasPeerLeft
        seen.doubt = hosts[index].doubt == hosts[index].confirmed ? 0 : hosts[index].doubt
        seen.answer = hosts[index].answer
        hosts[index].answer = nil
        if hosts[index].machine.role == .primary(.mirrored), chance(400) {
            seen.request = isManual ? nil : .handOver
        }
        if let request = hosts[index].request { seen.request = request }
        hosts[index].request = nil
        for effect in hosts[index].machine.step(seen) { perform(effect, index) }
    }

    private mutating func perform(_ effect: HostEffect, _ index: Int) {
        switch effect {
        case .ask(let request):
            if hosts[index].asked != nil { return fail("host \(index + 1) asks twice") }
            hosts[index].asked = (request, nowNanos + random.below(1_500_000))
        case .takeOver:
            hosts[index].isFenced = true
            disconnect(1 - index)
            hosts[index].isTakingOver = true
            promotions += 1
        case .serve(let epoch): serve(epoch, index)
        case .drain:
            hosts[index].takesIntake = false
            handOvers += 1
        case .fallSilent, .dropStandby: disconnect(index)
        case .doubt: hosts[index].doubt += 1
        case .confirm(let doubt): hosts[index].confirmed = doubt
        case .startAnew: restart(index)
        }
    }

    private mutating func serve(_ epoch: UInt32, _ index: Int) {
        let host = UInt32(index + 1)
        guard speakers[epoch, default: host] == host else {
            return fail("two hosts speak in epoch \(epoch)")
        }
        speakers[epoch] = host
        disconnect(1 - index)
        hosts[index].isTakingOver = false
        hosts[index].isFenced = false
        hosts[index].takesIntake = true
        if !hosts[index].log.starts(with: acknowledged) {
            guard mayHaveLost else {
                return fail("host \(host) serves epoch \(epoch) without all that was acknowledged")
            }
            let kept = zip(hosts[index].log, acknowledged).prefix { $0 == $1 }.count
            acknowledged.removeLast(acknowledged.count - kept)
            losses += 1
        }
        mayHaveLost = false
        hosts[index].reachedCount = acknowledged.count
        // The epoch's start.
        hosts[index].log.append(nextNumber)
        nextNumber += 1
    }

    mutating func fail(_ text: String) {
        if failure == nil { failure = text }
    }

    // MARK: The arbiter

    private mutating func answerQuestions() {
        for index in hosts.indices {
            guard let asked = hosts[index].asked, asked.dueNanos <= nowNanos else { continue }
            hosts[index].asked = nil
            let isUnheard = isArbiterDown || chance(12)
            let folder = folders[isManual ? index : 0]
            switch asked.request {
            case .read:
                hosts[index].answer =
                    isUnheard
                    ? .failed(ArbiterError("no answer"))
                    : .read(folder.decision, revision: folder.revision)
            case .swap(let wanted, let expected):
                // What is not heard may have happened all the same.
                let happens = !isArbiterDown && (!isUnheard || chance(2))
                let outcome =
                    happens ? swap(wanted, expected, index) : .unknown("no answer")
                hosts[index].answer = .swap(isUnheard ? .unknown("no answer") : outcome)
            }
        }
    }

    private mutating func swap(
        _ wanted: Decision, _ expected: UInt64, _ index: Int
    ) -> SwapOutcome {
        if let flaw = wanted.flaw { fail(flaw) }
        let place = isManual ? index : 0
        let (decision, revision) = folders[place]
        if isManual {
            if let decision, ManualArbiter.says(decision, wanted) {
                return .won(revision: revision)
            }
            let host = UInt32(index + 1)
            guard ManualArbiter.mayProgram(put: wanted, over: decision, on: host) else {
                if expected == revision { fail("host \(host) takes power by itself: \(wanted)") }
                return .lost(decision, revision: revision)
            }
        }
        guard expected == revision else {
            return SwapOutcome(asked: wanted, found: decision, revision: revision)
        }
        if wanted.inSync.count > 1 { admissions += 1 }
        if wanted.inSync.count == 1, wanted.epoch == decision?.epoch { soloTurns += 1 }
        folders[place] = (wanted, revision + 1)
        note(wanted, by: UInt32(index + 1))
        return .won(revision: revision + 1)
    }

    // MARK: Faults

    private mutating func fault() {
        if chance(300) { isCut.toggle() }
        if chance(500) { isArbiterDown.toggle() }
        let index = Int(random.below(2))
        if chance(250) {
            hosts[index].pausedUntilNanos = nowNanos + random.below(8_000_000)
            hosts[index].doubt += 1
        }
        guard chance(400) else { return }
        if hosts[index].isAlive { kill(index) } else { revive(index) }
    }

    /// What was not durable may be gone. Two failures at once may lose what was acknowledged.
    private mutating func kill(_ index: Int) {
        hosts[index].isAlive = false
        // A folder is on the host's own disk: what its process has not written by its end it never
        // writes, and a person who looks then sees all. What went to a third place may arrive yet.
        if isManual { hosts[index].asked = nil }
        if hosts[index].isConnected { hosts[1 - index].hasPeerLeft = true }
        let other = hosts[1 - index]
        // Of a host that is dead too only what is durable counts.
        let held = other.log.prefix(other.isAlive ? other.log.count : other.durableCount)
        let isElsewhere = held.starts(with: acknowledged)
        let isDurable =
            hosts[index].log.starts(with: acknowledged)
            && hosts[index].durableCount >= acknowledged.count
        if !isElsewhere, !isDurable { mayHaveLost = true }
        disconnect(index)
        hosts[1 - index].isFenced = false
    }

    private mutating func revive(_ index: Int) {
        let lost = hosts[index].log.count - hosts[index].durableCount
        hosts[index].log.removeLast(Int(random.below(UInt64(lost) + 1)))
        restart(index)
    }

    /// A new process over the same journal.
    mutating func restart(_ index: Int) {
        let log = hosts[index].log
        hosts[index] = Host(machine: machine(UInt32(index + 1), 1))
        hosts[index].log = log
        hosts[index].durableCount = log.count
        hosts[1 - index].isConnected = false
    }

    /// Everything works from here on.
    mutating func heal() {
        isCut = false
        isArbiterDown = false
        for index in hosts.indices {
            hosts[index].pausedUntilNanos = 0
            if !hosts[index].isAlive { revive(index) }
        }
    }

    /// One host speaks, the other is in sync, and what is new is acknowledged.
    var isWell: Bool {
        guard let speaker = hosts.firstIndex(where: { $0.machine.isSpeaking }) else { return false }
        return hosts[speaker].machine.role == .primary(.mirrored)
            && hosts[1 - speaker].machine.isInSync
    }
}
