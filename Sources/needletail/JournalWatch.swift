// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Pipeline

/// What an operator is told of the journals while a gateway runs: each change once.
struct JournalWatch {
    private let journals: [JournalStatus]
    private let snapshots: [SnapshotProgress]
    private var isShortOfSpace: [Bool]
    private var lastSnapshot: [SnapshotProgress.Made?]
    private var retiredCount: [Int]
    private var lastFailures: [[String]]

    init(_ pipeline: Pipeline) {
        journals = pipeline.journals
        snapshots = pipeline.snapshots
        isShortOfSpace = journals.map { _ in false }
        lastSnapshot = snapshots.map { _ in nil }
        retiredCount = snapshots.map { _ in 0 }
        lastFailures = snapshots.map { _ in [] }
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
        for shard in snapshots.indices { lookBack(shard, &news) }
        return news
    }

    private mutating func lookBack(_ shard: Int, _ news: inout [(line: String, isBad: Bool)]) {
        let progress = snapshots[shard]
        if let made = progress.last, made != lastSnapshot[shard] {
            lastSnapshot[shard] = made
            let place = "snapshot of \(made.sequence), state hash \(hex(made.stateHash))"
            news.append(("shard \(shard): \(place)", false))
        }
        let retired = progress.retired
        if retired.count > retiredCount[shard] {
            let names = retired[retiredCount[shard]...].joined(separator: " ")
            retiredCount[shard] = retired.count
            news.append(
                ("shard \(shard): no snapshot needs these any more, let go: \(names)", false))
        }
        let failures = progress.failures
        guard failures != lastFailures[shard] else { return }
        for failure in failures where !lastFailures[shard].contains(failure) {
            news.append(
                ("ALARM: shard \(shard): \(failure). Orders go on; it is tried again.", true))
        }
        lastFailures[shard] = failures
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
