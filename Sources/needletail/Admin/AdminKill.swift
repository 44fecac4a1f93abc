// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Wire

/// `needletail admin kill`.
struct AdminKill: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Stop a session or an account at once: its orders out, and none in.",
        discussion: """
            On the primary, or on a gateway in no pair. It is a command in the log like an order: \
            from that record on new orders and replaces are rejected (`killed`), and what is open \
            is cancelled (`killSwitch`). Cancels and reduces are still taken. It stays stopped, \
            also after it logs on anew and after a take-over, until it is released. The answer \
            comes when it is committed. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin kill session 7 --config /etc/needletail/venue.yaml
              needletail admin kill account 4711 --config /etc/needletail/venue.yaml
              needletail admin kill session 7 --release --config /etc/needletail/venue.yaml

            EXIT CODES
              0   done, or as it was
              1   refused: a standby, rules before 3, no such session, or too many accounts
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    /// What may be stopped.
    enum Target: String, ExpressibleByArgument, CaseIterable {
        case session, account
    }

    @OptionGroup var target: ClusterTarget
    @Argument(help: "A session, or an account in all sessions: session, account.")
    var what: Target
    @Argument(help: "Its number.") var number: UInt64
    @Flag(help: "Let it enter orders again.") var release = false

    func run() throws {
        let request = AdminRequest.kill(
            what == .session ? .session : .account, number, stops: !release)
        let answer = try target.fullAnswer(to: request.words, alsoAlone: true).parsed
        let count = answer.kill?.ordersCancelled ?? 0
        print(
            "\(what.rawValue) \(number) is "
                + (release ? "released" : "stopped, \(count) orders cancelled"))
    }
}
