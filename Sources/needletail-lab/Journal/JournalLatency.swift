// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the page of `PlainWriter` is written and read within its 4,096 bytes.
internal import ArgumentParser
internal import CommandLog
internal import Glibc
internal import Platform
internal import Wire

/// Latencies of one way of writing, over all its rounds.
struct DurableSamples {
    private(set) var nanos: [UInt64] = []
    private(set) var elapsedNanos: UInt64 = 0

    mutating func add(_ samples: [UInt64], elapsedNanos: UInt64) {
        nanos += samples
        self.elapsedNanos += elapsedNanos
    }

    var perSecond: Double { Double(nanos.count) * 1e9 / Double(max(elapsedNanos, 1)) }

    /// Microseconds below which `shares` (0 ..< 1) of all lie.
    func micros(_ shares: [Double]) -> [Double] {
        let sorted = nanos.sorted()
        guard !sorted.isEmpty else { return shares.map { _ in 0 } }
        return shares.map { Double(sorted[Int(Double(sorted.count) * $0)]) / 1_000 }
    }
}

extension JournalRig {
    /// Keeps `outstanding` commands published and not yet durable, for so long. Nanoseconds from
    /// each one's publishing to the durable cursor's passing it.
    func measureDurable(outstanding: Int, seconds: Double) throws -> ([UInt64], UInt64) {
        var stamps = [UInt64](repeating: 0, count: 1_024)
        var samples: [UInt64] = []
        samples.reserveCapacity(1 << 20)
        var record = LogRecord(
            kind: .newOrder, session: 1, priceTicks: 100_000, quantityLots: 100, instrument: 1)
        let start = clock.nowCycles
        let end = UInt64(seconds * 1e9)
        var seen = sequencer.publishedSequence
        var isEnding = false
        // Sleeps, so that the disk's completions find a processor.
        var idle = IdleStrategy(spins: 64, sleepNanosMax: 2_000)
        while true {
            let durable = journal.status.durable.load()
            let now = clock.nowCycles
            let hasNews = durable > seen
            while seen < durable {
                seen += 1
                samples.append(clock.nanos(now - stamps[Int(seen & 1_023)]))
            }
            isEnding = isEnding || clock.nanos(now - start) >= end
            let inFlight = Int(sequencer.publishedSequence - seen)
            if isEnding && inFlight == 0 { break }
            let count = isEnding ? 0 : outstanding - inFlight
            if count > 0 {
                try waitForRoom(count)
                sequencer.begin(nowNanos: clock.utcNanos())
                let stamp = clock.nowCycles
                for _ in 0..<count {
                    record.orderID &+= 1
                    stamps[Int(sequencer.append(record) & 1_023)] = stamp
                }
                sequencer.publish()
            }
            if let failure = journal.status.failure { throw failure }
            idle.idle(worked: hasNews)
        }
        return (samples, clock.nanos(clock.nowCycles - start))
    }
}

/// What the journal is held against: a write and an fdatasync, again and again, into a file of
/// which every byte is allocated already.
final class PlainWriter {
    private static let fileByteCount = 256 << 20
    private let file: Int32
    private let clock = CycleClock.calibrated()
    private var offset = 0

    init(_ folder: FreshFolder) throws {
        file = unsafe open(folder.path + "/plain", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, posix_fallocate(file, 0, off_t(Self.fileByteCount)) == 0,
            fsync(file) == 0
        else { throw ValidationError("no room for \(Self.fileByteCount >> 20) MB beside the log") }
    }

    deinit { close(file) }

    /// Writes of so many bytes, one after the other, for so long: nanoseconds of each.
    func measure(byteCount: Int, seconds: Double) throws -> ([UInt64], UInt64) {
        var bytes = [UInt8](repeating: 0x5A, count: byteCount)
        var samples: [UInt64] = []
        let start = clock.nowCycles
        var now = start
        while clock.nanos(now - start) < UInt64(seconds * 1e9) {
            if offset + byteCount > Self.fileByteCount { offset = 0 }
            bytes[0] &+= 1
            let count = unsafe pwrite(file, bytes, byteCount, off_t(offset))
            guard count == byteCount, fdatasync(file) == 0 else {
                throw ValidationError("plain: \(SystemText.of(errno))")
            }
            offset += byteCount
            let before = now
            now = clock.nowCycles
            samples.append(clock.nanos(now - before))
        }
        return (samples, clock.nanos(now - start))
    }
}
