// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import Glibc
internal import Platform
internal import Wire

/// What a listener of the events adds up, as the yardstick's does.
struct ListenerTotals {
    var totals = YardstickFile.Totals()
    private var previousOrderID: UInt64 = 0

    /// One event. The resting order's half of a trade comes first, so the half that counts finds
    /// the maker in the event before it.
    @inline(__always) mutating func hear(_ event: Event) {
        let kind = event.kind
        let isReject = kind == .cancelRejected || kind == .replaceRejected || kind == .rejected
        totals.rejects &+= isReject ? 1 : 0
        if kind == .traded && event.attributes.contains(.aggressor) {
            totals.trade(
                maker: previousOrderID, taker: event.orderID,
                price: UInt64(bitPattern: event.priceTicks), lots: event.quantityLots)
        }
        previousOrderID = event.orderID
    }
}

/// One engine, its records and its event ring, for a benchmark on one thread.
///
/// SAFETY: `records` has `recordCount` records, and `events` a whole ring, from `init` to `deinit`;
/// both are only indexed below those.
@safe struct BookRun: ~Copyable {
    /// 64 KB of events, as the yardstick's listener would find them: in the first-level cache's
    /// neighbourhood.
    static let ringCapacity = 1024
    static let burst = 256

    private let records: UnsafeMutablePointer<LogRecord>
    private let recordCount: Int
    private let events: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var consumed: UInt64 = 1
    private var engine: Engine
    var listener = ListenerTotals()

    var openOrders: UInt32 { engine.openOrders }
    /// What was taken for its limits.
    var memoryByteCount: Int { engine.memory.reduce(0) { $0 + $1.byteCount } }
    var memoryWarning: String? { MemoryRegion.warning(engine.memory) }
    var stateHash: UInt64 { engine.stateHash }
    func encodeImage() -> [UInt8] { engine.encodeImage() }

    init(
        records: UnsafeMutablePointer<LogRecord>, recordCount: Int, opening: BookOpening
    ) throws {
        unsafe self.records = unsafe records
        self.recordCount = recordCount
        unsafe events = .allocate(capacity: Self.ringCapacity)
        unsafe events.initialize(repeating: Event(kind: .nothing), count: Self.ringCapacity)
        outbox = unsafe EventOutbox(slots: events, capacity: Self.ringCapacity, position: 1)
        // The opening is of these.
        engine = try Engine(limits: opening.limits, oldestRules: RulesRange.build.newest)
        for (record, continuation) in opening.commands {
            _ = engine.apply(record, continuation: continuation, into: &outbox)
            consume()
        }
        listener = ListenerTotals()
    }

    deinit { unsafe events.deallocate() }

    /// Reads what is new in the ring. Never inlined: the engine's thread and a listener's are two.
    private mutating func consume() {
        listener = unsafe Self.listen(listener, to: events, from: consumed, end: outbox.position)
        consumed = outbox.position
    }

    /// By value, so that the sums stay in registers as a listener's own would.
    @inline(never) private static func listen(
        _ listener: ListenerTotals, to events: UnsafeMutablePointer<Event>, from first: UInt64,
        end: UInt64
    ) -> ListenerTotals {
        var sum = listener
        var next = first
        while next != end {
            sum.hear(unsafe events[Int(truncatingIfNeeded: next) & (ringCapacity - 1)])
            next &+= 1
        }
        return sum
    }

    @inline(__always) private mutating func applyOne(_ index: Int) {
        var isComplete = unsafe engine.apply(
            records + index, continuation: nil, into: &outbox)
        while !isComplete {
            consume()
            isComplete = engine.resume(into: &outbox)
        }
    }

    /// Applies a range in bursts, as long as the ring has room for the largest command.
    @inline(never) mutating func apply(_ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
            index += unsafe engine.applyBurst(
                records + index, count: min(Self.burst, range.upperBound - index),
                roomEnd: consumed &+ UInt64(Self.ringCapacity), into: &outbox)
            consume()
            while !engine.isComplete {
                _ = engine.resume(into: &outbox)
                consume()
            }
        }
    }

    /// Applies a range one by one, with a time stamp around each command and its listener.
    @inline(never) mutating func measure(_ range: Range<Int>, into histogram: inout CycleHistogram)
    {
        let overhead = CycleHistogram.overhead()
        for index in range {
            let start = CycleHistogram.stamp()
            applyOne(index)
            consume()
            let cycles = CycleHistogram.stamp() &- start
            histogram.add(cycles > overhead ? cycles &- overhead : 0)
        }
    }

    /// Applies everything, letting `prepare` change each record first and see each event.
    mutating func rehearse(
        prepare: (inout LogRecord) -> Void, see: (Event) -> Void
    ) {
        for index in 0..<recordCount {
            prepare(&(unsafe records[index]))
            var isComplete = unsafe engine.apply(
                records + index, continuation: nil, into: &outbox)
            while true {
                while consumed != outbox.position {
                    let event = unsafe events[Int(consumed) & (Self.ringCapacity - 1)]
                    listener.hear(event)
                    see(event)
                    consumed += 1
                }
                if isComplete { break }
                isComplete = engine.resume(into: &outbox)
            }
        }
    }
}

/// Cycles in classes 1/32 wide.
struct CycleHistogram {
    private var classes = [UInt64](repeating: 0, count: 64 * 32)
    private(set) var count: UInt64 = 0

    static func stamp() -> UInt64 { Measurement.cyclesOrdered }

    /// The least that two stamps are apart.
    static func overhead() -> UInt64 {
        (0..<10_000).reduce(UInt64.max) { least, _ in
            let start = stamp()
            return min(least, stamp() &- start)
        }
    }

    mutating func add(_ cycles: UInt64) {
        let exponent = 63 - (cycles | 1).leadingZeroBitCount
        let index =
            cycles < 32 ? Int(cycles) : (exponent - 4) * 32 + Int(cycles >> (exponent - 5) & 31)
        classes[index] &+= 1
        count &+= 1
    }

    /// The cycles below which `share` (0 ..< 1) of all lie.
    func percentile(_ share: Double) -> UInt64 {
        let target = UInt64(Double(count) * share)
        var seen: UInt64 = 0
        for (index, number) in classes.enumerated() {
            seen += number
            guard seen > target else { continue }
            guard index >= 32 else { return UInt64(index) }
            let exponent = index / 32 + 4
            return 1 << exponent + UInt64(index & 31) << (exponent - 5)
        }
        return 0
    }
}
