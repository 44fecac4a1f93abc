// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
internal import Platform

/// A snapshot on its way to the standby, piece by piece; the next goes when the one before is
/// taken.
///
/// Threading: one thread.
final class SnapshotShipment {
    /// How long the standby may take for one piece: the last one waits for its disk.
    static let timeoutNanos: UInt64 = 60_000_000_000
    /// So often a snapshot is looked for while there is none.
    static let lookNanos: UInt64 = 100_000_000

    private var source: SnapshotSender?
    private var pieceNumber: UInt64 = 0
    private(set) var share = SnapshotShare()
    private(set) var lastStepCycles: UInt64
    private var nextLookCycles: UInt64 = 0

    init(nowCycles: UInt64) { lastStepCycles = nowCycles }

    var hasSnapshot: Bool { source != nil }

    func isLookDue(_ now: UInt64, _ clock: CycleClock) -> Bool {
        guard nextLookCycles == 0 || clock.nanos(now &- nextLookCycles) >= Self.lookNanos else {
            return false
        }
        nextLookCycles = now
        return true
    }

    func begin(_ sender: consuming SnapshotSender, nowCycles: UInt64) {
        share.sequence = sender.sequence
        share.totalByteCount = sender.totalByteCount
        source = consume sender
        lastStepCycles = nowCycles
    }

    /// What a beat says of it.
    func vitals(_ vitals: MirrorVitals) -> MirrorVitals {
        var vitals = vitals
        vitals.hashSequence = share.sequence
        vitals.stateHash = UInt64(share.totalByteCount)
        vitals.flags = BeatFlags.snapshot.rawValue
        return vitals
    }

    /// Hands the next piece over, if the standby waits for it. False when not.
    func step(_ link: MirrorLink, nowCycles: UInt64) throws(MirrorError) -> Bool {
        let wanted = link.counter.wantedPiece
        guard wanted <= pieceNumber + 1 else {
            throw MirrorError(
                code: EPROTO,
                "the standby waits for piece \(wanted) of a snapshot, and \(pieceNumber) were sent")
        }
        guard wanted == pieceNumber + 1, link.isPieceWritten, link.room > 1 else { return false }
        // All that were sent are with it.
        let byteOffset = source?.byteOffset ?? 0
        if byteOffset > share.byteCount { lastStepCycles = nowCycles }
        share.byteCount = byteOffset
        var piece: SnapshotPiece?
        do throws(SnapshotError) {
            piece = try source?.next(byteCountMax: link.pieceByteCountMax)
        } catch {
            throw MirrorError(code: EIO, error.description)
        }
        guard let piece else { return false }
        pieceNumber += 1
        lastStepCycles = nowCycles
        try link.write(piece, number: pieceNumber)
        return true
    }
}

// A standby that records alone cannot bring up, or not soon.
extension MirrorSender {
    /// Below so many records a new standby gets all of them, and has the whole log.
    private static var sparedRecordsMin: UInt64 { 1 << 20 }

    /// Whether a standby without a record is better brought up from a snapshot than from the whole
    /// log: when that spares a million records, and is a quarter of their bytes or less. And so is
    /// any that needs records which could not be read the last time.
    func needsSnapshot(_ place: RecordChain) throws(MirrorError) -> Bool {
        if let unreadableSequence, place.lastSequence <= unreadableSequence, snapshots != nil {
            return true
        }
        guard place.lastSequence == 0, let snapshots,
            ring.publishedSequence >= Self.sparedRecordsMin,
            let header = try usable(snapshots).first
        else { return false }
        let byteCount = UInt64(SnapshotHeader.byteCount) + header.imageByteCount
        return header.position.sequence >= Self.sparedRecordsMin
            && header.position.sequence >= byteCount / 16
    }

    /// The snapshots that are of this log and behind which it goes on, in the order in which they
    /// are to be tried: the newest with a window behind it, or else the one with most of it.
    private func usable(_ snapshots: MirrorSnapshots) throws(MirrorError) -> [SnapshotHeader] {
        let published = ring.publishedSequence
        let sequences: [UInt64]
        do throws(SnapshotError) { sequences = try snapshots.store.sequences() } catch {
            throw MirrorError(code: EIO, error.description)
        }
        var usable: [SnapshotHeader] = []
        for sequence in sequences where sequence <= published {
            // A place of the journal that cannot be read vouches for none.
            guard let header = try? snapshots.store.loadHeader(sequence: sequence),
                let crc = try? crc(of: sequence), crc == header.position.recordCRC32C
            else { continue }
            usable.append(header)
        }
        let wanted = published - min(published, snapshots.windowRecordCount)
        return usable.filter { $0.position.sequence <= wanted }
            + usable.filter { $0.position.sequence > wanted }.reversed()
    }

    func ship(
        _ shipment: SnapshotShipment, _ link: MirrorLink, _ now: UInt64
    ) throws(MirrorError) -> Bool {
        defer { status.setSnapshot(shipment.share) }
        guard shipment.hasSnapshot else {
            if shipment.isLookDue(now, clock) { try find(shipment, now) }
            return shipment.hasSnapshot
        }
        if try shipment.step(link, nowCycles: now) { return true }
        let silence =
            now > shipment.lastStepCycles ? clock.nanos(now &- shipment.lastStepCycles) : 0
        guard silence > SnapshotShipment.timeoutNanos else { return false }
        throw MirrorError(
            code: ETIMEDOUT,
            "the standby has taken nothing of \(shipment.share) for a minute: look at its disk, "
                + "and that both hosts run the same build")
    }

    private func find(_ shipment: SnapshotShipment, _ now: UInt64) throws(MirrorError) {
        guard let snapshots else { return }
        for header in try usable(snapshots) {
            let sequence = header.position.sequence
            // One that is not whole, or was let go meanwhile, is passed over.
            guard
                let sender = try? SnapshotSender.newest(snapshots.store, sequenceMax: sequence),
                sender.sequence == sequence
            else { continue }
            return shipment.begin(sender, nowCycles: now)
        }
        snapshots.request()
    }
}
