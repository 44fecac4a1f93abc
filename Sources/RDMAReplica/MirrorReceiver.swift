// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the ring, the lines behind it and the counters live as long as the receiver, and so does
// the channel that writes into them. The scan in it reads no longer.
public import CommandLog
internal import Glibc
public import Platform
public import Wire

/// What a standby gives to a primary: a ring, two lines behind it (the beat, and the word for a
/// fence), and a page to write counters out of.
@safe final class ReceiverMemory {
    let ring: HugePages
    let counters: HugePages
    let ringByteCount: Int
    /// Of the ring and the lines.
    let key: UInt32

    var ringAddress: UInt64 { unsafe UInt64(UInt(bitPattern: ring.base)) }
    var beatAddress: UInt64 { ringAddress + UInt64(ringByteCount) }
    var beat: UnsafeMutableRawPointer { unsafe ring.base + ringByteCount }
    /// Where the primary asks to be fenced off.
    var fence: UnsafeMutableRawPointer { unsafe beat + 64 }

    init(_ channel: any MirrorChannel, capacity: Int, node: NUMANode?) throws(MirrorError) {
        ringByteCount = capacity * 64
        do throws(PlatformError) {
            ring = try HugePages(byteCount: ringByteCount + 4_096, node: node)
            counters = try HugePages(byteCount: 4_096, node: node, preferred: .small)
        } catch {
            throw MirrorError(code: ENOMEM, error.description)
        }
        key = unsafe try channel.register(
            region: 0, ring.base, byteCount: ringByteCount + 4_096, isWrittenByPeer: true)
        _ = unsafe try channel.register(
            region: 1, counters.base, byteCount: 4_096, isWrittenByPeer: false)
    }
}

/// The standby's side of a mirror: gives a primary a ring to write into, gives what is valid in it
/// to its caller, and writes back how far that is.
///
/// It goes, over and over: `poll`, `take`. After a `fence`, `take` gives what was placed before it.
/// Threading: one thread.
@safe public final class MirrorReceiver: @unchecked Sendable {
    /// How long a record may be half there before the chain counts as broken.
    private static var patienceNanos: UInt64 { 2_000_000_000 }
    /// The primary hears of this side at least so often while it is polled.
    static var beatNanos: UInt64 { 250_000 }
    /// News wait so long at most while more comes in, for what is taken of that is news again.
    private static var newsNanos: UInt64 { 50_000 }

    /// What the primary said.
    public let hello: MirrorHello
    /// The primary's shard.
    public var shard: UInt32 { UInt32(hello.shard) }
    /// The mirror begins with this sequence.
    public let firstSequence: UInt64
    /// Records in the ring.
    public var capacity: Int { Int(hello.recordCapacity) }
    /// What it runs over.
    public var transport: MirrorTransport { channel.transport }
    /// The same, and from whom.
    public var description: String { channel.description }
    /// What the ring's memory is made of.
    public var pageSize: PageSize { memory.ring.pageSize }
    /// How the ring looked at the last look behind the valid records; what is not `whole` here has
    /// stayed so.
    public private(set) var standing = MirrorStanding.whole
    /// Why nothing more comes; nil while something may.
    public private(set) var ended: MirrorError?
    /// Makes the place for a snapshot of that sequence, which the primary brings in the place of
    /// records; nil = none is taken, and the mirror ends.
    public var makePlace: SnapshotArrival.Place?
    /// How much of a snapshot has come; nil while records are taken.
    public var snapshot: SnapshotShare? { arrival?.share }
    /// The piece of a snapshot that is waited for; 0 = records are.
    var wantedPiece: UInt64 { arrival?.wantedPiece ?? 0 }
    /// The snapshot that has come, once it is whole: no record can follow it here.
    public var landed: SnapshotPosition? { arrival?.landed }
    /// How this side fenced the primary off, once it has.
    public private(set) var fenced: Fenced?
    /// The primary's last sign of life; nil before the first.
    public private(set) var lastBeat: PrimaryBeat?
    /// When it was seen first, in cycles; the receiver's beginning before the first.
    public private(set) var beatCycles: UInt64
    /// When `lastBeat.progress` was last seen to change, in cycles.
    public private(set) var progressCycles: UInt64
    /// What the caller's own journal has on disk; the primary is told.
    public var durableSequence: UInt64 {
        didSet { hasNews = hasNews || durableSequence != oldValue }
    }
    /// The first checkpoint at which the caller's state has another hash than the primary's; 0 =
    /// none. The primary is told.
    public var mismatchSequence: UInt64 = 0 { didSet { hasNews = true } }
    /// The newest epoch that this host knows of; the primary is told.
    public var epoch: UInt32 { didSet { hasNews = hasNews || epoch != oldValue } }
    /// As the caller's roles define them; the primary is told.
    public var flags: UInt32 = 0 { didSet { hasNews = hasNews || flags != oldValue } }

    /// A fence, and what it did.
    public struct Fenced: Sendable {
        /// How.
        public let method: Fence
        /// How long it took, nanoseconds.
        public let nanos: UInt64
        /// The last record that was taken when it was done, or valid then: nothing may come behind
        /// it that was not there.
        public let lastSequence: UInt64
    }

    private let memory: ReceiverMemory
    private let channel: any MirrorChannel
    private let clock: CycleClock
    private var scan: MirrorScan
    private var arrival: SnapshotArrival?
    private var writeCount: UInt64 = 0
    private var completedCount: UInt64 = 0
    private var counterNumber: UInt64 = 0
    private var hasNews = true
    private var lastTellCycles: UInt64 = 0
    private var lastLookCycles: UInt64
    private var brokenSinceCycles: UInt64 = 0

    init(
        _ channel: any MirrorChannel, _ hello: MirrorHello, _ memory: ReceiverMemory,
        after chain: RecordChain, epoch: UInt32, clock: CycleClock, nowCycles: UInt64
    ) {
        unsafe scan = MirrorScan(
            slots: memory.ring.base, capacity: Int(hello.recordCapacity), after: chain)
        self.hello = hello
        self.memory = memory
        self.channel = channel
        self.clock = clock
        self.epoch = epoch
        firstSequence = chain.lastSequence + 1
        durableSequence = chain.lastSequence
        beatCycles = nowCycles
        progressCycles = beatCycles
        lastLookCycles = beatCycles
    }

    deinit { channel.close() }

    /// The last record that was taken, and its CRC.
    public var chain: RecordChain { scan.chain }
    /// Records taken so far.
    public var recordCount: UInt64 { scan.chain.lastSequence &+ 1 &- firstSequence }

    /// Moves what waits, looks for the primary's beat, and tells it how far this side is. False
    /// when there was nothing to do.
    public func poll() -> Bool { poll(nowCycles: clock.nowCycles) }

    /// The same at a given time of the clock.
    public func poll(nowCycles now: UInt64) -> Bool {
        guard ended == nil else { return false }
        do throws(MirrorError) {
            var hasMoved = try channel.pump()
            if readBeat(now) { hasMoved = true }
            if try takePiece(now) { hasMoved = true }
            // Who has fenced says nothing more, and waits for the primary to go.
            if fenced == nil {
                while let token = try channel.takeCompletion() { completedCount = token }
                let age = clock.nanos(now &- lastTellCycles)
                let isDue = hasNews && (!hasMoved || age > Self.newsNanos)
                if isDue || age > Self.beatNanos { try tell(now) }
            }
            if clock.nanos(now &- lastLookCycles) > 1_000_000 {
                lastLookCycles = now
                look(now)
                try channel.checkPeer()
            }
            try fenceIfAsked()
            return hasMoved
        } catch {
            // A record may have been placed just before: `take` finds it.
            ended = error
            channel.close()
            return true
        }
    }

    /// Gives the next commands that are whole, in order, a pair at once, until `into` says false:
    /// it has no room now, and is asked again with the same one. What it took counts as validated,
    /// and the primary may write over it. At most `limit` records, or one more than that for a
    /// pair; says how many. Also after the end and after a fence.
    public func take(limit: Int = .max, into: (LogRecord, LogRecord?) -> Bool) -> Int {
        // What lies in the ring then is of a snapshot.
        guard arrival == nil else { return 0 }
        let count = scan.take(limit: limit, into: into)
        if count > 0 {
            hasNews = true
            brokenSinceCycles = 0
        }
        return count
    }

    /// Takes the primary's right to write away, for good: from the return on nothing of it is
    /// placed any more. Then `take` until it gives nothing. Throws when it cannot be done for
    /// sure; the primary may be writing still then.
    public func fence() throws(MirrorError) {
        let start = clock.nowCycles
        // Flags first: they are quick, and the primary is told by its next write. A queue pair with
        // writes under way may refuse them; the reset is the sure way.
        try? channel.fence(.access)
        try channel.fence(.reset)
        noteFence(.reset, start)
        channel.disconnect()
    }

    /// Ends it.
    public func close() {
        channel.disconnect()
        channel.close()
        ended = ended ?? MirrorError(code: ENOTCONN, "the mirror was ended here")
    }

    /// What is in the ring behind the valid records, for the report. After the end nothing is on
    /// its way any more: a primary that died in mid-write leaves a chain that is not whole.
    public func finalStanding() -> MirrorStanding {
        ended == nil || standing != .whole ? standing : scan.standing()
    }

    private func readBeat(_ now: UInt64) -> Bool {
        guard let beat = unsafe PrimaryBeat.copy(from: memory.beat, nonce: hello.nonce),
            beat.number != lastBeat?.number
        else { return false }
        if beat.progress != lastBeat?.progress { progressCycles = now }
        lastBeat = beat
        beatCycles = now
        return true
    }

    /// The next piece of a snapshot, if the primary brings one up to here.
    private func takePiece(_ now: UInt64) throws(MirrorError) -> Bool {
        guard fenced == nil, lastBeat?.bringsSnapshot == true else { return false }
        guard let arrival else {
            arrival = try begin()
            hasNews = true
            return true
        }
        guard
            unsafe try arrival.take(
                memory.ring.base, byteCountMax: memory.ringByteCount, nonce: hello.nonce,
                nowNanos: clock.nanos(now))
        else { return false }
        hasNews = true
        return true
    }

    private func begin() throws(MirrorError) -> SnapshotArrival {
        guard recordCount == 0 else {
            throw MirrorError(code: EPROTO, "the primary brings a snapshot behind its records")
        }
        guard let makePlace else {
            throw MirrorError(
                code: ENOTSUP,
                "this log is too far behind for the primary's records, and takes no snapshot here")
        }
        return SnapshotArrival(makePlace)
    }

    private func tell(_ now: UInt64) throws(MirrorError) {
        // With no room the next one will say it: only the newest counts.
        guard writeCount &- completedCount < UInt64(MirrorWrites.limit) else { return }
        // A slot of its own for each write under way, which may still be read.
        let slot = unsafe memory.counters.base + MirrorWrites.slot(writeCount) * 64
        counterNumber &+= 1
        let counter = MirrorCounter(
            sequence: scan.chain.lastSequence, durableSequence: durableSequence,
            number: counterNumber, mismatchSequence: mismatchSequence, epoch: epoch, flags: flags,
            wantedPiece: wantedPiece, nonce: hello.nonce)
        unsafe slot.storeBytes(of: counter.sealed(), as: MirrorCounter.self)
        writeCount &+= 1
        unsafe try channel.write(
            region: 1, from: slot, byteCount: 64, to: hello.counterAddress, key: hello.counterKey,
            token: writeCount, isSignalled: writeCount % MirrorWrites.signalInterval == 0)
        hasNews = false
        lastTellCycles = now
        try channel.push()
    }

    /// What is wrong counts when it has been so for a while.
    private func look(_ now: UInt64) {
        let found = arrival == nil ? scan.standing() : .whole
        guard found != .whole else {
            brokenSinceCycles = 0
            standing = .whole
            return
        }
        if brokenSinceCycles == 0 { brokenSinceCycles = now }
        if clock.nanos(now &- brokenSinceCycles) > Self.patienceNanos { standing = found }
    }

    private func fenceIfAsked() throws(MirrorError) {
        guard fenced == nil else { return }
        let word = unsafe Cursor(at: memory.fence).load()
        guard let method = Fence(rawValue: word) else { return }
        let start = clock.nowCycles
        try channel.fence(method)
        noteFence(method, start)
    }

    private func noteFence(_ method: Fence, _ start: UInt64) {
        let nanos = clock.nanos(clock.nowCycles &- start)
        // What was placed before counts; what is there later must not.
        fenced = Fenced(method: method, nanos: nanos, lastSequence: scan.lastValidSequence())
    }
}
