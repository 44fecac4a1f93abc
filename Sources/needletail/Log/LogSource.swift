// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog
internal import Platform
internal import Wire

/// The folder that every subcommand takes.
struct LogFolderArgument: ParsableArguments {
    @Argument(help: "Folder of one shard.") var folder: String

    func open() throws -> LogSource { try LogSource(folder) }
}

/// A log on disk, its segments and its end known, to be read. Its errors end the program.
struct LogSource {
    /// As the user named it.
    let folder: String
    let storage: FileStorage
    let log: RecoveredLog
    /// All that is in the folder but folders.
    let files: [String]

    /// Surveys the folder. Segments that end before `from` are trusted by header and footer; of the
    /// others every record is checked, and each command goes to `visit`.
    init(
        _ folder: String, checkedFrom from: UInt64 = .max,
        visit: (LogRecord, LogRecord?) -> Void = { _, _ in }
    ) throws {
        self.folder = folder
        do throws(StorageError) {
            storage = try FileStorage(path: folder, mode: .reading)
            files = try storage.list().sorted()
        } catch { throw Self.end(.storage(error)) }
        do throws(JournalError) {
            log = try JournalRecovery.scan(storage, shard: nil, from: from, visit: visit)
        } catch { throw Self.end(error) }
        guard log.segments.isEmpty else { return }
        throw Self.refuse(
            "\(folder) holds no log: expected files such as 00000000000000000001.log; is it the "
                + "folder of one shard?")
    }

    /// Gives each whole command from `from` through `through` to `visit`, each record checked.
    func forEachCommand(
        from: UInt64, through: UInt64 = .max, _ visit: (LogRecord, LogRecord?) -> Void
    ) throws {
        do throws(JournalError) {
            try JournalRecovery.forEachCommand(
                storage, log, from: max(from, log.firstSequence), through: through, visit: visit)
        } catch { throw Self.end(error) }
    }

    /// `1 to 250`, or that there is nothing.
    var extent: String {
        log.firstSequence <= log.lastSequence
            ? "sequences \(log.firstSequence) to \(log.lastSequence)" : "no record yet"
    }

    /// Says it on the error stream.
    static func note(_ text: String) { StandardError.write("needletail: \(text)\n") }

    /// The same for what cannot be done; the exit code to throw.
    static func refuse(_ text: String) -> ExitCode {
        note(text)
        return Exit.badInput
    }

    private static func end(_ error: JournalError) -> ExitCode {
        note("\(error)")
        if case .damaged = error { return Exit.damaged }
        return Exit.badInput
    }
}

/// Which commands of a log.
struct LogRange: ParsableArguments {
    @Option(help: "First sequence; default: the first that is here.") var from: UInt64?
    @Option(help: "Last sequence; default: the last that is here.") var until: UInt64?

    func validate() throws {
        guard let from, let until, from > until else { return }
        throw ValidationError("--from \(from) is behind --until \(until): exchange them.")
    }

    /// What of it a log has. Says what is missing, and ends the program when all of it is; with
    /// `isFolded` the caller says where it begins.
    func within(_ source: LogSource, isFolded: Bool = false) throws -> ClosedRange<UInt64> {
        let log = source.log
        let lower = max(from ?? 1, log.firstSequence)
        let upper = min(until ?? .max, log.lastSequence)
        guard lower <= upper else {
            throw LogSource.refuse(
                "nothing \(asked) is in \(source.folder), which holds \(source.extent)")
        }
        if !isFolded, max(from ?? 1, 1) < log.firstSequence {
            LogSource.note(
                "the log here begins at sequence \(log.firstSequence): what is before it was let "
                    + "go, and is in the archive if there is one")
        }
        Self.noteEnd(until, log)
        return lower...upper
    }

    /// Says that a log ends before `until`.
    static func noteEnd(_ until: UInt64?, _ log: RecoveredLog) {
        guard let until, until > log.lastSequence else { return }
        LogSource.note("the log ends at sequence \(log.lastSequence), before --until \(until)")
    }

    /// In words.
    var asked: String {
        switch (from, until) {
        case (nil, nil): "at all"
        case (let from?, nil): "from sequence \(from) on"
        case (nil, let until?): "up to sequence \(until)"
        case (let from?, let until?): "from sequence \(from) to \(until)"
        }
    }
}
