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
/// SAFETY: `events` has `capacity` values from `init` to `deinit`; the outbox masks its position.
@safe public final class LogFold: SnapshotFolder {
    private static let capacity = 512
    private let events: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var engine: Engine?
    private let node: NUMANode?
    /// Where in the log it is.
    public private(set) var position: SnapshotPosition
    /// Commands applied since it was made.
    public private(set) var commandCount: UInt64 = 0
    /// Events of these.
    public private(set) var eventCount: UInt64 = 0
    /// Why it cannot go on; nothing is applied any more.
    public private(set) var problem: String?

    /// At the beginning of a shard's log.
    public convenience init(shard: UInt32, node: NUMANode? = nil) {
        self.init(engine: nil, at: .start(shard: shard), node: node)
    }

    private init(engine: consuming Engine?, at position: SnapshotPosition, node: NUMANode?) {
        precondition(Self.capacity >= Engine.eventsPerSliceMax, "a slice of events fits")
        unsafe events = .allocate(capacity: Self.capacity)
        unsafe events.initialize(repeating: Event(kind: .nothing), count: Self.capacity)
        outbox = unsafe EventOutbox(slots: events, capacity: Self.capacity, position: 0)
        self.engine = engine
        self.position = position
        self.node = node
    }

    deinit { unsafe events.deallocate() }

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
        fold.position = position
        return fold
    }

    /// As `SnapshotFolder` says. Traps before the first command.
    public func encodeImage() -> [UInt8] { engine!.encodeImage() }

    /// As `SnapshotFolder` says; its position is not in the image.
    public static func decodeImage(
        _ image: RawSpan, limits: EngineLimits?, node: NUMANode?
    ) throws(EngineImageError) -> LogFold {
        LogFold(
            engine: try Engine.decodeImage(image, limits: limits, node: node),
            at: .start(shard: 0), node: node)
    }

    // MARK: Folding

    /// As `LogFolder` says; what goes wrong is in `problem`.
    public func fold(_ record: LogRecord, continuation: LogRecord?) {
        apply(record, continuation) { _ in }
    }

    /// Applies one command, which must be the next; `see` gets its events in order.
    public func apply(_ record: LogRecord, _ continuation: LogRecord?, see: (Event) -> Void) {
        guard problem == nil else { return }
        if engine == nil {
            guard record.kind == .epochStart, let continuation else {
                problem = "the log does not begin with an epoch's start"
                return
            }
            do {
                engine = try Engine(limits: EngineLimits(continuation: continuation), node: node)
            } catch {
                problem = "\(error)"
                return
            }
        }
        var chain = position.chain
        guard chain.take(record), continuation.map({ chain.take($0) }) ?? true else {
            problem = "the log does not go on behind sequence \(position.sequence)"
            return
        }
        var isComplete = engine!.apply(record, continuation: continuation, into: &outbox)
        drain(see)
        while !isComplete {
            isComplete = engine!.resume(into: &outbox)
            drain(see)
        }
        commandCount += 1
        let last = continuation ?? record
        position.sequence = last.sequence
        position.recordCRC32C = last.crc32c
        position.timestampNanos = record.timestampNanos
        if record.kind == .epochStart {
            position.epoch = record.session
            position.rulesVersion = record.sessionSequence
        }
    }

    private func drain(_ see: (Event) -> Void) {
        eventCount += outbox.position
        for index in 0..<Int(outbox.position) {
            let event = unsafe events[index]
            if event.publicKind != nil { position.publicReportCount += 1 }
            see(event)
        }
        outbox.position = 0
    }

    // MARK: The state

    /// As `LogFolder` says; 0 before the first command.
    public var stateHash: UInt64 { engine?.stateHash ?? 0 }
    /// Orders in all books.
    public var openOrders: UInt32 { engine?.openOrders ?? 0 }
    /// What is wrong with the state, if anything is.
    public var broken: String? { engine?.checkInvariants() }
    /// Limits of the engine; nil before the first command.
    public var limits: EngineLimits? { engine?.limits }
    /// A session; nil before the first command, and for a number that there is not.
    public func session(_ number: UInt32) -> SessionView? { engine?.session(number) }

    /// The engine, to go on with elsewhere; nil before the first command. The fold is of no use
    /// any more.
    func takeEngine() -> Engine? {
        problem = "its engine was taken"
        return engine.take()
    }
}
