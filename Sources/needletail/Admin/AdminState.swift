// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Wire

/// `needletail admin state`.
struct AdminState: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Set the trading state of an instrument.",
        discussion: """
            On the primary, or on a gateway in no pair. It is a command in the log, with the \
            number of the user who asks, and is answered when it is committed. In `pre-open` and \
            `auction` orders are collected and do not trade; what was collected trades at one \
            price when another state than `halted` follows. In `closed`, `halted` and \
            `post-close` nothing comes in, and cancels are taken. docs/operations/admin.md says \
            more.

            EXAMPLES
              needletail admin state GOLD pre-open
              needletail admin state GOLD auction --reference-ticks 200000
              needletail admin state 7 open
              needletail admin state GOLD halted

            EXIT CODES
              0   it is in that state, now or since before
              1   refused: a standby, rules before 3, no such instrument, a reference that is
                  none of its prices, or an auction that still trades
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "A symbol, or the number of an instrument.") var instrument: String
    @Argument(help: "closed, pre-open, auction, open, halted or post-close.") var state: String
    @Option(help: "What the price of the next auction is to be near to.")
    var referenceTicks: Int64?

    /// Nil where there is no such state.
    private var request: AdminRequest? {
        TradingState.words.first { $0.word == state }.map {
            .state(.init(instrument), $0.state, referenceTicks: referenceTicks)
        }
    }

    func validate() throws {
        guard let request else {
            throw ValidationError(
                "\(state): it takes " + TradingState.words.map(\.word).joined(separator: ", "))
        }
        try request.validate()
    }

    func run() throws {
        guard let request, let set = try target.admin(request).tradingState else {
            throw Exit.unavailable
        }
        print(
            "instrument \(set.instrument)" + (set.symbol.map { " \($0)" } ?? "")
                + " is \(set.state)")
        if let price = set.auctionPriceTicks, let lots = set.auctionLots {
            print("its auction trades \(lots) lots at \(price) ticks")
        }
    }
}
