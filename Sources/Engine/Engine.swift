// SPDX-License-Identifier: Apache-2.0
//
//  The fold: (state, command) -> (state, events). One thread runs it, the engine core's.
//
//    LogRecord ─▶ apply ─▶ session sequence ─▶ validate ─▶ match ─▶ rest ─▶ Event … Event(last)
//                   │            │                │          │        │
//                   │        sessions        instruments   ladder   order index, order pool
//                   └─ too large for one slice? false: publish, then `resume` until true
//
//  Memory is taken once, in `init`. Nothing here reads a clock, a random source or a file, nothing
//  allocates, locks or counts references after that. An answer depends on the records alone: not
//  on slots, hash positions, slice sizes, the epoch, timestamps or the seed of the order index.
//  Limits: those of `EngineLimits`, and `Engine.instrumentNumberMax`. The rules, in the order in
//  which they are checked, are written at `Engine.apply`.
public import Platform
public import Wire

/// The matching engine of one shard, sessions included: a pure fold over the command log.
///
/// Threading: one owner, one thread at a time.
public struct Engine: ~Copyable, Sendable {
    /// The room, in events, that the caller guarantees in the outbox before each call of
    /// ``apply(_:continuation:into:)`` and ``resume(into:)``.
    public static let eventsPerSliceMax = eventsPerSliceTarget + 4
    /// Instruments are numbered in 24 bits inside an order.
    public static let instrumentNumberMax: UInt32 = 0xFF_FFFF

    /// A slice ends at the first step after this many events: 128 trades.
    static let eventsPerSliceTarget = 256

    /// What the engine may hold; an `epochStart` must say the same.
    public let limits: EngineLimits
    /// All memory that grows with the limits, for the report of where everything is.
    public var memory: [MemoryRegion] { [pool.region("orders"), arena.region("books, sessions")] }

    private let arena: Arena
    var pool: Slab<OrderNode>
    let orders: Table<OrderNode>
    let links: Table<OrderLinks>
    let levels: Table<Level>
    let words: Table<UInt64>
    let sessions: Table<SessionState>
    let instruments: Table<InstrumentState>
    var index: OrderIndex
    /// Of the commands of the burst under way.
    let hashes: Table<UInt32>

    var ladderTicksUsed: UInt32 = 0
    var wordsUsed: UInt32 = 0
    /// Orders that are open; by the thread of the engine.
    public var openOrderCount: UInt32 { pool.count }
    /// In force: of the last `epochStart` or `activateRules`; 0 before the first.
    public internal(set) var rulesVersion: UInt32 = 0

    /// `last`, with `pair` if the command under way has two records.
    var closing: EventAttributes = .last
    /// The outbox position at which the slice under way ends.
    var sliceEnd: UInt64 = 0
    let sliceEvents: UInt64
    var pending = PendingCommand()

    /// Runs over every byte of every event, in order, and over the session and sequence of every
    /// sequenced command. Two engines that were given the same commands agree on it; timestamps,
    /// checksums, the epoch and the seed of the order index do not enter.
    public var stateHash: UInt64 { hash.value }
    var hash = StateHash()
    /// What the order index is keyed with.
    var indexSeed: UInt64 = 0

    /// Takes all memory, on huge pages of `node` where there are any: about 112 bytes an order,
    /// 80 a session, 64 an instrument, 16 a price level. All limits are at least 1, orders below
    /// 2^30, instruments at most `instrumentNumberMax`. Throws when the memory is refused.
    public init(limits: EngineLimits, node: NUMANode? = nil) throws(PlatformError) {
        try self.init(limits: limits, node: node, sliceEvents: Self.eventsPerSliceTarget)
    }

    /// With slices of another size, 1 ... `eventsPerSliceTarget` events, for tests: no event
    /// depends on it.
    @_spi(Testing)
    public init(
        limits: EngineLimits, node: NUMANode? = nil, sliceEvents: Int
    ) throws(PlatformError) {
        precondition(
            limits.orderCapacity > 0 && limits.orderCapacity < 1 << 30,
            "an engine holds 1 ..< 2^30 orders")
        precondition(
            limits.sessionCapacity > 0 && limits.sessionCapacity < 1 << 31
                && limits.ladderTickCapacity > 0,
            "an engine has sessions and price levels")
        precondition(
            limits.instrumentCapacity > 0
                && limits.instrumentCapacity <= Self.instrumentNumberMax,
            "instruments are numbered in 24 bits")
        precondition(
            sliceEvents > 0 && sliceEvents <= Self.eventsPerSliceTarget, "a slice has events")
        let wordCount = PriceBits.wordCountMax(limits: limits)
        let indexCount = OrderIndex.entryCount(orderCapacity: limits.orderCapacity)
        // A list of each session's orders starts and ends behind the orders.
        let linkCount = Int(limits.orderCapacity) + 1 + Int(limits.sessionCapacity)
        let byteCount =
            Int(limits.ladderTickCapacity) * MemoryLayout<Level>.stride + wordCount * 8
            + (Int(limits.sessionCapacity) + 1) * MemoryLayout<SessionState>.stride
            + (Int(limits.instrumentCapacity) + 1) * MemoryLayout<InstrumentState>.stride
            + linkCount * MemoryLayout<OrderLinks>.stride
            + indexCount * MemoryLayout<OrderIndex.Entry>.stride
            + Self.burstLength * MemoryLayout<UInt32>.stride + 8 * 64
        var arena = try Arena(byteCount: byteCount, node: node)
        pool = try Slab(capacity: limits.orderCapacity, node: node)
        orders = Table(pool)
        links = Table(&arena, count: linkCount)
        levels = Table(&arena, count: Int(limits.ladderTickCapacity))
        words = Table(&arena, count: wordCount)
        sessions = Table(&arena, count: Int(limits.sessionCapacity) + 1)
        instruments = Table(&arena, count: Int(limits.instrumentCapacity) + 1)
        index = OrderIndex(entries: Table(&arena, count: indexCount), seed: 0)
        hashes = Table(&arena, count: Self.burstLength)
        arena.seal()
        self.arena = arena
        self.limits = limits
        self.sliceEvents = UInt64(sliceEvents)
        for session in 1...limits.sessionCapacity {
            sessions[session].expectedSequence = 1
            let end = limits.orderCapacity &+ session
            links[end] = OrderLinks(
                next: 0, previous: 0, sessionNext: end, sessionPrevious: end)
        }
    }

    /// Whether the last command is complete. A new one may be applied only then.
    @inlinable public var isComplete: Bool { !hasPending }
    @usableFromInline var hasPending: Bool { pending.phase != .none }
}
