// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Platform
internal import Wire

struct LogDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Find the first record in which two logs differ.",
        discussion: """
            Records of the same sequence are compared byte for byte, as far as both logs have \
            them; what only one of them has is said. Checksums are chained: where they are equal, \
            all before was equal too, also what is no longer here. Exit status 0 only if both \
            have the same range and are equal in it.
            """)

    @Argument(help: "Folder of one shard.") var left: String
    @Argument(help: "The other folder.") var right: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let left = try LogSource(left)
        let right = try LogSource(right)
        let first = max(left.log.firstSequence, right.log.firstSequence)
        let last = min(left.log.lastSequence, right.log.lastSequence)
        var comparison = LogComparison(left: left, right: right)
        if first <= last { try comparison.run(first...last) }
        let rests = (
            LogComparison.rest(of: left, first, last), LogComparison.rest(of: right, first, last)
        )
        let isEqual = comparison.difference == nil && rests.0.isEmpty && rests.1.isEmpty
        if json {
            print(comparison.object(first, last, isEqual: isEqual, rests).text)
        } else {
            for line in comparison.lines(first, last, rests) { print(line) }
        }
        guard isEqual else { throw Exit.mismatch }
    }
}

/// Two logs side by side.
struct LogComparison {
    /// Records of each log that are in memory at once.
    private static let partCount: UInt64 = 65_536

    let left: LogSource
    let right: LogSource
    /// The first records that are not the same, and the one before them, which is.
    private(set) var difference: (left: LogRecord, right: LogRecord, before: LogRecord?)?

    init(left: LogSource, right: LogSource) {
        self.left = left
        self.right = right
    }

    /// Compares what both have, part after part.
    mutating func run(_ range: ClosedRange<UInt64>) throws {
        var before: LogRecord?
        var next = range.lowerBound
        while next <= range.upperBound, difference == nil {
            // One more than the range: a command of two records may reach behind it.
            let through = min(next + Self.partCount, range.upperBound + 1)
            let ours = try records(left, next, through)
            let theirs = try records(right, next, through)
            let count = min(ours.count, theirs.count)
            for index in 0..<count where !same(ours[index], theirs[index]) {
                difference = (ours[index], theirs[index], before)
                return
            }
            // None: the rest of a command that began before what both have.
            before = count > 0 ? ours[count - 1] : before
            next = count > 0 ? ours[count - 1].sequence + 1 : next + 1
        }
    }

    private func records(
        _ source: LogSource, _ from: UInt64, _ through: UInt64
    ) throws -> [LogRecord] {
        var records: [LogRecord] = []
        try source.forEachCommand(from: from, through: through) { record, continuation in
            records.append(record)
            if let continuation { records.append(continuation) }
        }
        return records
    }

    private func same(_ left: LogRecord, _ right: LogRecord) -> Bool {
        sameBody(left, right) && left.crc32c == right.crc32c
    }

    private func sameBody(_ left: LogRecord, _ right: LogRecord) -> Bool {
        let words = (left.bodyWords, right.bodyWords)
        return words.0.indices.allSatisfy { words.0[$0] == words.1[$0] }
            && left.lastBodyWord == right.lastBodyWord
    }

    // MARK: In words

    /// What of a log's own range lies outside of what both have.
    static func rest(
        of source: LogSource, _ first: UInt64, _ last: UInt64
    ) -> [ClosedRange<UInt64>] {
        let own = (first: source.log.firstSequence, last: source.log.lastSequence)
        guard own.first <= own.last else { return [] }
        guard first <= last else { return [own.first...own.last] }
        var rests: [ClosedRange<UInt64>] = []
        if own.first < first { rests.append(own.first...(first - 1)) }
        if own.last > last { rests.append((last + 1)...own.last) }
        return rests
    }

    fileprivate typealias Rests = ([ClosedRange<UInt64>], [ClosedRange<UInt64>])

    fileprivate func lines(
        _ first: UInt64, _ last: UInt64, _ rests: Rests
    ) -> [String] {
        var lines: [String] = []
        if let difference {
            lines.append("differ at sequence \(difference.left.sequence)")
            if sameBody(difference.left, difference.right) {
                lines.append("the record is the same; the checksums say that one before it is not")
            }
            lines.append("< \(Self.object(difference.left, difference.before).text)")
            lines.append("> \(Self.object(difference.right, difference.before).text)")
        } else if first <= last {
            lines.append("equal: sequences \(first) to \(last)")
        } else {
            lines.append("nothing is in both")
        }
        for (source, rest) in [(left, rests.0), (right, rests.1)] {
            for range in rest {
                lines.append(
                    "only in \(source.folder): sequences \(range.lowerBound) to "
                        + "\(range.upperBound)")
            }
        }
        return lines
    }

    fileprivate func object(
        _ first: UInt64, _ last: UInt64, isEqual: Bool, _ rests: Rests
    ) -> JSONObject {
        var object = JSONObject()
        object.add("equal", isEqual)
        if first <= last {
            object.add("firstInBoth", first)
            object.add("lastInBoth", last)
        }
        if let difference {
            object.add("differsAt", difference.left.sequence)
            object.add("left", Self.object(difference.left, difference.before))
            object.add("right", Self.object(difference.right, difference.before))
        }
        object.add("onlyInLeft", rests.0.map { [$0.lowerBound, $0.upperBound] })
        object.add("onlyInRight", rests.1.map { [$0.lowerBound, $0.upperBound] })
        return object
    }

    private static func object(_ record: LogRecord, _ before: LogRecord?) -> JSONObject {
        if record.kind == .continuation, let before, before.isPair {
            return CommandText.second(record, behind: before)
        }
        return CommandText.json(record, nil)
    }
}
