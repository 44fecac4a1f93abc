// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: entries are copied as bytes into an array that outlives the call that writes it.
internal import ArgumentParser
internal import CommandLog
internal import Glibc
internal import Pipeline
internal import Platform
internal import Wire

struct LogEvents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Fold the log, and write the events of each command, for programs.",
        discussion: """
            Binary, to a pipe or a file: docs/formats/event-stream.md. `log shadow` runs this of \
            the candidate's build. With --rules the log is folded as if it were under these rules, \
            or later ones that it activates itself. With --follow it goes on with a log that is \
            written on, until the reader goes.
            """)

    @OptionGroup var source: LogFolderArgument
    @Option(help: "Begin at the snapshot of this sequence; default: 0, the log's beginning.")
    var after: UInt64 = 0
    @Option(help: "Folder of snapshots; default: snapshots, in FOLDER.") var snapshots: String?
    @Option(help: "Rules to assume; default: those that the log is under.") var rules: UInt32?
    @Option(help: "Last sequence to apply; default: the last that is here.") var until: UInt64?
    @Flag(help: "Go on with what is written, until the reader goes.") var follow = false

    func validate() throws {
        guard let rules, !RulesRange.build.contains(rules) else { return }
        throw ValidationError("--rules \(rules): this build folds rules \(RulesRange.build).")
    }

    func run() throws {
        guard isatty(STDOUT_FILENO) == 0 else {
            throw LogSource.refuse("events are binary: send them to a program or a file")
        }
        let source = try self.source.open()
        let fold = try start(source)
        if let rules { fold.assume(rules: rules) }
        var output = EventOutput()
        output.write(
            EventStreamHeader(
                shard: source.log.shard, afterSequence: after, assumedRules: rules ?? 0))
        let tail = try LogTail(source, fold, until: until, follows: follow)
        while !tail.isDone {
            let hasFolded = try tail.advance { entry, _, _ in output.write(entry) }
            try output.flush()
            if hasFolded { continue }
            guard follow else { break }
            guard output.hasReader else { return }
            usleep(5_000)
        }
        try output.flush()
    }

    private func start(_ source: LogSource) throws -> LogFold {
        guard after > 0 else { return LogFold(shard: source.log.shard) }
        let folder = snapshots ?? SnapshotFiles.folder(of: source)
        let store = SnapshotStore(path: folder, shard: source.log.shard)
        do throws(SnapshotError) {
            return try LogFold.restore(store, sequence: after)
        } catch { throw LogSource.refuse("\(error)") }
    }
}

/// Standard output, by the block.
private struct EventOutput {
    private static let byteCount = 1 << 16
    private var bytes: [UInt8] = []
    private var failure: Int32 = 0

    mutating func write<Value: BitwiseCopyable>(_ value: Value) {
        unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
        if bytes.count >= Self.byteCount { put() }
    }

    /// Throws when it could not be written.
    mutating func flush() throws {
        put()
        guard failure == 0 else { throw Exit.inputOutput }
    }

    private mutating func put() {
        var done = 0
        while done < bytes.count, failure == 0 {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(STDOUT_FILENO, buffer.baseAddress! + done, buffer.count - done)
            }
            if count > 0 { done += count } else if errno != EINTR { failure = errno }
        }
        bytes.removeAll(keepingCapacity: true)
    }

    /// Whether anybody is at the other end of the pipe.
    var hasReader: Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        _ = unsafe poll(&output, 1, 0)
        return Int32(output.revents) & POLLERR == 0
    }
}
