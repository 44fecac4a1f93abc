// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CommandLog

struct LogCut: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cut",
        abstract: "Take the end off a journal, behind the last record that a new primary carried.",
        discussion: """
            For a host that was replaced and comes back as a standby: records that its journal has \
            and the new primary's has not must go before it can follow. The journal then ends with \
            the record SEQUENCE, whose CRC must be HEX: that of the same record on the new \
            primary, as `needletail log dump --json` shows it there.

            The old journal stays beside the folder, whole, as FOLDER.before-cut-SEQUENCE-1. A \
            crash leaves the old journal or the cut one, never a mixture. No gateway may have the \
            folder. What is not right is refused with a sentence, and nothing is changed.

            EXAMPLES
              needletail log cut shard-0 --after 48213 --crc 9f03a1c7 --dry-run
              needletail log cut shard-0 --after 48213 --crc 9f03a1c7
            """)

    @Argument(help: "Folder of one shard.") var folder: String
    @Option(help: "The last sequence that stays.") var after: UInt64
    @Option(help: "The CRC of that record, 1 to 8 hexadecimal digits.") var crc: String
    @Flag(help: "Say what would be done, and change nothing.") var dryRun = false

    func validate() throws {
        guard UInt32(crc, radix: 16) != nil else {
            throw ValidationError("--crc is 1 to 8 hexadecimal digits, such as 9f03a1c7")
        }
    }

    func run() throws {
        let cut = JournalCut(
            folder: folder, lastSequence: after, crc32c: UInt32(crc, radix: 16) ?? 0)
        do throws(JournalCutError) {
            let outcome = dryRun ? try cut.check() : try cut.run()
            guard let kept = outcome.keptFolder else {
                print("nothing to cut: the log ends with sequence \(after)")
                return
            }
            let verb = dryRun ? "would be cut" : "cut"
            print("\(verb): sequences \(after + 1) to \(outcome.lastSequenceBefore)")
            print("the old journal \(dryRun ? "would stay" : "stays") in \(kept)")
        } catch {
            LogSource.note("\(error)")
            throw Self.exit(error)
        }
    }

    private static func exit(_ error: JournalCutError) -> ExitCode {
        switch error {
        case .refused, .elsewhere, .stopped: Exit.badInput
        case .journal(.damaged): Exit.damaged
        case .journal(.storage(let error)) where error.operation.hasPrefix("lock"): Exit.badInput
        case .journal, .folder: Exit.inputOutput
        }
    }
}
