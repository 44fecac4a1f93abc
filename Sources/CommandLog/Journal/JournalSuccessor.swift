// SPDX-License-Identifier: Apache-2.0
//
//  How a snapshot of the primary becomes the log of a host that was too far behind. The shard's
//  folder is the old one or the new one, at every moment:
//
//    shard-0.incoming: a mark, and in `snapshots` what has come so far
//    ──▶ the snapshot is whole ──▶ a journal without a record that goes on behind it
//    ──▶ the two folders exchange their names, in one step
//    ──▶ shard-0.incoming, now the old one, becomes shard-0.before-snapshot-N-1; the mark goes
//
//  What was interrupted before the exchange is removed by the next start, and begins anew.

/// The folder that is to take the place of a shard's, begun behind a snapshot.
///
/// Threading: one thread at a time, cold.
public struct JournalSuccessor: Sendable {
    /// The shard's folder.
    public let folder: String
    /// The shard.
    public let shard: UInt32
    /// For tests: is told each change of the disk before it is made, and may throw `stopped`.
    @_spi(Testing) public var willChange: @Sendable (String) throws(JournalCutError) -> Void = {
        _ throws(JournalCutError) in
    }

    /// The largest snapshot that is taken, in bytes.
    public static var byteCountMax: Int { 16 << 30 }

    /// Both.
    public init(folder: String, shard: UInt32) {
        self.folder = folder
        self.shard = shard
    }

    /// What has come.
    public var store: SnapshotStore {
        SnapshotStore(path: besides + "/snapshots", shard: shard)
    }

    private var besides: String { FolderSuccession.snapshot.besides(folder) }

    /// Takes the pieces of the snapshot of `sequence`. What another attempt has left is removed;
    /// the shard's folder stays as it is, and in use.
    public func begin(sequence: UInt64) throws(JournalCutError) -> SnapshotReceiver {
        if SnapshotFile.isThere(besides) {
            try FolderSuccession.snapshot.discard(folder, willChange)
        }
        try willChange("make folder")
        try JournalCut.folder { () throws(SnapshotError) in
            try SnapshotFile.createFolder(besides)
        }
        try willChange("mark")
        try JournalCut.folder { () throws(SnapshotError) in
            let mark = FolderSuccession.snapshot.mark(sequence)
            try SnapshotFile.create(besides + "/" + mark).synchronize()
        }
        return SnapshotReceiver(store, byteCountMax: Self.byteCountMax)
    }

    /// Begins the journal behind the snapshot of `sequence`, which has come whole, and puts both in
    /// the place of the shard's folder, which nobody may have in use. Says where the old one is
    /// kept. When it throws, or the process dies, the folder is the old one or the new one.
    public func takePlace(sequence: UInt64) throws(JournalCutError) -> String {
        let storage = try Self.open(folder)
        let path = storage.folder
        let succession = FolderSuccession.snapshot
        let position = try JournalCut.folder { () throws(SnapshotError) in
            try store.load(sequence: sequence).header.position
        }
        try willChange("begin")
        let target = try Self.open(succession.besides(path))
        try JournalCut.journal { () throws(JournalError) in
            try JournalRecovery.begin(target, behind: position)
            do throws(StorageError) { try target.syncFolder() } catch { throw .storage(error) }
        }
        try willChange("sync")
        try JournalCut.folder { () throws(SnapshotError) in
            try SnapshotFile.synchronizeFolder(FolderSuccession.parent(path))
        }
        let kept = succession.freeName(path, sequence: sequence)
        try succession.exchange(
            storage, keeping: kept, mark: succession.mark(sequence), willChange)
        return kept
    }

    private static func open(_ path: String) throws(JournalCutError) -> FileStorage {
        do throws(StorageError) {
            return try FileStorage(path: path, mode: .journalWithoutUring)
        } catch { throw .journal(.storage(error)) }
    }
}
