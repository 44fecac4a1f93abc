// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `memory` and `pages` live as long as the receiver, and the scan in it reads no longer.
internal import CVerbs
public import CommandLog
internal import Glibc
public import Platform
internal import Wire

/// Where a standby waits for primaries.
///
/// Threading: one thread.
@safe public final class MirrorListener {
    private let listener: OpaquePointer

    /// Listens at a local address, host order (0 = all), of an RDMA device. Throws what a person
    /// can mend.
    public init(address: UInt32, port: UInt16) throws(VerbsError) {
        var error = cverbs_error()
        guard let listener = unsafe cverbs_listen(address, port, &error) else {
            throw VerbsError(error)
        }
        unsafe self.listener = listener
    }

    deinit { unsafe cverbs_stop_listening(listener) }

    /// The next primary, with memory of its own here; nil when none asks in the time. Throws when
    /// one had to be refused; others may follow.
    public func next(timeoutMillis: UInt32, clock: CycleClock) throws(VerbsError) -> MirrorReceiver?
    {
        var error = cverbs_error()
        let heard = Hello(MirrorHello(magic: 0))
        let request = unsafe cverbs_take_request(
            listener, timeoutMillis, heard.mutableBytes, &error)
        guard let request = unsafe request else {
            if error.code != 0 { throw VerbsError(error) }
            return nil
        }
        let channel = unsafe VerbsChannel(requested: request)
        return try MirrorReceiver(channel, heard.read(as: MirrorHello.self), clock: clock)
    }
}

/// The standby's side of a mirror: gives a primary a ring to write into, validates what comes, and
/// writes back how far it is.
///
/// Threading: one thread.
@safe public final class MirrorReceiver: @unchecked Sendable {
    /// How long a primary may take to complete the connection, and how long a record may be half
    /// there before the chain counts as broken.
    private static var patienceMillis: UInt32 { 2_000 }

    /// The primary's shard.
    public let shard: UInt32
    /// The mirror begins behind this sequence.
    public let firstSequence: UInt64
    /// Records in the ring.
    public let capacity: Int
    /// What it runs over and from whom.
    public let description: String
    /// What the ring's memory is made of.
    public var pageSize: PageSize { memory.pageSize }
    /// How the ring looked at the last look behind the valid records; what is not `whole` here has
    /// stayed so.
    public private(set) var standing = MirrorStanding.whole
    /// Why nothing more comes; nil while something may.
    public private(set) var ended: VerbsError?
    /// How this side fenced the primary off, once it was asked to.
    public private(set) var fenced: Fenced?

    /// A fence, and what it did.
    public struct Fenced: Sendable {
        /// How.
        public let method: Fence
        /// How long the device took to do it, nanoseconds.
        public let nanos: UInt64
        /// The last valid record when it was done: nothing may come behind it.
        public let lastSequence: UInt64
    }

    private let hello: MirrorHello
    private let memory: HugePages
    private let pages: HugePages
    private let channel: VerbsChannel
    private let clock: CycleClock
    private var scan: MirrorScan
    private var writeCount: UInt64 = 0
    private var completedCount: UInt64 = 0
    private var toldSequence: UInt64
    private var lastLookCycles: UInt64 = 0
    private var brokenSinceCycles: UInt64 = 0

    init(_ channel: VerbsChannel, _ hello: MirrorHello, clock: CycleClock) throws(VerbsError) {
        if let refusal = hello.refusal {
            channel.reject(MirrorAnswer(refusal: refusal.rawValue))
            throw VerbsError(
                code: EPROTO, "a request \(channel.description) was refused for its \(refusal)")
        }
        capacity = Int(hello.recordCapacity)
        let ringByteCount = capacity * 64
        do throws(PlatformError) {
            memory = try HugePages(byteCount: ringByteCount + 4_096)
            pages = try HugePages(byteCount: 4_096, preferred: .small)
        } catch {
            channel.reject(MirrorAnswer(refusal: MirrorAnswer.Refusal.memory.rawValue))
            throw VerbsError(code: ENOMEM, error.description)
        }
        let key: UInt32
        do throws(VerbsError) {
            key = unsafe try channel.register(
                region: 0, memory.base, byteCount: ringByteCount + 4_096, isWrittenByPeer: true)
            _ = unsafe try channel.register(
                region: 1, pages.base, byteCount: 4_096, isWrittenByPeer: false)
        } catch {
            channel.reject(MirrorAnswer(refusal: MirrorAnswer.Refusal.memory.rawValue))
            throw error
        }
        let chain = RecordChain(lastSequence: hello.lastSequence, crc32c: hello.crc32c)
        unsafe scan = MirrorScan(slots: memory.base, capacity: capacity, after: chain)
        self.hello = hello
        self.channel = channel
        self.clock = clock
        shard = UInt32(hello.shard)
        firstSequence = hello.lastSequence + 1
        toldSequence = hello.lastSequence
        description = channel.description
        let base = unsafe UInt64(UInt(bitPattern: memory.base))
        try channel.accept(
            MirrorAnswer(
                ringAddress: base, fenceAddress: base + UInt64(ringByteCount), ringKey: key),
            timeoutMillis: Self.patienceMillis)
    }

    /// The last valid record's sequence and CRC.
    public var chain: RecordChain { scan.chain }
    /// Valid records so far.
    public var recordCount: UInt64 { scan.chain.lastSequence - hello.lastSequence }

    /// Validates what has come and tells the primary. False when there was nothing to do.
    public func poll() -> Bool {
        // Also after the end: what was placed before it is there.
        let count = scan.poll(limit: capacity)
        guard ended == nil else { return count > 0 }
        do throws(VerbsError) {
            // Who has fenced says nothing more, and waits for the primary to go.
            if fenced == nil {
                while let token = try channel.takeCompletion() { completedCount = token }
                if toldSequence != scan.chain.lastSequence { try tell() }
            }
            let now = clock.nowCycles
            if count > 0 { brokenSinceCycles = 0 }
            if clock.nanos(now &- lastLookCycles) > 1_000_000 {
                lastLookCycles = now
                look(now)
                try channel.checkPeer()
            }
            try fenceIfAsked()
        } catch {
            ended = error
            // A record may have been placed just before.
            return scan.poll(limit: capacity) > 0 || count > 0
        }
        return count > 0
    }

    /// What is in the ring behind the valid records, for the report. After the end nothing is on
    /// its way any more: a primary that died in mid-write leaves a chain that is not whole.
    public func finalStanding() -> MirrorStanding {
        ended == nil || standing != .whole ? standing : scan.standing()
    }

    private func tell() throws(VerbsError) {
        // With no room the next one will say it: only the newest counts.
        guard writeCount &- completedCount < UInt64(VerbsChannel.writeLimit) else { return }
        // A slot of its own for each write under way, which may still be read.
        let slot = unsafe pages.base + VerbsChannel.slot(writeCount) * 64
        let counter = MirrorCounter(sequence: scan.chain.lastSequence, nonce: hello.nonce)
        unsafe slot.storeBytes(of: counter, as: MirrorCounter.self)
        writeCount &+= 1
        unsafe try channel.write(
            region: 1, from: slot, byteCount: 16, to: hello.counterAddress, key: hello.counterKey,
            token: writeCount, isSignalled: writeCount % VerbsChannel.signalInterval == 0)
        toldSequence = counter.sequence
    }

    /// What is wrong counts when it has been so for a while.
    private func look(_ now: UInt64) {
        let found = scan.standing()
        guard found != .whole else {
            brokenSinceCycles = 0
            standing = .whole
            return
        }
        if brokenSinceCycles == 0 { brokenSinceCycles = now }
        let nanos = UInt64(Self.patienceMillis) * 1_000_000
        if clock.nanos(now &- brokenSinceCycles) > nanos { standing = found }
    }

    private func fenceIfAsked() throws(VerbsError) {
        guard fenced == nil else { return }
        let word = unsafe Cursor(at: memory.base + capacity * 64).load()
        guard let method = Fence(rawValue: word) else { return }
        let start = clock.nowCycles
        try channel.fence(method)
        let nanos = clock.nanos(clock.nowCycles &- start)
        // What was placed before counts; what is there later must not.
        _ = scan.poll()
        fenced = Fenced(method: method, nanos: nanos, lastSequence: scan.chain.lastSequence)
    }
}
