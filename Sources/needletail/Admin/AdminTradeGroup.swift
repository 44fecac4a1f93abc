// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline

/// `needletail admin trade-group`.
struct AdminTradeGroupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trade-group",
        abstract: "Put an account into a trade group, or take it out.",
        discussion: """
            Self-trade prevention acts between all accounts of a group, where an order asks for \
            it. On the primary, or on a gateway in no pair. It is a command in the log, and counts \
            from that record on, for orders that rest already too. The answer comes when it is \
            committed. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin trade-group 4711 --group 3
              needletail admin trade-group 4711 --group 0        out of its group
              needletail admin trade-groups                      who is in which

            EXIT CODES
              0   done, or as it was
              1   refused: a standby, rules before 3, or too many accounts in groups
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "The account.") var account: UInt32
    @Option(help: "Its group, from 1; 0 is none.") var group: UInt32

    func run() throws {
        guard let set = try target.admin(.setTradeGroup(account: account, group: group)).tradeGroup
        else { throw Exit.unavailable }
        print(
            set.group == 0
                ? "account \(set.account) is in no trade group"
                : "account \(set.account) is in trade group \(set.group)")
    }
}
