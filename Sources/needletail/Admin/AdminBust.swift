// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Pipeline
import Platform

/// `needletail admin trade`.
struct AdminTradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trade",
        abstract: "Show a trade, and whose orders made it.",
        discussion: """
            It is found in the journal, of a standby too. Trades are numbered as in \
            `needletail log export`: shard, sequence of the command, place in it.

            EXAMPLES
              needletail admin trade 0-4711-2

            EXIT CODES
              0   shown
              1   there is no such trade, or no journal that has it
              64  the command line is wrong
              69  no such gateway is running here, or this user may not ask it
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "Which trade, such as 0-4711-2.") var trade: TradeID

    func run() throws {
        let shown = try target.found(.trade(trade))
        for line in shown.lines { print(line) }
    }
}

/// `needletail admin bust`.
struct AdminBust: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bust",
        abstract: "Declare a trade void.",
        discussion: """
            On the primary, or on a gateway in no pair, on the business day of the trade. The \
            trade is found in the journal; both sessions and the public stream are told, and no \
            order and no book is touched. It is a command in the log, with the number of the user \
            who asks, and cannot be taken back: `needletail admin trade` shows which trade it is. \
            docs/formats/busts.md says more.

            EXAMPLES
              needletail admin trade 0-4711-2
              needletail admin bust 0-4711-2

            EXIT CODES
              0   the trade is void
              1   refused: a standby, rules before 3, no such trade, one of an earlier business
                  day, or one that is void already
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "Which trade, such as 0-4711-2.") var trade: TradeID

    func run() throws {
        let shown = try target.found(.bust(trade))
        print("void:")
        for line in shown.lines { print(line) }
    }
}

extension ClusterTarget {
    /// Asks until the trade is found: what is far behind a snapshot takes its time.
    fileprivate func found(_ request: AdminRequest) throws -> AdminTrade {
        var answer = try admin(request)
        if answer.isLooking == true {
            StandardError.write("looking for it in the journal; Ctrl-C ends that …\n")
        }
        while answer.isLooking == true { answer = try admin(request) }
        guard let trade = answer.trade else { throw Exit.unavailable }
        return trade
    }
}

extension TradeID: ExpressibleByArgument {
    /// As it is typed.
    public init?(argument: String) { self.init(argument) }
}

extension AdminTrade {
    private var made: String {
        Date(timeIntervalSince1970: Double(timestampNanos / 1_000_000_000)).ISO8601Format()
    }

    /// For people.
    fileprivate var lines: [String] {
        let name = "instrument \(instrument)" + (symbol.map { " \($0)" } ?? "")
        func line(_ word: String, _ side: Side) -> String {
            "  \(word)  session \(side.session), account \(side.account), order \(side.orderID)"
        }
        return [
            "trade \(id): \(quantityLots) lots of \(name) at \(priceTicks) ticks"
                + (isOfAuction ? ", in an auction" : "") + ", \(made)",
            line("buy ", buy), line("sell", sell),
        ]
    }
}
