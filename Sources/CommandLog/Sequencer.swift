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
        guard writer.available(atLeast: wanted) >= wanted else { return false }
        writer.claim(wanted)
        claimedCount = wanted
        return true
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
