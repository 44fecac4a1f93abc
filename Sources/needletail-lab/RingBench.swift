// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import OrderEntryClient
import Platform
import Wire

/// `needletail-lab bench ring`: hand-over of records between two threads.
struct RingBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ring",
        abstract: "Records handed from one thread to another through the log's ring.",
        discussion: """
            One writer, one gating reader, each on its processor; every record is written and \
            read. A batch is published with one store. Prints the best and the median of the runs.
            """)

    @Option(help: "Records to hand over in each run.")
    var records = 20_000_000
    @Option(help: "Records in the ring; a power of two.")
    var capacity = 4_096
    @Option(help: "Runs of each batch size.")
    var runs = 5
    @Option(help: "Processors of the writer and the reader.")
    var cpus = "0,1"

    func run() throws {
        let chosen = cpus.split(separator: ",").compactMap { Int($0) }
        guard chosen.count == 2 else { throw ValidationError("--cpus: two numbers, as in 0,1") }
        guard records > 0, runs > 0, capacity >= 64, capacity & (capacity - 1) == 0 else {
            throw ValidationError("--capacity is a power of two from 64 on; others at least 1")
        }
        for batch in [1, 8, 32] {
            var rates: [Double] = []
            for _ in 0..<runs { rates.append(try handOver(batch: batch, chosen)) }
            rates.sort()
            print(
                "batch \(batch): best \(rates.last!.text(1)) M records/s, median "
                    + "\((rates[rates.count / 2]).text(1))")
        }
    }

    /// Millions of records a second.
    private func handOver(batch: Int, _ cpus: [Int]) throws -> Double {
        let ring = try LogRing<LogRecord>(capacity: capacity)
        let count = records
        let clock = CycleClock.calibrated()
        let reading = try PinnedThread(
            name: "ring-reader", cpu: cpus[1], owning: ring.gatingReader("reader")
        ) { reader in
            var sum: UInt64 = 0
            var left = count
            while left > 0 {
                let available = min(reader.available(), left)
                for index in 0..<available { sum &+= reader[index].sequence }
                reader.consume(available)
                reader.release()
                left -= available
            }
            precondition(
                sum == UInt64(count) * UInt64(count + 1) / 2, "every record came, once")
        }
        let start = clock.nowCycles
        let writing = try PinnedThread(
            name: "ring-writer", cpu: cpus[0], owning: ring.writer()
        ) { writer in
            var record = LogRecord(kind: .newOrder)
            var left = count
            while left > 0 {
                let room = min(writer.available(atLeast: batch), batch, left)
                if room == 0 { continue }
                writer.claim(room)
                for index in 0..<room {
                    record.sequence &+= 1
                    writer[index] = record
                }
                writer.publish(count: room)
                left -= room
            }
        }
        writing.join()
        reading.join()
        return Double(count) * 1_000 / Double(clock.nanos(clock.nowCycles - start))
    }
}
