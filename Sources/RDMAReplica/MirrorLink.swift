// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `slots` is the ring that the sender keeps; `pages` are this link's own. What a write that
// is under way reads is not released meanwhile.
internal import CommandLog
internal import Glibc
internal import Platform
internal import Wire

/// The primary's end of a connection: where the standby's ring is, what is under way to it, and how
/// far it says that it has come.
///
/// Threading: one thread at a time.
@safe final class MirrorLink: @unchecked Sendable {
    private let channel: VerbsChannel
    private let pages: HugePages
    private let slots: UnsafeRawPointer
    private let capacity: Int
    private let nonce: UInt32
    private let answer: MirrorAnswer
    /// Writes handed over, and how many of them have completed for sure.
    private var writeCount: UInt64 = 0
    private var completedCount: UInt64 = 0
    /// The last sequence of each write that may be under way, by number.
    private var lastSequences: [UInt64]
    /// The local NIC has done with all up to here.
    private(set) var completedSequence: UInt64
    /// All up to here is handed over.
    private(set) var writtenSequence: UInt64
    /// The standby has validated all up to here.
    private(set) var validatedSequence: UInt64

    /// Whether the standby has validated all that was handed over.
    var isCaughtUp: Bool { validatedSequence == writtenSequence }
    var description: String { channel.description }

    /// Connects to the standby of a ring whose next record comes behind `chain`.
    init(
        _ settings: MirrorSettings, ring: LogRing<LogRecord>, shard: UInt32,
        after chain: RecordChain
    ) throws(VerbsError) {
        channel = try VerbsChannel(
            to: settings.peerAddress, port: settings.peerPort,
            timeoutMillis: settings.timeoutMillis)
        try Self.check(channel, settings)
        do throws(PlatformError) {
            pages = try HugePages(byteCount: 4_096, preferred: .small)
        } catch {
            throw VerbsError(code: ENOMEM, error.description)
        }
        unsafe slots = UnsafeRawPointer(ring.recordsBase)
        capacity = ring.capacity
        _ = unsafe try channel.register(
            region: 0, ring.recordsBase, byteCount: ring.capacity * 64, isWrittenByPeer: false)
        let key = unsafe try channel.register(
            region: 1, pages.base, byteCount: 4_096, isWrittenByPeer: true)
        nonce = UInt32.random(in: 1...UInt32.max)
        var answer = MirrorAnswer()
        let hello = unsafe MirrorHello(
            shard: UInt16(truncatingIfNeeded: shard), lastSequence: chain.lastSequence,
            crc32c: chain.crc32c, recordCapacity: UInt32(ring.capacity),
            counterAddress: UInt64(UInt(bitPattern: pages.base)), counterKey: key, nonce: nonce)
        do throws(VerbsError) {
            try channel.connect(hello, answer: &answer, timeoutMillis: settings.timeoutMillis)
        } catch {
            throw answer.refusal == 0 ? error : Self.refused(answer, settings)
        }
        guard answer.magic == MirrorVersion.magic, answer.version == MirrorVersion.number else {
            throw Self.refused(MirrorAnswer(refusal: 1), settings)
        }
        self.answer = answer
        completedSequence = chain.lastSequence
        writtenSequence = chain.lastSequence
        validatedSequence = chain.lastSequence
        lastSequences = Array(
            repeating: chain.lastSequence, count: VerbsChannel.writeLimit)
    }

    /// The route must not lead past the device that the host's profile names.
    private static func check(
        _ channel: VerbsChannel, _ settings: MirrorSettings
    ) throws(VerbsError) {
        guard let wanted = settings.device,
            wanted.name != channel.device || wanted.port != channel.devicePort
        else { return }
        throw VerbsError(
            code: ENODEV,
            "\(IPv4Text.format(settings.peerAddress)) is reached by \(channel.device) port "
                + "\(channel.devicePort), and the profile names \(wanted.name) port "
                + "\(wanted.port): correct the address, the route or the key rdma")
    }

    static func refused(_ answer: MirrorAnswer, _ settings: MirrorSettings) -> VerbsError {
        let peer = "\(IPv4Text.format(settings.peerAddress)):\(settings.peerPort)"
        let text =
            switch MirrorAnswer.Refusal(rawValue: answer.refusal) {
            case .version:
                "\(peer) is no standby of this version: run the same build on both hosts"
            case .capacity:
                "\(peer) has no ring of this size: make rings.logRecords at most "
                    + "\(MirrorVersion.recordCapacityMax)"
            case .memory:
                "\(peer) has no memory for the ring: raise vm.nr_hugepages and the limit of locked "
                    + "memory there"
            case .place:
                "\(peer) takes no log that is as far as this one"
            case nil:
                "\(peer) refuses for reason \(answer.refusal): run the same build on both hosts"
            }
        return VerbsError(code: EPERM, text)
    }

    /// Writes that may be handed over now.
    var room: Int {
        VerbsChannel.writeLimit - Int(truncatingIfNeeded: writeCount &- completedCount)
    }

    /// Hands over one write of records that lie behind `writtenSequence`, side by side.
    func write(_ span: RingSpan) throws(VerbsError) {
        writtenSequence &+= UInt64(truncatingIfNeeded: span.count)
        unsafe try post(
            region: 0, slots + span.byteOffset, span.byteCount,
            to: answer.ringAddress &+ UInt64(truncatingIfNeeded: span.byteOffset))
    }

    /// Asks the standby to fence this side off. Only a standby for measurements does.
    func ask(for fence: Fence) throws(VerbsError) {
        let word = unsafe pages.base + 64
        unsafe word.storeBytes(of: fence.rawValue, as: UInt64.self)
        unsafe try post(region: 1, word, 8, to: answer.fenceAddress)
    }

    private func post(
        region: UInt32, _ memory: UnsafeRawPointer, _ byteCount: UInt32, to address: UInt64
    ) throws(VerbsError) {
        lastSequences[VerbsChannel.slot(writeCount)] = writtenSequence
        writeCount &+= 1
        unsafe try channel.write(
            region: region, from: memory, byteCount: byteCount, to: address, key: answer.ringKey,
            token: writeCount, isSignalled: writeCount % VerbsChannel.signalInterval == 0)
    }

    /// Takes completions and the standby's counter. True when either has moved.
    func reap() throws(VerbsError) -> Bool {
        var hasMoved = false
        while let token = try channel.takeCompletion() {
            // In order: a completion covers all writes before it.
            completedCount = token
            completedSequence = lastSequences[VerbsChannel.slot(token &- 1)]
            hasMoved = true
        }
        // Acquires, of memory that only the standby's NIC writes; the check tells the halves of two
        // counters apart.
        let words = unsafe (Cursor(at: pages.base).load(), Cursor(at: pages.base + 8).load())
        guard let counter = MirrorCounter(words: words, nonce: nonce),
            counter.sequence > validatedSequence
        else { return hasMoved }
        guard counter.sequence <= writtenSequence else {
            throw VerbsError(
                code: EPROTO, "the standby has validated \(counter.sequence), which was not written"
            )
        }
        validatedSequence = counter.sequence
        return true
    }

    /// Throws once the connection is over. Makes a system call.
    func checkPeer() throws(VerbsError) { try channel.checkPeer() }

    /// Tells the standby that this is the end, and ends it: the device reads the ring no more.
    func close() {
        channel.disconnect()
        channel.close()
    }
}
