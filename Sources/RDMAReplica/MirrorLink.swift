// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the ring is the sender's; `lines` are this link's own: the counter that the standby
// writes, and what is written out of beside the ring. What a write that is under way reads is not
// released meanwhile.
internal import CommandLog
internal import Glibc
internal import Platform
internal import Wire

/// The primary's end of a connection: where the standby's ring is, what is under way to it, and how
/// far it says that it has come.
///
/// Threading: one thread at a time.
@safe final class MirrorLink: @unchecked Sendable {
    /// Places in `lines`: a slot for each beat under way, the word for a fence, staged records.
    private enum Place {
        static var fence: Int { 64 * MirrorWrites.limit }
        static var staged: Int { 4_096 }
    }

    let channel: any MirrorChannel
    private let counterPage: HugePages
    private let lines: HugePages
    private let ring: UnsafeMutableRawPointer
    private let capacity: Int
    /// Records that may be staged at once, a power of two.
    let stagedCapacity: Int
    private let hello: MirrorHello
    private var answer = MirrorAnswer()
    /// Writes handed over, and how many of them have completed for sure.
    private var writeCount: UInt64 = 0
    private var completedCount: UInt64 = 0
    /// The number of the write with the last piece of a snapshot.
    private var pieceWrite: UInt64 = 0
    /// The last sequence of each write that may be under way, by number.
    private var lastSequences: [UInt64] = []
    /// All up to here may be written over locally.
    private(set) var completedSequence: UInt64 = 0
    /// All up to here is handed over.
    private(set) var writtenSequence: UInt64 = 0
    /// The standby has validated all up to here.
    private(set) var validatedSequence: UInt64 = 0
    /// The last that it wrote.
    private(set) var counter = MirrorCounter()
    private var beatNumber: UInt64 = 0
    /// A completion is asked for so often; a probe asks for each.
    var signalInterval = MirrorWrites.signalInterval

    /// Whether the standby has validated all that was handed over.
    var isCaughtUp: Bool { validatedSequence == writtenSequence }
    var description: String { channel.description }
    /// Of this connection.
    var nonce: UInt32 { hello.nonce }
    /// What the standby's build folds, once it has answered.
    var standbyRules: RulesRange { answer.rules }

    /// Asks the standby. `last` is the end of the log.
    init(
        _ channel: any MirrorChannel, ring: LogRing<LogRecord>, shard: UInt32, last: RecordChain,
        identity: MirrorIdentity, epoch: UInt32
    ) throws(MirrorError) {
        self.channel = channel
        unsafe self.ring = ring.recordsBase
        capacity = ring.capacity
        stagedCapacity = min(4_096, ring.capacity)
        do throws(PlatformError) {
            counterPage = try HugePages(byteCount: 4_096, preferred: .small)
            lines = try HugePages(byteCount: Place.staged + stagedCapacity * 64, preferred: .small)
        } catch {
            throw MirrorError(code: ENOMEM, error.description)
        }
        _ = unsafe try channel.register(
            region: 0, ring.recordsBase, byteCount: ring.capacity * 64, isWrittenByPeer: false)
        let key = unsafe try channel.register(
            region: 1, counterPage.base, byteCount: 64, isWrittenByPeer: true)
        _ = unsafe try channel.register(
            region: 2, lines.base, byteCount: Place.staged + stagedCapacity * 64,
            isWrittenByPeer: false)
        hello = unsafe MirrorHello(
            shard: UInt16(truncatingIfNeeded: shard), lastSequence: last.lastSequence,
            crc32c: last.crc32c, recordCapacity: UInt32(ring.capacity),
            counterAddress: UInt64(UInt(bitPattern: counterPage.base)), counterKey: key,
            nonce: Chance.nonZero(), clusterHash: identity.clusterHash,
            epoch: epoch, host: identity.host, peerHost: identity.peerHost)
        try channel.connect(hello)
    }

    /// Where the standby's log ends, once it has answered; nil before. Throws when it refuses.
    func takeAnswer(from peer: String) throws(MirrorError) -> RecordChain? {
        guard let answer = try channel.takeAnswer() else { return nil }
        guard answer.magic == MirrorVersion.magic, answer.version == MirrorVersion.number else {
            throw Self.refused(MirrorAnswer(refusal: 1), peer)
        }
        guard answer.refusal == 0 else { throw Self.refused(answer, peer) }
        guard hello.peerHost == 0 || answer.host == hello.peerHost else {
            throw Self.refused(MirrorAnswer(refusal: MirrorAnswer.Refusal.host.rawValue), peer)
        }
        self.answer = answer
        completedSequence = answer.lastSequence
        writtenSequence = answer.lastSequence
        validatedSequence = answer.lastSequence
        lastSequences = Array(repeating: answer.lastSequence, count: MirrorWrites.limit)
        return RecordChain(lastSequence: answer.lastSequence, crc32c: answer.crc32c)
    }

    static func refused(_ answer: MirrorAnswer, _ peer: String) -> MirrorError {
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
            case .cluster:
                "\(peer) is of a cluster of another name: correct the name, or the address"
            case .host:
                "\(peer) is host \(answer.host), or expects another than this one: correct the "
                    + "numbers of the hosts, or the address"
            case .epoch:
                "\(peer) knows of epoch \(answer.epoch), which is newer than this host's: this "
                    + "host is no primary any more, and rejoins as a standby"
            case .shard:
                "\(peer) takes no primary for this shard: it has no such shard, or has one"
            case .state:
                "\(peer) has another state than this host had behind the same record: find out "
                    + "which of the two is right (needletail log replay), and have the other one "
                    + "begin anew (needletail cluster resync)"
            case nil:
                "\(peer) refuses for reason \(answer.refusal): run the same build on both hosts"
            }
        return MirrorError(code: EPERM, text)
    }

    /// Writes that may be handed over now.
    var room: Int { MirrorWrites.limit - Int(truncatingIfNeeded: writeCount &- completedCount) }

    /// Records that the standby has room for now: never over one that it has not validated.
    var window: Int {
        #if NEEDLETAIL_MUTANTS
        if Mutant.endlessWindow.isPlanted { return capacity }
        #endif
        return capacity - Int(truncatingIfNeeded: writtenSequence &- validatedSequence)
    }

    /// Records that may be staged now.
    var stagedRoom: Int {
        stagedCapacity - Int(truncatingIfNeeded: writtenSequence &- completedSequence)
    }

    /// Hands over one write of records out of the ring that lie behind `writtenSequence`, side by
    /// side.
    func write(_ span: RingSpan) throws(MirrorError) {
        writtenSequence &+= UInt64(truncatingIfNeeded: span.count)
        unsafe try post(
            region: 0, ring + span.byteOffset, Int(span.byteCount),
            to: answer.ringAddress &+ UInt64(truncatingIfNeeded: span.byteOffset),
            isSignalled: false)
    }

    /// Puts a record where it is written out of; its sequence is behind `writtenSequence`, and
    /// there is room for it.
    func stage(_ record: LogRecord) {
        unsafe staged(record.sequence).storeBytes(of: record, as: LogRecord.self)
    }

    /// Hands over one write of the next staged records, at most `count`, and says of how many.
    func writeStaged(_ count: Int) throws(MirrorError) -> Int {
        let next = writtenSequence &+ 1
        let span = RingSpan(sequence: next, count: count, capacity: stagedCapacity, limit: count)
        writtenSequence &+= UInt64(truncatingIfNeeded: span.count)
        // The rings' sizes divide each other: what is side by side here is so there.
        let slot = next & UInt64(capacity &- 1)
        unsafe try post(
            region: 2, staged(next), Int(span.byteCount), to: answer.ringAddress &+ slot &* 64,
            isSignalled: true)
        return span.count
    }

    private func staged(_ sequence: UInt64) -> UnsafeMutableRawPointer {
        let slot = Int(truncatingIfNeeded: sequence & UInt64(stagedCapacity &- 1))
        return unsafe lines.base + Place.staged + slot * 64
    }

    /// Bytes of the largest piece of a snapshot.
    var pieceByteCountMax: Int { min(stagedCapacity, 1_024) * 64 - 64 }

    /// Whether the last piece may be written over here.
    var isPieceWritten: Bool { completedCount >= pieceWrite }

    /// Hands over a piece of a snapshot in the place of records: the standby takes none of them any
    /// more, and the piece before is with it.
    func write(_ piece: SnapshotPiece, number: UInt64) throws(MirrorError) {
        let line = SnapshotLine(
            number: number, sequence: piece.sequence, byteOffset: UInt64(piece.byteOffset),
            totalByteCount: UInt64(piece.totalByteCount), byteCount: UInt32(piece.bytes.count),
            bytesCRC32C: piece.crc32c, nonce: hello.nonce)
        let place = unsafe lines.base + Place.staged
        unsafe place.storeBytes(of: line.sealed(), as: SnapshotLine.self)
        unsafe piece.bytes.withUnsafeBytes { bytes in
            unsafe (place + 64).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        }
        unsafe try post(
            region: 2, place, 64 + piece.bytes.count, to: answer.ringAddress, isSignalled: true)
        pieceWrite = writeCount
    }

    /// Hands over a beat.
    func write(_ vitals: MirrorVitals, publishedSequence: UInt64) throws(MirrorError) {
        beatNumber &+= 1
        let beat = PrimaryBeat(
            number: beatNumber, progress: vitals.progress, publishedSequence: publishedSequence,
            toldSequence: vitals.toldSequence, hashSequence: vitals.hashSequence,
            stateHash: vitals.stateHash, epoch: hello.epoch, flags: vitals.flags,
            rules: vitals.rules, nonce: hello.nonce)
        let slot = unsafe lines.base + MirrorWrites.slot(writeCount) * 64
        unsafe slot.storeBytes(of: beat.sealed(), as: PrimaryBeat.self)
        unsafe try post(region: 2, slot, 64, to: answer.beatAddress, isSignalled: false)
    }

    /// Asks the standby to fence this side off. Only a standby for measurements does.
    func ask(for fence: Fence) throws(MirrorError) {
        let word = unsafe lines.base + Place.fence
        unsafe word.storeBytes(of: fence.rawValue, as: UInt64.self)
        unsafe try post(
            region: 2, word, 8, to: answer.beatAddress &+ 64, isSignalled: false)
    }

    @unsafe private func post(
        region: Int, _ memory: UnsafeRawPointer, _ byteCount: Int, to address: UInt64,
        isSignalled: Bool
    ) throws(MirrorError) {
        lastSequences[MirrorWrites.slot(writeCount)] = writtenSequence
        writeCount &+= 1
        unsafe try channel.write(
            region: region, from: memory, byteCount: byteCount, to: address, key: answer.ringKey,
            token: writeCount,
            isSignalled: isSignalled || writeCount % signalInterval == 0)
    }

    /// Takes completions and the standby's counter. True when either has moved.
    func reap() throws(MirrorError) -> Bool {
        var hasMoved = false
        while let token = try channel.takeCompletion() {
            // In order: a completion covers all writes before it.
            completedCount = token
            completedSequence = lastSequences[MirrorWrites.slot(token &- 1)]
            hasMoved = true
            #if NEEDLETAIL_MUTANTS
            if Mutant.completionIsValidation.isPlanted { validatedSequence = completedSequence }
            #endif
        }
        let found = unsafe MirrorCounter.copy(from: counterPage.base, nonce: hello.nonce)
        guard let found, found.number > counter.number else { return hasMoved }
        counter = found
        guard found.sequence > validatedSequence else { return hasMoved }
        guard found.sequence <= writtenSequence else {
            throw MirrorError(
                code: EPROTO, "the standby has validated \(found.sequence), which was not written")
        }
        validatedSequence = found.sequence
        return true
    }

    /// Tells the standby that this is the end, and ends it: the ring is read no more.
    func close() {
        channel.disconnect()
        channel.close()
    }
}
