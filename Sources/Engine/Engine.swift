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
    ///
    /// A slice is cut before a step; a step is at most four events (a trade and two linked orders
    /// that go with it), and four may follow the last one: `tradingStateSet`, `rested`,
    /// `displayed`, `closed`.
    public static let eventsPerSliceMax = eventsPerSliceTarget + 8
    /// Instruments are numbered in 24 bits inside an order.
    public static let instrumentNumberMax: UInt32 = 0xFF_FFFF

    /// A slice ends at the first step after this many events: 128 trades.
    static let eventsPerSliceTarget = 256

    /// What the engine may hold; an `epochStart` must say the same.
    public var limits: EngineLimits {
        @inline(__always) get {
            var limits = memoryLimits
            limits.ladderTickCapacity = ladderTickCapacity
            return limits
        }
    }
    /// What there is memory for. It never changes, so what is looked up in it on the way of an
    /// order is looked up once.
    let memoryLimits: EngineLimits
    /// Ticks that the log was begun with: so many as there is memory for, or fewer.
    var ladderTickCapacity: UInt32
    /// All memory that grows with the limits, for the report of where everything is.
    public var memory: [MemoryRegion] {
        [
            pool.region("orders"), extraPool.region("rare orders"),
            pagePool.region("pages of prices"), nodePool.region("nodes of pages"),
            arena.region("books, sessions"),
        ]
    }

    private let arena: Arena
    var pool: Slab<OrderNode>
    let orders: Table<OrderNode>
    var extraPool: Slab<OrderExtra>
    let extras: Table<OrderExtra>
    let links: Table<OrderLinks>
    let ladder: PriceLadder
    @inline(__always) var levels: Table<Level> { ladder.levels }
    var pagePool: Slab<PriceBlock>
    var nodePool: Slab<PriceBlock>
    let sessions: Table<SessionState>
    let instruments: Table<InstrumentState>
    let markets: Table<MarketState>
    let orderRules: Table<OrderRules>
    let ticks: TickTables
    var index: OrderIndex
    /// Accounts that are stopped, ascending.
    let killedAccounts: Table<UInt32>
    /// Accounts that are in trade groups, ascending.
    let tradeGroups: Table<TradeGroupMember>
    /// Trades of the business day that are void, in the order in which they were made.
    let busts: Table<BustedTrade>
    /// What goes on behind later commands; `backlogOrder` has the places of it, the next one first,
    /// and behind them those that are free.
    let backlog: Table<CancelWork>
    let backlogOrder: Table<UInt32>
    /// Of the commands that were looked at: hashes, and likely positions in the index.
    let hashes: Table<UInt32>
    let places: Table<UInt32>

    /// Ticks of the ranges of all instruments, and their pages; of each instrument 2^32 at most.
    var ladderTicksUsed: UInt64 = 0
    var rangePages: UInt64 = 0
    /// Of those that the log may have had: there is memory for what they need.
    let oldestRules: UInt32
    /// Those that the log was begun under; 0 before the first command. An image says only whether
    /// they were before 3.
    var firstRules: UInt32 = 0
    /// Whether a page may be lacking for an order's price.
    var arePagesShort = false
    /// Orders that are open; by the thread of the engine.
    public var openOrderCount: UInt32 { pool.count }
    var killedAccountCount: UInt32 = 0
    var tradeGroupCount: UInt32 = 0
    var bustCount: UInt32 = 0
    /// With any of these a new order is not usual: all but prevention, and while any account is in
    /// a trade group that too.
    var unusualFlags = ~RecordFlags.selfTradePreventionMask
    /// From so many open orders on, a new one is not usual: as many as there may be, or 0: see
    /// `setUsualOrdersMax`.
    var usualOrdersMax: UInt32
    /// The orders that expire, the earliest first.
    var expiryRoot: UInt32 = 0
    /// The instruments with something left to be done, first come, first served; 0 = none.
    var firstInLine: UInt32 = 0
    var lastInLine: UInt32 = 0
    /// How much of `backlog` is in use.
    var backlogCount: UInt32 = 0
    /// Instruments in the state `auction`.
    var auctionCount: UInt32 = 0
    /// UTC seconds since 1970: of the last `timeAdvance` since rules 3; 0 before.
    public internal(set) var timeSeconds: UInt64 = 0
    /// Of the last `rollBusinessDay`; none before the first.
    public internal(set) var businessDay = BusinessDay.none
    /// Sequence of the record that began it; 0 before the first.
    var dayBeganSequence: UInt64 = 0
    /// References given to what icebergs show anew: they have the top bit, and count from 1.
    var shownReferenceCount: UInt64 = 0
    /// In force: of the last `epochStart` or `activateRules`; 0 before the first.
    public internal(set) var rulesVersion: UInt32 = 0

    /// `last`, with `pair` if the command under way has two records.
    var closing: EventAttributes = .last
    /// The outbox position at which the slice under way ends.
    var sliceEnd: UInt64 = 0
    let sliceEvents: UInt64
    let shallowOrdersMax: UInt32
    let bounds: StepBounds
    var pending = PendingCommand()

    /// Runs over every byte of every event, in order, and over the session and sequence of every
    /// sequenced command. Two engines that were given the same commands agree on it; timestamps,
    /// checksums, the epoch and the seed of the order index do not enter.
    public var stateHash: UInt64 { hash.value }
    var hash = StateHash()
    /// What the order index is keyed with.
    var indexSeed: UInt64 = 0

    /// Takes all memory, on huge pages of `node` where there are any: about 137 bytes an order,
    /// 80 a session, 240 an instrument, 41 a price. All limits are at least 1, orders below 2^29,
    /// prices below 2^31, instruments at most `instrumentNumberMax`. Throws when the memory is
    /// refused.
    ///
    /// `oldestRules`: of the log. Where they are before 3, an instrument takes 2.6 KB more, for the
    /// prices of its whole range have room then.
    public init(
        limits: EngineLimits, oldestRules: UInt32 = RulesRange.build.oldest, node: NUMANode? = nil
    ) throws(PlatformError) {
        try self.init(
            limits: limits, oldestRules: oldestRules, node: node,
            sliceEvents: Self.eventsPerSliceTarget)
    }

    /// With slices of another size, 1 ... `eventsPerSliceTarget` events, and deep with other
    /// numbers of orders, for tests: no event depends on these; and with other bounds, on which
    /// they do.
    @_spi(Testing)
    public init(
        limits: EngineLimits, oldestRules: UInt32 = RulesRange.build.oldest,
        node: NUMANode? = nil, sliceEvents: Int, bounds: StepBounds = StepBounds(),
        shallowOrdersMax: UInt32 = Self.shallowOrdersMax
    ) throws(PlatformError) {
        Self.check(limits, sliceEvents: sliceEvents)
        let pageCapacity = Self.pageCapacity(limits, rules: oldestRules)
        let indexWords = OrderIndex.wordCount(orderCapacity: limits.orderCapacity)
        let backlogCapacity = Int(Self.backlogCapacity(limits))
        // A list of each session's orders starts and ends behind the orders; behind these are the
        // marks of what goes on later.
        let linkCount = 1 + Int(limits.orderCapacity + limits.sessionCapacity) + backlogCapacity
        let byteCount =
            Self.tableByteCount(limits) + Self.ladderByteCount(limits, pageCapacity: pageCapacity)
            + linkCount * MemoryLayout<OrderLinks>.stride
            + indexWords * MemoryLayout<UInt32>.stride
        var arena = try Arena(byteCount: byteCount, node: node)
        let pool = try Slab<OrderNode>(capacity: limits.orderCapacity, node: node)
        let extraPool = try Slab<OrderExtra>(capacity: Self.rareOrderCapacity(limits), node: node)
        let pagePool = try Slab<PriceBlock>(capacity: pageCapacity, node: node)
        let nodePool = try Slab<PriceBlock>(
            capacity: Self.nodeCapacity(pageCapacity: pageCapacity), node: node)
        orders = Table(pool)
        extras = Table(extraPool)
        links = Table(&arena, count: linkCount)
        ladder = PriceLadder(
            levels: Table(
                &arena, count: Self.levelCount(limits, pageCapacity: pageCapacity)),
            pages: Table(pagePool),
            nodes: Table(nodePool),
            children: Table(&arena, count: (Int(nodePool.capacity) + 1) * 64))
        sessions = Table(&arena, count: Int(limits.sessionCapacity) + 1)
        instruments = Table(&arena, count: Int(limits.instrumentCapacity) + 1)
        markets = Table(&arena, count: Int(limits.instrumentCapacity) + 1)
        orderRules = Table(&arena, count: Int(limits.instrumentCapacity) + 1)
        ticks = TickTables(&arena, instrumentCapacity: limits.instrumentCapacity)
        index = OrderIndex(words: Table(&arena, count: indexWords), seed: 0)
        killedAccounts = Table(&arena, count: Int(Self.killedAccountCapacity(limits)))
        tradeGroups = Table(&arena, count: Int(Self.tradeGroupCapacity(limits)))
        busts = Table(&arena, count: Int(Self.bustCapacity(limits)))
        backlog = Table(&arena, count: backlogCapacity)
        backlogOrder = Table(&arena, count: backlogCapacity)
        self.bounds = bounds
        usualOrdersMax = limits.orderCapacity
        hashes = Table(&arena, count: Self.noteCount)
        places = Table(&arena, count: Self.noteCount)
        self.pool = pool
        self.extraPool = extraPool
        self.pagePool = pagePool
        self.nodePool = nodePool
        arena.seal()
        self.arena = arena
        memoryLimits = limits
        ladderTickCapacity = limits.ladderTickCapacity
        self.oldestRules = oldestRules
        self.sliceEvents = UInt64(sliceEvents)
        self.shallowOrdersMax = shallowOrdersMax
        beginLists()
        ladder.nodes[0] = .none
    }

    /// Nothing goes on, and no session has an order.
    private func beginLists() {
        for place in 0..<backlogOrder.count { backlogOrder[place] = UInt32(place) }
        for session in 1...limits.sessionCapacity {
            sessions[session].expectedSequence = 1
            let end = limits.orderCapacity &+ session
            links[end] = OrderLinks(
                next: 0, previous: 0, sessionNext: end, sessionPrevious: end)
        }
    }

    /// Traps where an engine cannot be so.
    private static func check(_ limits: EngineLimits, sliceEvents: Int) {
        precondition(
            limits.orderCapacity > 0 && limits.orderCapacity < 1 << 29,
            "an engine holds 1 ..< 2^29 orders")
        precondition(
            limits.sessionCapacity > 0 && limits.sessionCapacity < 1 << 31
                && limits.ladderTickCapacity > 0 && limits.ladderTickCapacity < 1 << 31,
            "an engine has sessions and price levels")
        precondition(
            limits.instrumentCapacity > 0
                && limits.instrumentCapacity <= instrumentNumberMax,
            "instruments are numbered in 24 bits")
        precondition(
            hasLevelNumbers(for: limits),
            "prices, and two levels beside them for each instrument, are numbered in 32 bits")
        precondition(1...eventsPerSliceTarget ~= sliceEvents, "a slice has events")
    }

    /// Of the tables whose sizes are limits, or follow from them at once, and what aligns them.
    private static func tableByteCount(_ limits: EngineLimits) -> Int {
        (Int(limits.sessionCapacity) + 1) * MemoryLayout<SessionState>.stride
            + (Int(limits.instrumentCapacity) + 1)
            * (MemoryLayout<InstrumentState>.stride + MemoryLayout<MarketState>.stride
                + MemoryLayout<OrderRules>.stride)
            + TickTables.byteCount(instrumentCapacity: limits.instrumentCapacity)
            + Int(killedAccountCapacity(limits)) * MemoryLayout<UInt32>.stride
            + Int(tradeGroupCapacity(limits)) * MemoryLayout<TradeGroupMember>.stride
            + Int(bustCapacity(limits)) * MemoryLayout<BustedTrade>.stride
            + Int(backlogCapacity(limits))
            * (MemoryLayout<CancelWork>.stride + MemoryLayout<UInt32>.stride)
            + 2 * noteCount * MemoryLayout<UInt32>.stride + 19 * 64
    }

    /// How many of the open orders may be other than plain: hidden, iceberg, good till time,
    /// sliding, waiting, or linked. A quarter of all, and at least one.
    public static func rareOrderCapacity(_ limits: EngineLimits) -> UInt32 {
        max(limits.orderCapacity / 4, 1)
    }

    /// Whether the last command is complete. A new one may be applied only then.
    @inlinable public var isComplete: Bool { !hasPending }
    @usableFromInline var hasPending: Bool { pending.phase != .none }
}
