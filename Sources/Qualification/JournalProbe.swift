// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the buffer is a page-aligned megabyte that lives until the last write from it has come
// back; writes are of its size or less.
internal import CommandLog
internal import Glibc
internal import Platform

/// Writes as the journal writes, one after the other: a page into a file of which every byte is
/// allocated and written already, past the page cache, then a sync; both through the same layer.
struct JournalProbe {
    /// What came out.
    struct Figures {
        /// Where and how it was written.
        var description: String
        /// From the write to the end of its sync, nanoseconds.
        var commits: LatencyDistribution
        /// Of that the sync.
        var syncs: LatencyDistribution
        /// Whether that is nothing but memory.
        var isInMemory: Bool
        /// Advice for the operator.
        var warnings: [String]
    }

    private static let fileByteCount = 64 << 20
    private static let pageByteCount = 4_096

    /// A folder on the disk in question, where nobody else's files are.
    let folder: String
    /// How long to write.
    let seconds: Double
    /// How large a file of the journal will be.
    let segmentByteCount: Int

    /// Writes until its time is over or `isStopped`. The folder is left empty.
    func measure(
        isStopped: () -> Bool, progress: (UInt64) -> Void
    ) throws -> Figures {
        let storage = try FileStorage(path: folder)
        let buffer = try HugePages(byteCount: 1 << 20, preferred: .small)
        let name = "probe"
        let file = try storage.create(name, byteCount: Self.fileByteCount)
        defer {
            storage.settle()
            storage.close(file)
            try? storage.remove(name)
        }
        for offset in stride(from: 0, to: Self.fileByteCount, by: buffer.byteCount) {
            try unsafe storage.write(
                file, from: UnsafeRawPointer(buffer.base), byteCount: buffer.byteCount,
                offset: offset)
        }
        try storage.sync(file)
        let commits = LatencyHistogram()
        let syncs = LatencyHistogram()
        let clock = CycleClock.calibrated()
        let start = clock.nowCycles
        var offset = 0
        var now = start
        while clock.nanos(now &- start) < UInt64(seconds * 1e9), !isStopped() {
            unsafe buffer.base.storeBytes(of: now, as: UInt64.self)
            try unsafe storage.submitWrite(
                file, from: UnsafeRawPointer(buffer.base), byteCount: Self.pageByteCount,
                offset: offset, token: 1)
            try wait(storage, result: Int32(Self.pageByteCount))
            let written = clock.nowCycles
            try storage.submitSync(file, token: 2)
            try wait(storage, result: 0)
            let before = now
            now = clock.nowCycles
            commits.record(nanos: clock.nanos(now &- before))
            syncs.record(nanos: clock.nanos(now &- written))
            offset = (offset + Self.pageByteCount) % Self.fileByteCount
            progress(clock.nanos(now &- start))
        }
        return Figures(
            description: storage.description, commits: commits.distribution,
            syncs: syncs.distribution, isInMemory: storage.isInMemory,
            warnings: storage.warnings(segmentByteCount: segmentByteCount))
    }

    /// Until what was submitted has come back.
    private func wait(_ storage: FileStorage, result: Int32) throws {
        try storage.flush()
        while true {
            if let completion = try storage.reap() {
                guard completion.result == result else {
                    throw JournalProbeError(
                        description: "a write to \(folder) came back with \(completion.result)")
                }
                return
            }
            storage.wait(nanos: 100_000)
        }
    }
}

/// Why the disk could not be measured.
struct JournalProbeError: Error, CustomStringConvertible {
    let description: String
}
