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
    struct Member: Sendable {
        let duty: ShardDuty
        let mirror: ShardMirror
        let journal: JournalStatus
        let log: LogRing<LogRecord>
        let firstEpoch: UInt32
    }

    /// How it stands, and what people ask of it.
    public let view: ClusterView
    /// Who decides, for people.
    public let arbiterDescription: String
    private let members: [Member]
    private let driver: HostDriver
    private let listener: StandbyListener

    init(
        _ settings: ClusterSettings, policy: CommitPolicy, listener: MirrorListener,
        members: [Member], clock: CycleClock
    ) throws {
        let arbiter = try settings.arbiter.makeArbiter(host: settings.host)
        arbiterDescription = arbiter.description
        var settings = settings
        // A host whose log has a past begins no cluster of its own accord: where the arbiter knows
        // of none, it may have forgotten the one in which the other host has more.
        settings.mayFound = settings.mayFound && members.allSatisfy { $0.log.publishedSequence == 0 }
        driver = try HostDriver(
            settings, policy: policy, firstEpoch: members.map(\.firstEpoch).max() ?? 1,
            arbiter: arbiter, members: members, clock: clock)
        view = driver.view
        self.listener = StandbyListener(
            listener, identity: settings.identity, view: view, duties: members.map(\.duty))
        self.members = members
    }

    /// Where this host waits for the other.
    public var listenDescription: String { listener.description }
    /// For each shard: how its standby is served.
    public var mirrors: [MirrorStatus] { members.map(\.mirror.status) }
    /// For each shard: how it follows its primary, in a clause; nil where it does not.
    public var primaries: [String?] { members.map { $0.duty.following.description } }
    /// For each shard: the record behind which this host's log must be cut before it can follow.
    public var cuts: [Int: RecordChain] {
        var found: [Int: RecordChain] = [:]
        for (shard, member) in members.enumerated() {
            found[shard] = member.duty.following.cut
        }
        return found
    }

    /// Whether this host has to start anew: it was replaced, or its log is to be cut.
    public var mustComeBack: Bool {
        view.isOver || members.contains { $0.duty.following.cut != nil }
    }

    func turn() { driver.turn() }
    func listen() { listener.turn() }
    func close() { for member in members { member.mirror.close() } }
}

/// What a gateway thread polls.
protocol PolledCore: SendableMetatype, ~Copyable {
    mutating func poll() -> Bool
    mutating func pollIntake() -> Bool
    mutating func pollOutput() -> Bool
}
