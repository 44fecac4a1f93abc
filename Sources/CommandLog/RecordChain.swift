// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Wire

/// Tells the next record of a log from everything else: a torn write, a stale lap, a foreign
/// record.
///
/// Used wherever records cross a failure domain: observers, recovery, the standby, tools. Local
/// gating readers trust the ring's cursor instead.
public struct RecordChain: Sendable {
    /// Sequence of the last record that was taken.
    public private(set) var lastSequence: UInt64
    /// Its CRC, the seed of the next.
    public private(set) var crc32c: UInt32

    /// Goes on behind the record with this sequence and CRC; 0 and 0 for a new log.
    public init(lastSequence: UInt64 = 0, crc32c: UInt32 = 0) {
        self.lastSequence = lastSequence
        self.crc32c = crc32c
    }

    /// Takes the record if it is the next and whole; otherwise changes nothing and says false.
    public mutating func take(_ record: LogRecord) -> Bool {
        guard record.sequence == lastSequence &+ 1, record.crc32c == Self.crc(record, crc32c)
        else { return false }
        lastSequence = record.sequence
        crc32c = record.crc32c
        return true
    }

    /// The CRC that a record must carry behind one with CRC `seed`.
    public static func crc(_ record: LogRecord, _ seed: UInt32) -> UInt32 {
        // SAFETY: the pointer is to the local copy and does not leave the closure.
        unsafe withUnsafeBytes(of: record) { bytes in
            unsafe CRC32C.chained60(seed, bytes.baseAddress!)
        }
    }
}
