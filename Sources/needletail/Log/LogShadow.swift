// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: bytes are read of values on the stack, within the closure that lends them.
internal import ArgumentParser
internal import CommandLog
internal import Foundation
internal import Pipeline
internal import Platform
internal import Wire

struct LogShadow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow",
        abstract: "Fold a log by this build and by another, and find the first event that differs.",
        discussion: """
            The candidate is the program of another build: it reads the same folder in a process \
            of its own, so that whatever it does harms nobody, and its events are compared with \
            this build's, byte for byte. With --rules the candidate folds the log as if it were \
            under these rules: what would they change? With --follow it goes on beside a gateway \
            that writes, until Ctrl-C. docs/operations/upgrade.md says when to do it.

            EXAMPLES
              needletail log shadow shard-0 --candidate /opt/next/needletail
              needletail log shadow shard-0 --candidate ./needletail --rules 2 --follow

            EXIT CODES
              0   all events are equal
              1   one differs, is missing or is there beside them; the first is shown
              66  the folder cannot be read, or holds no log that this build folds
              69  the candidate cannot be run, or has ended before the log's end
            """)

    @OptionGroup var source: LogFolderArgument
    @OptionGroup var start: LogStart
    @Option(help: "The other build's program.") var candidate: String
    @Option(help: "Rules that the candidate assumes; default: those that the log is under.")
    var rules: UInt32?
    @Option(help: "Last sequence to compare; default: the last that is here.") var until: UInt64?
    @Flag(help: "Go on with what is written, until Ctrl-C.") var follow = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let source = try self.source.open()
        let fold = try start.fold(source, limit: until)
        let after = fold.position.sequence
        let tail = try LogTail(source, fold, until: until, follows: follow)
        // Before there is another thread: it would take the signals.
        let stop = StopSignal()
        let process = try CandidateProcess(
            candidate, arguments(source, after: after, until: tail.last))
        let reader = CandidateReader(process.output)
        defer { process.end() }
        let expected = EventStreamHeader(
            shard: source.log.shard, afterSequence: after, assumedRules: rules ?? 0)
        guard try reader.header(stop) == expected else {
            throw process.refusal("it writes no event stream of version \(expected.version)")
        }
        var comparison = ShadowComparison(process: process, reader: reader, stop: stop)
        while !tail.isDone, comparison.isGoingOn {
            let hasFolded = try tail.advance { comparison.see($0, $1, $2) }
            guard !hasFolded, comparison.isGoingOn else { continue }
            if !follow || stop.wait(milliseconds: 20) { break }
            comparison.lookAtCandidate()
        }
        if !follow || tail.isDone { comparison.expectEnd() }
        if comparison.outcome == .ended {
            throw process.refusal("it has ended before the log's end, \(comparison.equalText)")
        }
        print(json ? comparison.json.text : comparison.text)
        if comparison.outcome == .different { throw Exit.mismatch }
    }

    private func arguments(_ source: LogSource, after: UInt64, until: UInt64?) -> [String] {
        var words = ["log", "events", source.folder, "--after", "\(after)"]
        if let snapshots = start.snapshots { words += ["--snapshots", snapshots] }
        if let rules { words += ["--rules", "\(rules)"] }
        if let until { words += ["--until", "\(until)"] }
        return words + (follow ? ["--follow"] : [])
    }
}

/// Two builds' events side by side.
struct ShadowComparison {
    /// How far it is.
    enum Outcome { case equal, different, ended, stopped }

    private let process: CandidateProcess
    private let reader: CandidateReader
    private let stop: StopSignal
    private(set) var outcome = Outcome.equal
    /// The first that differs, with its command. Nil on the side that has no event there.
    private(set) var difference:
        (
            current: EventStreamEntry?, candidate: EventStreamEntry?,
            command: (record: LogRecord, continuation: LogRecord?)?
        )?
    private var eventCount: UInt64 = 0
    private var lastSequence: UInt64 = 0
    private var lastCommand: (LogRecord, LogRecord?)?

    init(process: CandidateProcess, reader: CandidateReader, stop: StopSignal) {
        self.process = process
        self.reader = reader
        self.stop = stop
    }

    /// Nothing differs so far, and nobody has ended it.
    var isGoingOn: Bool { outcome == .equal }

    /// Compares the next event of this build with the candidate's.
    mutating func see(
        _ entry: EventStreamEntry, _ record: LogRecord, _ continuation: LogRecord?
    ) {
        guard isGoingOn else { return }
        lastCommand = (record, continuation)
        guard let other = reader.next(stop) else { return seeEnd(entry) }
        guard entry.isEqual(to: other) else { return differ(entry, other) }
        eventCount += 1
        lastSequence = entry.sequence
    }

    /// Behind this build's last event: the candidate has none either.
    mutating func expectEnd() {
        guard isGoingOn else { return }
        guard let other = reader.next(stop) else { return seeEnd(nil) }
        differ(nil, other)
    }

    /// Who ends in order has said all that it has to say; who ends otherwise has not.
    private mutating func seeEnd(_ missing: EventStreamEntry?) {
        if reader.isStopped {
            outcome = .stopped
        } else if !reader.hasEnded || !process.hasSucceeded {
            outcome = .ended
        } else if let missing {
            differ(missing, nil)
        }
    }

    private mutating func differ(_ current: EventStreamEntry?, _ candidate: EventStreamEntry?) {
        outcome = .different
        difference = (current, candidate, lastCommand)
    }

    /// While there is nothing to compare: whether it is still there.
    mutating func lookAtCandidate() {
        if reader.hasEnded { outcome = .ended }
    }

    /// How much was equal.
    var equalText: String {
        eventCount == 0
            ? "before the first event"
            : "behind \(eventCount) equal events, the last at sequence \(lastSequence)"
    }

    var text: String {
        guard let difference else {
            return eventCount == 0
                ? "nothing to compare"
                : "equal: \(eventCount) events, up to sequence \(lastSequence)"
        }
        return [
            "differ at sequence \(differsAt), \(equalText)",
            "command    \(commandJSON?.text ?? "none")",
            "current    \(difference.current?.json.text ?? "no further event")",
            "candidate  \(difference.candidate?.json.text ?? "no further event")",
        ].joined(separator: "\n")
    }

    private var commandJSON: JSONObject? {
        difference?.command.map { CommandText.json($0.record, $0.continuation) }
    }

    private var differsAt: UInt64 {
        min(difference?.current?.sequence ?? .max, difference?.candidate?.sequence ?? .max)
    }

    var json: JSONObject {
        var object = JSONObject()
        object.add("equal", difference == nil)
        object.add("equalEvents", eventCount)
        object.add("lastEqualSequence", lastSequence)
        guard let difference else { return object }
        object.add("differsAt", differsAt)
        if let commandJSON { object.add("command", commandJSON) }
        if let current = difference.current { object.add("current", current.json) }
        if let candidate = difference.candidate { object.add("candidate", candidate.json) }
        return object
    }
}

extension EventStreamEntry {
    fileprivate func isEqual(to other: EventStreamEntry) -> Bool {
        unsafe withUnsafeBytes(of: self) { ours in
            unsafe withUnsafeBytes(of: other) { theirs in unsafe ours.elementsEqual(theirs) }
        }
    }

    /// In words.
    fileprivate var json: JSONObject {
        var object = JSONObject()
        object.add("sequence", sequence)
        object.add("crc32c", hex8(crc32c))
        object.add("event", Names.of(event.kind))
        if event.kind == .traded {
            object.add("tradeIndex", event.detail)
        } else {
            object.add("reason", Names.of(event.reason))
        }
        object.add("attributes", event.attributes.rawValue)
        object.add("session", event.session)
        object.add("account", event.account)
        object.add("instrument", event.instrument)
        object.add("orderID", event.orderID)
        object.add("reference", event.reference)
        object.add("priceTicks", event.priceTicks)
        object.add("quantityLots", event.quantityLots)
        object.add("leavesLots", event.leavesLots)
        object.add("executedLots", event.executedLots)
        return object
    }
}
