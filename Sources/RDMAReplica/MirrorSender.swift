// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a slot of the ring is written out of between its publication and `release`, and is
// released only when it may be written over here.
public import CommandLog
internal import Glibc
public import Platform
public import Wire

/// The primary's side of a mirror: brings a standby up to where the log is, and from there on
/// writes each record into its memory as it is published.
///
/// `connect` may be called at any time, also after an end; then `poll`, over and over. The standby
/// says where its log ends. What it has missed comes from the journal, through memory of the
/// sender's own, while the ring's writer goes on unhindered; close behind it the sender joins the
/// ring as a gating reader, and is live when it has sent what lay before that.
///
/// When the mirror ends, for whatever reason, it lets go of the ring at once: the log goes on
/// without it, and `status.failure` says why.
/// Threading: one thread at a time; `status` is for all.
public final class MirrorSender: @unchecked Sendable {
    /// Makes the channel to the standby.
    public typealias Connector = (MirrorTransport) throws(MirrorError) -> any MirrorChannel

    /// What other threads may know.
    public let status: MirrorStatus
    /// Asked for each beat, on the thread that polls.
    public var vitals: () -> MirrorVitals = { MirrorVitals() }

    /// The last record that the epoch carried over from the one before: what a standby has behind
    /// it that is not in this log was never acknowledged, and it is told to cut it off. Nil = it is
    /// only turned away. On the thread that polls.
    public var carried: RecordChain?

    let ring: LogRing<LogRecord>
    let settings: MirrorSettings
    let clock: CycleClock
    let history: MirrorHistory?
    private let shard: UInt32
    let base: RecordChain
    private let identity: MirrorIdentity
    private let connector: Connector?
    private var epoch: UInt32 = 0
    /// Why RDMA did not do, where TCP is tried after it.
    private var passedOver: MirrorError?
    private(set) var link: MirrorLink?
    /// The connection, for the start-up report; nil while there is none.
    public var description: String? { status.description }
    /// Whether the standby has answered, and its log is on ours.
    private var isAnswered = false
    /// The standby's log is not on ours, and it was told so.
    private var isTurningAway = false
    /// Where the standby's log ended that was turned away last, and how often that was.
    var turnedAway: (place: RecordChain, count: Int) = (RecordChain(), 0)
    var source: (any LogSource)?
    /// A snapshot on its way, where the standby is brought up from one.
    private(set) var shipment: SnapshotShipment?
    /// The log's snapshots, for a standby that cannot be brought up from records; nil = such a one
    /// is turned away. On the thread that polls.
    public var snapshots: MirrorSnapshots?
    /// A standby that ends here or before asked for records that could not be read: the journal is
    /// damaged there, which was said. A snapshot goes around that place.
    var unreadableSequence: UInt64?
    /// Gates the ring once the standby is close to its end; the records up to `joinedSequence` come
    /// from the source still.
    var reader: RingReader<LogRecord>?
    var joinedSequence: UInt64 = 0
    /// Records in one write: small enough that the standby has something to do meanwhile, and that
    /// what awaits a completion leaves the ring its room.
    let recordsPerWriteMax: Int
    /// Since when records wait for more; nil while none do.
    var gatheringSinceCycles: UInt64?
    /// How long they do, nanoseconds.
    var gatherNanos: UInt64 = 0
    /// How long `poll` need not be called for, nanoseconds: records wait for more.
    public var restNanos: UInt64 { gatheringSinceCycles == nil ? 0 : gatherNanos }
    private var lastProgressCycles: UInt64 = 0
    private var lastLookCycles: UInt64 = 0
    private var lastBeatCycles: UInt64 = 0
    private var toldVitals: MirrorVitals?
    private var toldSequence: UInt64 = 0

    /// The standby hears at least so often while this is polled.
    static var beatNanos: UInt64 { 250_000 }
    /// And no more often, whatever changes: a beat is a write of its own.
    static var beatNanosMin: UInt64 { 25_000 }

    /// A mirror of the log in `ring`, whose first record follows `chain`. Without a history only a
    /// standby can be served whose log ends in the ring. `connector` stands in for the network.
    public init(
        ring: LogRing<LogRecord>, shard: UInt32, after chain: RecordChain = RecordChain(),
        identity: MirrorIdentity = MirrorIdentity(), settings: MirrorSettings,
        history: MirrorHistory? = nil, clock: CycleClock, connector: Connector? = nil
    ) {
        precondition(
            ring.firstSequence == chain.lastSequence + 1, "a ring goes on behind its chain")
        self.ring = ring
        self.shard = shard
        base = chain
        self.identity = identity
        self.settings = settings
        self.history = history
        self.clock = clock
        self.connector = connector
        status = MirrorStatus(lastSequence: chain.lastSequence)
        recordsPerWriteMax = min(1_024, max(1, ring.capacity / 64))
    }

    /// Asks the standby; `poll` goes on from there. Ends a mirror that is there. Over RDMA it waits
    /// for the standby, at most three times the time-out. Throws what a person can mend.
    public func connect(epoch: UInt32 = 0) throws(MirrorError) {
        try connect(epoch: epoch, nowCycles: clock.nowCycles)
    }

    /// The same at a given time of the clock.
    public func connect(epoch: UInt32, nowCycles now: UInt64) throws(MirrorError) {
        leave(nil)
        self.epoch = epoch
        passedOver = nil
        lastProgressCycles = now
        lastLookCycles = now
        lastBeatCycles = 0
        do throws(MirrorError) {
            try connect(over: settings.transport.candidates)
        } catch {
            status.end(error)
            throw error
        }
    }

    /// Over the first transport that leads to the standby.
    private func connect(over candidates: [MirrorTransport]) throws(MirrorError) {
        for transport in candidates {
            do throws(MirrorError) {
                let channel = try open(transport)
                let made = try MirrorLink(
                    channel, ring: ring, shard: shard, last: lastRecord(), identity: identity,
                    epoch: epoch)
                link = made
                let why = passedOver.map { " (RDMA: \($0))" } ?? ""
                status.begin(channel.description + why, nonce: made.nonce)
                return status.set(.connecting)
            } catch {
                // The route to the wrong device is an error also where TCP would do.
                guard error.code != EXDEV, transport != candidates.last else {
                    throw withReason(error)
                }
                passedOver = error
            }
        }
    }

    /// Where nothing led to the standby, what RDMA said is told too.
    private func withReason(_ error: MirrorError) -> MirrorError {
        guard let passedOver else { return error }
        return MirrorError(code: error.code, "\(error); over RDMA: \(passedOver)")
    }

    private func open(_ transport: MirrorTransport) throws(MirrorError) -> any MirrorChannel {
        if let connector { return try connector(transport) }
        switch transport {
        case .rdma, .auto: return try VerbsChannel(settings)
        case .tcp:
            let key = try settings.keyFile.map { (file) throws(MirrorError) in
                try MirrorKey(file: file)
            }
            return try TCPChannel(to: settings.peerAddress, port: settings.peerPort, key: key)
        }
    }

    /// The end of the log, as it is now.
    private func lastRecord() -> RecordChain {
        while true {
            let last = ring.publishedSequence
            if last == base.lastSequence { return base }
            var observer = ring.observer(from: last)
            // Lapped it can only be by a writer that wrote a whole ring meanwhile.
            if case .record(let record) = observer.next() {
                return RecordChain(lastSequence: last, crc32c: record.crc32c)
            }
        }
    }

    /// Polls until the standby is catching up or live. Throws what a person can mend.
    public func waitUntilConnected() throws(MirrorError) {
        var idle = IdleStrategy(spins: 0, sleepNanosMax: 100_000)
        while status.phase == .connecting { idle.idle(worked: poll()) }
        if let failure = status.failure { throw failure }
    }

    /// Writes what is there for the standby, and takes what has come back. False when there was
    /// nothing to do.
    public func poll() -> Bool { poll(nowCycles: clock.nowCycles) }

    /// The same at a given time of the clock.
    public func poll(nowCycles now: UInt64) -> Bool {
        guard let link else { return false }
        do throws(MirrorError) {
            let hasPumped = try link.channel.pump()
            if !isAnswered {
                try watch(link, now)
                guard try takeAnswer(link, now) else { return hasPumped }
            }
            let validated = link.validatedSequence
            let hasMoved = try link.reap()
            if link.validatedSequence != validated { lastProgressCycles = now }
            if hasMoved {
                status.setValidated(link.validatedSequence)
                release(link)
            }
            status.note(link.counter)
            let hasSent = try send(link, now)
            let isIdle = !hasMoved && !hasSent && gatheringSinceCycles == nil
            let hasBeaten = try beat(link, now, isIdle: isIdle)
            if hasSent || hasBeaten { try link.channel.push() }
            try watch(link, now)
            return hasMoved || hasSent || hasPumped
        } catch {
            end(error)
            return true
        }
    }

    /// Waits until the standby has validated all that is published, or until the mirror ends. When
    /// the ring's writer has stopped. False when it has ended.
    public func drain() -> Bool {
        var idle = IdleStrategy.adaptive
        while let link, !link.isCaughtUp || link.writtenSequence < ring.publishedSequence {
            idle.idle(worked: poll())
        }
        return link != nil
    }

    /// Ends the mirror, and lets go of the ring.
    public func close() { leave(nil) }

    /// True once the standby has answered and can be served.
    private func takeAnswer(_ link: MirrorLink, _ now: UInt64) throws(MirrorError) -> Bool {
        if isTurningAway { return false }
        guard let place = try link.takeAnswer(from: settings.peerText) else { return false }
        try checkRules(link.standbyRules)
        do throws(MirrorError) {
            if try needsSnapshot(place) {
                return bringUp(now)
            }
            source = try locate(place)
        } catch {
            if error.code == ENODATA {
                status.noteShorter()
                if snapshots != nil { return bringUp(now) }
            }
            if error.code == EIO { unreadableSequence = place.lastSequence }
            guard error.code == ESTALE, let cut = try nextCut(of: place) else { throw error }
            // It goes of itself, and comes back with what both have.
            isTurningAway = true
            try link.write(.cutBack(behind: cut), publishedSequence: ring.publishedSequence)
            _ = try link.channel.pump()
            return false
        }
        isAnswered = true
        status.setValidated(place.lastSequence)
        status.set(.catchingUp)
        lastProgressCycles = now
        return true
    }

    /// A standby that could not fold what it gets is given nothing.
    private func checkRules(_ folded: RulesRange) throws(MirrorError) {
        status.setStandbyRules(folded)
        let rules = UInt32(vitals().rules)
        guard rules != 0, !folded.contains(rules) else { return }
        throw MirrorError(
            code: EPROTO,
            "the log is under rules \(rules), the build of \(settings.peerText) folds \(folded): "
                + "start a build there that folds them")
    }

    private func bringUp(_ now: UInt64) -> Bool {
        shipment = SnapshotShipment(nowCycles: now)
        isAnswered = true
        status.set(.bringingUp)
        return true
    }

    private func send(_ link: MirrorLink, _ now: UInt64) throws(MirrorError) -> Bool {
        if let shipment { return try ship(shipment, link, now) }
        let isCaughtUp = link.isCaughtUp
        let hasSent = source == nil ? try sendLive(link, now) : try catchUp(link, now)
        // The standby's time runs from here.
        if hasSent, isCaughtUp { lastProgressCycles = now }
        return hasSent
    }

    /// News go in a turn that has nothing else to do: whoever waits for a record does not wait for
    /// a beat too.
    private func beat(
        _ link: MirrorLink, _ now: UInt64, isIdle: Bool
    ) throws(MirrorError) -> Bool {
        let age = clock.nanos(now &- lastBeatCycles)
        guard age >= (isIdle ? Self.beatNanosMin : Self.beatNanos), link.room > 0 else {
            return false
        }
        let vitals = shipment?.vitals(vitals()) ?? vitals()
        let published = ring.publishedSequence
        guard age >= Self.beatNanos || vitals != toldVitals || published != toldSequence else {
            return false
        }
        try link.write(vitals, publishedSequence: published)
        lastBeatCycles = now
        toldVitals = vitals
        toldSequence = published
        return true
    }

    /// Ends the mirror when the standby has kept everybody waiting for the time-out, or is gone.
    private func watch(_ link: MirrorLink, _ now: UInt64) throws(MirrorError) {
        if isAnswered, link.isCaughtUp { lastProgressCycles = now }
        // A system call, so only now and then.
        guard clock.nanos(now &- lastLookCycles) > 1_000_000 else { return }
        lastLookCycles = now
        try link.channel.checkPeer()
        // Time may be given: it does not run backwards.
        let silence = now > lastProgressCycles ? clock.nanos(now &- lastProgressCycles) : 0
        guard silence > UInt64(settings.timeoutMillis) * 1_000_000 else { return }
        throw MirrorError(
            code: ETIMEDOUT,
            isAnswered
                ? "the standby at \(settings.peerText) has validated nothing for "
                    + "\(settings.timeoutMillis) ms: see whether it hangs, and whether the link "
                    + "to it carries anything"
                : "\(settings.peerText) has not answered in \(settings.timeoutMillis) ms: check "
                    + "that a standby runs there, and that both hosts have the same keyFile or none"
        )
    }

    private func end(_ error: MirrorError) {
        leave(isAnswered ? error : withReason(error))
    }

    private func leave(_ error: MirrorError?) {
        // First of all: the ring is read no more.
        link?.close()
        link = nil
        isAnswered = false
        isTurningAway = false
        source = nil
        shipment = nil
        toldVitals = nil
        gatheringSinceCycles = nil
        if let reader = reader.take() { reader.leave() }
        status.end(error)
    }
}
