// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Platform

/// `needletail admin instruments`.
struct AdminInstruments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instruments",
        abstract: "List the instruments of a running gateway.",
        discussion: """
            Prices are ticks, quantities lots. Of a standby too, which holds the same a moment \
            later. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin instruments
              needletail admin instruments --json | jq 'select(.bestBidTicks == null).symbol'

            EXIT CODES
              0   shown
              69  no such gateway is running here, this user may not ask it, or its engine
                  does not answer
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Flag(help: "One JSON object an instrument, each on a line.")
    var json = false

    func run() throws {
        try AdminList(target, AdminRequest.instruments, \.instruments).show(
            json
                ? .json(\.object)
                : .table(
                    [
                        "number", "symbol", "shard", "state", "lowest", "highest", "largest", "bid",
                        "ask",
                    ], cells))
    }

    private func cells(_ row: AdminInstrument) -> [String] {
        [
            "\(row.number)", row.symbol ?? "?", "\(row.shard)",
            row.isUncrossing ? "\(row.state), auction trades" : row.state,
            "\(row.lowestPriceTicks)", "\(row.highestPriceTicks)", "\(row.quantityLotsMax)",
            AdminTable.text(row.bestBidTicks), AdminTable.text(row.bestAskTicks),
        ]
    }
}

/// `needletail admin sessions`.
struct AdminSessions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "List the sessions of a running gateway that were ever used.",
        discussion: """
            `next` is the sequence of the next message that the session's client has to send, \
            `reports` how many events it was told or will be. Of a standby too. \
            docs/operations/admin.md says more.

            EXAMPLES
              needletail admin sessions
              needletail admin sessions --json | jq 'select(.isKilled).session'

            EXIT CODES
              0   shown
              69  no such gateway is running here, this user may not ask it, or its engine
                  does not answer
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Flag(help: "One JSON object a session, each on a line.")
    var json = false

    func run() throws {
        try AdminList(target, AdminRequest.sessions, \.sessions).show(
            json
                ? .json(\.object)
                : .table(
                    ["session", "shard", "logged on", "stopped", "next", "reports", "open orders"],
                    cells))
    }

    private func cells(_ row: AdminSession) -> [String] {
        [
            "\(row.session)", "\(row.shard)", row.isLoggedOn ? "yes" : "no",
            row.isKilled ? "yes" : "no", "\(row.nextSequence)", "\(row.reports)",
            "\(row.openOrders)",
        ]
    }
}

/// `needletail admin trade-groups`.
struct AdminTradeGroups: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trade-groups",
        abstract: "List the accounts that are in trade groups.",
        discussion: """
            Of a standby too. Each shard has its own list; they are alike unless a command came to \
            some of them only. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin trade-groups
              needletail admin trade-groups --json | jq 'select(.group == 3).account'

            EXIT CODES
              0   shown
              69  no such gateway is running here, this user may not ask it, or its engine
                  does not answer
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Flag(help: "One JSON object an account, each on a line.")
    var json = false

    func run() throws {
        try AdminList(target, AdminRequest.tradeGroups, \.tradeGroups).show(
            json
                ? .json(\.object)
                : .table(["account", "group", "shard"]) {
                    ["\($0.account)", "\($0.group)", "\($0.shard)"]
                })
    }
}

/// A list that comes in pages.
private struct AdminList<Row> {
    /// How it is shown.
    enum Form {
        /// One object a line.
        case json((Row) -> JSONObject)
        /// Headings, and the cells of a row.
        case table([String], (Row) -> [String])
    }

    private let target: ClusterTarget
    private let request: (UInt32, UInt32) -> AdminRequest
    private let rows: (AdminAnswer) -> [Row]?

    init(
        _ target: ClusterTarget, _ request: @escaping (UInt32, UInt32) -> AdminRequest,
        _ rows: @escaping (AdminAnswer) -> [Row]?
    ) {
        self.target = target
        self.request = request
        self.rows = rows
    }

    func show(_ form: Form) throws {
        var next: (shard: UInt32, first: UInt32)? = (0, 1)
        var table: [[String]] = []
        var isFirst = true
        while let place = next {
            let page = try target.admin(request(place.shard, place.first))
            let rows = rows(page) ?? []
            switch form {
            case .json(let object): rows.forEach { print(object($0).text) }
            case .table(_, let cells):
                // Who has answered, once.
                if isFirst { print(page.place) }
                table += rows.map(cells)
            }
            isFirst = false
            next = page.nextShard.flatMap { shard in page.nextFrom.map { (shard, $0) } }
        }
        guard case .table(let headings, _) = form else { return }
        AdminTable(headings, table).show()
    }
}
