// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Pipeline

/// What an operator is told of the journals while a gateway runs: each change once.
struct JournalWatch {
    private let journals: [JournalStatus]
    private let snapshots: [SnapshotProgress]
    private var isShortOfSpace: [Bool]
    private var lastSnapshot: [SnapshotProgress.Made?]
    private var lastFailure: [String?]

    init(_ pipeline: Pipeline) {
        journals = pipeline.journals
        snapshots = pipeline.snapshots
        isShortOfSpace = journals.map { _ in false }
        lastSnapshot = snapshots.map { _ in nil }
        lastFailure = snapshots.map { _ in nil }
    }

    /// What is new since the last look.
    mutating func look() -> [(line: String, isBad: Bool)] {
        var news: [(line: String, isBad: Bool)] = []
        for (shard, journal) in journals.enumerated()
        where journal.isShortOfSpace != isShortOfSpace[shard] {
            isShortOfSpace[shard].toggle()
            let line =
                isShortOfSpace[shard]
                ? "ALARM: no space for the next segment of shard \(shard)'s journal; "
                    + "orders are refused when this one is full. Make room."
                : "the journal of shard \(shard) has space again"
            news.append((line, true))
        }
        for (shard, progress) in snapshots.enumerated() {
            if let made = progress.last, made != lastSnapshot[shard] {
                lastSnapshot[shard] = made
                let retired =
                    made.retired.isEmpty ? "" : ", \(made.retired.count) old segments let go"
                let place = "snapshot of \(made.sequence), state hash \(hex(made.stateHash))"
                news.append(("shard \(shard): \(place)\(retired)", false))
            }
            if progress.failure != lastFailure[shard] {
                lastFailure[shard] = progress.failure
                guard let failure = progress.failure else { continue }
                news.append(
                    (
                        "ALARM: shard \(shard): \(failure) The journal is not touched by it. It is "
                            + "tried again.", true
                    ))
            }
        }
        return news
    }
}

/// The end of a gateway whose journal can no longer be written.
struct JournalFailure: Error, CustomStringConvertible {
    let shard: Int
    let cause: JournalError
    let durableSequence: UInt64

    var description: String {
        "the journal of shard \(shard) failed: \(cause). Nothing behind sequence "
            + "\(durableSequence) was promised as durable. Mend the disk and start again: what was "
            + "acknowledged is recovered."
    }
}
