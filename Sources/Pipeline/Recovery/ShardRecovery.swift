// SPDX-License-Identifier: Apache-2.0
internal import Settings
public import CommandLog
internal import Engine
internal import Foundation
internal import NICGateway
internal import Platform
internal import Wire

//    scan ──▶ newest snapshot with a window of reports behind it ──▶ the log behind that ──▶ seal
//
// Of what is in the folder nothing is changed before `seal`.

/// Opens a folder of a journal: `FileStorage.init`, or what stands in for it.
public typealias OpenStorage = (String, FileStorage.Mode) throws(StorageError) -> FileStorage

/// What the journal of a shard gives back at start: a state, the commands behind it once more
/// through the engine and the gateway's cache, and then the journal to go on with.
final class ShardRecovery {
    /// The shard's own folder.
    let folder: String
    /// The same as storage; its description says how it is written.
    let storage: FileStorage
    let shard: UInt32
    /// The rules that this host folds.
    let rules: RulesRange
    /// Opens a folder once more.
    let open: OpenStorage
    /// The shard's snapshots.
    let snapshots: SnapshotStore
    /// Where the log ends.
    var found: RecoveredLog
    /// Where the state was taken up; the log behind it is folded.
    var position: SnapshotPosition
    /// The last epoch that the log opens; 0 for a new log. Known once it was folded.
    var lastEpoch: UInt32 = 0
    /// Snapshots that could not be used.
    var skipped: [SkippedSnapshot] = []
    /// What the instruments are called, as far as the log was gone through.
    var names: InstrumentNames?
    /// Instruments of the log that the configuration does not name.
    var otherInstruments: [UInt32] = []
    /// What `engine.priceCapacity` says, where the log was begun with something else.
    var untakenPriceCapacity: UInt32?
    private let segmentByteCount: Int
    private let keepsSegments: Bool

    /// Opens the folder and finds the end of the log. Throws when something durable is missing.
    init(
        _ settings: Configuration.Journal, shard: UInt32, rules: RulesRange,
        open: @escaping OpenStorage
    ) throws {
        self.rules = rules
        try Self.make(settings.folder)
        if settings.oldSegments == .archive { try Self.make(settings.archiveFolder) }
        folder = "\(settings.folder)/shard-\(shard)"
        self.open = open
        storage = try open(folder, .journal)
        try JournalCut.finish(storage)
        segmentByteCount = settings.segmentByteCount
        keepsSegments = settings.oldSegments == .keep
        self.shard = shard
        position = .start(shard: shard)
        found = try JournalRecovery.scan(storage, shard: shard, from: .max)
        snapshots = SnapshotStore(
            path: folder + "/snapshots", shard: shard, keptCount: settings.snapshotsKept)
        _ = try nextRun()
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
        if let capacity = untakenPriceCapacity {
            warnings.append(
                "engine.priceCapacity \(capacity) is not taken: the log of shard \(shard) goes on "
                    + "with what it was begun with. More takes a new journal in another folder")
        }
        return warnings
    }

    /// The least number that a run of the journal may have behind those that it had, each of which
    /// is in the files' headers. Throws when there is none.
    func nextRun() throws -> UInt32 {
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
                epoch: epoch, shard: shard, rulesVersion: rules.newest,
                segmentByteCount: segmentByteCount,
                batchesInFlight: settings.batchesInFlight))
    }

    /// Throws when the log is under rules that this host does not fold.
    func check(rules version: UInt32) throws {
        guard let why = rules.refusal(of: version) else { return }
        throw Self.problem("journal", "shard \(shard): \(why)")
    }

    static func problem(_ key: String, _ message: String) -> SettingsError {
        SettingsError(
            file: "configuration", problems: [.init(line: 0, key: key, message: message)])
    }
}
