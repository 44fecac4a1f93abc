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
    /// Commands that the engine is given at once.
    private static let burst = 64
    /// The state hash is kept behind the last record before each multiple of this.
    private static let checkpointInterval: UInt64 = 65_536

    /// The fold.
    public var engine: Engine
    private var records: RingReader<LogRecord>
    private var events: RingWriter<Event>
    private var outbox: EventOutbox
    private var isResuming = false
    private var nextCheckpoint: UInt64
    /// The hash is shown when the engine has caught up, not after each burst.
    private var isHashStale = false
    private let clock: CycleClock
    /// Commands applied.
    private var commandCount: UInt64 = 0
    /// Published after each poll, for whoever waits for the engine to have caught up.
    private let progress: EngineProgress
    private let match: StageMeter
    /// As published; 0 = none.
    private var nextExpirySeconds: UInt64 = 0
    private var backlog: UInt64 = 0
    /// What operators ask.
    let questions = EngineDesk()

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
        nextCheckpoint = Self.checkpoint(behind: self.records.nextSequence &- 1)
        match = progress.match
        showExpiry()
    }

    /// The last record that was applied, when no command is half done.
    var appliedSequence: UInt64 { records.nextSequence &- 1 }

    /// Applies what is in the log, as far as there is room for its events. False when there was
    /// nothing to do.
    public mutating func poll() -> Bool {
        progress.beat()
        if isResuming {
            guard resume() else { return false }
            release()
        }
        if questions.isAsked { questions.answer(from: engine, at: appliedSequence) }
        let untilCheckpoint = nextCheckpoint &- records.nextSequence &+ 1
        let count = min(
            records.available(), Self.commandsPerPoll, Int(truncatingIfNeeded: untilCheckpoint))
        if count == 0 {
            if isHashStale {
                isHashStale = false
                progress.store(stateHash: engine.stateHash)
            }
            return false
        }
        let start = clock.nowCycles
        let commandsBefore = commandCount
        var index = 0
        while index < count, let roomEnd = claimRoom(commands: Self.burst) {
            let record = unsafe records.slot(index)
            if unsafe record.pointee.isPair {
                let continuation = unsafe records.slot(index &+ 1)
                if unsafe record.pointee.sequence == 1 { unsafe begin(record, continuation) }
                let isComplete = engine.apply(
                    record, continuation: continuation, into: &outbox)
                index &+= 2
                commandCount &+= 1
                isResuming = !isComplete
            } else {
                let length = lengthOfBurst(at: index, of: count)
                let applied = engine.applyBurst(
                    record, count: length, roomEnd: roomEnd, into: &outbox)
                index &+= applied
                commandCount &+= UInt64(truncatingIfNeeded: applied)
                isResuming = !engine.isComplete
            }
            if isResuming && !resume() { break }
        }
        publish()
        records.consume(index)
        isHashStale = true
        if !isResuming { release() }
        guard index > 0 else { return false }
        let cycles = clock.nowCycles &- start
        match.note(
            cycles: cycles, nanos: clock.nanos(cycles),
            commands: Int(truncatingIfNeeded: commandCount &- commandsBefore))
        return true
    }

    /// A log says how many price levels it was begun with. A standby without one was made for those
    /// of its configuration, which may have instruments that came later.
    @inline(never) private mutating func begin(
        _ record: UnsafePointer<LogRecord>, _ continuation: UnsafePointer<LogRecord>
    ) {
        let levels = unsafe EngineLimits(continuation: continuation.pointee).ladderTickCapacity
        guard unsafe record.pointee.kind == .epochStart, levels > 0,
            levels < engine.limits.ladderTickCapacity
        else { return }
        engine.narrow(ladderTickCapacity: levels)
    }

    /// What was consumed is applied in full.
    @inline(__always) private mutating func release() {
        records.release()
        let sequence = records.nextSequence &- 1
        // Before the sequence: who sees that one sees at least what is left behind it.
        showExpiry()
        progress.store(sequence: sequence, openOrders: engine.openOrderCount)
        if sequence >= nextCheckpoint { passCheckpoint(sequence) }
    }

    /// The events are out by now: nobody waits for this.
    @inline(__always) private mutating func showExpiry() {
        let left = UInt64(engine.backlogSize)
        if left != backlog {
            backlog = left
            progress.store(backlog: left)
        }
        let next = engine.nextExpirySeconds ?? 0
        guard next != nextExpirySeconds else { return }
        nextExpirySeconds = next
        progress.store(nextExpirySeconds: next)
    }

    /// Polls end at a checkpoint, or behind the pair that goes over it: on every host alike.
    @inline(never) private mutating func passCheckpoint(_ sequence: UInt64) {
        progress.store(checkpoint: sequence, stateHash: engine.stateHash)
        nextCheckpoint = Self.checkpoint(behind: sequence)
    }

    /// The last record before the next multiple of the interval.
    private static func checkpoint(behind sequence: UInt64) -> UInt64 {
        (sequence &+ 1) / checkpointInterval * checkpointInterval &+ checkpointInterval &- 1
    }

    /// Goes on with a command that is not complete, slice by slice; each slice is shown at once.
    private mutating func resume() -> Bool {
        publish()
        while claimRoom(commands: 0) != nil {
            progress.beat()
            let isComplete = engine.resume(into: &outbox)
            publish()
            if isComplete {
                isResuming = false
                return true
            }
        }
        return false
    }

    /// How many records from an offset on lie side by side: at most a burst. Fetches those of the
    /// burst after it, and the events of this one, which were last in the gateway core's caches;
    /// never past what is published: that line is the gateway core's to write.
    @inline(__always) private mutating func lengthOfBurst(at index: Int, of count: Int) -> Int {
        let first = records.nextSequence &+ UInt64(truncatingIfNeeded: index)
        let lap = UInt64(truncatingIfNeeded: records.capacity)
        let untilWrap = Int(truncatingIfNeeded: lap &- (first & (lap &- 1)))
        let length = min(Self.burst, min(count &- index, untilWrap))
        let following = index &+ length
        for offset in following..<max(following, min(count, following &+ Self.burst)) {
            records.prefetch(offset)
        }
        let staged = Int(truncatingIfNeeded: outbox.position &- events.nextSequence)
        for offset in staged..<(staged &+ length) { events.prefetch(offset: offset) }
        return length
    }

    /// Claims room for so many commands, as far as there is any, but at least for one slice;
    /// answers the outbox position at which it ends, or nil when there is less.
    @inline(__always) private mutating func claimRoom(commands: Int) -> UInt64? {
        let staged = Int(truncatingIfNeeded: outbox.position &- events.nextSequence)
        let needed = staged &+ Engine.eventsPerSliceMax
        let wanted = needed &+ 2 &* commands
        let available = events.available(atLeast: wanted)
        guard available >= needed else { return nil }
        let count = min(available, wanted)
        events.claim(count)
        return events.nextSequence &+ UInt64(truncatingIfNeeded: count)
    }

    @inline(__always) private mutating func publish() {
        events.publish(count: Int(truncatingIfNeeded: outbox.position &- events.nextSequence))
    }
}
