// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Platform
internal import RDMAReplica
internal import Synchronization

/// Drives the host's machine: sees for it, and does what it says.
///
/// Threading: `turn` belongs to the cluster's thread; `view` is for all.
final class HostDriver: @unchecked Sendable {
    private let members: [ClusterMembership.Member]
    private let clock: CycleClock
    private let arbiter: any ArbiterDesk
    private var machine: HostMachine
    private var announcing = Announcements()
    private var beats: JointProgress
    private var progress: JointProgress
    /// Of the connections to the standby at the last look, by shard.
    private var nonces: [UInt32]
    /// Of those over which it came in sync.
    private var admittedNonces: [UInt32]?
    private let startCycles: UInt64
    private let death: DeathWatch?
    private var handOvers = HandOverWatch()
    private var isPeerAsking = false
    /// For other threads.
    let view = ClusterView()

    init(
        _ settings: ClusterSettings, policy: CommitPolicy, firstEpoch: UInt32,
        arbiter: any ArbiterDesk, members: [ClusterMembership.Member], death: DeathWatch?,
        clock: CycleClock
    ) {
        self.members = members
        self.clock = clock
        self.arbiter = arbiter
        self.death = death
        var hostSettings = settings.hostSettings
        hostSettings.isLogEmpty = members.allSatisfy { $0.log.publishedSequence == 0 }
        machine = HostMachine(
            hostSettings, policy: policy, firstEpoch: firstEpoch,
            seed: Chance.nonZero())
        beats = JointProgress(count: members.count)
        progress = JointProgress(count: members.count)
        nonces = members.map { _ in 0 }
        startCycles = clock.nowCycles
    }

    /// Looks and acts once.
    func turn() {
        death?.look()
        let lookedCycles = clock.nowCycles
        let seen = observe()
        let effects = machine.step(seen)
        let hasEnded = members.contains { $0.duty.following.beat?.isLast ?? false }
        handOvers.look(machine, hasPrimaryEnded: hasEnded, nowNanos) { epoch in
            members.allSatisfy { $0.duty.begunEpoch == epoch }
        }
        for member in members { member.duty.gate.set(machine.gate) }
        for effect in effects { perform(effect, lookedCycles) }
        let epoch = machine.role.servesStandby ? machine.decision?.epoch ?? 0 : 0
        if !machine.admitsStandby { admittedNonces = nil }
        if machine.admitsStandby, admittedNonces == nil { admittedNonces = nonces }
        for (index, member) in members.enumerated() {
            member.duty.mirror(
                epoch: epoch, admittedNonce: admittedNonces?[index] ?? 0,
                leavesOut: machine.leavesStandbyOut, offers: machine.isHandingOver)
            member.duty.tellPrimary(
                wantsHandOver: view.asksPeer, isRelieving: machine.role == .relieving)
        }
        death?.prepare(epoch: epoch, nonce: members[0].mirror.status.nonce)
        if machine.isSpeaking, announcing.isDue(nowNanos) {
            for member in members { member.duty.announce() }
        }
        view.tell(machine, seen, handOvers.outcome)
    }

    /// How long no turn is due, nanoseconds. What a hand-over or a take-over takes are turns, one
    /// behind the other, of both hosts.
    var restNanos: UInt64 { machine.isSteady ? 300_000 : 100_000 }

    private var nowNanos: UInt64 { clock.nanos(clock.nowCycles &- startCycles) }

    // MARK: Seeing

    private func observe() -> HostObservation {
        var seen = HostObservation()
        seen.nowNanos = nowNanos
        seen.answer = arbiter.takeAnswer()
        seen.request = view.takeRequest() ?? peerRequest()
        seen.peerEpoch = view.peerEpoch
        if machine.role.servesStandby { observeStandby(&seen) } else { observePrimary(&seen) }
        seen.doubt = doubt
        let mode = members[0].duty.gate.seenMode
        seen.gate = members.allSatisfy { $0.duty.gate.seenMode == mode } ? mode : nil
        seen.isAcknowledgedDurable = members.allSatisfy {
            $0.journal.durable.load() >= $0.duty.gate.reachedSequence
        }
        let isTaken = members.allSatisfy { $0.duty.wanted == .taking && $0.duty.isTaken }
        // Looked at behind what else was seen: the log may grow.
        seen.isLogDurable = members.allSatisfy {
            $0.journal.durable.load() >= $0.log.publishedSequence
        }
        seen.isTakenOver = isTaken && seen.isLogDurable
        return seen
    }

    private func observeStandby(_ seen: inout HostObservation) {
        let noncesBefore = nonces
        nonces = members.map { $0.mirror.status.nonce }
        let phases = members.map { $0.mirror.status.phase }
        let hasDiffered = members.contains { $0.mirror.status.mismatchSequence != 0 }
        if phases.allSatisfy({ $0 == .live }), !hasDiffered {
            seen.link = .live
        } else if phases.allSatisfy({ $0 == .live || $0 == .catchingUp }), !hasDiffered {
            seen.link = .catchingUp
        }
        // A connection that is another one than at the last look was down in between, however
        // short: its standby may have started anew, with less than it had.
        if nonces != noncesBefore || nonces != members.map({ $0.mirror.status.nonce }) {
            seen.link = .down
        }
        // It has answered, and its log is on ours.
        if seen.link != .down {
            seen.peerLog = .same
        } else if members.allSatisfy({ $0.mirror.status.isStandbyShorter }) {
            // So far behind that only a snapshot could follow: who waits to compare sends none.
            seen.peerLog = .shorter
        }
        seen.peerBeat = beats.look(members.map { $0.mirror.status.standbyBeat })
        seen.isAcknowledgedMirrored = members.allSatisfy {
            $0.mirror.status.validatedSequence >= $0.duty.gate.reachedSequence
        }
        seen.isPeerRelieving = members.allSatisfy {
            CounterFlags(rawValue: $0.mirror.status.standbyFlags).contains(.relieving)
        }
    }

    private func observePrimary(_ seen: inout HostObservation) {
        let views = members.map { $0.duty.following }
        if views.allSatisfy({ $0.link == .live }) {
            seen.link = .live
        } else if views.allSatisfy({ $0.link != .down }) {
            seen.link = .catchingUp
        }
        seen.peerLog = HostObservation.PeerLog(ofShards: views.map(\.peerLog))
        seen.peerProgress = progress.look(views.map { $0.beat?.progress ?? 0 })
        seen.hasPeerLeft = views.allSatisfy { $0.link == .down && $0.ended != nil }
        let flags = views.map { BeatFlags(rawValue: $0.beat?.flags ?? 0) }
        let hasDiffered = views.contains { $0.mismatchSequence != 0 }
        // A primary of before may have said so, over a link that does not know of its end. Where
        // there is an arbiter, it is asked.
        let isOfEpoch =
            !machine.settings.isManual
            || views.allSatisfy { $0.beat?.epoch == machine.decision?.epoch }
        seen.isAdmitted =
            flags.allSatisfy { $0.contains(.admitted) } && isOfEpoch && !hasDiffered
        seen.isLeftOut = flags.allSatisfy { $0.contains(.alone) } && isOfEpoch
        seen.isOffered = flags.allSatisfy { $0.contains(.offering) } && isOfEpoch
        seen.isHandedOver = views.allSatisfy(\.isHandedOver)
        seen.isPeerDead = death?.isDead(nonce: views[0].nonce) ?? false
    }

    /// What a person asks for at the other host, once.
    private func peerRequest() -> HostObservation.Request? {
        let isAsking =
            machine.role.servesStandby
            && members.contains {
                CounterFlags(rawValue: $0.mirror.status.standbyFlags).contains(.wantsHandOver)
            }
        defer { isPeerAsking = isAsking }
        return isAsking && !isPeerAsking ? .handOver : nil
    }

    /// All doubts so far; 0 when none is open.
    private var doubt: UInt64 {
        guard members.contains(where: { $0.duty.isDoubtful }) else { return 0 }
        return members.reduce(0) { $0 &+ $1.duty.doubt }
    }

    // MARK: Acting

    /// `lookedCycles`: when that was seen which has led to it.
    private func perform(_ effect: HostEffect, _ lookedCycles: UInt64) {
        switch effect {
        case .ask(let request):
            let isTaken = arbiter.ask(request)
            precondition(isTaken, "the machine asks one thing at a time")
        case .takeOver:
            for member in members { member.duty.want(.taking) }
        case .serve(let epoch):
            for member in members { member.duty.serve(epoch: epoch, sinceCycles: lookedCycles) }
            announcing.begin(nowNanos)
        case .drain:
            for member in members { member.duty.want(.draining) }
        case .fallSilent:
            for member in members { member.duty.want(.silent) }
        case .dropStandby:
            for member in members { member.duty.dropStandby() }
        case .doubt:
            for member in members { member.duty.tellDoubt() }
        case .confirm(let doubt):
            // Another one may have come up since, and is asked about next.
            let doubts = members.map(\.duty.doubt)
            guard doubt == doubts.reduce(0, &+) else { return }
            for (member, number) in zip(members, doubts) { member.duty.confirm(number) }
        // Who runs the host sees it by its role, when the turn is over and not before.
        case .startAnew: break
        }
    }
}

/// A number that moves when every one of several has moved: one that stands still stops it.
struct JointProgress {
    private var last: [UInt64]
    private var hasMoved: [Bool]
    private var count: UInt64 = 0

    init(count: Int) {
        last = Array(repeating: 0, count: count)
        hasMoved = Array(repeating: false, count: count)
    }

    mutating func look(_ values: [UInt64]) -> UInt64 {
        for (index, value) in values.enumerated() where value != last[index] {
            last[index] = value
            hasMoved[index] = true
        }
        if hasMoved.allSatisfy({ $0 }) {
            count &+= 1
            for index in hasMoved.indices { hasMoved[index] = false }
        }
        return count
    }
}

/// When an address is announced that was just taken: at once by who takes it, and some times more,
/// for a network may lose the first, and the old primary may answer for it once more.
struct Announcements {
    private static let afterMillis: [UInt64] = [1, 5, 20, 100, 500, 2_000]
    private var beganNanos: UInt64 = 0
    private var next = afterMillis.count

    mutating func begin(_ nowNanos: UInt64) {
        beganNanos = nowNanos
        next = 0
    }

    mutating func isDue(_ nowNanos: UInt64) -> Bool {
        guard next < Self.afterMillis.count,
            nowNanos &- beganNanos >= Self.afterMillis[next] * 1_000_000
        else { return false }
        next += 1
        return true
    }
}

extension HostMachine.Role {
    /// A primary serves one, and so does who waits for the other to compare.
    var servesStandby: Bool {
        switch self {
        case .primary, .waiting: true
        default: false
        }
    }
}
