// SPDX-License-Identifier: Apache-2.0
public import Platform
public import Wire

/// A snapshot as it was read: whole as a file; only its folder knows whether the image is.
public struct Snapshot: Equatable, Sendable {
    /// What it is of.
    public let header: SnapshotHeader
    /// The folder's state.
    public let image: [UInt8]
}

/// A snapshot that could not be used.
public struct SkippedSnapshot: Equatable, Sendable {
    /// By its name.
    public let sequence: UInt64
    /// Why.
    public let error: SnapshotError

    /// Both.
    public init(sequence: UInt64, error: SnapshotError) {
        self.sequence = sequence
        self.error = error
    }
}

/// A folder as it was when its snapshot was made.
public struct RestoredFolder<Folder: SnapshotFolder & ~Copyable>: ~Copyable {
    /// The folder, to be given the records behind `position`.
    public var folder: Folder
    /// Where in the log it is.
    public let position: SnapshotPosition

    /// The folder alone.
    public consuming func take() -> Folder { folder }
}

extension SnapshotStore {
    /// Reads a snapshot. Throws when its name, header, length and checksums do not agree, or it is
    /// of another shard.
    public func load(sequence: UInt64) throws(SnapshotError) -> Snapshot {
        try load(at: path(sequence: sequence), sequence: sequence)
    }

    /// The same of a file that has another name yet.
    func load(at path: String, sequence: UInt64) throws(SnapshotError) -> Snapshot {
        let file = try SnapshotFile.open(path)
        let (header, imageByteCount) = try readHeader(file, sequence: sequence)
        let image = try file.read(count: imageByteCount)
        let crc32c = CRC32C.update(0, image.span.rawBytes)
        guard crc32c == header.imageCRC32C else {
            throw .damaged(
                path: file.path, byteOffset: SnapshotHeader.byteCount,
                found: "an image with checksum \(crc32c)",
                right: "\(header.imageCRC32C), as the header says")
        }
        return Snapshot(header: header, image: image)
    }

    /// Reads the header alone. Throws when it, the name and the length do not agree, or it is of
    /// another shard.
    public func loadHeader(sequence: UInt64) throws(SnapshotError) -> SnapshotHeader {
        try readHeader(try SnapshotFile.open(path(sequence: sequence)), sequence: sequence).header
    }

    private func readHeader(
        _ file: borrowing SnapshotFile, sequence: UInt64
    ) throws(SnapshotError) -> (header: SnapshotHeader, imageByteCount: Int) {
        let path = file.path
        func damaged(_ byteOffset: Int, _ found: String, _ right: String) -> SnapshotError {
            .damaged(path: path, byteOffset: byteOffset, found: found, right: right)
        }
        let byteCount = try file.byteCount()
        let start = try file.read(count: min(byteCount, SnapshotHeader.byteCount))
        let header = try SnapshotHeader(decoding: start.span.rawBytes, path: file.path)
        guard header.position.sequence == sequence else {
            throw damaged(
                32, "sequence \(header.position.sequence)", "\(sequence), as its name says")
        }
        guard header.position.shard == shard else {
            throw damaged(16, "shard \(header.position.shard)", "\(shard)")
        }
        let imageByteCount = byteCount - SnapshotHeader.byteCount
        guard header.imageByteCount == UInt64(imageByteCount) else {
            throw damaged(
                56, "\(header.imageByteCount) bytes stated",
                "\(imageByteCount), which are behind the header")
        }
        return (header, imageByteCount)
    }

    /// The folder of the newest snapshot, not behind `sequenceMax`, that is whole and that the
    /// folder takes: with its own checks passed, of these limits if they are given, and with the
    /// state hash that the header states; nil when there is none. Those passed over are added to
    /// `skipped`. Throws only when the store cannot be listed.
    public func restoreNewest<Folder: SnapshotFolder & ~Copyable>(
        _ type: Folder.Type, limits: EngineLimits? = nil, node: NUMANode? = nil,
        sequenceMax: UInt64 = .max, skipped: inout [SkippedSnapshot]
    ) throws(SnapshotError) -> RestoredFolder<Folder>? {
        for sequence in try sequences() where sequence <= sequenceMax {
            do {
                return try restore(type, sequence: sequence, limits: limits, node: node)
            } catch {
                skipped.append(SkippedSnapshot(sequence: sequence, error: error))
            }
        }
        return nil
    }

    /// The folder of one snapshot. Throws when it is not whole.
    public func restore<Folder: SnapshotFolder & ~Copyable>(
        _ type: Folder.Type, sequence: UInt64, limits: EngineLimits? = nil, node: NUMANode? = nil
    ) throws(SnapshotError) -> RestoredFolder<Folder> {
        let snapshot = try load(sequence: sequence)
        let folder = try decode(type, snapshot, limits: limits, node: node)
        guard folder.stateHash == snapshot.header.stateHash else {
            throw .damaged(
                path: path(sequence: sequence), byteOffset: 48,
                found: "state hash \(snapshot.header.stateHash)",
                right: "that of the image, \(folder.stateHash)")
        }
        return RestoredFolder(folder: folder, position: snapshot.header.position)
    }

    private func decode<Folder: SnapshotFolder & ~Copyable>(
        _ type: Folder.Type, _ snapshot: Snapshot, limits: EngineLimits?, node: NUMANode?
    ) throws(SnapshotError) -> Folder {
        do throws(Folder.ImageFailure) {
            return try type.decodeImage(
                snapshot.image.span.rawBytes, limits: limits, node: node)
        } catch {
            throw .refused(
                path: path(sequence: snapshot.header.position.sequence), cause: "\(error)")
        }
    }
}
