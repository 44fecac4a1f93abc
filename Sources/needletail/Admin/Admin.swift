// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `needletail admin`: what operators ask of a running gateway.
struct Admin: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what a running gateway holds, and change what may be changed.",
        discussion: """
            Each command speaks to a gateway of this host, alone or in a pair, over its control \
            socket, which only root and the gateway's own user may use. What changes something is \
            a command in the log, with the number of the user who asks, and is answered when it is \
            committed. docs/operations/admin.md says more.

            EXIT CODES
              0   done, or shown
              1   refused: not as things stand
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """,
        subcommands: [
            AdminInstruments.self, AdminSessions.self, AdminBookCommand.self,
            AdminOrderCommand.self, AdminAddInstrument.self, AdminState.self,
            AdminBandsCommand.self, AdminOrderRulesCommand.self, AdminTickTableCommand.self,
            AdminRoll.self, AdminCalendar.self, AdminKill.self, AdminTradeGroupCommand.self,
            AdminTradeGroups.self, AdminTradeCommand.self, AdminBust.self,
        ])
}
