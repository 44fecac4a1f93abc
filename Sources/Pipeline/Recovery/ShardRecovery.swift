// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Engine
internal import Foundation
internal import NICGateway
internal import Platform
internal import Wire

//    scan ──▶ newest snapshot with a window of reports behind it ──▶ the log behind that ──▶ seal
//
// Of what is in the folder nothing is changed before `seal`.

/// What the journal of a shard gives back at start: a state, the commands behind it once more
/// through the engine and the gateway's cache, and then the journal to go on with.
final class ShardRecovery {
    /// The shard's own folder.
    let folder: String
    /// The same as storage; its description says how it is written.
    let storage: FileStorage
    let shard: UInt32
    /// The shard's snapshots.
    let snapshots: SnapshotStore
    /// Where the log ends.
    private(set) var found: RecoveredLog
    /// Where the state was taken up; the log behind it is folded.
    private(set) var position: SnapshotPosition
    /// Snapshots that could not be used.
    private var skipped: [SkippedSnapshot] = []
    /// Instruments of the log that the configuration does not name.
    private var otherInstruments: [UInt32] = []
    private let segmentByteCount: Int
    private let keepsSegments: Bool

    /// Opens the folder and finds the end of the log. Throws when something durable is missing.
    init(_ settings: Configuration.Journal, shard: UInt32) throws {
        try Self.make(settings.folder)
        if settings.oldSegments == .archive { try Self.make(settings.archiveFolder) }
        folder = "\(settings.folder)/shard-\(shard)"
        storage = try FileStorage(path: folder)
        segmentByteCount = settings.segmentMB << 20
        keepsSegments = settings.oldSegments == .keep
        self.shard = shard
        position = .start(shard: shard)
        found = try JournalRecovery.scan(storage, shard: shard, from: .max)
        snapshots = SnapshotStore(
            path: folder + "/snapshots", shard: shard, keptCount: settings.snapshotsKept)
        _ = try nextEpoch()
    }

    /// What the folder is not fit for, and which snapshots could not be used.
    var warnings: [String] {
        lossWarnings + storage.warnings(segmentByteCount: segmentByteCount)
            + skipped.map { "snapshot passed over, and set aside as .cut: \($0.error)" }
    }

    /// What makes one doubt that all of the log is here.
    private var lossWarnings: [String] {
        var warnings: [String] = []
        if found.notedSequence > found.lastSequence {
            warnings.append(
                "the log of shard \(shard) ends at \(found.lastSequence), and its times say "
                    + "that \(found.notedSequence) was durable: was an old tail put back? Then "
                    + "stop, and put the right one back")
        }
        if found.firstSequence > 1, keepsSegments {
            warnings.append(
                "the log of shard \(shard) begins at \(found.firstSequence), and "
                    + "journal.oldSegments keeps all of it: the segments before are gone")
        }
        if !otherInstruments.isEmpty {
            let numbers = otherInstruments.map { "\($0)" }.joined(separator: ", ")
            warnings.append(
                "the log of shard \(shard) defines instruments that the configuration does not "
                    + "name (\(numbers)): they go on being traded")
        }
        return warnings
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

    /// Throws when the folder has more shards than are configured: their orders would be lost to
    /// sight.
    static func checkFolder(_ folder: String, shards: Int) throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let others = names.filter { name in
            name.hasPrefix("shard-") && Int(name.dropFirst(6)).map { $0 >= shards } ?? false
        }
        guard !others.isEmpty else { return }
        throw problem(
            "shards",
            "\(folder) holds the log of \(others.sorted().joined(separator: ", ")) too, and "
                + "\(shards) is configured: put `shards` back, or move those folders away")
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
                "make the folder", file: folder, errno: cause?.code.rawValue ?? EIO)
        }
    }

    // MARK: The state

    /// The engine to go on with: of a snapshot if there is one, with `windowRecordCount` records
    /// behind it if there is one so old, so that they fill the window of reports. Throws when the
    /// log needs a snapshot and has none, and when the limits are not the configuration's.
    func engine(
        _ configured: EngineLimits, windowRecordCount: UInt64, node: NUMANode?
    ) throws -> Engine {
        if let fold = try restore(windowRecordCount: windowRecordCount, node: node),
            let engine = fold.takeEngine()
        {
            try compare(engine.limits, configured)
            position = fold.position
            return engine
        }
        guard found.firstSequence == 1 else {
            let passed = skipped.map { "; passed over: \($0.error)" }.joined()
            throw JournalError.damaged(
                JournalDamage(
                    file: JournalFormat.segmentName(firstSequence: 1), offset: 0, sequence: 1,
                    what: "it and all before sequence \(found.firstSequence) is missing, and no "
                        + "snapshot of \(found.firstSequence - 1) or later can be used\(passed)")
            ).located(in: folder, shard: shard)
        }
        return try Engine(limits: firstLimits(configured), node: node)
    }

    private func restore(windowRecordCount: UInt64, node: NUMANode?) throws -> LogFold? {
        let usable = try usableSnapshots()
        let wanted = found.lastSequence - min(windowRecordCount, found.lastSequence)
        // The newest with a full window behind it; or else the one with most of it.
        let order = usable.filter { $0 <= wanted } + usable.filter { $0 > wanted }.reversed()
        for sequence in order {
            do throws(SnapshotError) {
                return try LogFold.restore(snapshots, sequence: sequence, node: node)
            } catch {
                skipped.append(SkippedSnapshot(sequence: sequence, error: error))
            }
        }
        return nil
    }

    /// The snapshots of this log from which it can be gone on, by their headers, newest first. What
    /// else is there is noted. Throws when one is whole and of more than the log has: then durable
    /// records are lost.
    private func usableSnapshots() throws -> [UInt64] {
        var usable: [UInt64] = []
        var lost: UInt64?
        for sequence in try snapshots.sequences() {
            do throws(SnapshotError) {
                let place = try snapshots.loadHeader(sequence: sequence).position
                if sequence > found.lastSequence {
                    _ = try snapshots.load(sequence: sequence)
                    lost = lost ?? sequence
                    continue
                }
                // Those before the first segment are of no use, and no damage either.
                guard sequence >= found.firstSequence - 1 else { continue }
                try checkBelongs(place)
                usable.append(sequence)
            } catch {
                skipped.append(SkippedSnapshot(sequence: sequence, error: error))
            }
        }
        if let lost { throw ahead(lost) }
        return usable
    }

    private func checkBelongs(_ place: SnapshotPosition) throws(SnapshotError) {
        var cause = "it is not of this log: the record behind it does not go on from it"
        do throws(JournalError) {
            if try place.belongs(to: found, in: storage) { return }
        } catch { cause = "\(error)" }
        throw .refused(path: snapshots.path(sequence: place.sequence), cause: cause)
    }

    private func ahead(_ sequence: UInt64) -> JournalError {
        JournalError.damaged(
            JournalDamage(
                file: found.segments.last?.name ?? JournalFormat.segmentName(firstSequence: 1),
                offset: 0, sequence: found.lastSequence + 1,
                what: "the log ends with \(found.lastSequence), and "
                    + "snapshots/\(SnapshotStore.name(sequence: sequence)) was made of one that "
                    + "went to \(sequence) at least")
        ).located(in: folder, shard: shard)
    }

    /// The limits that the log was begun with, or else those of the configuration.
    private func firstLimits(_ configured: EngineLimits) throws -> EngineLimits {
        guard found.lastSequence > 0 else { return configured }
        var first: EngineLimits?
        try JournalRecovery.forEachCommand(storage, found, from: 1, through: 2) { _, continuation in
            first = continuation.map { EngineLimits(continuation: $0) }
        }
        try compare(first, configured)
        return first ?? configured
    }

    /// The configuration says the same as the log but for the price levels: they were counted from
    /// the instruments of that day.
    private func compare(_ logged: EngineLimits?, _ configured: EngineLimits) throws {
        var wanted = configured
        wanted.ladderTickCapacity = logged?.ladderTickCapacity ?? 0
        guard logged == wanted else {
            let differences = logged.map { Self.differences($0, wanted) } ?? "none are in it"
            throw Self.problem(
                "engine",
                "the log of shard \(shard) was begun with other limits: \(differences). Put them "
                    + "back, or begin a new journal in another folder")
        }
    }

    private static func differences(_ logged: EngineLimits, _ configured: EngineLimits) -> String {
        let pairs: [(String, UInt32, UInt32)] = [
            ("engine.orderCapacity", logged.orderCapacity, configured.orderCapacity),
            ("sessions.capacity", logged.sessionCapacity, configured.sessionCapacity),
            ("engine.instrumentCapacity", logged.instrumentCapacity, configured.instrumentCapacity),
            (
                "engine.sessionOpenOrdersMax", logged.sessionOpenOrdersMax,
                configured.sessionOpenOrdersMax
            ),
        ]
        return pairs.filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1) there, \($0.2) here" }
            .joined(separator: ", ")
    }

    // MARK: The log behind it

    /// Gives the gateway's cache what the engine has, and takes the log behind that from the disk
    /// through both halves. Throws when something durable is missing, and when the configuration is
    /// not the log's.
    func replay(
        _ configuration: Configuration, core: inout GatewayCore, loop: inout EngineLoop,
        journal reader: inout RingReader<LogRecord>
    ) throws {
        guard found.lastSequence > 0 else { return }
        fillCache(&core, loop.engine)
        try JournalRecovery.forEachCommand(storage, found, from: position.sequence + 1) {
            record, continuation in
            while !core.restore(record, continuation: continuation) {
                Self.settle(&core, &loop, &reader)
            }
        }
        Self.settle(&core, &loop, &reader)
        try checkInstruments(configuration, loop.engine)
    }

    /// What the log defines is what the configuration says, and what it does not define has room.
    private func checkInstruments(
        _ configuration: Configuration, _ engine: borrowing Engine
    ) throws {
        var levelsLeft = UInt64(engine.priceLevelsLeft)
        for instrument in configuration.instruments {
            if let defined = engine.instrument(instrument.number) {
                guard instrument.shard == shard else {
                    throw Self.problem(
                        "instruments",
                        "the journal of shard \(shard) defines number \(instrument.number), "
                            + "which is on shard \(instrument.shard) here: put it back, or give "
                            + "\(instrument.symbol) another number")
                }
                try Self.compare(instrument, defined)
            } else if instrument.shard == shard {
                let levels = instrument.priceLevels
                guard levels <= levelsLeft else {
                    throw Self.problem(
                        "instruments",
                        "\(instrument.symbol) needs \(levels) price levels, and the log of shard "
                            + "\(shard) was begun with room for \(levelsLeft) more: narrow its "
                            + "prices, or begin a new journal in another folder")
                }
                levelsLeft -= levels
            }
        }
        for number in 1...engine.limits.instrumentCapacity
        where engine.isDefined(instrument: number)
            && !configuration.instruments.contains(where: { $0.number == number })
        {
            otherInstruments.append(number)
        }
    }

    private func fillCache(_ core: inout GatewayCore, _ engine: borrowing Engine) {
        core.restorePublicStream(reportCount: position.publicReportCount)
        for number in 1...engine.limits.sessionCapacity {
            guard let session = engine.session(number) else { continue }
            core.restoreSession(
                number, expectedSequence: session.expectedSequence,
                reportSequence: session.reportSequence, isLoggedOn: session.isLoggedOn,
                heartbeatMillis: session.heartbeatMillis,
                usesExtendedReports: session.wantsExtendedReports)
        }
    }

    /// Makes the end of the log permanent, and sets snapshots aside that could not be used. Crashes
    /// before and after leave the same log.
    func seal() throws {
        for one in skipped { try snapshots.setAside(sequence: one.sequence) }
        try JournalRecovery.seal(storage, &found)
    }

    /// The journal behind what was replayed and sealed.
    func journal(
        _ log: LogRing<LogRecord>, _ reader: consuming RingReader<LogRecord>, epoch: UInt32,
        _ settings: Configuration.Journal
    ) throws -> Journal<FileStorage> {
        try Journal(
            ring: log, reader: reader, storage: storage, after: found,
            configuration: JournalConfiguration(
                epoch: epoch, shard: shard, rulesVersion: Shard.rulesVersion,
                segmentByteCount: segmentByteCount,
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
        _ instrument: Configuration.Instrument, _ defined: InstrumentView
    ) throws {
        guard
            defined.lowestPriceTicks != instrument.lowestPriceTicks
                || defined.highestPriceTicks != instrument.highestPriceTicks
                || defined.quantityLotsMax != instrument.quantityLotsMax
        else { return }
        throw problem(
            "instruments",
            "the journal defines number \(instrument.number) with prices "
                + "\(defined.lowestPriceTicks) to \(defined.highestPriceTicks) and at most "
                + "\(defined.quantityLotsMax) lots an order: put that back, or give "
                + "\(instrument.symbol) another number")
    }

    static func problem(_ key: String, _ message: String) -> ConfigurationError {
        ConfigurationError(
            file: "configuration", problems: [.init(line: 0, key: key, message: message)])
    }
}
