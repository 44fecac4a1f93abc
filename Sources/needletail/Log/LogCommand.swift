// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `needletail log`: what operators and auditors ask of a log on disk.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Look into a log on disk: inspect, verify, dump, replay, compare, export, cut.",
        discussion: """
            FOLDER is the folder of one shard, such as /var/lib/needletail/shard-0. Only \
            `snapshot` writes files, in a folder of snapshots, and `cut` takes the end off a log \
            that no gateway has. All others may run beside the gateway; the log's end is then \
            wherever the disk was. Every record that is shown or folded is checked: sequence and \
            chained CRC-32C.

            EXAMPLES
              needletail log inspect /var/lib/needletail/shard-0
              needletail log verify /var/lib/needletail/shard-0
              needletail log dump shard-0 --from 1000 --count 20
              needletail log replay shard-0 --until 50000
              needletail log snapshot shard-0 --into snapshots
              needletail log diff shard-0 standby/shard-0
              needletail log export shard-0 > orders.csv

            EXIT CODES
              0   as asked for; a note tells if a part of the range is not there
              1   `diff`: the logs differ, or do not have the same range; `shadow`: the
                  builds do
              64  the command line is wrong
              65  damage: something durable is missing or wrong, or a snapshot is
              66  the folder cannot be read or holds no log, or nothing of the range
                  is there
              69  `shadow`: the candidate cannot be run, or has ended early
              74  `snapshot`, `cut`: it could not be written
            """,
        subcommands: [
            LogInspect.self, LogVerify.self, LogDump.self, LogReplay.self, LogSnapshot.self,
            LogDiff.self, LogShadow.self, LogEvents.self, LogExport.self, LogCut.self,
        ])
}
