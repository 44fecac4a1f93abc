// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import RDMAReplica
internal import Synchronization

/// What the cluster wants of one shard's threads, and what they say of themselves.
///
/// Threading: the cluster's thread writes what is wanted, the gateway thread and the mirror thread
/// what has come of it. Everything may be read by any.
final class ShardDuty: Sendable {
    /// What a gateway thread does.
    enum Work: UInt32, Sendable {
        /// Takes the records of the other host.
        case following
        /// Fences the other host off, and takes what is left.
        case taking
        /// Speaks.
        case serving
        /// Speaks, and takes nothing new.
        case draining
        /// Is neither heard nor hears.
        case silent
    }

    /// A standby's view of its primary.
    struct Following: Sendable {
        var link = HostObservation.Link.down
        var beat: PrimaryBeat?
        /// The last record that was taken.
        var sequence: UInt64 = 0
        var peerLog = HostObservation.PeerLog.unknown
        /// The first checkpoint at which the states differ; 0 = none.
        var mismatchSequence: UInt64 = 0
        /// The primary says that what lies behind this record was never carried over.
        var cut: RecordChain?
        /// How much of a snapshot has come in the place of records; nil while they do.
        var snapshot: SnapshotShare?
        /// The snapshot that has come whole: this host begins anew with it.
        var landed: SnapshotPosition?
        /// Of the connection, as the primary's hello said.
        var nonce: UInt32 = 0
        /// All that was taken is applied, and has gone through.
        var isApplied = false
        /// Nothing more comes, and all that came is applied here, and was told by the primary.
        var isHandedOver: Bool {
            guard let beat, beat.isLast else { return false }
            return isApplied && sequence >= beat.publishedSequence
                && beat.toldSequence >= beat.publishedSequence
        }
        /// What the link is made of, and why the one before has ended.
        var description: String?
        var ended: String?
    }

    /// A request on its way from the thread that listens: one of the two has it at a time.
    private struct Arrival: @unchecked Sendable { var request: MirrorRequest }

    private let work = Atomic<UInt32>(Work.following.rawValue)
    private let epochNumber = Atomic<UInt32>(0)
    private let announcementCount = Atomic<UInt32>(0)
    private let taken = Atomic<Bool>(false)
    private let drained = Atomic<Bool>(false)
    private let doubtNumber = Atomic<UInt64>(0)
    private let confirmedNumber = Atomic<UInt64>(0)
    private let dropCount = Atomic<UInt32>(0)
    private let mirrorEpochNumber = Atomic<UInt32>(0)
    private let admittedNumber = Atomic<UInt32>(0)
    private let tellsAlone = Atomic<Bool>(false)
    private let offers = Atomic<Bool>(false)
    private let wordsToPrimary = Atomic<UInt32>(0)
    private let servesSinceCycles = Atomic<UInt64>(0)
    private let begunEpochNumber = Atomic<UInt32>(0)
    private let arrival = Mutex<Arrival?>(nil)
    private let view = Mutex(Following())
    private let carriedChain = Mutex(RecordChain())
    /// The shard's gate.
    let gate: GateControl
    /// The rules of its log.
    let rules: LogRules

    init(rules: LogRules) throws(PlatformError) {
        gate = try GateControl()
        self.rules = rules
    }

    // MARK: What is wanted

    /// Of the gateway thread.
    var wanted: Work { Work(rawValue: work.load(ordering: .acquiring)) ?? .silent }
    /// The epoch to speak in.
    var epoch: UInt32 { epochNumber.load(ordering: .relaxed) }
    /// When it was decided that this host speaks, by the clock.
    var servingSinceCycles: UInt64 { servesSinceCycles.load(ordering: .relaxed) }
    /// How often the address was to be announced so far.
    var announcements: UInt32 { announcementCount.load(ordering: .relaxed) }
    /// The epoch in which the mirror thread is to serve a standby; 0 = it is to serve none.
    var mirrorEpoch: UInt32 { mirrorEpochNumber.load(ordering: .relaxed) }
    /// The nonce of the connection over which the standby came in sync, and over which it is told
    /// so; 0 = none did.
    var admittedNonce: UInt32 { admittedNumber.load(ordering: .relaxed) }
    /// Whether a standby is told that it is not.
    var leavesStandbyOut: Bool { tellsAlone.load(ordering: .relaxed) }
    /// The last record that the epoch carried over from the one before.
    var carried: RecordChain { carriedChain.withLock { $0 } }

    /// Whether the standby is asked to take over.
    var offersHandOver: Bool { offers.load(ordering: .relaxed) }
    /// What the primary is told.
    var flagsForPrimary: CounterFlags {
        CounterFlags(rawValue: wordsToPrimary.load(ordering: .relaxed))
    }

    func tellPrimary(wantsHandOver: Bool, isRelieving: Bool) {
        var flags: CounterFlags = []
        if wantsHandOver { flags.insert(.wantsHandOver) }
        if isRelieving { flags.insert(.relieving) }
        wordsToPrimary.store(flags.rawValue, ordering: .relaxed)
    }

    func want(_ wanted: Work) { work.store(wanted.rawValue, ordering: .releasing) }

    /// Speaks in an epoch, by what was known at a time.
    func serve(epoch: UInt32, sinceCycles: UInt64) {
        epochNumber.store(epoch, ordering: .relaxed)
        servesSinceCycles.store(sinceCycles, ordering: .relaxed)
        want(.serving)
    }

    /// How often the mirror thread was to let go of its standby so far.
    var drops: UInt32 { dropCount.load(ordering: .relaxed) }

    func dropStandby() { dropCount.add(1, ordering: .relaxed) }
    func confirm(_ doubt: UInt64) { confirmedNumber.store(doubt, ordering: .releasing) }
    func announce() { announcementCount.add(1, ordering: .relaxed) }

    func mirror(epoch: UInt32, admittedNonce: UInt32, leavesOut: Bool, offers isOffering: Bool) {
        mirrorEpochNumber.store(epoch, ordering: .relaxed)
        admittedNumber.store(admittedNonce, ordering: .relaxed)
        tellsAlone.store(leavesOut, ordering: .relaxed)
        offers.store(isOffering, ordering: .relaxed)
    }

    func arrive(_ request: MirrorRequest) {
        let arriving = Arrival(request: request)
        arrival.withLock { $0 = arriving }
    }

    /// Whether something waits for the disk: not who follows, and not who speaks while a standby's
    /// memory commits.
    var awaitsDisk: Bool {
        switch wanted {
        case .following: false
        case .serving, .draining: gate.wantedMode != .mirrored
        case .taking, .silent: true
        }
    }

    // MARK: What has come of it

    /// Nothing of the old primary is left to take, and all that was taken is applied.
    var isTaken: Bool { taken.load(ordering: .acquiring) }
    /// The last epoch that the gateway thread has begun to speak in.
    var begunEpoch: UInt32 { begunEpochNumber.load(ordering: .relaxed) }
    /// The gateway thread takes nothing new, and all that it took is published.
    var isDrained: Bool { drained.load(ordering: .acquiring) }
    /// How often so far the gateway thread was kept from running for long, or the host cut off.
    var doubt: UInt64 { doubtNumber.load(ordering: .acquiring) }
    /// It waits until the decision was read behind the last of these times.
    var isDoubtful: Bool { confirmedNumber.load(ordering: .acquiring) != doubt }
    /// As a standby sees it.
    var following: Following { view.withLock { $0 } }

    func takeArrival() -> MirrorRequest? {
        arrival.withLock { slot in
            defer { slot = nil }
            return slot?.request
        }
    }

    func tell(begunEpoch: UInt32) { begunEpochNumber.store(begunEpoch, ordering: .relaxed) }
    func tell(isTaken: Bool) { taken.store(isTaken, ordering: .releasing) }
    func tellDrained() { drained.store(true, ordering: .releasing) }
    func tellDoubt() { doubtNumber.add(1, ordering: .acquiringAndReleasing) }
    func tell(_ change: (inout Following) -> Void) { view.withLock { change(&$0) } }
    func tell(carried: RecordChain) { carriedChain.withLock { $0 = carried } }
}
