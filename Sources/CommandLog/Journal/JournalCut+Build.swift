// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: pages are of the call, written whole before they are given to a storage; records lie at
// multiples of 64 within what was read. Paths are lent for a call.
internal import Glibc
internal import Platform
internal import Wire

// The journal that is to take the place of the old one.
extension JournalCut {
    /// Builds it beside, durably, and reads it as a start would.
    internal func build(
        _ source: FileStorage, _ log: RecoveredLog
    ) throws(JournalCutError) {
        let path = succession.besides(source.folder)
        try change("make folder")
        try Self.folder { () throws(SnapshotError) in try SnapshotFile.createFolder(path) }
        try change("mark")
        try Self.folder { () throws(SnapshotError) in
            try SnapshotFile.create(path + "/" + mark).synchronize()
        }
        try linkSnapshots(source.folder + "/snapshots", path + "/snapshots", log.shard)
        let target = try Self.stored { () throws(StorageError) in
            try FileStorage(path: path, mode: .journalWithoutUring)
        }
        let buffer = try Self.journal { () throws(JournalError) in
            try JournalError.pages(SegmentFile.fillPageCount)
        }
        var last: RecoveredSegment?
        for segment in log.segments where segment.geometry.firstSequence <= lastSequence {
            last = segment
            if segment.hasFooter, segment.lastSequence <= lastSequence {
                try link(segment.name, source, path)
            } else {
                try change("copy segment")
                try Self.journal { () throws(JournalError) in
                    try copy(segment, log.tailRecords, source, target, buffer)
                }
            }
            try copyTimes(segment, source, target, path, buffer)
        }
        try makeTail(target, log, epoch: last?.epoch ?? 0, buffer)
        try change("sync")
        try Self.stored { () throws(StorageError) in try target.syncFolder() }
        try Self.folder { () throws(SnapshotError) in
            try SnapshotFile.synchronizeFolder(FolderSuccession.parent(path))
        }
        try prove(target, log.shard, from: last?.geometry.firstSequence ?? 1)
    }

    private func prove(
        _ target: FileStorage, _ shard: UInt32, from first: UInt64
    ) throws(JournalCutError) {
        let made = try Self.journal { () throws(JournalError) in
            try JournalRecovery.scan(target, shard: shard, from: first)
        }
        guard made.lastSequence == lastSequence, made.chain == crc32c,
            made.durableSequence == lastSequence
        else {
            throw .refused(
                "what was built in \(target.folder) ends with \(made.lastSequence) and not with "
                    + "\(lastSequence): nothing was changed, keep a copy of both folders")
        }
    }

    private func linkSnapshots(
        _ from: String, _ to: String, _ shard: UInt32
    ) throws(JournalCutError) {
        let store = SnapshotStore(path: from, shard: shard)
        let sequences = try Self.folder { () throws(SnapshotError) in try store.sequences() }
        guard sequences.contains(where: { $0 <= lastSequence }) else { return }
        try change("make folder")
        try Self.folder { () throws(SnapshotError) in try SnapshotFile.createFolder(to) }
        for sequence in sequences where sequence <= lastSequence {
            try change("link")
            let name = SnapshotStore.name(sequence: sequence)
            try Self.folder { () throws(SnapshotError) in
                try SnapshotFile.link(from + "/" + name, to: to + "/" + name)
            }
        }
        try Self.folder { () throws(SnapshotError) in try SnapshotFile.synchronizeFolder(to) }
    }

    private func link(
        _ name: String, _ source: FileStorage, _ path: String
    ) throws(JournalCutError) {
        try change("link")
        try Self.folder { () throws(SnapshotError) in
            try SnapshotFile.link(source.folder + "/" + name, to: path + "/" + name)
        }
    }

    /// A whole segment of the records that stay, no longer than it must be, with its footer.
    private func copy(
        _ segment: RecoveredSegment, _ tail: [LogRecord], _ source: FileStorage,
        _ target: FileStorage, _ buffer: borrowing HugePages
    ) throws(JournalError) {
        let last = min(segment.lastSequence, lastSequence)
        let size = JournalFormat.pageByteCount
        let end = segment.geometry.offset(of: JournalFormat.blockBase(last)) + size
        let geometry = SegmentGeometry(
            firstSequence: segment.geometry.firstSequence, byteCount: max(3 * size, end + size))
        var walker = RecordWalker(
            sequence: geometry.firstSequence - 1, chain: segment.chainBefore,
            timestampNanos: segment.timestampNanosBefore, visitFrom: .max)
        do throws(StorageError) {
            let from = try source.open(segment.name, forWriting: false)
            defer { source.close(from) }
            let to = try target.create(segment.name, byteCount: geometry.byteCount)
            defer { target.close(to) }
            var header = try SegmentFile.header(
                source, from, first: geometry.firstSequence, buffer: buffer)
            header?.segmentByteCount = UInt64(geometry.byteCount)
            unsafe buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            unsafe header?.write(buffer.base)
            try unsafe target.write(to, from: buffer.base, byteCount: size, offset: 0)
            var offset = size
            while offset < end {
                let count = min(buffer.byteCount, end - offset)
                unsafe buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
                _ = try unsafe source.read(
                    from, into: buffer.base, byteCount: count, offset: offset)
                unsafe lay(tail, over: buffer.base, offset..<offset + count, geometry)
                let used = geometry.offset(of: last + 1) - offset
                if used < count {
                    unsafe (buffer.base + used).initializeMemory(
                        as: UInt8.self, repeating: 0, count: count - used)
                }
                let begin = geometry.offset(of: walker.place.sequence + 1) - offset
                _ = unsafe walker.takeAll(
                    buffer.base + begin, byteCount: min(used, count) - begin
                ) { _, _ in }
                try unsafe target.write(to, from: buffer.base, byteCount: count, offset: offset)
                offset += count
            }
            if walker.place.sequence == last {
                unsafe buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: size)
                unsafe footer(of: segment, geometry, walker.place, shard: header?.shard ?? 0)
                    .write(buffer.base)
                try unsafe target.write(
                    to, from: buffer.base, byteCount: size, offset: geometry.footerOffset)
            }
            try target.sync(to)
        } catch { throw .storage(error) }
        guard walker.place.sequence == last else {
            let sequence = walker.place.sequence + 1
            throw JournalError.damaged(
                JournalDamage(
                    file: segment.name, offset: segment.geometry.offset(of: sequence),
                    sequence: sequence, what: "the record there is not \(sequence) of this log")
            ).located(in: source.folder, shard: 0)
        }
    }

    private func footer(
        of segment: RecoveredSegment, _ geometry: SegmentGeometry, _ place: RecordWalker.Place,
        shard: UInt32
    ) -> SegmentFooter {
        SegmentFooter(
            state: place.sequence == geometry.lastSequence
                ? SegmentFooter.State.full : SegmentFooter.State.recovered,
            firstSequence: geometry.firstSequence, lastSequence: place.sequence,
            lastTimestampNanos: place.timestampNanos, epoch: segment.epoch, shard: shard,
            chain: place.chain)
    }

    /// What is in the tail only goes to its place.
    private func lay(
        _ tail: [LogRecord], over memory: UnsafeMutableRawPointer, _ range: Range<Int>,
        _ geometry: SegmentGeometry
    ) {
        for record in tail where record.sequence >= geometry.firstSequence {
            let offset = geometry.offset(of: record.sequence)
            guard range.contains(offset) else { continue }
            unsafe memory.storeBytes(
                of: record, toByteOffset: offset - range.lowerBound, as: LogRecord.self)
        }
    }

    /// When the records that stay were durable, for auditors; nothing of what goes: a note of that
    /// would say that the end of the log is missing.
    private func copyTimes(
        _ segment: RecoveredSegment, _ source: FileStorage, _ target: FileStorage,
        _ path: String, _ buffer: borrowing HugePages
    ) throws(JournalCutError) {
        let name = JournalFormat.timesName(firstSequence: segment.geometry.firstSequence)
        guard SnapshotFile.isThere(source.folder + "/" + name) else { return }
        if segment.lastSequence < lastSequence { return try link(name, source, path) }
        try change("copy times")
        try Self.stored { () throws(StorageError) in
            let from = try source.open(name, forWriting: false)
            defer { source.close(from) }
            let to = try target.createPlain(name)
            defer { target.close(to) }
            var offset = 0
            var isOver = false
            while !isOver {
                var count = try unsafe source.read(
                    from, into: buffer.base, byteCount: buffer.byteCount, offset: offset)
                isOver = count < buffer.byteCount
                for at in stride(from: offset == 0 ? 64 : 0, to: count & ~15, by: 16) {
                    var note = unsafe buffer.base.load(fromByteOffset: at, as: CommitNote.self)
                    guard note.sequence >= lastSequence else { continue }
                    note.sequence = lastSequence
                    unsafe buffer.base.storeBytes(of: note, toByteOffset: at, as: CommitNote.self)
                    count = at + 16
                    isOver = true
                    break
                }
                offset += count
                if count > 0 {
                    try unsafe target.append(to, from: buffer.base, byteCount: count)
                }
            }
            try target.sync(to)
        }
    }

    /// The tail of a journal that goes on behind the cut; it knows that all before is durable.
    private func makeTail(
        _ target: FileStorage, _ log: RecoveredLog, epoch: UInt32, _ buffer: borrowing HugePages
    ) throws(JournalCutError) {
        var cut = RecoveredLog(shard: log.shard)
        cut.lastSequence = lastSequence
        cut.chain = crc32c
        let configuration = JournalConfiguration(epoch: epoch, shard: log.shard, rulesVersion: 0)
        let page = try Self.journal { () throws(JournalError) in try JournalError.pages(1) }
        unsafe buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.byteCount)
        try change("make tail")
        try Self.stored { () throws(StorageError) in
            target.close(
                try TailFile.open(target, after: cut, configuration, page: page, zeros: buffer))
        }
    }

    private static func stored<Result>(
        _ body: () throws(StorageError) -> Result
    ) throws(JournalCutError) -> Result {
        do { return try body() } catch { throw .journal(.storage(error)) }
    }
}

extension SnapshotFile {
    /// Gives a file another name, and makes it durable: nobody may have waited for it.
    static func link(_ path: String, to new: String) throws(SnapshotError) {
        try SnapshotFile.open(path).synchronize()
        guard unsafe Glibc.link(path, new) == 0 else {
            throw .system(path: path, action: "link", number: errno)
        }
    }
}
