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

    /// With the arbiter and the listener that the settings name.
    convenience init(
        _ settings: ClusterSettings, policy: CommitPolicy, members: [Member], clock: CycleClock
    ) throws {
        let arbiter = try settings.arbiter.makeArbiter(host: settings.host)
        let key = try settings.mirror.keyFile.map { (file) throws(MirrorError) in
            try MirrorKey(file: file)
        }
        let listener = try MirrorListener(
            address: settings.listenAddress, port: settings.listenPort,
            transport: settings.mirror.transport, key: key, clock: clock)
        self.init(
            settings, policy: policy, members: members, arbiter: try ArbiterRunner(arbiter),
            arbiterDescription: arbiter.description, listener: listener, clock: clock)
    }

    init(
        _ settings: ClusterSettings, policy: CommitPolicy, members: [Member],
        arbiter: any ArbiterDesk, arbiterDescription: String, listener: MirrorListener,
        clock: CycleClock
    ) {
        self.arbiterDescription = arbiterDescription
        driver = HostDriver(
            settings, policy: policy, firstEpoch: members.map(\.firstEpoch).max() ?? 1,
            arbiter: arbiter, members: members, clock: clock)
        view = driver.view
        self.listener = StandbyListener(
            settings, listener: listener, view: view, duties: members.map(\.duty))
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

    /// What a host does before it starts anew, once its threads are gone: the records that nobody
    /// carried over are cut off. Says what was cut, a sentence each. Throws when it cannot be done;
    /// each log is whole then, cut or not.
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
                "\(folder) is cut behind \(chain.lastSequence): the records up to "
                    + "\(outcome.lastSequenceBefore) were never carried over, and are kept in "
                    + "\(kept)")
        }
        return done
    }

    func turn() { driver.turn() }
    func listen(timeoutMillis: UInt32) { listener.turn(timeoutMillis: timeoutMillis) }
    func close() { for member in members { member.mirror.close() } }
}

/// What a gateway thread polls.
protocol PolledCore: SendableMetatype, ~Copyable {
    mutating func poll() -> Bool
    mutating func pollIntake() -> Bool
    mutating func pollOutput() -> Bool
}
