// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `page` is one page of this call, written whole before it is given to the storage.
internal import Platform
internal import Wire

extension JournalRecovery {
    /// Makes permanent what `scan` found, so that the tail may be written again and a new segment
    /// begun: records of the tail go home, files behind the end are removed, footers are written.
    ///
    /// A crash at any point leaves a folder in which `scan` finds the same log. Throws `.storage`.
    public static func seal<Storage: JournalStorage>(
        _ storage: Storage, _ log: inout RecoveredLog
    ) throws(JournalError) {
        guard !log.isSealed else { return }
        let page = try JournalError.pages(1)
        do throws(StorageError) {
            try bringHome(storage, log, page)
            try removeCut(storage, log)
            for index in log.segments.indices {
                try finish(storage, log, index, page)
                let segment = log.segments[index]
                if segment.lastSequence >= segment.geometry.firstSequence {
                    log.segments[index].hasFooter = true
                }
            }
        } catch { throw JournalError.storage(error).located(in: storage.folder, shard: log.shard) }
        log.cutFiles = []
        log.asideFiles = []
        log.tailRecords = []
        log.durableSequence = log.lastSequence
        log.isSealed = true
    }

    /// The block is written over: all in it that counts is in the tail, which stays as it is.
    ///
    /// In two steps, for a disk may tear a page between its sectors: where a sector in the middle
    /// was missing and those behind it are there, the missing one alone would bring back records
    /// behind the end. So they go first.
    private static func bringHome<Storage: JournalStorage>(
        _ storage: Storage, _ log: RecoveredLog, _ page: borrowing HugePages
    ) throws(StorageError) {
        guard let first = log.tailRecords.first, let last = log.tailRecords.last,
            let segment = log.segments.last
        else { return }
        let pageByteCount = JournalFormat.pageByteCount
        let offset = segment.geometry.offset(of: JournalFormat.blockBase(first.sequence))
        let file = try storage.open(segment.name, forWriting: true)
        defer { storage.close(file) }
        unsafe page.base.initializeMemory(as: UInt8.self, repeating: 0, count: pageByteCount)
        _ = try unsafe storage.read(
            file, into: page.base, byteCount: pageByteCount, offset: offset)
        let kept = (Int(last.sequence & 63) * 64 / sectorByteCount + 1) * sectorByteCount
        unsafe (page.base + kept).initializeMemory(
            as: UInt8.self, repeating: 0, count: pageByteCount - kept)
        try unsafe storage.write(
            file, from: page.base, byteCount: pageByteCount, offset: offset)
        try storage.sync(file)
        unsafe page.base.initializeMemory(as: UInt8.self, repeating: 0, count: pageByteCount)
        for record in log.tailRecords {
            unsafe page.base.storeBytes(
                of: record, toByteOffset: Int(record.sequence & 63) * 64, as: LogRecord.self)
        }
        try unsafe storage.write(
            file, from: page.base, byteCount: pageByteCount, offset: offset)
        try storage.sync(file)
    }

    /// What a disk writes whole or not at all, at least.
    private static var sectorByteCount: Int { 512 }

    /// Before the footers: behind a footer a segment that does not fit is damage.
    private static func removeCut<Storage: JournalStorage>(
        _ storage: Storage, _ log: RecoveredLog
    ) throws(StorageError) {
        guard !log.cutFiles.isEmpty || !log.asideFiles.isEmpty else { return }
        var names = Set(try storage.list())
        // The last first: what is left of a crash has no hole.
        for name in (log.cutFiles + log.asideFiles).sorted(by: >) {
            guard log.asideFiles.contains(name) else {
                try storage.remove(name)
                continue
            }
            let aside = freeName(name + JournalFormat.asideSuffix, names)
            try storage.rename(name, to: aside)
            names.insert(aside)
        }
        try storage.syncFolder()
    }

    /// The name, or the same with the first number behind it that nobody has.
    private static func freeName(_ name: String, _ taken: Set<String>) -> String {
        var found = name
        var number = 2
        while taken.contains(found) {
            found = name + "\(number)"
            number += 1
        }
        return found
    }

    private static func finish<Storage: JournalStorage>(
        _ storage: Storage, _ log: RecoveredLog, _ index: Int, _ page: borrowing HugePages
    ) throws(StorageError) {
        let segment = log.segments[index]
        guard segment.lastSequence >= segment.geometry.firstSequence else { return }
        let file = try storage.open(segment.name, forWriting: !segment.hasFooter)
        defer { storage.close(file) }
        // What was read may be in memory only, a footer that a killed process wrote too: it is made
        // durable before anything is built on it.
        try storage.sync(file)
        guard !segment.hasFooter else { return }
        let footer = SegmentFooter(
            state: segment.lastSequence == segment.geometry.lastSequence
                ? SegmentFooter.State.full : SegmentFooter.State.recovered,
            firstSequence: segment.geometry.firstSequence, lastSequence: segment.lastSequence,
            lastTimestampNanos: segment.lastTimestampNanos, epoch: segment.epoch,
            shard: log.shard, chain: segment.chain)
        unsafe page.base.initializeMemory(
            as: UInt8.self, repeating: 0, count: JournalFormat.pageByteCount)
        unsafe footer.write(page.base)
        try unsafe storage.write(
            file, from: page.base, byteCount: JournalFormat.pageByteCount,
            offset: segment.geometry.footerOffset)
        try storage.sync(file)
    }
}
