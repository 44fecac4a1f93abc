// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: as in Journal.swift. A home write covers blocks whose records are all published and not
// released. The slot of batch n is page n mod 16, written again 16 batches later, when at most 8
// are in flight. The header's page and the footer's are used again only when they are durable,
// which `mayRotate` sees to; the edge's once in the journal's life.
internal import Platform
internal import Wire

/// Pages of the journal's own memory.
internal enum Page {
    /// 0..<16: the tail's slots.
    static var header: Int { 16 }
    static var footer: Int { 17 }
    /// A first block that does not begin with the segment.
    static var edge: Int { 18 }
    static var count: Int { 19 }
}

extension Journal {
    private var inFlightCount: Int { Int(truncatingIfNeeded: nextBatch &- oldestBatch) }

    /// Whether the header of this segment and the footer of the one before are durable.
    private var mayRotate: Bool { sealing == nil && segment.headerBatch < oldestBatch }

    /// Whether a footer waits to be written, and may be.
    private var isFooterDue: Bool {
        guard let sealing, sealing.footerBatch == 0 else { return false }
        return durableSequence >= sealing.segment.geometry.lastSequence
    }

    internal func submit() throws(JournalError) -> Bool {
        // Reads the published cursor anew.
        let pending = reader.available(atLeast: .max)
        status.setNeedsDisk(
            pending > configuration.batchByteCountMax / 64
                || takenSequence == segment.geometry.lastSequence)
        guard inFlightCount < configuration.batchesInFlight else { return false }
        var hasHeader = false
        var count = 0
        isGathering = pending > 0 && gathers(pending)
        if pending > 0, !isGathering {
            if takenSequence == segment.geometry.lastSequence {
                hasHeader = try rotate()
                count = hasHeader ? pending : 0
            } else {
                count = pending
            }
        }
        if count == 0 {
            let rests =
                pending == 0 && inFlightCount == 0 && restedWatermark != durableSequence
                && idlePollCount >= configuration.restPollCount
            guard isFooterDue || rests else { return false }
        }
        try write(take(count), hasHeader: hasHeader)
        return true
    }

    /// Whether records wait for more. Beside others in flight a batch has to be worth its slot: so
    /// batches grow with the load. One that nobody waits for takes what has come since the last.
    private func gathers(_ pending: Int) -> Bool {
        if pending < 32 &* inFlightCount { return true }
        guard !isAwaited(), pending < min(ring.capacity / 8, configuration.batchByteCountMax / 128)
        else { return false }
        let now = configuration.utcNanos()
        // A clock that was set back shows a long time too.
        guard inFlightCount == 0, now &- lastGatheredNanos >= Self.gatherNanos else { return true }
        lastGatheredNanos = now
        return false
    }

    /// Begins the next segment, if it is there and its time has come.
    private func rotate() throws(JournalError) -> Bool {
        let first = segment.geometry.lastSequence + 1
        guard mayRotate, maker.madeFirst == first, let file = maker.take() else { return false }
        sealing = Sealing(
            segment: segment, chain: takenChain, lastTimestampNanos: takenTimestampNanos)
        segment = Segment(
            file: file,
            geometry: SegmentGeometry(
                firstSequence: first, byteCount: configuration.segmentByteCount),
            headerBatch: nextBatch)
        homeNext = first
        publishRoom()
        maker.request(firstSequence: segment.geometry.lastSequence + 1)
        return true
    }

    /// Takes up to `pending` records into the batch: to its largest size, to the segment's end.
    /// Gives the first of them.
    private func take(_ pending: Int) -> UInt64 {
        let first = takenSequence + 1
        guard pending > 0 else { return first }
        var last = takenSequence &+ UInt64(pending)
        let most = UInt64(configuration.batchByteCountMax / 64)
        if last &- takenSequence > most {
            last = JournalFormat.blockBase(takenSequence &+ most) &- 1
        }
        last = min(last, segment.geometry.lastSequence)
        let record = unsafe reader.read(last).pointee
        if record.kind != .continuation {
            takenTimestampNanos = record.timestampNanos
        } else if last > first {
            takenTimestampNanos = unsafe reader.read(last - 1).pointee.timestampNanos
        }
        reader.consume(Int(truncatingIfNeeded: last &- takenSequence))
        takenSequence = last
        takenChain = record.crc32c
        // Half a pair, where the batch was cut: the other half comes with the next.
        let isHalf = record.isPair && record.kind != .continuation
        batches[Int(truncatingIfNeeded: nextBatch & 7)].durableSequence = isHalf ? last - 1 : last
        return first
    }

    private func write(_ batchFirst: UInt64, hasHeader: Bool) throws(JournalError) {
        let index = Int(truncatingIfNeeded: nextBatch & 7)
        if batchFirst > takenSequence { batches[index].durableSequence = durableSequence }
        batches[index].pendingWrites = 0
        batches[index].homeSegment = 0
        batches[index].footerSegment = 0
        batches[index].watermark = durableSequence
        let homeBefore = homeNext
        if hasHeader { try writeHeader() }
        if isFooterDue { try writeFooter() }
        try writeHome()
        if hasHeader || homeNext > homeBefore {
            batches[index].homeSegment = segment.geometry.firstSequence
        }
        batches[index].homeEnd = homeNext
        try writeSlot(batchFirst)
        nextBatch += 1
        do { try storage.flush() } catch { throw .storage(error) }
    }

    private func submitPages(
        _ file: JournalFile, _ memory: UnsafeRawPointer, byteCount: Int, offset: Int
    ) throws(JournalError) {
        batches[Int(truncatingIfNeeded: nextBatch & 7)].pendingWrites += 1
        let token = WriteToken(batch: nextBatch, byteCount: byteCount, isTail: file == tail)
        do throws(StorageError) {
            try unsafe storage.submitWrite(
                file, from: memory, byteCount: byteCount, offset: offset,
                token: token.rawValue)
        } catch { throw .storage(error) }
    }

    private func writeHeader() throws(JournalError) {
        let page = unsafe pages.base + Page.header * JournalFormat.pageByteCount
        let header = SegmentHeader(
            state: SegmentHeader.State.begun,
            segmentByteCount: UInt64(configuration.segmentByteCount),
            firstSequence: segment.geometry.firstSequence,
            timestampNanosBefore: sealing!.lastTimestampNanos, epoch: configuration.epoch,
            shard: configuration.shard, rulesVersion: configuration.rulesVersion,
            chainBefore: sealing!.chain)
        unsafe header.write(page)
        try unsafe submitPages(
            segment.file, page, byteCount: JournalFormat.pageByteCount, offset: 0)
    }

    private func writeFooter() throws(JournalError) {
        guard let full = sealing else { return }
        let page = unsafe pages.base + Page.footer * JournalFormat.pageByteCount
        let footer = SegmentFooter(
            state: SegmentFooter.State.full,
            firstSequence: full.segment.geometry.firstSequence,
            lastSequence: full.segment.geometry.lastSequence,
            lastTimestampNanos: full.lastTimestampNanos, epoch: configuration.epoch,
            shard: configuration.shard, chain: full.chain)
        unsafe footer.write(page)
        sealing?.footerBatch = nextBatch
        batches[Int(truncatingIfNeeded: nextBatch & 7)].footerSegment =
            full.segment.geometry.firstSequence
        try unsafe submitPages(
            full.segment.file, page, byteCount: JournalFormat.pageByteCount,
            offset: full.segment.geometry.footerOffset)
    }

    /// Writes the blocks that have become whole, from the ring; in two parts where it wraps.
    private func writeHome() throws(JournalError) {
        let end = JournalFormat.blockBase(takenSequence + 1)
        guard end > homeNext else { return }
        if homeNext < segment.geometry.firstSequence { try writeEdge() }
        let mask = UInt64(ring.capacity - 1)
        while homeNext < end {
            let slot = homeNext & mask
            let count = min(end - homeNext, mask + 1 - slot)
            try unsafe submitPages(
                segment.file, ring.recordsBase + Int(slot) * 64, byteCount: Int(count) * 64,
                offset: segment.geometry.offset(of: homeNext))
            homeNext += count
        }
        blockChain = lastCRC(before: end)
    }

    /// The first block of a segment that begins within it: what comes before is not ours, and its
    /// slots in the ring may already be written again. So it goes by a copy.
    private func writeEdge() throws(JournalError) {
        let page = unsafe pages.base + Page.edge * JournalFormat.pageByteCount
        let first = segment.geometry.firstSequence
        let before = Int(first - homeNext) * 64
        unsafe page.initializeMemory(as: UInt8.self, repeating: 0, count: before)
        unsafe (page + before).copyMemory(
            from: reader.read(first), byteCount: JournalFormat.pageByteCount - before)
        try unsafe submitPages(
            segment.file, page, byteCount: JournalFormat.pageByteCount,
            offset: segment.geometry.offset(of: homeNext))
        homeNext += JournalFormat.blockRecordCount
    }

    private func lastCRC(before end: UInt64) -> UInt32 {
        unsafe reader.read(end - 1).pointee.crc32c
    }

    private func writeSlot(_ batchFirst: UInt64) throws(JournalError) {
        let slotIndex = Int(truncatingIfNeeded: nextBatch % UInt64(JournalFormat.tailSlotCount))
        let page = unsafe pages.base + slotIndex * JournalFormat.pageByteCount
        let first = max(homeNext, segment.geometry.firstSequence)
        let count = Int(truncatingIfNeeded: takenSequence + 1 - first)
        if count > 0 {
            unsafe (page + 64).copyMemory(from: reader.read(first), byteCount: count * 64)
        }
        let slot = TailSlot(
            recordCount: UInt16(count), batchNumber: nextBatch, batchFirstSequence: batchFirst,
            durableSequence: durableSequence, firstSequence: first,
            segmentFirstSequence: segment.geometry.firstSequence, epoch: configuration.epoch,
            shard: configuration.shard, chainBefore: blockChain)
        unsafe slot.write(page, payloadByteCount: count * 64)
        try unsafe submitPages(
            tail, page, byteCount: JournalFormat.pageByteCount,
            offset: slotIndex * JournalFormat.pageByteCount)
    }
}
