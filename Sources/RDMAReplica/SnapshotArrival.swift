// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `memory` is of `byteCountMax` bytes, which the caller vouches for. A NIC may be writing
// there: lines are copied word by word, and only copies are looked at.
internal import CPlatform
public import CommandLog
internal import Glibc
internal import Platform

/// A snapshot on its way to this host, in pieces that the primary puts where records were.
///
/// A piece is taken when it is whole. What is not so after two seconds will not be: a primary
/// writes nothing else before this side asks for the next one.
///
/// Threading: one thread.
public final class SnapshotArrival {
    /// Makes the place for a snapshot of that sequence.
    public typealias Place = (UInt64) throws(MirrorError) -> SnapshotReceiver

    private static let patienceNanos: UInt64 = 2_000_000_000

    /// The piece that is waited for.
    private(set) var wantedPiece: UInt64 = 1
    private(set) var share = SnapshotShare()
    /// The snapshot, once it is whole and durable.
    private(set) var landed: SnapshotPosition?
    private let makePlace: Place
    private var receiver: SnapshotReceiver?
    /// Since when the piece is there and not whole.
    private var brokenSinceNanos: UInt64?

    init(_ makePlace: @escaping Place) { self.makePlace = makePlace }

    /// Takes the piece that is waited for, if it is there. False when not yet. Throws when it will
    /// not be right any more.
    @unsafe func take(
        _ memory: UnsafeRawPointer, byteCountMax: Int, nonce: UInt32, nowNanos: UInt64
    ) throws(MirrorError) -> Bool {
        guard landed == nil, let line = unsafe SnapshotLine.copy(from: memory, nonce: nonce),
            line.number == wantedPiece
        else { return false }
        let byteCount = Int(line.byteCount)
        guard byteCount > 0, byteCount <= byteCountMax - 64, line.byteOffset < 1 << 62,
            line.totalByteCount < 1 << 62
        else {
            throw MirrorError(
                code: EPROTO,
                "piece \(line.number) of a snapshot says that \(byteCount) bytes are behind it")
        }
        let piece = SnapshotPiece(
            sequence: line.sequence, byteOffset: Int(line.byteOffset),
            totalByteCount: Int(line.totalByteCount),
            bytes: unsafe Self.copy(memory + 64, byteCount: byteCount))
        guard piece.crc32c == line.bytesCRC32C else {
            let since = brokenSinceNanos ?? nowNanos
            brokenSinceNanos = since
            guard nowNanos &- since > Self.patienceNanos else { return false }
            throw MirrorError(
                code: EBADMSG,
                "piece \(line.number) of a snapshot came with a wrong checksum, and stays so")
        }
        brokenSinceNanos = nil
        try take(piece)
        return true
    }

    private func take(_ piece: SnapshotPiece) throws(MirrorError) {
        if receiver == nil { receiver = try makePlace(piece.sequence) }
        do throws(SnapshotError) {
            landed = try receiver?.take(piece)?.position
        } catch {
            throw MirrorError(code: EPROTO, "the primary's snapshot: \(error)")
        }
        wantedPiece &+= 1
        share = SnapshotShare(
            sequence: piece.sequence, byteCount: piece.byteOffset + piece.bytes.count,
            totalByteCount: piece.totalByteCount)
    }

    @unsafe private static func copy(_ memory: UnsafeRawPointer, byteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount + 64)
        for offset in stride(from: 0, to: byteCount, by: 64) {
            let line = unsafe cplatform_copy_line(memory + offset)
            unsafe withUnsafeBytes(of: line) { unsafe bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - byteCount)
        return bytes
    }
}
