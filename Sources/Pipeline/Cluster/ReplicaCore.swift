// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
internal import NICGateway
internal import Platform
internal import RDMAReplica
internal import Wire

//    following:  the mirror's ring ──▶ validated copy ──▶ log ──▶ engine, journal
//                                                          └──▶ sessions, reports of the past
//    taking:     fence ──▶ the rest of the ring ──▶ the same
//    serving:    port ──▶ log, events ──▶ port

/// A gateway core of a cluster: takes its commands from the other host's log, or from its port.
///
/// Threading: of the gateway thread; `duty` is shared.
struct ReplicaCore: PolledCore, ~Copyable {
    /// Records taken at one look: so much that the clients of both rings find something to do.
    private static let recordsPerPoll = 1_024

    var core: GatewayCore
    private let duty: ShardDuty
    private var identity: MirrorIdentity
    private let successor: JournalSuccessor
    private let shard: UInt32
    private let policy: CommitPolicy
    private let journal: JournalStatus
    private let history: ReportHistory
    private let progress: EngineProgress
    private let clock: CycleClock
    private let node: NUMANode?
    private var opening: EpochOpening
    private var work = ShardDuty.Work.following
    private var receiver: MirrorReceiver?
    private var announced: UInt32 = 0
    private var comparedSequence: UInt64 = 0
    /// All up to here was told by the primary, as it says.
    private var toldSequence: UInt64 = 0
    /// All up to here is applied, and the sessions know of it.
    private var goneThroughSequence: UInt64 = 0
    /// Why what comes from the primary cannot be folded here.
    private var refusal: String?
    private var isDoubtful = false

    /// Around a core whose log was recovered and that has not spoken yet.
    init(
        _ core: consuming GatewayCore, duty: ShardDuty, settings: ClusterSettings,
        successor: JournalSuccessor, shard: UInt32, policy: CommitPolicy, journal: JournalStatus,
        history: ReportHistory, progress: EngineProgress, opening: EpochOpening, clock: CycleClock,
        node: NUMANode?
    ) {
        self.core = core
        self.duty = duty
        identity = settings.identity
        identity.rules = opening.folded
        // The other host takes over no sooner than this.
        self.core.stillNanosMax = UInt64(settings.takeOverMillis) * 1_000_000
        self.successor = successor
        self.shard = shard
        self.policy = policy
        self.journal = journal
        self.history = history
        self.progress = progress
        self.opening = opening
        self.clock = clock
        self.node = node
    }

    /// As `GatewayCore.poll`.
    mutating func poll() -> Bool {
        let hasTaken = pollIntake()
        return pollOutput() || hasTaken
    }

    /// As `GatewayCore.pollIntake`.
    mutating func pollIntake() -> Bool {
        let wanted = duty.wanted
        if wanted != work { change(to: wanted) }
        switch work {
        case .serving, .draining:
            guard mayStillSpeak() else { return core.discardIntake() }
            if announced != duty.announcements { announce() }
            // The epoch's first commands come before anything that a client says. Who hands over
            // writes nothing more.
            guard work == .draining || opening.write(to: &core) else { return false }
            return core.pollIntake()
        case .following:
            let hasDiscarded = core.discardIntake()
            return follow() || hasDiscarded
        case .taking: return takeRest()
        case .silent: return core.discardIntake()
        }
    }

    /// As `GatewayCore.pollOutput`.
    mutating func pollOutput() -> Bool {
        switch work {
        case .serving, .draining: isDoubtful ? false : core.pollOutput()
        case .following, .taking: goThrough()
        case .silent: false
        }
    }

    private mutating func change(to wanted: ShardDuty.Work) {
        switch wanted {
        case .serving: beginEpoch()
        case .draining:
            // Polls publish what they took: there is nothing in between.
            core.takesIntake = false
            duty.tellDrained()
        case .taking: fence()
        case .following, .silent: break
        }
        work = wanted
    }

    /// Tells the sessions of what was applied. False when there was nothing.
    private mutating func goThrough() -> Bool {
        let end = core.logEnd.lastSequence
        // Looked at first: what is applied by now has its events out.
        let isApplied = progress.sequence == end
        guard core.pollRecovery() else {
            if isApplied { goneThroughSequence = end }
            return false
        }
        return true
    }

    // MARK: Following

    private mutating func follow() -> Bool {
        if let request = duty.takeArrival() { accept(request) }
        guard let receiver else { return false }
        var hasWorked = receiver.poll()
        hasWorked = take(receiver) > 0 || hasWorked
        receiver.durableSequence = journal.durable.load()
        receiver.flags = duty.flagsForPrimary.rawValue
        if let beat = receiver.lastBeat {
            compare(beat, receiver)
            toldSequence = max(toldSequence, beat.toldSequence)
        }
        tell(receiver)
        if let refusal = takeRefusal(of: receiver) { leave(refusal) }
        if receiver.ended != nil, take(receiver) == 0 { self.receiver = nil }
        return hasWorked
    }

    private mutating func take(_ receiver: MirrorReceiver) -> Int {
        // Before the primary is told that they are in the log.
        defer { core.publishRestored() }
        return receiver.take(limit: Self.recordsPerPoll) { record, continuation in
            // What sessions say is most of it, and nothing to an opening.
            let isControl = record.kind.rawValue >= CommandKind.epochStart.rawValue
            if isControl, let why = opening.refusal(of: record, continuation) {
                refusal = why
                return false
            }
            guard core.stageRestored(record, continuation: continuation) else { return false }
            if isControl { opening.see(record, continuation) }
            return true
        }
    }

    /// Why this host cannot follow any further, by a record or by the primary's word.
    private mutating func takeRefusal(of receiver: MirrorReceiver) -> String? {
        defer { refusal = nil }
        let rules = UInt32(receiver.lastBeat?.rules ?? 0)
        return refusal ?? (rules == 0 ? nil : opening.folded.refusal(of: rules))
    }

    /// What is in the log here stays; a build that folds the rest goes on behind it.
    private mutating func leave(_ why: String) {
        close()
        duty.tell {
            $0.link = .down
            $0.ended = why
            $0.description = nil
        }
    }

    mutating func close() {
        receiver?.close()
        receiver = nil
    }

    private mutating func accept(_ request: MirrorRequest) {
        close()
        let end = core.logEnd
        let hello = request.hello
        guard UInt32(hello.shard) == shard else {
            return request.reject(.shard, by: identity, knownEpoch: duty.epoch)
        }
        // What has landed is not begun anew, and takes no record.
        guard duty.following.landed == nil else {
            return request.reject(.shard, by: identity, knownEpoch: duty.epoch)
        }
        // What differed once is not made the same by following on.
        guard duty.following.mismatchSequence == 0 else {
            return request.reject(.state, by: identity, knownEpoch: duty.epoch)
        }
        do throws(MirrorError) {
            let receiver = try request.accept(
                by: identity, knownEpoch: duty.epoch, after: end, node: node, clock: clock)
            receiver.makePlace = { [successor] (sequence) throws(MirrorError) in
                do throws(JournalCutError) {
                    return try successor.begin(sequence: sequence)
                } catch {
                    throw MirrorError(code: EIO, "no place for a snapshot: \(error)")
                }
            }
            self.receiver = receiver
            let peerLog = HostObservation.PeerLog(of: hello, beside: end)
            duty.tell {
                $0.peerLog = peerLog
                $0.nonce = hello.nonce
                $0.description = request.description
                $0.ended = nil
            }
        } catch {
            duty.tell { $0.ended = error.description }
        }
    }

    private func tell(_ receiver: MirrorReceiver) {
        let beat = receiver.lastBeat
        let sequence = receiver.chain.lastSequence
        let ended = receiver.ended?.description
        let mismatch = receiver.mismatchSequence
        let snapshot = receiver.snapshot
        let landed = receiver.landed
        let isApplied = goneThroughSequence == sequence
        duty.tell {
            $0.isApplied = isApplied
            let isLive = beat != nil && snapshot == nil
            $0.link = ended != nil ? .down : isLive ? .live : .catchingUp
            $0.snapshot = ended != nil ? nil : snapshot
            $0.landed = $0.landed ?? landed
            $0.beat = beat
            $0.sequence = sequence
            $0.mismatchSequence = max($0.mismatchSequence, mismatch)
            $0.cut = beat?.cut ?? $0.cut
            if let ended {
                $0.ended = ended
                $0.description = nil
            }
        }
    }

    /// At the same record both have the same state.
    private mutating func compare(_ beat: PrimaryBeat, _ receiver: MirrorReceiver) {
        guard beat.hasCheckpoint, beat.hashSequence != comparedSequence,
            let hash = progress.checkpoint(at: beat.hashSequence)
        else { return }
        comparedSequence = beat.hashSequence
        if hash != beat.stateHash, receiver.mismatchSequence == 0 {
            receiver.mismatchSequence = beat.hashSequence
        }
    }

    // MARK: Taking over

    private mutating func fence() {
        duty.tell(isTaken: false)
        guard let receiver else { return }
        #if NEEDLETAIL_MUTANTS
        if Mutant.noFence.isPlanted { return }
        #endif
        do throws(MirrorError) {
            try receiver.fence()
        } catch {
            // What cannot be fenced is closed: then nothing of it is placed either.
            receiver.close()
        }
    }

    /// What lies in the ring still; when there is nothing more, and all is applied and gone
    /// through, this host has all that there is.
    private mutating func takeRest() -> Bool {
        let count = receiver.map { take($0) } ?? 0
        let hasGoneThrough = goThrough()
        duty.tell(isTaken: count == 0 && goneThroughSequence == core.logEnd.lastSequence)
        return count > 0 || hasGoneThrough
    }

    // MARK: Serving

    /// A thread that did not run for as long as it takes to be replaced says nothing, not even
    /// where it lives, before the decision was read anew: nor what it had in hand when it stopped.
    /// So does that of a host that is cut off.
    private mutating func mayStillSpeak() -> Bool {
        if !core.beginTurn() { duty.tellDoubt() }
        isDoubtful = duty.isDoubtful
        return !isDoubtful
    }

    private mutating func beginEpoch() {
        close()
        let carried = core.logEnd
        duty.tell(carried: carried)
        // A standby is in sync when it has this too, whether or not anything leaves before.
        duty.gate.carry(through: carried.lastSequence)
        // Kept from running since that was decided, it asks again.
        core.turnCycles = duty.servingSinceCycles
        core.open(
            epoch: duty.epoch, policy: policy, journal: journal, history: history,
            control: duty.gate, toldSequence: toldSequence)
        opening.begin(epoch: duty.epoch, lastCarriedSequence: carried.lastSequence)
        announce()
        duty.tell(begunEpoch: duty.epoch)
    }

    private mutating func announce() {
        announced = duty.announcements
        core.announceAddress()
    }
}
