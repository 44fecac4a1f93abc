// SPDX-License-Identifier: Apache-2.0
import Platform
import Wire

@testable import RDMAReplica

/// A network of memory alone: two ends that write into each other's regions, in pieces of 8 bytes
/// and in any order, as a NIC may. No thread and no clock.
// SAFETY: both ends belong to one thread; a write reads registered memory while the channel that
// registered it is open, within the bounds that its owner gave.
final class MemoryWire: MirrorAcceptor {
    let description = "memory"
    /// Of the primary's end.
    var gatherNanos: UInt64 = 0
    private var waiting: [(MemoryChannel, MirrorHello)] = []
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func primaryEnd() -> MemoryChannel {
        let here = MemoryChannel(seed: random.next())
        here.wire = self
        here.gatherNanos = gatherNanos
        return here
    }

    fileprivate func ask(_ here: MemoryChannel, _ hello: MirrorHello) {
        let there = MemoryChannel(seed: random.next())
        here.peer = there
        there.peer = here
        waiting.append((there, hello))
    }

    func takeRequest() throws(MirrorError) -> (channel: any MirrorChannel, hello: MirrorHello)? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }
}

@safe final class MemoryChannel: MirrorChannel {
    let transport = MirrorTransport.rdma
    var gatherNanos: UInt64 = 0
    let description = "memory"
    fileprivate weak var wire: MemoryWire?
    fileprivate weak var peer: MemoryChannel?
    private var regions: [Region] = []
    private var answer: MirrorAnswer?
    private var random: SeededRandom
    private var isFenced = false
    private var isOver = false
    private var writes: [(pieces: [(Int, UInt64)], address: UInt64, token: UInt64)] = []
    private var completions: [UInt64] = []

    @safe private struct Region {
        var base: UnsafeMutableRawPointer
        var byteCount: Int
    }

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    @unsafe func register(
        region: Int, _ base: UnsafeMutableRawPointer, byteCount: Int, isWrittenByPeer: Bool
    ) -> UInt32 {
        unsafe regions.append(Region(base: base, byteCount: byteCount))
        return UInt32(regions.count)
    }

    func connect(_ hello: MirrorHello) { wire?.ask(self, hello) }
    func takeAnswer() -> MirrorAnswer? { answer.take() }
    func accept(_ answer: MirrorAnswer) { peer?.answer = answer }
    func reject(_ answer: MirrorAnswer) { peer?.answer = answer }

    @unsafe func write(
        region: Int, from memory: UnsafeRawPointer, byteCount: Int, to address: UInt64,
        key: UInt32, token: UInt64, isSignalled: Bool
    ) throws(MirrorError) {
        try checkPeer()
        var pieces: [(Int, UInt64)] = []
        for offset in stride(from: 0, to: byteCount, by: 8) {
            let word = unsafe memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            pieces.append((offset, word))
        }
        pieces.shuffle(using: &random)
        writes.append((pieces, address, isSignalled ? token : 0))
    }

    func takeCompletion() -> UInt64? { completions.isEmpty ? nil : completions.removeFirst() }

    /// A few pieces of any of the first writes arrive; a write that has arrived in full completes
    /// when those before it have.
    func pump() throws(MirrorError) -> Bool {
        try checkPeer()
        guard !writes.isEmpty else { return false }
        for _ in 0..<random.below(64) {
            let index = Int(random.below(UInt64(min(4, writes.count))))
            guard let (offset, word) = writes[index].pieces.popLast() else { continue }
            peer?.place(word, at: writes[index].address + UInt64(offset))
        }
        while let first = writes.first, first.pieces.isEmpty {
            if first.token != 0 { completions.append(first.token) }
            writes.removeFirst()
        }
        return true
    }

    private func place(_ word: UInt64, at address: UInt64) {
        guard !isFenced, !isOver else { return }
        for region in regions {
            let offset = unsafe address &- UInt64(UInt(bitPattern: region.base))
            guard offset < UInt64(region.byteCount) else { continue }
            unsafe region.base.storeBytes(of: word, toByteOffset: Int(offset), as: UInt64.self)
        }
    }

    func checkPeer() throws(MirrorError) {
        if peer == nil, wire == nil || answer != nil { isOver = true }
        guard !isOver, peer?.isFenced != true else {
            throw MirrorError(code: 104, "the other end is closed, or has fenced")
        }
    }

    func fence(_ method: Fence) { isFenced = true }
    func disconnect() { peer?.isOver = true }
    func close() { isOver = true }
}
