// SPDX-License-Identifier: Apache-2.0
public import Engine
public import Platform
public import Wire

/// The engine between its two rings: commands in, events out.
///
/// Threading: polled by one thread: the shard's engine core, or its only core.
/// SAFETY: the outbox writes into slots that were claimed first; records are read between
/// `available` and `release`.
@safe public struct EngineLoop: ~Copyable, @unchecked Sendable {
    private static let commandsPerPoll = 256
    /// Above this many open orders the working set has left the caches, and looking ahead pays.
    private static let deepBookOrders: UInt32 = 100_000
    private static let lookAhead = 6

    /// The fold.
    public var engine: Engine
    private var records: RingReader<LogRecord>
    private var events: RingWriter<Event>
    private var outbox: EventOutbox
    private var isResuming = false
    /// The hash is shown when the engine has caught up, not after each burst.
    private var isHashStale = false
    private let clock: CycleClock
    /// Commands applied, and cycles spent on them.
    public private(set) var commandCount: UInt64 = 0
    /// Cycles of the counter spent in polls that applied something.
    public private(set) var cycles: UInt64 = 0
    /// Published after each poll, for whoever waits for the engine to have caught up.
    private let progress: EngineProgress

    /// A loop over the log's ring and the ring of events, before either is in use.
    public init(
        engine: consuming Engine, records: consuming RingReader<LogRecord>,
        ring: LogRing<Event>, clock: CycleClock, progress: EngineProgress
    ) {
        self.engine = engine
        self.records = records
        events = ring.writer()
        unsafe outbox = EventOutbox(
            slots: ring.recordsBase.bindMemory(to: Event.self, capacity: ring.capacity),
            capacity: ring.capacity, position: ring.firstSequence)
        self.clock = clock
        self.progress = progress
    }

    /// Applies what is in the log, as far as there is room for its events. False when there was
    /// nothing to do.
    public mutating func poll() -> Bool {
        if isResuming {
            guard resume() else { return false }
            records.release()
        }
        let count = min(records.available(), Self.commandsPerPoll)
        if count == 0 {
            if isHashStale {
                isHashStale = false
                progress.store(stateHash: engine.stateHash)
            }
            return false
        }
        let start = clock.nowCycles
        var index = 0
        while index < count, hasRoom() {
            // Never past what is published: that line is the gateway core's to write.
            if index &+ 8 < count { records.prefetch(index &+ 8) }
            // Events ahead were last in the caches of the gateway core: fetch them back in time.
            let staged = Int(truncatingIfNeeded: outbox.position &- events.nextSequence)
            events.prefetch(offset: staged &+ 8)
            events.prefetch(offset: staged &+ 9)
            let record = unsafe records.slot(index)
            let isPair = unsafe record.pointee.isPair
            let continuation = isPair ? unsafe records.slot(index &+ 1) : nil
            let isComplete = engine.apply(
                record, continuation: continuation, into: &outbox)
            index &+= isPair ? 2 : 1
            commandCount &+= 1
            if !isComplete {
                isResuming = true
                if !resume() { break }
            }
        }
        publish()
        records.consume(index)
        if !isResuming { records.release() }
        isHashStale = true
        progress.store(sequence: records.nextSequence &- 1)
        cycles &+= clock.nowCycles &- start
        return index > 0
    }

    /// Goes on with a command that is not complete, slice by slice; each slice is shown at once.
    private mutating func resume() -> Bool {
        publish()
        while hasRoom() {
            let isComplete = engine.resume(into: &outbox)
            publish()
            if isComplete {
                isResuming = false
                return true
            }
        }
        return false
    }

    @inline(__always) private mutating func hasRoom() -> Bool {
        let staged = Int(truncatingIfNeeded: outbox.position &- events.nextSequence)
        let wanted = staged &+ Engine.eventsPerSliceMax
        guard events.available(atLeast: wanted) >= wanted else { return false }
        events.claim(wanted)
        return true
    }

    @inline(__always) private mutating func publish() {
        events.publish(count: Int(truncatingIfNeeded: outbox.position &- events.nextSequence))
    }
}
