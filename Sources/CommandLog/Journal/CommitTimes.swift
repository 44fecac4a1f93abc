// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: notes are read from `buffer` within what was filled from the file.
internal import Platform

/// When records of a log were durable, as far as it was noted: read by tools.
///
/// Threading: one thread. Cheapest when asked in the order of the log; holds the notes of two
/// segments.
public final class CommitTimes<Storage: JournalStorage> {
    private struct File {
        var epoch: UInt32
        var notes: [CommitNote]
    }

    private let storage: Storage
    private let buffer: HugePages
    /// First sequences of the files that are there.
    private let firsts: [UInt64]
    /// By place in `firsts`; nil for a file that is not one.
    private var files: [Int: File?] = [:]

    /// Of the log in that folder. Throws when the folder cannot be read.
    public init(_ storage: Storage) throws(JournalError) {
        self.storage = storage
        buffer = try JournalError.pages(16)
        do {
            firsts = try storage.list().compactMap {
                JournalFormat.firstSequence(ofTimesNamed: $0)
            }.sorted()
        } catch { throw .storage(error) }
    }

    /// UTC nanoseconds of the first note by which the record was durable; nil when there is none
    /// of its epoch: then it was found durable by a later start, or the note was lost.
    public func durableNanos(of sequence: UInt64) -> UInt64? {
        var low = 0
        var high = firsts.count
        while low < high {
            let middle = (low + high) / 2
            if firsts[middle] <= sequence { low = middle + 1 } else { high = middle }
        }
        guard low > 0, let own = file(low - 1) else { return nil }
        if let nanos = Self.find(sequence, own.notes) { return nanos }
        // The last notes of a segment may be missing: the next one's are later, and right.
        guard low < firsts.count, let next = file(low), next.epoch == own.epoch else { return nil }
        return next.notes.first?.nanos
    }

    /// The last note of the newest file that is one: the first sequence of its segment, its epoch,
    /// and what was durable.
    internal func newest() -> (firstSequence: UInt64, epoch: UInt32, durableSequence: UInt64)? {
        guard !firsts.isEmpty, let file = file(firsts.count - 1), let last = file.notes.last
        else { return nil }
        return (firsts[firsts.count - 1], file.epoch, last.sequence)
    }

    private static func find(_ sequence: UInt64, _ notes: [CommitNote]) -> UInt64? {
        var low = 0
        var high = notes.count
        while low < high {
            let middle = (low + high) / 2
            if notes[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < notes.count ? notes[low].nanos : nil
    }

    private func file(_ index: Int) -> File? {
        if let known = files[index] { return known }
        files = files.filter { $0.key == index - 1 || $0.key == index + 1 }
        var found: File?
        do throws(StorageError) { found = try read(index) } catch {}
        files[index] = .some(found)
        return found
    }

    /// The notes of a file up to the first that is not one.
    private func read(_ index: Int) throws(StorageError) -> File? {
        let first = firsts[index]
        let handle = try storage.open(
            JournalFormat.timesName(firstSequence: first), forWriting: false)
        defer { storage.close(handle) }
        guard
            try unsafe storage.read(handle, into: buffer.base, byteCount: 64, offset: 0) == 64,
            let header = unsafe TimesHeader.read(buffer.base), header.firstSequence == first,
            header.noteByteCount == 16
        else { return nil }
        var file = File(epoch: header.epoch, notes: [])
        let size = 16 * JournalFormat.pageByteCount
        var offset = 64
        var last = CommitNote(sequence: first - 1, nanos: 0)
        let end = index + 1 < firsts.count ? firsts[index + 1] : .max
        while true {
            let count = try unsafe storage.read(
                handle, into: buffer.base, byteCount: size, offset: offset)
            for at in stride(from: 0, to: count & ~15, by: 16) {
                let note = unsafe buffer.base.load(fromByteOffset: at, as: CommitNote.self)
                // A power cut may leave zeros. A second note of a sequence says nothing new.
                guard note.sequence > last.sequence, note.sequence < end, note.nanos != 0 else {
                    return file
                }
                file.notes.append(note)
                last = note
            }
            guard count == size else { return file }
            offset += size
        }
    }
}
