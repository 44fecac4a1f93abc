// SPDX-License-Identifier: Apache-2.0
public import CommandLog
internal import Platform
public import RDMAReplica
internal import Wire

//    arbiter ◀──▶ HostDriver (HostMachine) ──▶ ShardDuty ──▶ ReplicaCore, ShardMirror, gate
//                       ▲                          │
//                       └──────── what was seen ───┘        StandbyListener ──▶ ReplicaCore

/// A gateway's place in its pair: who decides, who listens, and what each shard does.
///
/// Threading: `turn` and `listen` belong to a thread each; `view` and the descriptions are for all.
public final class ClusterMembership: Sendable {
    /// A shard in it.
    final class Member: Sendable {
        let duty: ShardDuty
        let mirror: ShardMirror
        let successor: JournalSuccessor
        let journal: JournalStatus
        let log: LogRing<LogRecord>
        let firstEpoch: UInt32

        init(
            duty: ShardDuty, mirror: ShardMirror, successor: JournalSuccessor,
            journal: JournalStatus, log: LogRing<LogRecord>, firstEpoch: UInt32
        ) {
            self.duty = duty
            self.mirror = mirror
            self.successor = successor
            self.journal = journal
            self.log = log
            self.firstEpoch = firstEpoch
        }
    }

    /// How it stands, and what people ask of it.
    public let view: ClusterView
    /// Who decides, for people.
    public let arbiterDescription: String
    let settings: ClusterSettings
    let members: [Member]
    let death: DeathWatch?
    let listener: StandbyListener
    private let driver: HostDriver

    /// With the arbiter that the settings name, over a listener that is open.
    convenience init(
        _ settings: ClusterSettings, policy: CommitPolicy, members: [Member],
        listener: MirrorListener, watchdog: Watchdog?, clock: CycleClock
    ) throws {
        let arbiter = try settings.arbiter.makeArbiter(host: settings.host)
        self.init(
            settings, policy: policy, members: members, arbiter: try ArbiterRunner(arbiter),
            arbiterDescription: arbiter.description, listener: listener,
            death: try DeathWatch(settings, watchdog: watchdog), clock: clock)
    }

    init(
        _ settings: ClusterSettings, policy: CommitPolicy, members: [Member],
        arbiter: any ArbiterDesk, arbiterDescription: String, listener: MirrorListener,
        death: DeathWatch?, clock: CycleClock
    ) {
        self.arbiterDescription = arbiterDescription
        self.death = death
        var settings = settings
        // A host whose log has a past begins no cluster of its own accord: where the arbiter knows
        // of none, it may have forgotten the one in which the other host has more.
        let isNew = members.allSatisfy { $0.log.publishedSequence == 0 }
        settings.mayFound = settings.mayFound && isNew
        driver = HostDriver(
            settings, policy: policy, firstEpoch: Self.firstEpoch(members),
            arbiter: arbiter, members: members, death: death, clock: clock)
        view = driver.view
        self.listener = StandbyListener(
            listener, identity: settings.identity, view: view, duties: members.map(\.duty),
            isManual: settings.isManual)
        self.members = members
        self.settings = settings
    }

    /// The least epoch that no log has seen.
    var firstEpoch: UInt32 { Self.firstEpoch(members) }
    private static func firstEpoch(_ members: [Member]) -> UInt32 {
        members.map(\.firstEpoch).max() ?? 1
    }

    /// Where this host waits for the other.
    public var listenDescription: String { listener.description }
    /// For each shard: how its standby is served.
    public var mirrors: [MirrorStatus] { members.map(\.mirror.status) }
    /// For each shard: how it follows its primary, in a clause; nil where it does not.
    public var primaries: [String?] { members.map { $0.duty.following.description } }
    /// For each shard: the first record behind which the two hosts' states differ, as whoever
    /// follows has found it; 0 = they do not.
    public var differences: [UInt64] {
        members.map { max($0.mirror.status.mismatchSequence, $0.duty.following.mismatchSequence) }
    }
    /// For each shard: the record behind which this host's log must be cut before it can follow.
    public var cuts: [Int: RecordChain] {
        var found: [Int: RecordChain] = [:]
        for (shard, member) in members.enumerated() {
            found[shard] = member.duty.following.cut
        }
        return found
    }

    /// For each shard: how much of a snapshot has come that takes the place of its log; nil where
    /// none comes.
    public var arrivals: [SnapshotShare?] { members.map { $0.duty.following.snapshot } }
    /// For each shard whose log is to be replaced: what has come for it, and of what sequence.
    public var landings: [Int: (successor: JournalSuccessor, sequence: UInt64)] {
        var found: [Int: (successor: JournalSuccessor, sequence: UInt64)] = [:]
        for (shard, member) in members.enumerated() {
            guard let landed = member.duty.following.landed else { continue }
            found[shard] = (member.successor, landed.sequence)
        }
        return found
    }

    /// Whether this host has to start anew: it was replaced, or its log is to be cut, replaced or
    /// set aside.
    /// What comes for the other shards is waited for.
    public var mustComeBack: Bool {
        if view.isOver || view.wantsResync { return true }
        var comesBack = false
        for member in members {
            let following = member.duty.following
            if following.snapshot != nil, following.landed == nil { return false }
            comesBack = comesBack || following.cut != nil || following.landed != nil
        }
        return comesBack
    }

    /// What a host does before it starts anew, once its threads are gone: its log is cut back to a
    /// record that both hosts surely have. Behind it is what nobody carried over, and what comes
    /// again. Says what was cut, a sentence each. Throws when it cannot be done; each log is whole
    /// then, cut or not.
    public static func cut(
        _ cuts: [Int: RecordChain], journalFolder: String
    ) throws(JournalCutError) -> [String] {
        var done: [String] = []
        for (shard, chain) in cuts.sorted(by: { $0.key < $1.key }) {
            let folder = "\(journalFolder)/shard-\(shard)"
            let cut = JournalCut(
                folder: folder, lastSequence: chain.lastSequence, crc32c: chain.crc32c)
            let outcome: JournalCut.Outcome
            do { outcome = try cut.run() } catch .elsewhere(let why) {
                // The primary sees the same end again, and names an earlier record.
                done.append("\(why); the primary will be asked for an earlier one")
                continue
            }
            guard let kept = outcome.keptFolder else { continue }
            done.append(
                "\(folder) is cut behind \(chain.lastSequence), which both hosts have: the records "
                    + "up to \(outcome.lastSequenceBefore) are kept in \(kept), and those that "
                    + "were carried over come again from the primary")
        }
        return done
    }

    /// The same for a log that is replaced by a snapshot that has come for it. Says where the old
    /// one is kept.
    public static func land(
        _ landing: (successor: JournalSuccessor, sequence: UInt64)
    ) throws -> String {
        // What no start could use must not take the place of what one can.
        _ = try LogFold.restore(landing.successor.store, sequence: landing.sequence)
        return try landing.successor.takePlace(sequence: landing.sequence)
    }

    func turn() { driver.turn() }
    /// Waits until the next turn is due; a notice of the other host's death ends it at once.
    func rest() { death?.wait(nanos: driver.restNanos) }
    func listen(timeoutMillis: UInt32) { listener.turn(timeoutMillis: timeoutMillis) }
    func close() { for member in members { member.mirror.close() } }
}

/// What a gateway thread polls.
protocol PolledCore: SendableMetatype, ~Copyable {
    mutating func poll() -> Bool
    mutating func pollIntake() -> Bool
    mutating func pollOutput() -> Bool
    /// Lets go of the host that it follows, if it does: it is polled no more.
    mutating func close()
}
