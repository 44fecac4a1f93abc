// SPDX-License-Identifier: Apache-2.0
public import CommandLog
public import Engine
public import Platform
public import Wire

/// A shard's log, folded: what recovery, snapshots, the regeneration of old reports and tools get
/// their state from. The engine comes out of a snapshot, or is made when the log's first epoch says
/// with which limits.
///
/// Threading: one thread at a time. Cold: it allocates.
/// SAFETY: `events` has `eventCapacity` values and `waiting` `burst` records from `init` to
/// `deinit`; the outbox masks its position, and `waitingCount` stays below `burst`.
@safe public final class LogFold: SnapshotFolder {
    private static let eventCapacity = 1_024
    /// Commands that the engine is given at once, when nobody wants to see their events.
    private static let burst = 64
    private let events: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private let waiting: UnsafeMutablePointer<LogRecord>
    private var waitingCount = 0
    private var engine: Engine?
    private let node: NUMANode?
    /// `publicReportCount` is behind by those that wait.
    private var place: SnapshotPosition
    /// Rules that are put in the place of older ones of the log; nil = none are.
    private var assumedRules: UInt32?
    /// Whether the last record that was taken was held against the chain: then its source is one
    /// that checks each against the one before.
    private var isPlaced = false
    /// Commands applied since it was made.
    public private(set) var commandCount: UInt64 = 0
    /// Events of those that were applied.
    public private(set) var eventCount: UInt64 = 0
    /// Why it cannot go on; nothing is applied any more.
    public private(set) var problem: String?

    /// At the beginning of a shard's log.
    public convenience init(shard: UInt32, node: NUMANode? = nil) {
        self.init(engine: nil, at: .start(shard: shard), node: node)
    }

    private init(engine: consuming Engine?, at position: SnapshotPosition, node: NUMANode?) {
        precondition(Self.eventCapacity >= Engine.eventsPerSliceMax, "a slice of events fits")
        unsafe events = .allocate(capacity: Self.eventCapacity)
        unsafe events.initialize(repeating: Event(kind: .nothing), count: Self.eventCapacity)
        outbox = unsafe EventOutbox(slots: events, capacity: Self.eventCapacity, position: 0)
        unsafe waiting = .allocate(capacity: Self.burst)
        unsafe waiting.initialize(repeating: LogRecord(kind: .filler), count: Self.burst)
        self.engine = engine
        place = position
        self.node = node
    }

    deinit {
        unsafe events.deallocate()
        unsafe waiting.deallocate()
    }

    // MARK: Snapshots

    /// At a snapshot. Throws when it is not whole in every respect.
    public static func restore(
        _ store: SnapshotStore, sequence: UInt64, node: NUMANode? = nil
    ) throws(SnapshotError) -> LogFold {
        placed(try store.restore(LogFold.self, sequence: sequence, node: node))
    }

    /// At the newest snapshot of a store that is whole and not behind `until`; otherwise at the
    /// beginning. What was passed over is added to `skipped`.
    public static func newest(
        in store: SnapshotStore, until: UInt64 = .max, skipped: inout [SkippedSnapshot]
    ) throws(SnapshotError) -> LogFold {
        let restored = try store.restoreNewest(
            LogFold.self, sequenceMax: until, skipped: &skipped)
        guard let restored else { return LogFold(shard: store.shard) }
        return placed(restored)
    }

    private static func placed(_ restored: consuming RestoredFolder<LogFold>) -> LogFold {
        let position = restored.position
        let fold = restored.take()
        fold.place = position
        return fold
    }

    /// As `SnapshotFolder` says. Traps before the first command.
    public func encodeImage() -> [UInt8] {
        flush()
        return engine!.encodeImage()
    }

    /// As `SnapshotFolder` says; its position is not in the image.
    public static func decodeImage(
        _ image: RawSpan, limits: EngineLimits?, node: NUMANode?
    ) throws(EngineImageError) -> LogFold {
        LogFold(
            engine: try Engine.decodeImage(image, limits: limits, node: node),
            at: .start(shard: 0), node: node)
    }

    // MARK: Folding

    /// Applies one command, which must be the next, or keeps it to be applied with others; what
    /// goes wrong is in `problem`.
    public func fold(_ record: LogRecord, continuation: LogRecord?) {
        guard take(record, continuation) else { return }
        guard continuation == nil, record.rulesPutInForce == nil else {
            flush()
            return apply(record, continuation) { _ in }
        }
        unsafe waiting[waitingCount] = record
        waitingCount += 1
        if waitingCount == Self.burst { flush() }
    }

    /// Applies one command, which must be the next, now; `see` gets its events in order.
    public func fold(_ record: LogRecord, continuation: LogRecord?, see: (Event) -> Void) {
        guard take(record, continuation) else { return }
        flush()
        apply(record, continuation, see: see)
    }

    /// Moves on behind the command, if it is the next.
    private func take(_ record: LogRecord, _ continuation: LogRecord?) -> Bool {
        guard problem == nil else { return false }
        if let why = RulesRange.build.refusal(of: record) { problem = why }
        guard problem == nil else { return false }
        if engine == nil { begin(record, continuation) }
        guard problem == nil else { return false }
        if !isPlaced || record.sequence != place.sequence &+ 1 {
            var chain = place.chain
            guard chain.take(record) else {
                problem = "the log does not go on behind sequence \(place.sequence)"
                return false
            }
            isPlaced = true
        }
        let last = continuation ?? record
        place.sequence = last.sequence
        place.recordCRC32C = last.crc32c
        place.timestampNanos = record.timestampNanos
        if record.kind == .epochStart { place.epoch = record.session }
        commandCount += 1
        return true
    }

    private func begin(_ record: LogRecord, _ continuation: LogRecord?) {
        guard record.kind == .epochStart, let continuation else {
            problem = "the log does not begin with an epoch's start"
            return
        }
        do {
            engine = try Engine(limits: EngineLimits(continuation: continuation), node: node)
        } catch { problem = "\(error)" }
    }

    private func apply(_ record: LogRecord, _ continuation: LogRecord?, see: (Event) -> Void) {
        // What the log says of its rules is answered as it was, whatever is assumed.
        let changesRules = record.rulesPutInForce != nil
        if changesRules, assumedRules != nil, place.rulesVersion > 0 {
            engine!.assume(rules: place.rulesVersion)
        }
        var isComplete = engine!.apply(record, continuation: continuation, into: &outbox)
        drain(see)
        while !isComplete {
            isComplete = engine!.resume(into: &outbox)
            drain(see)
        }
        guard changesRules else { return }
        place.rulesVersion = engine?.rulesVersion ?? 0
        if let assumedRules { engine!.assume(rules: max(assumedRules, place.rulesVersion)) }
    }

    /// Folds from here on as if the log were under these rules, or later ones that it puts in force
    /// itself. They are folded by this build. The state is not the log's own any more.
    public func assume(rules version: UInt32) {
        flush()
        assumedRules = version
        engine?.assume(rules: max(version, place.rulesVersion))
    }

    /// Applies what waits.
    private func flush() {
        var index = 0
        while index < waitingCount {
            let applied = unsafe engine!.begin(
                waiting + index, count: waitingCount - index,
                roomEnd: UInt64(Self.eventCapacity), into: &outbox)
            index += applied.count
            drain { _ in }
            var isComplete = applied.isComplete
            while !isComplete {
                isComplete = engine!.resume(into: &outbox)
                drain { _ in }
            }
        }
        waitingCount = 0
    }

    @inline(__always)
    private func drain(_ see: (Event) -> Void) {
        let count = Int(outbox.position)
        var publicCount: UInt64 = 0
        for index in 0..<count {
            if unsafe events[index].isPublic { publicCount &+= 1 }
            see(unsafe events[index])
        }
        eventCount &+= UInt64(count)
        place.publicReportCount &+= publicCount
        outbox.position = 0
    }

    // MARK: The state

    /// The last sequence that was taken.
    public var lastSequence: UInt64 { place.sequence }
    /// Where in the log it is, with all that was taken applied.
    public var position: SnapshotPosition {
        flush()
        return place
    }
    /// As `LogFolder` says; 0 before the first command.
    public var stateHash: UInt64 {
        flush()
        return engine?.stateHash ?? 0
    }
    /// Orders in all books.
    public var openOrders: UInt32 {
        flush()
        return engine?.openOrders ?? 0
    }
    /// What is wrong with the state, if anything is.
    public var broken: String? {
        flush()
        return engine?.checkInvariants()
    }
    /// A session; nil before the first command, and for a number that there is not.
    public func session(_ number: UInt32) -> SessionView? {
        flush()
        return engine?.session(number)
    }

    /// The engine, to go on with elsewhere; nil before the first command. The fold is of no use
    /// any more.
    func takeEngine() -> Engine? {
        flush()
        problem = "its engine was taken"
        return engine.take()
    }
}

extension Engine {
    /// `applyBurst`, and whether the last command is complete.
    fileprivate mutating func begin(
        _ records: UnsafePointer<LogRecord>, count: Int, roomEnd: UInt64,
        into outbox: inout EventOutbox
    ) -> (count: Int, isComplete: Bool) {
        let applied = applyBurst(records, count: count, roomEnd: roomEnd, into: &outbox)
        return (applied, isComplete)
    }
}
