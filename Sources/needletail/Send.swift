// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import OrderEntryClient
internal import Wire

/// One order, or a few, and what came of them.
struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send orders and print their reports.",
        discussion: """
            Prices are in ticks and quantities in lots, as the instrument defines them. The \
            messages go out in this order: buys, sells, cancels, reduces, replaces, mass cancel. \
            Order ids count up from --id. Orders stay open when the command ends.

            EXAMPLES
              needletail send --buy 100@8500                   buy 100 lots at 8500 ticks
              needletail send --sell 30@8490 --ioc             sell at once what can be sold
              needletail send --buy 10@market                  buy at any price; in a call it rests
              needletail send --cancel 17 --reduce 18:50       cancel order 17, order 18 to 50 lots
              needletail send --replace 18:19:40@8510          18 becomes 19, 40 lots at 8510
              needletail send --sell 500@8510 --peak 50        an iceberg: 50 are shown at a time
              needletail send --sell 50@8520 --hidden          nobody sees that it is there
              needletail send --buy 90@8490 --ioc --min 60     60 or more at once, or nothing
              needletail send --buy 5@8400 --expire-in 60      out of the book in a minute
              needletail send --buy 5@8400 --until 2030-01-31T16:30:00Z
              needletail send --buy 5@8490 --slide             a tick lower if it would trade
              needletail send --buy 10@market --slippage 5     at most 5 ticks beyond the best
              needletail send --buy 10@market --quote-max 60000  for at most 60,000 ticks × lots
              needletail send --sell 5@market --stop 8400      sell when a trade is that low
              needletail send --sell 5@8600 --take-profit 8600  when it is that high, at 8600
              needletail send --sell 5@market --trail 50:5     a stop 50 ticks behind the market
              needletail send --sell 5@8600 --link 17          when one trades 17 goes, or this one
              needletail send --mass-cancel --json             everything out; reports as JSON lines
              needletail send --mass-cancel --for-account 7    all that account 7 has there
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("Buy (may be repeated).", valueName: "lots@ticks"))
    var buy: [OrderText] = []

    @Option(help: ArgumentHelp("Sell (may be repeated).", valueName: "lots@ticks"))
    var sell: [OrderText] = []

    @Option(help: "Cancel the order with this id (may be repeated).")
    var cancel: [UInt64] = []

    @Option(help: ArgumentHelp("Reduce an order to a new total.", valueName: "id:lots"))
    var reduce: [ReduceText] = []

    @Option(help: ArgumentHelp("Replace an order.", valueName: "id:new-id:lots@ticks"))
    var replace: [ReplaceText] = []

    @Flag(help: "Of replaces: cancel the order when what is asked for cannot be.")
    var cancelsIfInvalid = false

    @Flag(help: "Cancel all orders of the session in the instrument.")
    var massCancel = false

    @Option(
        help: ArgumentHelp("Of a mass cancel: only orders of this account.", valueName: "account"))
    var forAccount: UInt64?

    @Option(help: "The instrument.")
    var instrument: UInt32 = 1

    @Option(help: "The account of new orders.")
    var account: UInt64 = 1

    @Option(help: "Id of the first new order; from the clock if left out.")
    var id: UInt64?

    @OptionGroup(title: "What new orders ask for") var terms: OrderTerms

    @Flag(help: "Print each report as one line of JSON.")
    var json = false

    @Option(
        help: ArgumentHelp("Wait this long for reports that follow.", valueName: "milliseconds"))
    var wait: UInt64 = 200

    private var messageCount: Int {
        buy.count + sell.count + cancel.count + reduce.count + replace.count + (massCancel ? 1 : 0)
    }

    func validate() throws {
        guard messageCount > 0 else {
            throw ValidationError(
                "Nothing to send: give --buy, --sell, --cancel, --reduce, --replace or "
                    + "--mass-cancel.")
        }
        if cancelsIfInvalid && replace.isEmpty {
            throw ValidationError("--cancels-if-invalid goes with --replace.")
        }
        if forAccount != nil && !massCancel {
            throw ValidationError("--for-account goes with --mass-cancel.")
        }
        if terms.isGiven, buy.isEmpty, sell.isEmpty {
            throw ValidationError("What new orders ask for needs one: give --buy or --sell.")
        }
        for order in buy + sell { try terms.check(order) }
    }

    func run() throws {
        let printer = ReportPrinter(isJSON: json)
        printer.printHeader()
        var answered = Set<UInt64>()
        var hasReject = false
        let deliver: (SessionReport) -> Void = { report in
            answered.insert(report.report.commandSequence)
            hasReject = hasReject || Self.isReject(report.core)
            printer.print(report)
        }
        var link = try connection.connect(extended: true, deliver: deliver)
        submit(to: &link)
        let expected = messageCount
        let isAnswered = link.run(timeoutNanos: 5_000_000_000, deliver: deliver) {
            answered.count >= expected
        }
        guard isAnswered else {
            let missing = "\(answered.count) of \(expected) messages were answered in 5 s"
            throw failure(ClientError(missing), Exit.unavailable)
        }
        _ = link.run(timeoutNanos: wait * 1_000_000, deliver: deliver) { false }
        link.logout(deliver: { _ in })
        if hasReject { throw Exit.mismatch }
    }

    /// Whether what was asked for was not done.
    private static func isReject(_ report: ExecutionReport) -> Bool {
        let rejects: Set<EventKind> = [
            .rejected, .cancelRejected, .reduceRejected, .replaceRejected, .refused,
        ]
        return rejects.contains(report.executionType) || report.reason == .replaceInvalid
    }

    private func submit(to link: inout OrderEntryConnection) {
        var nextID = id ?? MonotonicClock.nowNanos()
        for (side, orders) in [(Side.buy, buy), (Side.sell, sell)] {
            for order in orders {
                let order = newOrder(nextID, side, order)
                if let extended = terms.extended(order) {
                    _ = link.submit(extended)
                } else {
                    _ = link.submit(order)
                }
                nextID += 1
            }
        }
        for id in cancel { _ = link.submit(CancelOrder(orderID: id, instrument: instrument)) }
        for text in reduce {
            _ = link.submit(
                ReduceOrder(orderID: text.id, instrument: instrument, totalLots: text.lots))
        }
        let policy = cancelsIfInvalid ? RecordFlags.cancelsIfInvalid : 0
        for text in replace {
            _ = link.submit(
                ReplaceOrder(
                    originalOrderID: text.id, newOrderID: text.newID,
                    priceTicks: text.order.priceTicks ?? 0, totalLots: text.order.lots,
                    flags: UInt8(truncatingIfNeeded: policy)))
        }
        if massCancel { submitMassCancel(nextID, to: &link) }
    }

    private func submitMassCancel(_ requestID: UInt64, to link: inout OrderEntryConnection) {
        guard let forAccount else {
            _ = link.submit(MassCancel(requestID: requestID, instrument: instrument))
            return
        }
        _ = link.submit(
            MassCancelByAccount(
                requestID: requestID, account: forAccount, instrument: instrument))
    }

    private func newOrder(_ orderID: UInt64, _ side: Side, _ text: OrderText) -> NewOrder {
        let type = terms.type(isMarket: text.priceTicks == nil)
        return NewOrder(
            orderID: orderID, instrument: instrument, side: side,
            priceTicks: text.priceTicks ?? 0, quantityLots: text.lots, account: account,
            orderType: type, timeInForce: terms.timeInForce(type), flags: terms.flags)
    }
}

/// `100@8500` or `100@market`.
struct OrderText: ExpressibleByArgument, CustomStringConvertible {
    var lots: UInt64
    var priceTicks: Int64?

    var description: String { "\(lots)@\(priceTicks.map(String.init) ?? "market")" }

    init?(argument: String) {
        let parts = argument.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let lots = UInt64(parts[0]) else { return nil }
        self.lots = lots
        if parts[1] != "market" {
            guard let price = Int64(parts[1]) else { return nil }
            priceTicks = price
        }
    }
}

/// `18:50`.
struct ReduceText: ExpressibleByArgument {
    var id: UInt64
    var lots: UInt64

    init?(argument: String) {
        let parts = argument.split(separator: ":").map { UInt64($0) }
        guard parts.count == 2, let id = parts[0], let lots = parts[1] else { return nil }
        self.id = id
        self.lots = lots
    }
}

/// `18:19:40@8510`.
struct ReplaceText: ExpressibleByArgument {
    var id: UInt64
    var newID: UInt64
    var order: OrderText

    init?(argument: String) {
        let parts = argument.split(separator: ":")
        guard parts.count == 3, let id = UInt64(parts[0]), let newID = UInt64(parts[1]),
            let order = OrderText(argument: String(parts[2])), order.priceTicks != nil
        else { return nil }
        self.id = id
        self.newID = newID
        self.order = order
    }
}
