// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import OrderEntryClient
internal import Platform

/// `needletail-lab bench journal`: the log on a disk.
struct JournalBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Write the log to a disk as fast as it goes, or one by one; read it again.",
        discussion: """
            A folder of its own is made in --folder and taken away again. Without a mode, records \
            are published as fast as the ring has room, and the time ends when all are durable. \
            --latency keeps so many commands outstanding, beside one pwrite and fdatasync for \
            each command, in turns. --replay writes a log of an order flow and reads it on one \
            core, from the disk and from the page cache.

            Against fio: hw/scripts/bench-journal.
            """)

    @Option(help: "A folder on the disk to measure.") var folder = "/var/tmp"
    @Option(help: "Records to write in each run.") var records = 8_000_000
    @Option(help: "Batches being written at once: 1…8.") var batchesInFlight = 4
    @Option(help: "Records in the ring; a power of two.") var ring = 65_536
    @Option(help: "Megabytes of a segment.") var segmentMB = 256
    @Option(help: "Runs, or rounds.") var runs = 3
    @Flag(help: "After each run, as many bytes by pwrite and fdatasync of a batch's size.")
    var fdatasync = false
    @Flag(help: "Measure from publishing to durable.") var latency = false
    @Option(help: "Commands outstanding, with --latency.") var outstanding = "1,4,16,64,256"
    @Option(help: "Seconds of each measurement of a round, with --latency.") var seconds = 0.5
    @Flag(help: "The journal's thread never sleeps.") var busy = false
    @Flag(help: "Measure reading.") var replay = false
    @Option(help: "Order flow of --replay: a or b.") var profile = "a"
    @Option(help: "Processor of the journal's thread, or of the reader with --replay.")
    var cpu: Int?

    func validate() throws {
        guard records > 0, runs > 0, segmentMB > 0, (1...8).contains(batchesInFlight),
            ring >= 1_024, ring & (ring - 1) == 0
        else {
            throw ValidationError(
                "--batches-in-flight is 1…8, --ring a power of two from 1,024 on, others positive")
        }
        guard ["a", "b"].contains(profile), !(latency && replay) else {
            throw ValidationError("--profile is a or b; --latency or --replay, not both")
        }
    }

    func run() throws {
        if latency { return try measureLatency() }
        if replay { return try measureReplay() }
        try measureThroughput()
    }

    private var settings: JournalSettings {
        JournalSettings(
            segmentMB: segmentMB, batchesInFlight: batchesInFlight, ringCapacity: ring,
            isBusy: busy, cpu: cpu)
    }

    private func title(_ rig: JournalRig, _ folder: FreshFolder) -> String {
        "\(rig.storage.description), \(folder.fileSystem), \(batchesInFlight) batches in flight"
    }

    private func measureThroughput() throws {
        for number in 1...runs {
            let folder = try FreshFolder(in: folder)
            let rig = try JournalRig(folder, settings)
            if number == 1 {
                print(title(rig, folder))
            }
            try rig.start()
            let nanos = try rig.saturate(records: records)
            try rig.stop()
            let found = try JournalRecovery.scan(rig.storage, shard: 0, from: .max)
            let batchBytes = records * 64 / Int(max(found.nextBatchNumber - 1, 1))
            print(
                "journal \(megabytes(records * 64, nanos)) MB/s, "
                    + "\((Double(records) * 1_000 / Double(nanos)).text(2)) M records/s, "
                    + "\(batchBytes) bytes a batch")
            guard fdatasync else { continue }
            let bytes = max(batchBytes & ~4095, 4_096)
            let (samples, elapsed) = try PlainWriter(folder).measure(
                byteCount: bytes, seconds: Double(nanos) / 1e9)
            print(
                "plain   \(megabytes(samples.count * bytes, elapsed)) MB/s, "
                    + "pwrite and fdatasync of \(bytes) bytes each")
        }
    }

    private func megabytes(_ bytes: Int, _ nanos: UInt64) -> String {
        (Double(bytes) * 1_000 / Double(nanos)).text(0)
    }

    private func measureLatency() throws {
        let widths = outstanding.split(separator: ",").compactMap { Int($0) }
        guard !widths.isEmpty, widths.allSatisfy({ (1...1_024).contains($0) }) else {
            throw ValidationError("--outstanding: numbers from 1 to 1024, as in 1,16,256")
        }
        let folder = try FreshFolder(in: folder)
        let rig = try JournalRig(folder, settings)
        let plain = try PlainWriter(folder)
        print(title(rig, folder))
        try rig.start()
        var ours = [DurableSamples](repeating: DurableSamples(), count: widths.count)
        var theirs = DurableSamples()
        for _ in 0..<runs {
            for (index, width) in widths.enumerated() {
                let (samples, nanos) = try rig.measureDurable(
                    outstanding: width, seconds: seconds)
                ours[index].add(samples, elapsedNanos: nanos)
            }
            let (samples, nanos) = try plain.measure(byteCount: 64, seconds: seconds)
            theirs.add(samples, elapsedNanos: nanos)
        }
        try rig.stop()
        show("pwrite + fdatasync each", theirs, against: theirs)
        for (width, samples) in zip(widths, ours) {
            show("journal, \(width) outstanding", samples, against: theirs)
        }
    }

    private func show(_ name: String, _ samples: DurableSamples, against: DurableSamples) {
        let micros = samples.micros([0.5, 0.99]).map { $0.text(0) }
        let padded = name + String(repeating: " ", count: max(0, 26 - name.count))
        print(
            "\(padded) \(samples.perSecond.text(0)) commands/s, p50 \(micros[0]) µs, "
                + "p99 \(micros[1]) µs, \((samples.perSecond / against.perSecond).text(2)) x")
    }

    private func measureReplay() throws {
        let folder = try FreshFolder(in: folder)
        let sessions = 1_000
        let log = try JournalReplay(
            folder, settings, profile: profile == "a" ? .a : .b, sessions: sessions,
            records: records)
        print("\(log.commandCount) commands of profile \(profile), \(sessions) sessions")
        if let cpu { try Affinity.pinCurrentThread(to: cpu) }
        for part in JournalReplay.Part.allCases {
            for isCold in [true, false] {
                var best: (wall: UInt64, cpu: UInt64) = (.max, .max)
                for _ in 0..<runs {
                    let found = try log.measure(part, isCold: isCold)
                    best = (min(best.wall, found.wall), min(best.cpu, found.cpu))
                }
                let count = Double(log.commandCount) * 1_000
                print(
                    "\(part.text), \(isCold ? "from the disk" : "page cache"): "
                        + "\((count / Double(best.wall)).text(1)) M commands/s, "
                        + "CPU \((Double(best.cpu) / count * 1_000).text(1)) ns each")
            }
        }
        print("state hash equal")
    }
}
