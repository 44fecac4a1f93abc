// SPDX-License-Identifier: Apache-2.0
//
//  The snapshots of one shard: a folder of files, each whole or not there.
//
//    write `N.snapshot.partial` ─▶ fsync ─▶ rename to `N.snapshot` ─▶ fsync folder
//    ─▶ read back ─▶ drop old ones
//
//  `N` is the sequence of the last record applied, in 20 digits, so names sort as the log does. A
//  crash at any point leaves the older snapshots as they were, and perhaps a `.partial` that the
//  next save removes.

/// The folder with the snapshots of a shard.
///
/// Threading: any; saves wait for each other, also those of other processes, and anybody may read
/// meanwhile. Never on the order path: it allocates and waits for the disk.
public struct SnapshotStore: Sendable {
    /// The folder.
    public let path: String
    /// The shard whose snapshots are here; others are not loaded.
    public let shard: UInt32
    /// How many are kept, 1 or more.
    public let keptCount: Int

    /// How far a save has come.
    @_spi(Testing)
    public enum SaveStep: CaseIterable, Sendable {
        case created, halfWritten, written, synchronized, renamed, folderSynchronized, pruned
    }
    /// For tests: after this step a save throws `stopped` and leaves all as a crash would.
    @_spi(Testing) public var stopsAfter: SaveStep?

    static let ending = ".snapshot"
    static let partialEnding = ".snapshot.partial"
    static let asideEnding = ".cut"

    /// Over a folder; the first save makes it (0700) if it is not there, below one that is. Traps
    /// when fewer than one would be kept.
    public init(path: String, shard: UInt32, keptCount: Int = 3) {
        precondition(keptCount > 0, "a store keeps one snapshot or more")
        self.path = path
        self.shard = shard
        self.keptCount = keptCount
    }

    /// The path of the snapshot behind the record with this sequence.
    public func path(sequence: UInt64) -> String { path + "/" + Self.name(sequence: sequence) }

    /// The sequences of the snapshots that are here, newest first, whether they are whole or not.
    /// None when the folder is not there.
    public func sequences() throws(SnapshotError) -> [UInt64] {
        guard SnapshotFile.isThere(path) else { return [] }
        return try SnapshotFile.names(in: path).compactMap(Self.sequence(name:)).sorted(by: >)
    }

    /// Writes the state of a folder that has applied the log up to `position`, makes a folder of
    /// what was written, and only when that is the same drops what is too old. When it returns the
    /// snapshot survives a crash; when it throws it may be there or not, and those before are.
    @discardableResult
    public func save<Folder: SnapshotFolder & ~Copyable>(
        _ folder: borrowing Folder, at position: SnapshotPosition
    ) throws(SnapshotError) -> SnapshotHeader {
        try SnapshotFile.createFolder(path)
        // Another process may save here at the same time: `needletail log snapshot`.
        let lock = try SnapshotFile.lockFolder(path)
        defer { lock.unlock() }
        let image = folder.encodeImage()
        let header = try write(image, stateHash: folder.stateHash, at: position)
        do throws(SnapshotError) {
            _ = try restore(Folder.self, sequence: position.sequence)
        } catch {
            try? SnapshotFile.remove(path(sequence: position.sequence))
            throw error
        }
        try prune(through: position.sequence)
        return header
    }

    /// Puts an image under its name. Traps when the position is another shard's.
    @_spi(Testing) @discardableResult
    public func write(
        _ image: [UInt8], stateHash: UInt64, at position: SnapshotPosition
    ) throws(SnapshotError) -> SnapshotHeader {
        precondition(position.shard == shard, "a store holds the snapshots of one shard")
        try removePartial()
        let header = SnapshotHeader(
            position: position, stateHash: stateHash, image: image.span.rawBytes)
        let final = self.path(sequence: position.sequence)
        let partial =
            path + "/" + SequenceName.name(position.sequence, ending: Self.partialEnding)
        do {
            try write(header, image, to: partial)
            try SnapshotFile.rename(partial, to: final)
        } catch {
            // What a full disk left would keep it full. A stopped save is to look like a crash.
            if error != .stopped { try? SnapshotFile.remove(partial) }
            throw error
        }
        try step(.renamed)
        try SnapshotFile.synchronizeFolder(path)
        try step(.folderSynchronized)
        return header
    }

    private func write(
        _ header: SnapshotHeader, _ image: [UInt8], to partial: String
    ) throws(SnapshotError) {
        let file = try SnapshotFile.create(partial)
        try step(.created)
        let half = image.count / 2
        try file.write(header.encoded()[...])
        try file.write(image[..<half])
        try step(.halfWritten)
        try file.write(image[half...])
        try step(.written)
        try file.synchronize()
        try step(.synchronized)
    }

    /// Drops all but the newest `keptCount` of those that end at `newest`, which stays. What has no
    /// good header, or is another shard's, is not ours to drop.
    private func prune(through newest: UInt64) throws(SnapshotError) {
        let old = try sequences().filter {
            $0 <= newest && (try? loadHeader(sequence: $0)) != nil
        }.dropFirst(keptCount)
        for sequence in old { try SnapshotFile.remove(path(sequence: sequence)) }
        try step(.pruned)
    }

    /// Removes what saves that did not end have left.
    private func removePartial() throws(SnapshotError) {
        let names = try SnapshotFile.names(in: path)
        for name in names where name.hasSuffix(Self.partialEnding) {
            try SnapshotFile.remove(path + "/" + name)
        }
    }

    /// Gives a snapshot that cannot be used a name under which nobody takes it for one.
    public func setAside(sequence: UInt64) throws(SnapshotError) {
        try SnapshotFile.rename(
            path(sequence: sequence), to: path(sequence: sequence) + Self.asideEnding)
    }

    private func step(_ step: SaveStep) throws(SnapshotError) {
        if step == stopsAfter { throw .stopped }
    }

    /// The name of the snapshot behind the record with this sequence.
    public static func name(sequence: UInt64) -> String {
        SequenceName.name(sequence, ending: ending)
    }

    /// The sequence in a name, or nil when it is not a snapshot's.
    static func sequence(name: String) -> UInt64? {
        SequenceName.sequence(name, ending: ending)
    }
}
