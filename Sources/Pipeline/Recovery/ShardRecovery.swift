// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Engine
internal import Foundation
internal import NICGateway
internal import Platform
internal import Wire

/// What the journal of a shard gives back at start: its commands, once more through the engine and
/// the gateway's cache, and then the journal to go on with.
final class ShardRecovery {
    /// The folder; its description says how it is written.
    let storage: FileStorage
    private let shard: UInt32
    /// Where the log ends.
    private(set) var found: RecoveredLog
    /// Instruments that the log defines, by number.
    private var definitions: [UInt32: LogRecord] = [:]

    /// Opens the folder and finds the end of the log. Throws when something durable is missing.
    init(folder: String, shard: UInt32) throws {
        try Self.make(folder)
        storage = try FileStorage(path: "\(folder)/shard-\(shard)")
        self.shard = shard
        found = try JournalRecovery.scan(storage, shard: shard, from: .max)
        guard found.firstSequence == 1 else {
            throw Self.problem(
                "journal.folder",
                "the log of shard \(shard) begins at sequence \(found.firstSequence): put the "
                    + "segments before it back")
        }
        _ = try nextEpoch()
    }

    /// The least epoch that may follow those of the log. Throws when there is none.
    func nextEpoch() throws -> UInt32 {
        guard found.epoch < .max else {
            throw Self.problem(
                "epoch",
                "the log of shard \(shard) has used the last epoch, \(found.epoch): begin a new "
                    + "journal in another folder, with a lower epoch")
        }
        return found.epoch + 1
    }

    /// Makes the folder with those above it. Throws what a system call would say.
    private static func make(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            let cause = (error as? CocoaError)?.underlying as? POSIXError
            throw StorageError(
                "make the journal's folder", file: folder, errno: cause?.code.rawValue ?? EIO)
        }
    }

    /// The limits that the log was begun with, or else those of the configuration, which says the
    /// same but for the price levels: they were counted from the instruments of that day.
    func limits(_ configured: EngineLimits) throws -> EngineLimits {
        guard found.lastSequence > 0 else { return configured }
        var first: EngineLimits?
        try JournalRecovery.forEachCommand(storage, found, from: 1, through: 2) { _, continuation in
            first = continuation.map { EngineLimits(continuation: $0) }
        }
        var wanted = configured
        wanted.ladderTickCapacity = first?.ladderTickCapacity ?? 0
        guard let first, first == wanted else {
            throw Self.problem(
                "engine",
                "the log was begun with other limits: \(first.map { "\($0)" } ?? "none") there, "
                    + "\(configured) here. Put them back, or begin a new journal in another folder")
        }
        return first
    }

    /// Takes the log from the disk through both halves, and makes its end permanent. Throws when
    /// something durable is missing, and when the configuration is not the log's: then the folder
    /// is as it was.
    func replay(
        _ configuration: Configuration, core: inout GatewayCore, loop: inout EngineLoop,
        journal reader: inout RingReader<LogRecord>
    ) throws {
        guard found.lastSequence > 0 else { return try JournalRecovery.seal(storage, &found) }
        try JournalRecovery.forEachCommand(storage, found, from: 1) { record, continuation in
            if record.kind == .defineInstrument { definitions[record.instrument] = record }
            while !core.restore(record, continuation: continuation) {
                Self.settle(&core, &loop, &reader)
            }
        }
        Self.settle(&core, &loop, &reader)
        for instrument in configuration.instruments {
            guard let defined = definitions[instrument.number] else { continue }
            guard instrument.shard == shard else {
                throw Self.problem(
                    "instruments",
                    "the journal of shard \(shard) defines number \(instrument.number), which is "
                        + "on shard \(instrument.shard) here: put it back, or give "
                        + "\(instrument.symbol) another number")
            }
            try Self.compare(instrument, defined)
        }
        try JournalRecovery.seal(storage, &found)
    }

    /// The journal behind what was replayed.
    func journal(
        _ log: LogRing<LogRecord>, _ reader: consuming RingReader<LogRecord>, epoch: UInt32,
        _ settings: Configuration.Journal
    ) throws -> Journal<FileStorage> {
        try Journal(
            ring: log, reader: reader, storage: storage, after: found,
            configuration: JournalConfiguration(
                epoch: epoch, shard: shard, rulesVersion: Shard.rulesVersion,
                segmentByteCount: settings.segmentMB << 20,
                batchesInFlight: settings.batchesInFlight))
    }

    /// Lets both halves and the journal's reader catch up with what was restored.
    private static func settle(
        _ core: inout GatewayCore, _ loop: inout EngineLoop, _ reader: inout RingReader<LogRecord>
    ) {
        var hasWorked = true
        while hasWorked {
            hasWorked = loop.poll()
            hasWorked = core.pollRecovery() || hasWorked
        }
        reader.consume(reader.available(atLeast: .max))
        reader.release()
    }

    private static func compare(
        _ instrument: Configuration.Instrument, _ defined: LogRecord
    ) throws {
        let lowest = defined.priceTicks
        let highest = Int64(bitPattern: defined.quantityLots)
        guard
            lowest != instrument.lowestPriceTicks || highest != instrument.highestPriceTicks
                || defined.orderID != instrument.quantityLotsMax
        else { return }
        throw problem(
            "instruments",
            "the journal defines number \(instrument.number) with prices \(lowest) to "
                + "\(highest) and at most \(defined.orderID) lots an order: put that back, or give "
                + "\(instrument.symbol) another number")
    }

    private static func problem(_ key: String, _ message: String) -> ConfigurationError {
        ConfigurationError(
            file: "configuration", problems: [.init(line: 0, key: key, message: message)])
    }
}
