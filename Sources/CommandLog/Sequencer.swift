// SPDX-License-Identifier: Apache-2.0
public import Platform
public import Wire

/// Gives each command its place in the log: sequence, timestamp and checksum chain, in place.
///
/// A burst goes: `begin(nowNanos:)`, `hasRoom(for:)` and `append` for each command, `publish()`.
/// Threading: the gateway core of the shard.
/// SAFETY: pointers to slots stay inside `append`; the writer traps on a slot that was not claimed.
@safe public struct Sequencer: ~Copyable {
    @usableFromInline internal var writer: RingWriter<LogRecord>
    @usableFromInline internal var chain: UInt32
    @usableFromInline internal var timestampNanos: UInt64
    @usableFromInline internal var stagedCount: Int = 0
    @usableFromInline internal var claimedCount: Int = 0
    /// The last sequence that has its place in the journal, and where the journal tells.
    @usableFromInline internal var roomThrough: UInt64 = .max
    @usableFromInline internal var room: Cursor?
    /// Owns that place.
    private var journal: JournalStatus?

    /// Continues a log: `chain` is the CRC of the record before the ring's first sequence (0 for a
    /// new log) and `lastTimestampNanos` its timestamp.
    public init(
        ring: LogRing<LogRecord>, chain: UInt32 = 0, lastTimestampNanos: UInt64 = 0
    ) {
        writer = ring.writer()
        self.chain = chain
        timestampNanos = lastTimestampNanos
    }

    /// Sequence of the next command.
    @inlinable public var nextSequence: UInt64 {
        writer.nextSequence &+ UInt64(truncatingIfNeeded: stagedCount)
    }

    /// Sequence of the last record that readers can see.
    @inlinable public var publishedSequence: UInt64 { writer.published }

    /// What the next record is stamped with at least: UTC nanoseconds, of the last `begin`.
    @inlinable public var nowNanos: UInt64 { timestampNanos }

    /// The last record that was published, which the next one follows.
    public var end: RecordChain {
        precondition(stagedCount == 0, "asked between two bursts")
        return RecordChain(lastSequence: publishedSequence, crc32c: chain)
    }

    /// Opens a burst: its commands get max(previous timestamp, now), UTC nanoseconds.
    @inlinable @_noLocks
    public mutating func begin(nowNanos: UInt64) {
        timestampNanos = max(timestampNanos, nowNanos)
    }

    /// Whether `count` more records fit, which `append` may then write without asking again.
    @inlinable @_noLocks
    public mutating func hasRoom(for count: Int) -> Bool {
        let wanted = stagedCount &+ count
        if wanted <= claimedCount { return true }
        guard isInJournal(nextSequence &+ UInt64(truncatingIfNeeded: count) &- 1) else {
            return false
        }
        guard writer.available(atLeast: wanted) >= wanted else { return false }
        writer.claim(wanted)
        claimedCount = wanted
        return true
    }

    /// From now on what has no place in the journal has no room here: a full disk stops intake
    /// before anything is taken that could not be kept.
    public mutating func follow(_ journal: JournalStatus) {
        self.journal = journal
        room = journal.room
        roomThrough = 0
    }

    @inlinable @inline(__always) @_noLocks
    internal mutating func isInJournal(_ sequence: UInt64) -> Bool {
        if sequence <= roomThrough { return true }
        guard let room else { return false }
        roomThrough = room.load()
        return sequence <= roomThrough
    }

    /// Appends a command of one record and gives its sequence. `hasRoom` has said yes.
    @inlinable @inline(__always) @_noLocks @discardableResult
    public mutating func append(_ record: consuming LogRecord) -> UInt64 {
        record.timestampNanos = timestampNanos
        return seal(record)
    }

    /// Appends a command of two records and gives the sequence of the first. `hasRoom(for: 2)` has
    /// said yes. The pair is published as one: no reader sees half of it.
    @inlinable @inline(__always) @_noLocks @discardableResult
    public mutating func append(
        _ record: consuming LogRecord, continuation: consuming LogRecord
    ) -> UInt64 {
        record.flags |= RecordFlags.pair
        record.timestampNanos = timestampNanos
        let sequence = seal(record)
        seal(continuation)
        return sequence
    }

    /// Puts a command of the past back as it was, sealed already: for who has validated it.
    /// `hasRoom` has said yes to it and its continuation; `publish` shows it. Traps when it is not
    /// the next.
    public mutating func restore(_ record: LogRecord, continuation: LogRecord?) {
        stage(sealed: record)
        if let continuation { stage(sealed: continuation) }
        timestampNanos = max(timestampNanos, record.timestampNanos)
    }

    private mutating func stage(sealed: LogRecord) {
        precondition(sealed.sequence == nextSequence, "a log is restored without gaps")
        unsafe writer.slot(offset: stagedCount).pointee = sealed
        writer.prefetch(offset: stagedCount &+ 8)
        chain = sealed.crc32c
        stagedCount += 1
    }

    /// Shows the burst to the readers, with one store.
    @inlinable @_noLocks
    public mutating func publish() {
        writer.publish(count: stagedCount)
        stagedCount = 0
        claimedCount = 0
    }

    /// A record that no gating reader has let go of yet.
    @inlinable @_noLocks
    public func read(_ sequence: UInt64) -> LogRecord {
        unsafe writer.read(sequence).pointee
    }

    @inlinable @inline(__always) @_noLocks @discardableResult
    internal mutating func seal(_ record: consuming LogRecord) -> UInt64 {
        let sequence = nextSequence
        record.sequence = sequence
        // Stored as words, and the checksum taken of the same registers: eight stores, no load.
        let words = record.bodyWords
        let last = record.lastBodyWord
        chain = CRC32C.chained(chain, words, last)
        let slot = unsafe UnsafeMutableRawPointer(writer.slot(offset: stagedCount))
            .assumingMemoryBound(to: UInt64.self)
        for index in words.indices { unsafe slot[index] = words[index] }
        unsafe slot[7] = UInt64(last) | UInt64(chain) &<< 32
        // Eight slots ahead, last in the caches of the readers: fetched back in time. Past the end
        // of the ring the hint is in vain.
        unsafe Prefetch.write(slot + 8 * 8)
        stagedCount &+= 1
        return sequence
    }
}
