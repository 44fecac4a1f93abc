// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Platform
import Wire

/// The first records of a log behind (`lastSequence`, `crc32c`), as a sequencer would write them;
/// pairs begin at the sequences `pairsAt`.
func chainedRecords(
    _ count: Int, after chain: RecordChain = RecordChain(), pairsAt: Set<UInt64> = [],
    _ random: inout SeededRandom
) -> [LogRecord] {
    var chain = chain
    return (0..<count).map { _ in
        let isSecond = pairsAt.contains(chain.lastSequence)
        var record = LogRecord(
            kind: isSecond ? .continuation : .newOrder,
            session: UInt32(truncatingIfNeeded: random.next()),
            orderID: random.next(), priceTicks: Int64(bitPattern: random.next()),
            quantityLots: random.next(), sequence: chain.lastSequence + 1,
            timestampNanos: random.next())
        if pairsAt.contains(record.sequence) { record.flags = RecordFlags.pair }
        record.crc32c = RecordChain.crc(record, chain.crc32c)
        precondition(chain.take(record), "a record that follows")
        return record
    }
}

func bytes(_ record: LogRecord) -> [UInt8] {
    unsafe withUnsafeBytes(of: record) { unsafe Array($0) }
}

/// A ring of bytes as a NIC writes into it.
// SAFETY: `capacity` slots of 64 bytes from `init` to `deinit`; a sequence is brought below that.
@safe final class RingMemory {
    let capacity: Int
    let base: UnsafeMutableRawPointer

    init(capacity: Int) {
        self.capacity = capacity
        unsafe base = .allocate(byteCount: capacity * 64, alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * 64)
    }

    deinit { unsafe base.deallocate() }

    func slot(_ sequence: UInt64) -> Int { Int(sequence % UInt64(capacity)) }

    /// Places bytes `range` of a record, at the slot of `sequence` (its own unless given).
    func place(_ record: LogRecord, at sequence: UInt64? = nil, bytes range: Range<Int> = 0..<64) {
        let content = bytes(record)
        let start = slot(sequence ?? record.sequence) * 64
        for index in range {
            unsafe base.storeBytes(of: content[index], toByteOffset: start + index, as: UInt8.self)
        }
    }

    func flip(bit: Int, of sequence: UInt64) {
        let offset = slot(sequence) * 64 + bit / 8
        let old = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        unsafe base.storeBytes(of: old ^ 1 << UInt8(bit % 8), toByteOffset: offset, as: UInt8.self)
    }

    func content(_ sequence: UInt64) -> [UInt8] {
        (0..<64).map { unsafe base.load(fromByteOffset: slot(sequence) * 64 + $0, as: UInt8.self) }
    }
}
