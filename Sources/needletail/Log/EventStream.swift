// SPDX-License-Identifier: Apache-2.0
//
// What `needletail log events` writes and `needletail log shadow` reads, maybe of another build:
// drawn in docs/formats/event-stream.md.
internal import Wire

/// Before the events: 32 bytes, little-endian.
struct EventStreamHeader: BitwiseCopyable, Equatable, Sendable {
    /// Offset 0: "NTEVENTS", as bytes.
    var magic: UInt64 = Self.magicNumber
    /// Offset 8: the version of the stream.
    var version: UInt32 = Self.versionNumber
    /// Offset 12: the shard.
    var shard: UInt32
    /// Offset 16: the events are of the commands behind this sequence.
    var afterSequence: UInt64
    /// Offset 24: the rules that were assumed; 0 = those that the log is under.
    var assumedRules: UInt32
    /// Offset 28: zero.
    var reserved: UInt32 = 0

    /// "NTEVENTS", as bytes.
    static var magicNumber: UInt64 { 0x5354_4E45_5645_544E }
    /// The only version so far.
    static var versionNumber: UInt32 { 1 }

    /// Of this version.
    init(shard: UInt32, afterSequence: UInt64, assumedRules: UInt32) {
        self.shard = shard
        self.afterSequence = afterSequence
        self.assumedRules = assumedRules
    }
}

/// One event and whose it is: 80 bytes. Every command has one event at least, so all are there.
struct EventStreamEntry: BitwiseCopyable, Sendable {
    /// Offset 0: the sequence of the command's first record.
    var sequence: UInt64
    /// Offset 8: the chained CRC of the command's last record: two streams of one log agree on it.
    var crc32c: UInt32
    /// Offset 12: zero.
    var reserved: UInt32 = 0
    /// Offset 16: the event, as docs/formats/events.md draws it.
    var event: Event

    /// From its parts.
    init(sequence: UInt64, crc32c: UInt32, event: Event) {
        self.sequence = sequence
        self.crc32c = crc32c
        self.event = event
    }
}
