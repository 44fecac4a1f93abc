// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import OrderEntryClient
internal import Platform

/// The command line: one program for the gateway and for those who talk to it.
@main
struct Needletail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "needletail",
        abstract: "An order gateway and matching engine that bypasses the kernel.",
        discussion: """
            A gateway takes orders as UDP datagrams, writes them to its command log, matches them \
            and answers with execution reports. The other commands are its clients.

            EXAMPLES
              needletail gateway --config gateway.yaml
              needletail send --gateway 10.77.0.2:7000 --buy 100@8500
              needletail subscribe --group 239.77.0.1:7100 --interface veth1
              needletail replay --golden ../shared/data/exchange_golden/small
              needletail log verify /var/lib/needletail/shard-0
              needletail cluster status --config gateway.yaml
              needletail admin kill session 7 --config gateway.yaml
              needletail hw probe

            EXIT CODES
              0   everything as expected
              1   it ran, and the outcome is not the expected one
              64  the command line is wrong
              65  log: something that was durable is missing or wrong
              66  a file is missing or not what it should be; log: nothing of the
                  range is there
              69  the gateway or the network is not there; cluster: it did not come
                  about in time, or this user may not ask
              74  gateway: its port or its memory could not be had, or its journal is
                  damaged or could not be written; log snapshot: not written
              77  hw apply: only root may
              78  gateway: its configuration is wrong, or is not the journal's; cluster:
                  it is wrong, or another pair's
            """,
        version: ProjectVersion.text,
        subcommands: [
            Gateway.self, Standby.self, Cluster.self, Admin.self, Send.self, Subscribe.self,
            Replay.self, LogCommand.self, HardwareCommand.self, Stats.self, Top.self,
        ])
}

/// Exit codes beyond those of the argument parser (64, wrong usage), from sysexits.h.
enum Exit {
    static let mismatch = ExitCode(1)
    static let damaged = ExitCode(65)
    static let badInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    /// A port, memory, a disk or a file could not be had, or not be written.
    static let inputOutput = ExitCode(74)
    static let notPermitted = ExitCode(77)
    static let wrongSettings = ExitCode(78)
}

/// Says what went wrong on the error stream and gives the exit code to throw.
func failure(_ error: ClientError, _ code: ExitCode) -> ExitCode {
    StandardError.write("needletail: \(error.description)\n")
    return code
}

/// A line that is written over itself on a terminal, and nothing elsewhere.
struct ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var lastNanos: UInt64 = 0

    /// Shows `text` at most ten times a second.
    mutating func show(_ text: @autoclosure () -> String) {
        guard isTerminal else { return }
        let now = MonotonicClock.nowNanos()
        guard now &- lastNanos > 100_000_000 else { return }
        lastNanos = now
        StandardError.write("\r\u{1B}[K\(text())")
    }

    /// Clears the line.
    func clear() {
        if isTerminal { StandardError.write("\r\u{1B}[K") }
    }
}
