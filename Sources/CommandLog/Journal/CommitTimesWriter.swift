// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: notes are read in the queue's memory before they are released; the header is written to
// the queue's spare page, which is this one's alone.
internal import Platform

/// The head of a file of commit times.
internal struct TimesHeader: JournalStructure {
    internal static var magic: UInt32 { 0x434A_544E }  // "NTJC"

    internal var magic: UInt32 = Self.magic  // 0
    internal var formatVersion: UInt16 = JournalFormat.version  // 4
    internal var noteByteCount: UInt16 = 16  // 6
    internal var firstSequence: UInt64  // 8
    internal var epoch: UInt32  // 16
    internal var shard: UInt32  // 20
    internal var reserved24: UInt64 = 0  // 24
    internal var reserved32: UInt64 = 0  // 32
    internal var reserved40: UInt64 = 0  // 40
    internal var reserved48: UInt64 = 0  // 48
    internal var reserved56: UInt32 = 0  // 56
    internal var crc32c: UInt32 = 0  // 60
}

/// Puts notes into the files of the segments that they are of.
///
/// Threading: the segment maker's thread.
internal struct CommitTimesWriter<Storage: JournalStorage>: ~Copyable {
    private let storage: Storage
    private let notes: CommitNotes
    private let configuration: JournalConfiguration
    /// The segment that the notes are of now.
    private var geometry: SegmentGeometry
    private var file: JournalFile?
    /// Whether this segment's file cannot be had, or not be written on.
    private var isGivenUp = false
    private var turnCount = 0

    internal init(
        storage: Storage, notes: CommitNotes, first: SegmentGeometry,
        configuration: JournalConfiguration
    ) {
        self.storage = storage
        self.notes = notes
        self.configuration = configuration
        geometry = first
    }

    deinit { if let file { storage.close(file) } }

    /// Writes when there is a page of notes, or some and the last time was a while ago.
    internal mutating func turn() {
        turnCount += 1
        let count = notes.waitingCount
        guard count >= 256 || (count > 0 && turnCount >= 50) else { return }
        flush()
    }

    /// Writes all that waits.
    internal mutating func flush() {
        turnCount = 0
        while case let waiting = notes.rowCount, waiting > 0 {
            while notes[0].sequence > geometry.lastSequence { nextSegment() }
            var count = 1
            while count < waiting, notes[count].sequence <= geometry.lastSequence { count += 1 }
            unsafe append(notes.row, byteCount: count * 16)
            notes.release(count)
        }
    }

    private mutating func nextSegment() {
        geometry = SegmentGeometry(
            firstSequence: geometry.lastSequence + 1, byteCount: configuration.segmentByteCount)
        letGo()
        isGivenUp = false
    }

    private mutating func letGo() {
        if let file { storage.close(file) }
        file = nil
    }

    private mutating func append(_ memory: UnsafeRawPointer, byteCount: Int) {
        guard !isGivenUp else { return }
        do throws(StorageError) {
            let file: JournalFile
            if let open = self.file { file = open } else { file = try create() }
            self.file = file
            try unsafe storage.append(file, from: memory, byteCount: byteCount)
        } catch {
            // Some of it may be there, not in whole notes: nothing is written behind that.
            isGivenUp = true
            letGo()
        }
    }

    private func create() throws(StorageError) -> JournalFile {
        let header = TimesHeader(
            firstSequence: geometry.firstSequence, epoch: configuration.epoch,
            shard: configuration.shard)
        unsafe header.write(notes.spare)
        let file = try storage.createPlain(
            JournalFormat.timesName(firstSequence: geometry.firstSequence))
        do { try unsafe storage.append(file, from: notes.spare, byteCount: 64) } catch {
            storage.close(file)
            throw error
        }
        return file
    }
}
