// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: headers, footers and slots are read from pages that were filled from the file, or zeroed.
internal import Platform

extension JournalScan {
    /// Reads all that is not records: the folder, the tail, headers and footers.
    internal mutating func survey() throws(StorageError) {
        // In this order a log that is being written does not look damaged: the watermark first, and
        // a segment before those that it goes on behind.
        // What was noted of it before all that.
        let noted = try? CommitTimes(storage).newest()
        hasTail = try storage.list().contains(JournalFormat.tailName)
        if hasTail { try surveyTail() }
        let names = try storage.list()
        for name in names {
            if let first = JournalFormat.firstSequence(ofSegmentNamed: name) {
                surveys.append(
                    SegmentSurvey(name: name, firstSequence: first, state: .prepared))
            } else if JournalFormat.isTemporary(name) {
                log.cutFiles.append(name)
            }
        }
        surveys.sort { $0.firstSequence < $1.firstSequence }
        for index in surveys.indices.reversed() { try surveyFile(index) }
        log.durableSequence = max(
            slots.map(\.slot.durableSequence).max() ?? 0,
            surveys.compactMap { $0.footer?.lastSequence }.max() ?? 0)
        if let noted, let last = surveys.last(where: { $0.state == .begun })?.header,
            last.firstSequence == noted.firstSequence, last.epoch == noted.epoch,
            noted.durableSequence <= last.geometry.lastSequence
        {
            notedSequence = noted.durableSequence
        }
        log.hasTailSlot = !slots.isEmpty
        log.nextBatchNumber = (slots.map(\.slot.batchNumber).max() ?? 0) + 1
    }

    private mutating func surveyFile(_ index: Int) throws(StorageError) {
        let file = try storage.open(surveys[index].name, forWriting: false)
        defer { storage.close(file) }
        let byteCount = try storage.byteCount(of: file)
        let first = surveys[index].firstSequence
        guard try readPage(file, offset: 0, fileByteCount: byteCount) else {
            surveys[index].state = .bad("a file of \(byteCount) bytes has no header")
            return
        }
        guard let header = unsafe SegmentHeader.read(buffer.base) else {
            surveys[index].state = .bad(
                "no valid header of version \(JournalFormat.version)")
            return
        }
        guard header.firstSequence == first else {
            surveys[index].state = .bad(
                "its header says that it begins with \(header.firstSequence)")
            return
        }
        guard SegmentGeometry.isSize(Int(truncatingIfNeeded: header.segmentByteCount)),
            header.segmentByteCount <= UInt64(byteCount)
        else {
            surveys[index].state = .bad(
                "the file has \(byteCount) bytes, and its header says \(header.segmentByteCount)")
            return
        }
        surveys[index].header = header
        guard header.state == SegmentHeader.State.begun else { return }
        surveys[index].state = .begun
        let geometry = header.geometry
        guard try readPage(file, offset: geometry.footerOffset, fileByteCount: byteCount),
            let footer = unsafe SegmentFooter.read(buffer.base), footer.firstSequence == first,
            footer.shard == header.shard, footer.epoch == header.epoch,
            footer.lastSequence &+ 1 >= first, footer.lastSequence <= geometry.lastSequence
        else { return }
        surveys[index].footer = footer
    }

    private func readPage(
        _ file: JournalFile, offset: Int, fileByteCount: Int
    ) throws(StorageError) -> Bool {
        let size = JournalFormat.pageByteCount
        guard offset + size <= fileByteCount else { return false }
        return try unsafe storage.read(
            file, into: buffer.base, byteCount: size, offset: offset) == size
    }

    /// Valid slots, wherever in the tail they lie.
    private mutating func surveyTail() throws(StorageError) {
        let file = try storage.open(JournalFormat.tailName, forWriting: false)
        defer { storage.close(file) }
        tailByteCount = try storage.byteCount(of: file)
        _ = try unsafe storage.read(
            file, into: tailPages.base, byteCount: Self.tailByteCountWhole, offset: 0)
        for index in 0..<JournalFormat.tailSlotCount {
            let page = unsafe tailPages.base + index * JournalFormat.pageByteCount
            if let slot = unsafe TailSlot.read(slot: page) { slots.append((slot, index)) }
        }
    }
}
