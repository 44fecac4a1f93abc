// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Platform

//  What a host of a pair may do, and what it does next: docs/formats/replication.md.
//
//                    ┌───────────────── lost ──────────────────┐
//    starting ──▶ standby ──▶ claiming ──▶ taking ──▶ activating ──▶ primary
//        │           ▲         ▲    └────▶ relieving ──────────────────┘ │
//        └▶ waiting ─┴─────────┘            silent ◀────── lost ─────────┘
//
//    primary:  solo ──▶ admitting ──▶ mirrored ──▶ leaving ──▶ solo
//                                        ├──▶ offering ──▶ handingOver ──▶ silent
//                                        └────── callingOff ◀──┘ (not taken up)
//
//  A pure state machine: no clock, no chance, no input or output. Time, what was seen and what the
//  arbiter has said go in; what has to be done comes out. The simulator runs this very code.

/// The decisions of one host of a pair.
///
/// Threading: one thread, the cluster's, calls `step` every so often: time between two calls counts
/// only up to `HostSettings.turnNanosMax`.
public struct HostMachine: Sendable {
    /// Where a host stands.
    public enum Role: Equatable, Sendable {
        /// Asks the arbiter what it is.
        case starting
        /// Was in sync, and so was the other: their logs must be compared first.
        case waiting
        /// Follows the primary, if there is one.
        case standby
        /// A decision in its favour is asked for.
        case claiming
        /// The decision is there, as the primary has asked for: waits for the last records.
        case relieving
        /// The decision is there: takes the log over. Nobody speaks.
        case taking
        /// It has all: the right to speak is asked for.
        case activating
        /// Speaks.
        case primary(Mode)
        /// Was a primary, and is none any more.
        case silent
        /// Starts anew: nothing more comes of this machine.
        case over
    }

    /// How a primary commits.
    public enum Mode: Equatable, Sendable {
        /// Alone, by its journal.
        case solo
        /// Alone, and already with the standby, whose admission is asked for.
        case admitting
        /// With the standby.
        case mirrored
        /// Not at all: the standby is gone, and going on alone is asked for.
        case leaving
        /// With the standby, which was asked to take over.
        case offering
        /// With the standby, which has the decision: takes nothing new, and never will again.
        case handingOver
        /// With the standby, which did not: that it may not any more is asked for.
        case callingOff
    }

    /// What it was made with.
    public let settings: HostSettings
    /// When the gateway's commands count as committed.
    public let policy: CommitPolicy
    /// Where it stands.
    public internal(set) var role = Role.starting
    /// The decision that it knows of; not always the newest.
    public internal(set) var decision: Decision?
    /// The revision of that decision; 0 = none.
    public internal(set) var revision: UInt64 = 0
    /// Of a standby: the decision says that it holds all that was acknowledged, and it does.
    public internal(set) var isInSync = false

    /// The least epoch that the log has not seen.
    let firstEpoch: UInt32
    var random: SeededRandom
    /// What the arbiter was asked and has not answered.
    var question: ArbiterRunner.Request?
    var lastStepNanos: UInt64?
    /// Listening time since the last step.
    var turnNanos: UInt64 = 0
    /// Listening time since the role last changed.
    var roleNanos: UInt64 = 0
    var sinceReadNanos: UInt64 = .max
    var watch = SilenceWatch()
    /// Listening time in which a take-over was due.
    var suspicionNanos: UInt64 = 0
    /// The epoch in which it speaks, or spoke last in this process.
    var spokenEpoch: UInt32 = 0
    /// Listening time since the first step.
    var sinceStartNanos: UInt64 = 0
    /// It has been the primary in this process: log and state are whole.
    var ownsLog = false
    /// It has handed over in this process: the other host may speak before the decision says so.
    var hasHandedOver = false
    /// The decision is asked for because the primary wants it so.
    var isRelief = false
    /// When the decision was asked for; so long ago at most it was as this host knows it.
    var claimedNanos: UInt64 = 0
    var mayGoSolo: Bool
    /// A person wants it whatever the decision says.
    var isForced = false
    /// The decision is being read because the primary said that this host is in sync, over the
    /// link that stands now: what was in memory when it was put there is there still.
    var readsAsAdmitted = false
    /// Of a primary: its standby has been live, over one connection, since it was asked into the
    /// decision. One that comes back may have started anew, with less than it had.
    var hasStandbyStayed = false
    /// Of a primary: for how long the standby that the decision names has been out of reach, and
    /// the arbiter has not said that this host speaks still.
    var unheardNanos: UInt64 = 0
    /// The doubt for which the decision is being read.
    var doubtRead: UInt64 = 0
    var effects: [HostEffect] = []

    /// A host that has just started, whose log has seen all epochs below `firstEpoch`.
    public init(
        _ settings: HostSettings, policy: CommitPolicy, firstEpoch: UInt32, seed: UInt64
    ) {
        precondition(settings.host != settings.peer, "the hosts of a pair have two numbers")
        self.settings = settings
        self.policy = policy
        self.firstEpoch = max(1, firstEpoch)
        mayGoSolo = settings.goesSolo && !settings.isManual
        random = SeededRandom(seed: seed)
    }

    /// What the gates of all shards are to wait for.
    public var gate: GateMode {
        switch role {
        case .primary(.solo): policy.gateAlone
        case .primary(.admitting): .both
        case .primary(.mirrored), .primary(.offering), .primary(.handingOver),
            .primary(.callingOff):
            policy.gateInSync
        default: .closed
        }
    }

    /// Whether this host may be heard by clients.
    public var isSpeaking: Bool { if case .primary = role { true } else { false } }
    /// Whether a standby is told that it is in sync.
    public var admitsStandby: Bool {
        role == .primary(.mirrored) || isHandingOver
    }

    /// Whether a standby is asked to take over.
    public var isHandingOver: Bool {
        role == .primary(.offering) || role == .primary(.handingOver)
    }

    /// Whether a standby is told that it is not, by the decision.
    public var leavesStandbyOut: Bool { isSpeaking && decision?.inSync == [settings.host] }

    /// Whether it goes on as it is until something happens: nothing is asked for or under way.
    public var isSteady: Bool {
        guard question == nil else { return false }
        return switch role {
        case .standby, .primary(.solo), .primary(.mirrored), .over: true
        default: false
        }
    }

    /// Goes on with what was seen, and says what has to be done, in order.
    public mutating func step(_ seen: HostObservation) -> [HostEffect] {
        effects = []
        let elapsed = seen.nowNanos &- (lastStepNanos ?? seen.nowNanos)
        turnNanos = min(elapsed, settings.turnNanosMax)
        lastStepNanos = seen.nowNanos
        sinceStartNanos = sinceStartNanos &+ turnNanos
        roleNanos = roleNanos &+ turnNanos
        if sinceReadNanos != .max { sinceReadNanos = sinceReadNanos &+ turnNanos }
        let wasSpeaking = isSpeaking
        if let answer = seen.answer { take(answer) }
        if let request = seen.request { take(request) }
        // What was seen of the mirror was seen of the other direction.
        guard isSpeaking == wasSpeaking else { return effects }
        if settings.isManual, seen.peerEpoch > decision?.epoch ?? 0 {
            giveWay(to: seen.peerEpoch)
        }
        switch role {
        case .starting, .waiting, .standby:
            if isForced, question == nil, !settings.isManual || isOrdered {
                isForced = false
                claimByForce()
            } else if role == .standby {
                stepStandby(seen)
            } else {
                stepWaiting(seen)
            }
        case .claiming: break
        case .relieving: stepRelieving(seen)
        case .taking: if seen.isTakenOver { activate() }
        case .activating: break
        case .primary(let mode): stepPrimary(mode, seen)
        case .silent: stepSilent()
        case .over: break
        }
        return effects
    }

    // MARK: The arbiter

    private mutating func take(_ answer: ArbiterRunner.Answer) {
        guard let asked = question else { return }
        question = nil
        switch (asked, answer) {
        case (.read, .read(let found, let at)):
            // A decision is never taken back: an arbiter that has lost it has to be mended first.
            guard found != nil || decision == nil else { break }
            decision = found
            revision = at
            consider()
        case (.read, _): break
        case (.swap(let wanted, _), .swap(.won(let at))):
            decision = wanted
            revision = at
            won()
        case (.swap, .swap(.lost(let found, let at))):
            decision = found
            revision = at
            lost()
        #if NEEDLETAIL_MUTANTS
        case (.swap, _) where Mutant.unknownIsLost.isPlanted: lost()
        #endif
        // Neither won nor lost: the same again, until it is known.
        case (.swap, _): ask(asked)
        }
    }

    mutating func ask(_ question: ArbiterRunner.Request) {
        self.question = question
        sinceReadNanos = 0
        effects.append(.ask(question))
    }

    /// Reads the decision, at most so often.
    mutating func read(every nanos: UInt64) {
        guard question == nil, sinceReadNanos >= nanos else { return }
        ask(.read)
    }

    mutating func swap(
        epoch: UInt32, primary: UInt32, inSync: [UInt32], phase: Decision.Phase = .active
    ) {
        ask(
            .swap(
                Decision(
                    epoch: epoch, primary: primary, inSync: inSync, phase: phase,
                    nonce: random.next()), for: revision))
    }

    mutating func become(_ role: Role) {
        self.role = role
        roleNanos = 0
        suspicionNanos = 0
        watch.forgive()
    }

    /// Asks for the next epoch, alone: to take the log over first, or to speak at once. `isRelief`:
    /// because the primary wants it so.
    mutating func claim(_ phase: Decision.Phase, isRelief: Bool = false) {
        claim(phase, epoch: decision.map { $0.epoch &+ 1 } ?? firstEpoch, isRelief: isRelief)
    }

    mutating func claim(_ phase: Decision.Phase, epoch: UInt32, isRelief: Bool) {
        become(.claiming)
        self.isRelief = isRelief
        claimedNanos = lastStepNanos ?? 0
        swap(epoch: epoch, primary: settings.host, inSync: [settings.host], phase: phase)
    }

    private mutating func activate() {
        guard let decision else { return }
        become(.activating)
        swap(epoch: decision.epoch, primary: settings.host, inSync: [settings.host])
    }

    private mutating func won() {
        switch role {
        case .claiming where decision?.phase == .promoting && isRelief: become(.relieving)
        case .claiming where decision?.phase == .promoting: takeOver()
        case .claiming, .activating: serve()
        case .primary(.admitting): become(.primary(hasStandbyStayed ? .mirrored : .leaving))
        case .primary(.leaving):
            become(.primary(.solo))
            // A person's word was for this time.
            mayGoSolo = settings.goesSolo && !settings.isManual
            effects.append(.dropStandby)
        case .primary(.callingOff):
            become(.primary(hasStandbyStayed ? .mirrored : .leaving))
        default: consider()
        }
    }

    mutating func takeOver() {
        become(.taking)
        effects.append(.takeOver)
    }

    mutating func serve() {
        ownsLog = true
        isInSync = false
        spokenEpoch = decision?.epoch ?? firstEpoch
        become(.primary(.solo))
        effects.append(.serve(epoch: spokenEpoch))
    }

    private mutating func lost() {
        switch role {
        case .claiming where !ownsLog:
            isInSync = false
            become(.starting)
            consider()
        case .starting, .standby: consider()
        case .primary where isDecisionOwn:
            // A person has told it to go on alone, just as it took its standby back.
            become(.primary(.leaving))
            mayGoSolo = true
        case .primary(let mode): fallSilent(mode.reasonToFallSilent)
        default:
            become(.silent)
            consider()
        }
    }

    /// Where no third place decides, the other host's word does that it speaks in a newer epoch: a
    /// person has said so there. This host is silent first, and writes it down then.
    private mutating func giveWay(to epoch: UInt32) {
        switch role {
        case .primary:
            become(.silent)
            effects.append(.fallSilent(.replaced))
        case .starting, .waiting, .standby, .silent: break
        // It comes to one end or the other, and gives way then.
        case .claiming, .relieving, .taking, .activating, .over: return
        }
        isForced = false
        guard question == nil else { return }
        readsAsAdmitted = false
        swap(epoch: epoch, primary: settings.peer, inSync: [settings.peer])
    }

    /// Whether the decision is that this process speaks. One of a newer epoch is another's, also
    /// where that one has this host's number by mistake.
    private var isDecisionOwn: Bool {
        decision?.primary == settings.host && decision?.epoch == spokenEpoch
    }

    mutating func fallSilent(_ why: HostEffect.Why) {
        become(.silent)
        effects.append(.fallSilent(why))
        consider()
    }

    /// Takes up a decision that was read or lost to.
    private mutating func consider() {
        switch role {
        case .starting, .waiting: place()
        case .standby:
            guard let decision, decision.primary == settings.peer else {
                isInSync = false
                become(.starting)
                return place()
            }
            isInSync =
                readsAsAdmitted && decision.phase == .active
                && decision.inSync.contains(settings.host)
        case .primary(let mode) where !isDecisionOwn:
            fallSilent(mode.reasonToFallSilent)
        case .primary:
            unheardNanos = 0
            if doubtRead != 0 { effects.append(.confirm(doubtRead)) }
        case .silent
        where decision?.primary == settings.host || decision?.phase == .active || hasHandedOver:
            end()
        default: break
        }
    }

    mutating func end() {
        become(.over)
        effects.append(.startAnew)
    }
}
