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
              needletail send --buy 10@market                  buy at any price
              needletail send --cancel 17 --reduce 18:50       cancel order 17, order 18 to 50 lots
              needletail send --replace 18:19:40@8510          18 becomes 19, 40 lots at 8510
              needletail send --mass-cancel --json             everything out; reports as JSON lines
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

    @Flag(help: "Cancel all orders of the session in the instrument.")
    var massCancel = false

    @Option(help: "The instrument.")
    var instrument: UInt32 = 1

    @Option(help: "The account of new orders.")
    var account: UInt64 = 1

    @Option(help: "Id of the first new order; from the clock if left out.")
    var id: UInt64?

    @Flag(help: "Cancel at once what does not trade.")
    var ioc = false

    @Flag(help: "Trade in full at once, or not at all.")
    var fok = false

    @Flag(help: "Reject what would trade at once.")
    var postOnly = false

    @Option(help: "Self-trade prevention: none, newest, oldest, both.")
    var stp: PreventionText = .none

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
        if ioc && fok { throw ValidationError("--ioc and --fok exclude each other.") }
    }

    func run() throws {
        let printer = ReportPrinter(isJSON: json)
        printer.printHeader()
        var answered = Set<UInt64>()
        var hasReject = false
        let deliver: (SessionReport) -> Void = { report in
            answered.insert(report.report.commandSequence)
            hasReject = hasReject || Self.isReject(report.core.executionType)
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

    private static func isReject(_ kind: EventKind) -> Bool {
        let rejects: Set<EventKind> = [
            .rejected, .cancelRejected, .reduceRejected, .replaceRejected, .refused,
        ]
        return rejects.contains(kind)
    }

    private func submit(to link: inout OrderEntryConnection) {
        var nextID = id ?? MonotonicClock.nowNanos()
        for (side, orders) in [(Side.buy, buy), (Side.sell, sell)] {
            for order in orders {
                _ = link.submit(newOrder(nextID, side, order))
                nextID += 1
            }
        }
        for id in cancel { _ = link.submit(CancelOrder(orderID: id, instrument: instrument)) }
        for text in reduce {
            _ = link.submit(
                ReduceOrder(orderID: text.id, instrument: instrument, totalLots: text.lots))
        }
        for text in replace {
            _ = link.submit(
                ReplaceOrder(
                    originalOrderID: text.id, newOrderID: text.newID,
                    priceTicks: text.order.priceTicks ?? 0, totalLots: text.order.lots))
        }
        if massCancel { _ = link.submit(MassCancel(requestID: nextID, instrument: instrument)) }
    }

    private func newOrder(_ orderID: UInt64, _ side: Side, _ text: OrderText) -> NewOrder {
        let prevention = SelfTradePrevention(rawValue: stp.number)
        let flags = UInt8(truncatingIfNeeded: prevention.flags | (postOnly ? 1 : 0))
        let type: OrderType = text.priceTicks == nil ? .market : .limit
        let time: TimeInForce =
            fok ? .fillOrKill : ioc || type == .market ? .immediateOrCancel : .day
        return NewOrder(
            orderID: orderID, instrument: instrument, side: side,
            priceTicks: text.priceTicks ?? 0, quantityLots: text.lots, account: account,
            orderType: type, timeInForce: time, flags: flags)
    }
}

/// `100@8500` or `100@market`.
struct OrderText: ExpressibleByArgument {
    var lots: UInt64
    var priceTicks: Int64?

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

/// The modes by their names.
enum PreventionText: String, ExpressibleByArgument, CaseIterable {
    case none, newest, oldest, both

    /// As in the order's flags.
    var number: UInt8 {
        switch self {
        case .none: 0
        case .newest: 1
        case .oldest: 2
        case .both: 3
        }
    }
}
