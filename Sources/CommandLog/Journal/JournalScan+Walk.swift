// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: as in JournalRecovery.swift: records are read at multiples of 64 within what was read.
internal import Platform
internal import Wire

extension JournalScan {
    /// Goes through the segments, finds the end, and holds it against the watermark.
    internal mutating func walk(
        _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) {
        let begun = surveys.prefix((surveys.lastIndex { $0.state == .begun } ?? -1) + 1)
        guard let first = begun.first?.header else { return }
        var walker = RecordWalker(
            sequence: first.firstSequence - 1, chain: first.chainBefore,
            timestampNanos: first.timestampNanosBefore, visitFrom: from)
        var isEnded = false
        for survey in begun {
            guard !isEnded, let header = survey.header else { break }
            if header.firstSequence != walker.place.sequence + 1 { throw hole(survey, walker) }
            try checkSeed(survey.name, header, walker.place)
            isEnded = try walkSegment(survey, header, &walker, visit)
        }
        let firstMissing = walker.place.sequence + 1
        walker.cutHalf()
        try end(walker.place, firstMissing: firstMissing)
    }

    /// True when the log ends in this segment.
    private mutating func walkSegment(
        _ survey: SegmentSurvey, _ header: SegmentHeader, _ walker: inout RecordWalker,
        _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(JournalError) -> Bool {
        let geometry = header.geometry
        var segment = RecoveredSegment(
            name: survey.name, geometry: geometry, chainBefore: header.chainBefore,
            timestampNanosBefore: header.timestampNanosBefore, epoch: header.epoch,
            lastSequence: 0, chain: 0, lastTimestampNanos: 0, hasFooter: survey.footer != nil)
        defer { log.segments.append(segment) }
        let last = survey.footer?.lastSequence ?? geometry.lastSequence
        var blockStart = walker.place
        if let footer = survey.footer, footer.lastSequence < from {
            walker.place = RecordWalker.Place(
                sequence: last, chain: footer.chain, timestampNanos: footer.lastTimestampNanos)
        } else {
            do throws(StorageError) {
                blockStart = try walkHome(survey.name, geometry, through: last, &walker, visit)
            } catch { throw .storage(error) }
        }
        if let footer = survey.footer {
            if walker.place.sequence != last || walker.place.chain != footer.chain {
                throw .damaged(missing(survey.name, geometry, walker.place.sequence + 1))
            }
        } else if walker.place.sequence != last {
            extend(geometry, header.epoch, from: blockStart, &walker, visit)
        }
        segment.lastSequence = walker.place.sequence
        segment.chain = walker.place.chain
        segment.lastTimestampNanos = walker.place.timestampNanos
        return survey.footer == nil && walker.place.sequence != geometry.lastSequence
    }

    /// Takes records from the segment's file until one is not there. Gives the place at which the
    /// last block begins that was looked at.
    private func walkHome(
        _ name: String, _ geometry: SegmentGeometry, through last: UInt64,
        _ walker: inout RecordWalker, _ visit: (LogRecord, LogRecord?) -> Void
    ) throws(StorageError) -> RecordWalker.Place {
        let file = try storage.open(name, forWriting: false)
        defer { storage.close(file) }
        var blockStart = walker.place
        while walker.place.sequence < last {
            let next = walker.place.sequence + 1
            let block = JournalFormat.blockBase(next)
            if next == block { blockStart = walker.place }
            let offset = geometry.offset(of: block)
            let wanted = min(
                bufferPageCount * JournalFormat.pageByteCount, geometry.footerOffset - offset)
            let count = try unsafe storage.read(
                file, into: buffer.base, byteCount: wanted, offset: offset)
            var at = Int(next - block) * 64
            let end = min(count & ~63, geometry.offset(of: last + 1) - offset)
            guard at < end else { return blockStart }
            while at < end {
                if at & 4095 == 0 { blockStart = walker.place }
                guard unsafe walker.take(buffer.base + at, visit: visit) else { return blockStart }
                at += 64
            }
        }
        return blockStart
    }

    /// Goes on from the tail slot that fits behind the blocks and reaches furthest.
    private mutating func extend(
        _ geometry: SegmentGeometry, _ epoch: UInt32, from blockStart: RecordWalker.Place,
        _ walker: inout RecordWalker, _ visit: (LogRecord, LogRecord?) -> Void
    ) {
        let fitting = slots.filter { entry in
            let slot = entry.slot
            return slot.segmentFirstSequence == geometry.firstSequence && slot.epoch == epoch
                && slot.firstSequence == blockStart.sequence + 1
                && slot.chainBefore == blockStart.chain
                && slot.lastSequence > walker.place.sequence
        }.sorted { $0.slot.lastSequence > $1.slot.lastSequence }
        for entry in fitting {
            var trial = walker
            trial.place = blockStart
            let page = unsafe tailPages.base + entry.index * JournalFormat.pageByteCount
            let count = Int(entry.slot.recordCount)
            // All or nothing, before anything of it is given on.
            var silent = trial
            let isWhole = (0..<count).allSatisfy { index in
                unsafe silent.take(page + 64 + index * 64) { _, _ in }
            }
            guard isWhole else { continue }
            log.tailRecords = (0..<count).map { index in
                unsafe (page + 64 + index * 64).load(as: LogRecord.self)
            }
            for index in 0..<count {
                _ = unsafe trial.take(page + 64 + index * 64, visit: visit)
            }
            walker = trial
            return
        }
    }

    /// Sets the end of the log, at a whole command, unless something durable lies behind it.
    private mutating func end(
        _ place: RecordWalker.Place, firstMissing: UInt64
    ) throws(JournalError) {
        // Half a pair may have been all of the last segment.
        if let last = log.segments.last, log.segments.count > 1, last.lastSequence > place.sequence,
            last.geometry.firstSequence > place.sequence + 1
        {
            log.segments.removeLast()
        }
        if let index = log.segments.indices.last {
            log.segments[index].lastSequence = place.sequence
            log.segments[index].chain = place.chain
            log.segments[index].lastTimestampNanos = place.timestampNanos
        }
        log.lastSequence = place.sequence
        log.chain = place.chain
        log.lastTimestampNanos = place.timestampNanos
        log.tailRecords.removeAll { $0.sequence > place.sequence }
        if takesAnyShard, !hasTail,
            surveys.allSatisfy({ $0.state == .begun && $0.footer != nil })
        {
            // Its last pair may go on in the segment that is not here.
            log.isArchive = true
            return
        }
        if place.sequence < log.durableSequence {
            if let full = log.segments.last(where: { $0.lastSequence + 1 == firstMissing }),
                full.hasFooter
            {
                throw .damaged(gone(JournalFormat.segmentName(firstSequence: firstMissing)))
            }
            // Of a pair that was cut the first half is there: what is missing is the second.
            let survey = surveys.last { $0.firstSequence <= firstMissing } ?? surveys[0]
            let geometry =
                survey.header?.geometry
                ?? SegmentGeometry(firstSequence: survey.firstSequence, byteCount: 0)
            throw .damaged(missing(survey.name, geometry, firstMissing))
        }
        try checkTail(place)
        if notedSequence > place.sequence { log.notedSequence = notedSequence }
        let kept = Set(log.segments.map(\.name))
        for survey in surveys where !kept.contains(survey.name) {
            if case .bad = survey.state {
                log.asideFiles.append(survey.name)
            } else {
                log.cutFiles.append(survey.name)
            }
        }
    }

    /// A log that has begun has a tail with a slot: one is there before the first segment is,
    /// and a batch never writes over the slot of the last durable one.
    private func checkTail(_ place: RecordWalker.Place) throws(JournalError) {
        guard slots.isEmpty else { return }
        throw .damaged(
            JournalDamage(
                file: JournalFormat.tailName, offset: 0, sequence: place.sequence + 1,
                what: hasTail
                    ? "no valid slot in the file, which held the last records"
                    : "the file is missing, and may hold the last records"))
    }

    private func gone(_ file: String) -> JournalDamage {
        JournalDamage(
            file: file, offset: 0, sequence: log.lastSequence + 1,
            what:
                "the file is missing: the log was durable through \(log.durableSequence), and the "
                + "segment before it ends with \(log.lastSequence)")
    }

    private func missing(
        _ file: String, _ geometry: SegmentGeometry, _ sequence: UInt64
    ) -> JournalDamage {
        let isHeader = surveys.contains { $0.name == file && $0.state != .begun }
        return JournalDamage(
            file: file, offset: isHeader ? 0 : geometry.offset(of: sequence), sequence: sequence,
            what: isHeader
                ? "no valid header of a segment that had begun"
                : "the record there is not \(sequence) of this log, which was durable "
                    + "(durable through \(log.durableSequence))")
    }

    private func hole(_ survey: SegmentSurvey, _ walker: RecordWalker) -> JournalError {
        let missing = walker.place.sequence + 1
        return .damaged(
            JournalDamage(
                file: JournalFormat.segmentName(firstSequence: missing), offset: 0,
                sequence: missing,
                what: "the file is missing: the segment before it ends with "
                    + "\(walker.place.sequence), and the next one here is \(survey.name)"))
    }

    private func checkSeed(
        _ name: String, _ header: SegmentHeader, _ place: RecordWalker.Place
    ) throws(JournalError) {
        guard header.chainBefore != place.chain else { return }
        throw .damaged(
            JournalDamage(
                file: name, offset: 0, sequence: header.firstSequence,
                what: "it continues another log than the segment before it"))
    }
}
