// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Platform

/// `needletail admin book`.
struct AdminBookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "book",
        abstract: "Show the best prices of an instrument, both sides.",
        discussion: """
            Prices are ticks, quantities lots; those of hidden orders and the rest of icebergs are \
            counted. Of a standby too. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin book GOLD
              needletail admin book 7 --depth 20
              needletail admin book GOLD --json | jq '.bids[0].priceTicks'

            EXIT CODES
              0   shown
              1   there is no such instrument
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or its engine
                  does not answer
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "A symbol, or the number of an instrument.") var instrument: String
    @Option(help: "Prices of each side, 1 to 20.") var depth = 10
    @Flag(help: "One JSON object.") var json = false

    private var request: AdminRequest { .book(.init(instrument), depth: depth) }

    func validate() throws { try request.validate() }

    func run() throws {
        let answer = try target.admin(request)
        guard let book = answer.book else { throw Exit.unavailable }
        guard !json else { return print(book.object.text) }
        let name = "\(book.instrument)" + (book.symbol.map { " \($0)" } ?? "")
        print("\(answer.place), instrument \(name), \(answer.moment)")
        let rows = (0..<max(book.bids.count, book.asks.count)).map { place in
            let bid = place < book.bids.count ? book.bids[place] : nil
            let ask = place < book.asks.count ? book.asks[place] : nil
            return [
                Self.orders(bid), AdminTable.text(bid?.quantityLots),
                AdminTable.text(bid?.priceTicks), AdminTable.text(ask?.priceTicks),
                AdminTable.text(ask?.quantityLots), Self.orders(ask),
            ]
        }
        AdminTable(["bid orders", "bid lots", "bid", "ask", "ask lots", "ask orders"], rows).show()
    }

    private static func orders(_ level: AdminBook.Level?) -> String {
        guard let least = level?.ordersMin else { return AdminTable.text(level?.orders) }
        return "\(least) or more"
    }
}

/// `needletail admin order`.
struct AdminOrderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order",
        abstract: "Show an open order.",
        discussion: """
            With several shards a session of each may have an order with this id: all are shown. \
            Of a standby too. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin order 7 1042
              needletail admin order 7 1042 --json | jq .leavesLots

            EXIT CODES
              0   shown
              1   the session has no such open order
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or its engine
                  does not answer
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "The number of its session.") var session: UInt32
    @Argument(help: "The client's own id of it.") var id: UInt64
    @Flag(help: "One JSON object an order, each on a line.") var json = false

    private var request: AdminRequest { .order(session: session, orderID: id) }

    func validate() throws { try request.validate() }

    func run() throws {
        let answer = try target.admin(request)
        for order in answer.orders ?? [] {
            guard !json else {
                print(order.object.text)
                continue
            }
            print("\(answer.place), order \(order.orderID) of session \(order.session)")
            for (name, value) in Self.lines(order) {
                print("  \(Figure.padded(name, 12))\(value)")
            }
        }
    }

    private static func lines(_ order: AdminOrder) -> [(String, String)] {
        var lines = [
            ("instrument", "\(order.instrument)" + (order.symbol.map { " \($0)" } ?? "")),
            ("shard", "\(order.shard)"), ("account", "\(order.account)"),
            ("reference", "\(order.reference)"), ("side", order.side),
            ("price", order.isAtMarket == true ? "at market" : "\(order.priceTicks) ticks"),
            ("total", "\(order.totalLots) lots"),
            ("executed", "\(order.executedLots) lots"), ("leaves", "\(order.leavesLots) lots"),
            ("displayed", "\(order.displayedLots) lots"),
        ]
        if let peak = order.peakLots { lines.append(("peak", "\(peak) lots")) }
        if let trigger = order.triggerPriceTicks {
            lines.append(("waits for", "a trade at \(trigger) ticks"))
        }
        if let seconds = order.expirySeconds {
            lines.append(("expires", "\(seconds) s of UTC since 1970"))
        }
        if let linked = order.linkedOrderID { lines.append(("linked to", "order \(linked)")) }
        return lines
    }
}
