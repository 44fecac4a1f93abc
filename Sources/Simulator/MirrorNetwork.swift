// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: registered memory is touched only while the channel that registered it is open, within
// the bounds that its owner gave; both ends belong to one thread.
internal import Glibc
internal import Platform
internal import RDMAReplica
internal import Wire

/// The network between the hosts' memories: one-sided writes, placed by cache lines in any order.
final class MirrorNetwork {
    var random: SeededRandom
    var nowNanos: UInt64 = 0
    /// Whether what a host sends reaches the other: by the sender's index.
    var isCut = [false, false]
    /// The last record of a host's log.
    var logEnd: (Int) -> UInt64 = { _ in .max }
    /// Whether a primary has written a record. Much else lies in a ring: pieces of snapshots, and
    /// halves of records.
    var wasWritten: (LogRecord) -> Bool = { _ in true }
    /// Completions are told early, lost or told twice, one in so many; 0 = never.
    var badCompletionOneIn: UInt64 = 0
    /// A bit of a line that is placed is wrong, in so many; 0 = never.
    var damagedLineOneIn: UInt64 = 0
    /// What was placed where it must not have been, for the invariants.
    private(set) var offence: (invariant: Int, what: String)?
    private(set) var badCompletionCount = 0
    private(set) var lineCount = 0
    private(set) var damagedLineCount = 0
    private var channels: [SimulatedChannel] = []
    private var requests: [[(channel: SimulatedChannel, hello: MirrorHello, dueNanos: UInt64)]] = [
        [], [],
    ]

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func connect(from host: Int) -> SimulatedChannel {
        channels.removeAll { !$0.isOpen }
        let channel = SimulatedChannel(self, host: host, isPassive: false)
        channels.append(channel)
        return channel
    }

    fileprivate func ask(_ here: SimulatedChannel, _ hello: MirrorHello) {
        let there = SimulatedChannel(self, host: 1 - here.host, isPassive: true)
        here.peer = there
        there.peer = here
        channels.append(there)
        requests[there.host].append((there, hello, nowNanos + delay()))
    }

    func delay() -> UInt64 { random.below(random.below(30) == 0 ? 2_000_000 : 40_000) }

    func takeRequest(at host: Int) -> (channel: any MirrorChannel, hello: MirrorHello)? {
        guard let first = requests[host].first, first.dueNanos <= nowNanos, !isCut[1 - host]
        else { return nil }
        requests[host].removeFirst()
        return (first.channel, first.hello)
    }

    /// Whether anything is under way.
    var isBusy: Bool { writesUnderWay > 0 }
    fileprivate var writesUnderWay = 0

    /// Moves what is under way.
    func turn() {
        for channel in channels where channel.isBusy { channel.move() }
    }

    /// A process is gone, in the middle of its writes; with `isSilent` nobody is told.
    func kill(_ host: Int, isSilent: Bool) {
        for channel in channels where channel.host == host && channel.isOpen {
            channel.placeSome()
            if !isSilent { channel.disconnect() }
            channel.close()
        }
        requests[host] = []
    }

    /// A standby's memory that a primary may still write into.
    func isWritable(at host: Int) -> Bool {
        channels.contains {
            $0.host == host && $0.isPassive && $0.isAccepted && $0.isOpen && !$0.isFenced
        }
    }

    func countBadCompletion() { badCompletionCount += 1 }
    func countLine() { lineCount += 1 }

    /// The bit of a line of so many bytes that is to be wrong, now and then.
    func damage(_ byteCount: Int) -> (byte: Int, mask: UInt8)? {
        guard damagedLineOneIn > 0, random.below(damagedLineOneIn) == 0 else { return nil }
        damagedLineCount += 1
        return (Int(random.below(UInt64(byteCount))), 1 << UInt8(random.below(8)))
    }

    func tell(_ invariant: Int, _ what: String) {
        if offence == nil { offence = (invariant, what) }
    }
}

/// Where a host's requests come in.
final class SimulatedAcceptor: MirrorAcceptor {
    let description = "the simulated network"
    private let network: MirrorNetwork
    private let host: Int

    init(_ network: MirrorNetwork, host: Int) {
        self.network = network
        self.host = host
    }

    func takeRequest() throws(MirrorError) -> (channel: any MirrorChannel, hello: MirrorHello)? {
        network.takeRequest(at: host)
    }
}

/// One end of a connection.
@safe final class SimulatedChannel: MirrorChannel {
    @safe private struct Region {
        var base: UnsafeMutableRawPointer
        var byteCount: Int
        var isWrittenByPeer: Bool
    }

    @safe private struct Write {
        var memory: UnsafeRawPointer
        var byteCount: Int
        var address: UInt64
        var token: UInt64
        var dueNanos: UInt64
        /// Offsets of lines that are not placed yet.
        var lines: [Int]
        /// The bytes, once their owner has been told that they are gone.
        var taken: [UInt8] = []
        var isTold = false
    }

    /// A connection on which nothing moves for so long is over.
    private static let patienceNanos: UInt64 = 30_000_000

    let transport = MirrorTransport.rdma
    /// As over TCP, so that records gather in here too.
    let gatherNanos: UInt64 = 100_000
    var description: String { "simulated channel of host \(host + 1)" }
    let host: Int
    let isPassive: Bool
    private(set) var isOpen = true
    private(set) var isFenced = false
    private(set) var isAccepted = false
    fileprivate weak var peer: SimulatedChannel?
    private let network: MirrorNetwork
    private var regions: [Region] = []
    private var answer: (MirrorAnswer, dueNanos: UInt64)?
    private var writes: [Write] = []
    private var completions: [UInt64] = []
    /// From here on it shows that the other end is gone.
    private var overNanos = UInt64.max
    private var stuckSinceNanos: UInt64 = 0

    init(_ network: MirrorNetwork, host: Int, isPassive: Bool) {
        self.network = network
        self.host = host
        self.isPassive = isPassive
    }

    fileprivate var isBusy: Bool { isOpen && !writes.isEmpty }
    private var canSend: Bool { !network.isCut[host] }
    private var canHear: Bool { !network.isCut[1 - host] }

    @unsafe func register(
        region: Int, _ base: UnsafeMutableRawPointer, byteCount: Int, isWrittenByPeer: Bool
    ) -> UInt32 {
        unsafe regions.append(
            Region(base: base, byteCount: byteCount, isWrittenByPeer: isWrittenByPeer))
        return UInt32(regions.count)
    }

    func connect(_ hello: MirrorHello) throws(MirrorError) {
        guard canSend else { throw MirrorError(code: EHOSTUNREACH, "no way there") }
        network.ask(self, hello)
    }

    func takeAnswer() -> MirrorAnswer? {
        guard let (given, due) = answer, due <= network.nowNanos, canHear else { return nil }
        answer = nil
        return given
    }

    func accept(_ given: MirrorAnswer) throws(MirrorError) {
        guard let peer, peer.isOpen else {
            throw MirrorError(code: ECONNRESET, "who asked is gone")
        }
        isAccepted = true
        peer.answer = (given, network.nowNanos + network.delay())
    }

    func reject(_ given: MirrorAnswer) {
        peer?.answer = (given, network.nowNanos + network.delay())
        close()
    }

    @unsafe func write(
        region: Int, from memory: UnsafeRawPointer, byteCount: Int, to address: UInt64,
        key: UInt32, token: UInt64, isSignalled: Bool
    ) throws(MirrorError) {
        try checkPeer()
        let known = (writes.lastIndex { $0.isTold } ?? -1) + 1
        if writes.count - known >= MirrorWrites.limit {
            network.tell(15, "more writes are under way than may be")
        }
        if writes.isEmpty { stuckSinceNanos = network.nowNanos }
        network.writesUnderWay += 1
        var lines = Array(stride(from: 0, to: byteCount, by: 64))
        lines.shuffle(using: &network.random)
        unsafe writes.append(
            Write(
                memory: memory, byteCount: byteCount, address: address,
                token: isSignalled ? token : 0, dueNanos: network.nowNanos + network.delay(),
                lines: lines))
    }

    func takeCompletion() -> UInt64? { completions.isEmpty ? nil : completions.removeFirst() }

    func pump() throws(MirrorError) -> Bool {
        try checkPeer()
        return false
    }

    func checkPeer() throws(MirrorError) {
        guard isOpen, network.nowNanos < overNanos else {
            throw MirrorError(code: ECONNRESET, "the other end is closed, or has fenced")
        }
    }

    /// The network's turn.
    fileprivate func move() {
        guard canSend, let peer, peer.isOpen else {
            if network.nowNanos &- stuckSinceNanos > Self.patienceNanos { over() }
            return
        }
        if peer.isFenced { return over() }
        stuckSinceNanos = network.nowNanos
        if network.random.below(4) != 0 { placeSome() }
        guard canHear else { return }
        while let first = writes.first, first.lines.isEmpty {
            complete(0)
            writes.removeFirst()
            network.writesUnderWay -= 1
        }
    }

    /// Some lines of some of the first writes, in any order.
    fileprivate func placeSome() {
        guard let peer, peer.isOpen, !writes.isEmpty else { return }
        for _ in 0..<1 + network.random.below(24) {
            let index = Int(network.random.below(UInt64(min(4, writes.count))))
            guard writes[index].dueNanos <= network.nowNanos, let line = writes[index].lines.last
            else { continue }
            let byteCount = min(64, writes[index].byteCount - line)
            // Now and then some words of a line are there before the others.
            if byteCount >= 8, network.random.below(16) == 0 {
                let first = 8 * Int(network.random.below(UInt64(byteCount / 8)))
                let count = 8 * (1 + Int(network.random.below(UInt64((byteCount - first) / 8))))
                place(writes[index], line + first, count, peer)
                continue
            }
            writes[index].lines.removeLast()
            network.countLine()
            place(writes[index], line, byteCount, peer)
            if network.badCompletionOneIn > 0,
                network.random.below(8 * network.badCompletionOneIn) == 0
            {
                tellEarly(index)
            }
        }
    }

    private func place(_ write: Write, _ offset: Int, _ count: Int, _ peer: SimulatedChannel) {
        let address = write.address &+ UInt64(offset)
        if write.taken.isEmpty {
            unsafe peer.take(write.memory + offset, count, at: address)
        } else {
            unsafe write.taken.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe peer.take(base + offset, count, at: address)
            }
        }
    }

    private func take(_ memory: UnsafeRawPointer, _ byteCount: Int, at address: UInt64) {
        guard !isFenced, isOpen else { return }
        for region in regions where region.isWrittenByPeer {
            let offset = unsafe address &- UInt64(UInt(bitPattern: region.base))
            guard offset < UInt64(region.byteCount) else { continue }
            let place = unsafe region.base + Int(offset)
            if isPassive, offset % 64 == 0 { unsafe checkOverwrite(place, memory) }
            unsafe place.copyMemory(from: memory, byteCount: byteCount)
            guard let (byte, mask) = network.damage(byteCount) else { continue }
            unsafe place.storeBytes(
                of: place.load(fromByteOffset: byte, as: UInt8.self) ^ mask, toByteOffset: byte,
                as: UInt8.self)
        }
    }

    /// Invariant 10, where it is about the standby's ring: a record is written over by one of a
    /// later lap when the standby has taken it into its own log.
    private func checkOverwrite(_ place: UnsafeRawPointer, _ memory: UnsafeRawPointer) {
        let old = unsafe place.loadUnaligned(as: UInt64.self)
        let new = unsafe memory.loadUnaligned(as: UInt64.self)
        guard old > 0, new > old, new - old <= 1 << 20, new & 511 == old & 511,
            network.logEnd(host) < old,
            unsafe network.wasWritten(place.loadUnaligned(as: LogRecord.self))
        else { return }
        network.tell(10, "record \(old) is written over in the ring of host \(host + 1)")
    }

    /// The completion of a write whose bytes have left, and have not arrived.
    private func tellEarly(_ index: Int) {
        guard index == 0, canHear, !writes[0].isTold, writes[0].taken.isEmpty else { return }
        let write = writes[0]
        writes[0].taken = unsafe Array(
            UnsafeRawBufferPointer(start: write.memory, count: write.byteCount))
        complete(0)
    }

    private func complete(_ index: Int) {
        guard !writes[index].isTold else { return }
        writes[index].isTold = true
        let token = writes[index].token
        guard token != 0 else { return }
        completions.append(token)
        guard network.badCompletionOneIn > 0,
            network.random.below(network.badCompletionOneIn) == 0
        else { return }
        network.countBadCompletion()
        if network.random.below(2) == 0 {
            completions.append(token)
        } else {
            completions.removeLast()
        }
    }

    private func over() { overNanos = min(overNanos, network.nowNanos) }

    func fence(_ method: Fence) throws(MirrorError) {
        let refuses: UInt64 = method == .access ? 3 : 20
        if network.random.below(refuses) == 0 {
            throw MirrorError(code: EINVAL, "the queue pair does not take it")
        }
        isFenced = true
    }

    func disconnect() {
        guard isOpen, canSend, let peer else { return }
        peer.overNanos = min(peer.overNanos, network.nowNanos + network.delay())
    }

    func close() {
        isOpen = false
        network.writesUnderWay -= writes.count
        writes = []
    }
}
