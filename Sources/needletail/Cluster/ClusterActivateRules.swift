// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `needletail cluster activate-rules`.
struct ClusterActivateRules: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate-rules",
        abstract: "Put the next rules in force, once both hosts run a build that folds them.",
        discussion: """
            On the primary, while the standby is in sync. From one command on the log is under the \
            new rules, on both hosts; the answer comes when that is committed. Older builds refuse \
            this log from then on, so there is no way back to them. Also of a gateway in no pair. \
            docs/operations/upgrade.md says when to do it.

            EXAMPLES
              needletail cluster activate-rules 2 --config /etc/needletail/venue.yaml

            EXIT CODES
              0   the rules are in force, now or since before
              1   refused: not the next ones, not folded by both builds, or the standby is not
                  in sync
              69  no such gateway is running here, or it did not come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "The version of the rules.") var version: UInt32

    func run() throws {
        let answer = try target.fullAnswer(
            to: "cluster activate-rules \(version)", alsoAlone: true
        ).parsed
        print("rules \(version) are in force" + (answer.rules?.isNew == false ? " already" : ""))
    }
}
