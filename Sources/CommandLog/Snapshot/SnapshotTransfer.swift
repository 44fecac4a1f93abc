// SPDX-License-Identifier: Apache-2.0
//
//  A snapshot on its way to a host that has none, or none that is new enough. Whoever carries the
//  pieces is not known here.
//
//    store ──▶ SnapshotSender ──▶ pieces, in order ──▶ SnapshotReceiver ──▶ `N.snapshot.incoming`
//    ──▶ fsync ──▶ all the checks of a store ──▶ rename to `N.snapshot` ──▶ fsync folder
internal import Platform

/// Some bytes of a snapshot's file.
public struct SnapshotPiece: Equatable, Sendable {
    /// The snapshot's.
    public var sequence: UInt64
    /// Where in the file they lie.
    public var byteOffset: Int
    /// Bytes of the whole file.
    public var totalByteCount: Int
    /// One or more of them.
    public var bytes: [UInt8]
    /// Their CRC-32C.
    public var crc32c: UInt32

    /// With the CRC that they have.
    public init(sequence: UInt64, byteOffset: Int, totalByteCount: Int, bytes: [UInt8]) {
        self.sequence = sequence
        self.byteOffset = byteOffset
        self.totalByteCount = totalByteCount
        self.bytes = bytes
        crc32c = CRC32C.update(0, bytes.span.rawBytes)
    }
}

/// Reads a snapshot in pieces. It stays readable until the sender is gone, whatever the store drops
/// meanwhile.
///
/// Threading: one thread, cold.
public struct SnapshotSender: ~Copyable {
    private let file: SnapshotFile
    /// The snapshot's.
    public let sequence: UInt64
    /// Bytes of its file.
    public let totalByteCount: Int
    /// Where the next piece begins.
    public private(set) var byteOffset = 0

    /// Of the newest snapshot that is whole and not behind `sequenceMax`; nil when there is none.
    /// Reads all of it once. Throws when the store cannot be read, and when it let that one go
    /// meanwhile: try again.
    public static func newest(
        _ store: SnapshotStore, sequenceMax: UInt64 = .max
    ) throws(SnapshotError) -> SnapshotSender? {
        let newest = try store.sequences().first { sequence in
            sequence <= sequenceMax && (try? store.load(sequence: sequence)) != nil
        }
        guard let newest else { return nil }
        return try SnapshotSender(store, sequence: newest)
    }

    private init(_ store: SnapshotStore, sequence: UInt64) throws(SnapshotError) {
        let file = try SnapshotFile.open(store.path(sequence: sequence))
        totalByteCount = try file.byteCount()
        self.file = file
        self.sequence = sequence
    }

    /// Goes on at another offset, for a receiver that has what is before it.
    public mutating func seek(to byteOffset: Int) throws(SnapshotError) {
        precondition((0...totalByteCount).contains(byteOffset), "an offset lies within the file")
        try file.seek(to: byteOffset)
        self.byteOffset = byteOffset
    }

    /// The next piece, of so many bytes or less at the end; nil behind it.
    public mutating func next(byteCountMax: Int) throws(SnapshotError) -> SnapshotPiece? {
        precondition(byteCountMax > 0, "a piece has a byte or more")
        guard byteOffset < totalByteCount else { return nil }
        let bytes = try file.read(count: min(byteCountMax, totalByteCount - byteOffset))
        guard !bytes.isEmpty else {
            throw .damaged(
                path: file.path, byteOffset: byteOffset, found: "the end of the file",
                right: "\(totalByteCount) bytes long, as it was")
        }
        let piece = SnapshotPiece(
            sequence: sequence, byteOffset: byteOffset, totalByteCount: totalByteCount,
            bytes: bytes)
        byteOffset += bytes.count
        return piece
    }
}

/// Puts the pieces of a snapshot together, and into a store when all of it is whole.
///
/// A piece that is refused changes nothing: the right one may follow. After a crash, or when the
/// sender begins with another snapshot, the first piece begins anew.
///
/// Threading: one thread, cold.
public struct SnapshotReceiver: ~Copyable {
    private let store: SnapshotStore
    private let byteCountMax: Int
    private var file: SnapshotFile?
    private var totalByteCount = 0
    /// The snapshot that is under way; 0 for none.
    public private(set) var sequence: UInt64 = 0
    /// Where the next piece begins.
    public private(set) var byteOffset = 0

    static let ending = ".snapshot.incoming"

    /// Takes files of at most so many bytes.
    public init(_ store: SnapshotStore, byteCountMax: Int) {
        self.store = store
        self.byteCountMax = byteCountMax
    }

    /// Takes the next piece, or the first of a snapshot. Gives the header when that was the last,
    /// and the snapshot is in the store, durably. Throws one sentence when it is not right.
    public mutating func take(_ piece: SnapshotPiece) throws(SnapshotError) -> SnapshotHeader? {
        try check(piece)
        if piece.byteOffset == 0 { try begin(piece) }
        do { try file!.write(piece.bytes[...]) } catch {
            // Some of it may be there: only from the start is it sure what is.
            giveUp()
            throw error
        }
        byteOffset += piece.bytes.count
        guard byteOffset == totalByteCount else { return nil }
        return try end()
    }

    private func check(_ piece: SnapshotPiece) throws(SnapshotError) {
        func refuse(_ cause: String) -> SnapshotError {
            .refused(path: path(piece.sequence), cause: cause)
        }
        guard piece.sequence > 0, piece.sequence <= .max >> 2 else {
            throw .refused(
                path: store.path, cause: "a piece is of sequence \(piece.sequence): there is none")
        }
        guard piece.totalByteCount > SnapshotHeader.byteCount, piece.totalByteCount <= byteCountMax
        else {
            throw refuse(
                "a piece is of a file of \(piece.totalByteCount) bytes; it must be more than "
                    + "\(SnapshotHeader.byteCount) and at most \(byteCountMax)")
        }
        guard
            piece.byteOffset == 0
                || file != nil && piece.sequence == sequence && piece.byteOffset == byteOffset
                    && piece.totalByteCount == totalByteCount
        else {
            throw refuse(
                "a piece begins at byte \(piece.byteOffset) of \(piece.totalByteCount); the next "
                    + "is byte \(byteOffset) of sequence \(sequence), or the first of any")
        }
        guard !piece.bytes.isEmpty, piece.byteOffset <= piece.totalByteCount - piece.bytes.count
        else {
            throw refuse("a piece of \(piece.bytes.count) bytes does not fit at its place")
        }
        guard CRC32C.update(0, piece.bytes.span.rawBytes) == piece.crc32c else {
            throw refuse("the piece at byte \(piece.byteOffset) came with a wrong checksum")
        }
    }

    private mutating func begin(_ piece: SnapshotPiece) throws(SnapshotError) {
        giveUp()
        try SnapshotFile.createFolder(store.path)
        for name in try SnapshotFile.names(in: store.path) where name.hasSuffix(Self.ending) {
            try SnapshotFile.remove(store.path + "/" + name)
        }
        file = try SnapshotFile.create(path(piece.sequence))
        sequence = piece.sequence
        totalByteCount = piece.totalByteCount
    }

    private mutating func end() throws(SnapshotError) -> SnapshotHeader {
        let made = path(sequence)
        do {
            try file!.synchronize()
            let header = try store.load(at: made, sequence: sequence).header
            try SnapshotFile.rename(made, to: store.path(sequence: sequence))
            try SnapshotFile.synchronizeFolder(store.path)
            file = nil
            giveUp()
            return header
        } catch {
            giveUp()
            throw error
        }
    }

    /// Back to where any snapshot may begin.
    private mutating func giveUp() {
        if file != nil { try? SnapshotFile.remove(path(sequence)) }
        file = nil
        sequence = 0
        byteOffset = 0
        totalByteCount = 0
    }

    private func path(_ sequence: UInt64) -> String {
        store.path + "/" + SequenceName.name(sequence, ending: Self.ending)
    }
}
