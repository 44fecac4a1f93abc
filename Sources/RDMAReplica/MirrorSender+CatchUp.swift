// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Glibc
internal import Platform
internal import Wire

// What the standby has missed, and what is new.
extension MirrorSender {
    /// Records of one piece of what was missed.
    private static var pieceRecordCount: Int { 512 }
    /// While so many records are on their way, the next are worth a write, or a while old.
    private static var manyUnderWay: UInt64 { 64 }
    /// A quarter of what is on its way is worth a write, and this much at least and at most.
    private static var worthAWrite: ClosedRange<UInt64> { 256...2_048 }
    /// So often a standby that comes as it was is told where to cut: more often than it takes to
    /// come to the beginning of any log, for what is told may be lost.
    private static var cutsMax: Int { 30 }
    /// What a person does about two logs of which neither goes on from the other.
    private static var cure: String {
        "find out which of the two is right (needletail log diff), and have the other one begin "
            + "anew (needletail cluster resync)"
    }

    /// A source that goes on behind the end of the standby's log. Throws ESTALE when that is no
    /// place in ours, and ENODATA when ours has not kept what follows.
    func locate(_ place: RecordChain) throws(MirrorError) -> any LogSource {
        let last = place.lastSequence
        let published = ring.publishedSequence
        guard last <= published else {
            throw MirrorError(
                code: ESTALE,
                "the log of \(settings.peerText) ends with record \(last), and this one with "
                    + "\(published): it has records that this host never had: \(Self.cure)")
        }
        guard let crc = try crc(of: last) else { throw gone(behind: last) }
        guard crc == place.crc32c else {
            throw MirrorError(
                code: ESTALE,
                "the log of \(settings.peerText) is not this one: its record \(last) is another: "
                    + Self.cure)
        }
        // The place before the first record is known, and so is the one behind which this process
        // began, whether or not what follows is still there.
        if last < published, try self.crc(of: last + 1) == nil { throw gone(behind: last) }
        guard let history else { return RingSource(ring, after: place) }
        do throws(JournalError) {
            return try history.follow(place)
        } catch {
            throw MirrorError(code: EIO, error.description)
        }
    }

    /// The record behind which a standby whose log is not on ours is to cut it; nil when this host
    /// may not say, or has nothing earlier. It is the one that the epoch carried over. A standby
    /// that comes again as it was has missed a whole epoch, so that its log parts from ours before:
    /// each time it is told an earlier record, four times as far back. One that still comes as it
    /// was has no record in common with this log: which of the two is to go, a person says.
    func nextCut(of place: RecordChain) throws(MirrorError) -> RecordChain? {
        guard let carried, carried.lastSequence > 0, place.lastSequence > 1 else { return nil }
        let isKnown =
            turnedAway.place.lastSequence == place.lastSequence
            && turnedAway.place.crc32c == place.crc32c
        turnedAway = (place, isKnown ? turnedAway.count + 1 : 0)
        guard turnedAway.count < Self.cutsMax else { return nil }
        let newest = min(carried.lastSequence, place.lastSequence - 1)
        if newest == carried.lastSequence, turnedAway.count == 0 { return carried }
        let back: UInt64 = 1 << (2 * UInt64(turnedAway.count))
        // At last, and from then on, the first command, whose two records begin every log.
        let sequence = newest > 2 && newest - 2 > back ? newest - back : 2
        return try crc(of: sequence).map { RecordChain(lastSequence: sequence, crc32c: $0) }
    }

    func crc(of sequence: UInt64) throws(MirrorError) -> UInt32? {
        if sequence == base.lastSequence { return base.crc32c }
        if sequence == 0 { return 0 }
        if sequence >= ring.firstSequence {
            var observer = ring.observer(from: sequence)
            if case .record(let record) = observer.next() { return record.crc32c }
        }
        do throws(JournalError) {
            return try history?.crc(sequence)
        } catch {
            throw MirrorError(code: EIO, error.description)
        }
    }

    private func gone(behind sequence: UInt64) -> MirrorError {
        MirrorError(
            code: ENODATA,
            "the log of \(settings.peerText) ends with record \(sequence), and what follows is "
                + (history == nil ? "not in memory any more" : "not in the journal any more"))
    }

    /// The next piece of what the standby has missed.
    func catchUp(_ link: MirrorLink, _ nowCycles: UInt64) throws(MirrorError) -> Bool {
        let published = ring.publishedSequence
        let behind = published &- link.writtenSequence
        status.setLeft(behind)
        // From here on the writer is held back where it is a ring ahead: by then this much is sent.
        if reader == nil, behind <= UInt64(ring.capacity / 4) {
            let joined = ring.joiningReader("mirror")
            joinedSequence = joined.nextSequence &- 1
            reader = consume joined
        }
        let target = reader == nil ? published : joinedSequence
        guard link.writtenSequence < target else {
            source = nil
            status.setLeft(0)
            status.set(.live)
            return try sendLive(link, nowCycles)
        }
        // A piece is two writes where the memory ends, and a record more for the end of a pair.
        let limit = min(Self.pieceRecordCount, link.window - 1, link.stagedRoom - 1)
        guard limit > 0, link.room > 2 else { return false }
        var left = try stage(link, through: target, limit: limit)
        while left > 0 {
            let count = try link.writeStaged(left)
            status.count(records: count)
            left -= count
        }
        return true
    }

    /// Says how many records are staged.
    private func stage(
        _ link: MirrorLink, through target: UInt64, limit: Int
    ) throws(MirrorError) -> Int {
        var count = 0
        var taken = 0
        do throws(JournalError) {
            taken =
                try source?.read(through: target, recordCountMax: limit) { record, continuation in
                    link.stage(record)
                    count += 1
                    guard let continuation else { return }
                    link.stage(continuation)
                    count += 1
                } ?? 0
        } catch {
            unreadableSequence = link.writtenSequence
            throw MirrorError(code: EIO, error.description)
        }
        if taken == 0 { throw gone(behind: link.writtenSequence) }
        return count
    }

    /// What is published and not yet handed over, as far as there is room.
    func sendLive(_ link: MirrorLink, _ nowCycles: UInt64) throws(MirrorError) -> Bool {
        var pending = reader?.available(atLeast: .max) ?? 0
        guard !gathers(min(pending, link.window), link, nowCycles) else { return false }
        var hasSent = false
        // One write is left for a beat.
        while pending > 0, link.room > 1, link.window > 0 {
            let span = RingSpan(
                sequence: link.writtenSequence &+ 1, count: min(pending, link.window),
                capacity: ring.capacity, limit: recordsPerWriteMax)
            try link.write(span)
            reader?.consume(span.count)
            status.count(records: span.count)
            pending -= span.count
            hasSent = true
        }
        return hasSent
    }

    /// Whether what could go is to wait for more, where a write costs more than its bytes do. So
    /// writes are few and large when there is much to do, and go at once when there is not. The
    /// wait grows with what is worth a write.
    private func gathers(_ ready: Int, _ link: MirrorLink, _ nowCycles: UInt64) -> Bool {
        let underWay = link.writtenSequence &- link.validatedSequence
        let least = Self.worthAWrite.lowerBound
        let worth = min(max(underWay / 4, least), Self.worthAWrite.upperBound)
        gatherNanos = link.channel.gatherNanos &* worth / least
        guard ready < worth, gatherNanos > 0, underWay >= Self.manyUnderWay else {
            gatheringSinceCycles = nil
            return false
        }
        guard let since = gatheringSinceCycles else {
            gatheringSinceCycles = nowCycles
            return true
        }
        guard clock.nanos(nowCycles &- since) >= gatherNanos else { return true }
        gatheringSinceCycles = nil
        return false
    }

    func release(_ link: MirrorLink) {
        guard source == nil else { return }
        let done = min(link.validatedSequence, link.completedSequence)
        let kept = link.writtenSequence &- done
        // A whole ring is kept when nothing of it is done.
        if kept < UInt64(ring.capacity) { reader?.release(retaining: kept) }
    }
}
