// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Wire

/// `needletail admin order-rules`.
struct AdminOrderRulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order-rules",
        abstract: "Show or set what an instrument asks of each order.",
        discussion: """
            Quantities in whole lots, a smallest quantity, a largest value, and prices of a tick \
            table, which `needletail admin tick-table` sets. What rests stays. Setting is for the \
            primary, or a gateway in no pair, and says all of it anew. docs/operations/admin.md \
            says more.

            EXAMPLES
              needletail admin order-rules GOLD
              needletail admin order-rules GOLD --lot-step 10 --value-max 500000000 --tick-table 3
              needletail admin order-rules GOLD --none

            EXIT CODES
              0   shown, or set
              1   refused: a standby, rules before 3, no such instrument, rules that no order
                  could keep, or a tick table that is not whole
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "A symbol, or the number of an instrument.") var instrument: String
    @Option(help: "Quantities are whole multiples of so many lots.") var lotStep: UInt64?
    @Option(help: "Smallest quantity of an order, lots.") var quantityMin: UInt64?
    @Option(help: "Largest price times quantity of an order, ticks times lots.")
    var valueMax: UInt64?
    @Option(help: "Prices are those of this tick table.") var tickTable: UInt32?
    @Flag(help: "Ask for nothing any more.") var none = false

    private var rules: OrderRules {
        OrderRules(
            lotStep: lotStep ?? 0, quantityLotsMin: quantityMin ?? 0, valueMax: valueMax ?? 0,
            tickTable: tickTable ?? 0)
    }
    private var isSetting: Bool {
        none || lotStep != nil || quantityMin != nil || valueMax != nil || tickTable != nil
    }

    private var request: AdminRequest {
        isSetting ? .setOrderRules(.init(instrument), rules) : .orderRules(.init(instrument))
    }

    func validate() throws {
        guard !isSetting || none != rules.isSet else {
            throw ValidationError("take --none, or a rule that asks for something")
        }
        try request.validate()
    }

    func run() throws {
        let answer = try target.admin(request)
        if let set = answer.orderRules {
            print(Self.text(set.instrument, set.symbol, set.rules))
        } else if let row = answer.instruments?.first {
            print(Self.text(row.number, row.symbol, row.orderRules))
        } else {
            throw Exit.unavailable
        }
    }

    private static func text(
        _ number: UInt32, _ symbol: String?, _ rules: AdminOrderRules?
    ) -> String {
        let head = "instrument \(number)" + (symbol.map { " \($0)" } ?? "")
        guard let rules else { return head + " has no order rules" }
        let parts = [
            rules.lotStep == 0 ? nil : "quantities in steps of \(rules.lotStep) lots",
            rules.quantityLotsMin == 0 ? nil : "at least \(rules.quantityLotsMin) lots",
            rules.valueMax == 0 ? nil : "worth at most \(rules.valueMax)",
            rules.tickTable == 0 ? nil : "prices of tick table \(rules.tickTable)",
        ]
        return "\(head): " + parts.compactMap { $0 }.joined(separator: ", ")
    }
}

/// `needletail admin tick-table`.
struct AdminTickTableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tick-table",
        abstract: "Show or set a tick table.",
        discussion: """
            From each row's price on up to the next row's, prices are whole multiples of its step. \
            `needletail admin order-rules` has instruments use a table; while any does it stays as \
            it is: to change what counts, set one that nobody uses, then have them use that. \
            Setting is for the primary, or a gateway in no pair, and sets the whole table, on all \
            shards. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin tick-table 3
              needletail admin tick-table 3 --row 0:1 --row 10000:5 --row 50000:10

            EXIT CODES
              0   shown, or set
              1   refused: a standby, rules before 3, or instruments that use the table
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time: then no instrument can use the table, set it again
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "The number of the table, 1 to 16.") var table: UInt32
    @Option(
        name: .customLong("row"), parsing: .unconditionalSingleValue,
        help: "From which price on, and the step, ticks: FROM:STEP. Once for each row.")
    var rows: [String] = []

    /// As the request has them.
    private var words: String {
        "admin "
            + (rows.isEmpty
                ? "tick-table table=\(table)"
                : "set-tick-table table=\(table) rows=\(rows.joined(separator: ","))")
    }

    func validate() throws {
        do throws(AdminRequestError) {
            _ = try AdminRequest(words)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() throws {
        guard let shown = try target.admin(try AdminRequest(words)).tickTable else {
            throw Exit.unavailable
        }
        let use = "used by \(shown.instruments) instruments"
        guard !shown.rows.isEmpty else { return print("tick table \(table) has no rows") }
        print("tick table \(table), " + (shown.isWhole ? use : "not whole: set it again"))
        AdminTable(["from", "step"], shown.rows.map { ["\($0.fromTicks)", "\($0.stepTicks)"] })
            .show()
    }
}
