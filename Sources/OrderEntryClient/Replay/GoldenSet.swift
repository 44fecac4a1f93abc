// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One recorded set of orders with everything that must come of them: a small spot exchange.
///
/// Price = text × 100, quantity = text × 1e8, users are accounts, order ids as given, self-trades
/// allowed. Threading: a plain value.
public struct GoldenSet: Sendable {
    /// A row of orders.csv.
    public enum Command: Sendable {
        /// A limit order.
        case place(NewOrder)
        /// A cancel; one of an order that does not rest is rejected, as recorded.
        case cancel(CancelOrder)
    }

    /// A trade as the ledger shows it.
    public struct Settlement: Equatable, Sendable {
        /// Who bought.
        public var buyer: UInt32
        /// Who sold.
        public var seller: UInt32
        /// 1e-8 of the base asset.
        public var quantityLots: UInt64
        /// Hundredths of the quote asset: floor(price × quantity / 1e8).
        public var quoteAmount: UInt64

        /// Of a trade that was reported.
        public init(_ trade: ReportBook.Trade) {
            buyer = trade.buyer
            seller = trade.seller
            quantityLots = trade.quantityLots
            let product = UInt64(trade.priceTicks).multipliedFullWidth(by: trade.quantityLots)
            quoteAmount = UInt64(100_000_000).dividingFullWidth(product).quotient
        }

        init(buyer: UInt32, seller: UInt32, quantityLots: UInt64, quoteAmount: UInt64) {
            self.buyer = buyer
            self.seller = seller
            self.quantityLots = quantityLots
            self.quoteAmount = quoteAmount
        }
    }

    /// In order.
    public let commands: [Command]
    /// In order.
    public let settlements: [Settlement]
    /// By id.
    public let resting: [ReportBook.Order]

    /// Reads the three files' text. Errors name the file and the line.
    public init(
        orders: String, ledger: String, orderBook: String, instrument: UInt32
    ) throws(ClientError) {
        commands = try Self.commands(orders, instrument: instrument)
        settlements = try Self.settlements(ledger)
        resting = try Self.resting(orderBook).sorted { $0.orderID < $1.orderID }
    }

    private static func commands(
        _ text: String, instrument: UInt32
    ) throws(ClientError) -> [Command] {
        var commands: [Command] = []
        for row in try Rows(
            text, file: "orders.csv", header: "order_id,user_id,action,side,price,qty")
        {
            let orderID: UInt64 = try row.integer(0)
            if row.fields[2] == "cancel" {
                commands.append(.cancel(CancelOrder(orderID: orderID, instrument: instrument)))
                continue
            }
            guard row.fields[2] == "place" else { throw row.error(2, "place or cancel") }
            let order = NewOrder(
                orderID: orderID, instrument: instrument, side: try row.side(3),
                priceTicks: try row.decimal(4, decimals: 2),
                quantityLots: UInt64(try row.decimal(5, decimals: 8)),
                account: try row.integer(1), timeInForce: .goodTillCancel)
            commands.append(.place(order))
        }
        return commands
    }

    /// Four rows a trade: buyer's quote debit, buyer's base credit, seller's base debit, seller's
    /// quote credit.
    private static func settlements(_ text: String) throws(ClientError) -> [Settlement] {
        let header = "trade_id,user_id,asset_id,op,delta,balance_after"
        let rows = try Rows(text, file: "expected_ledger.csv", header: header)
        guard rows.count % 4 == 0 else {
            throw ClientError("expected_ledger.csv: \(rows.count) rows are not four for each trade")
        }
        var settlements: [Settlement] = []
        for index in stride(from: 0, to: rows.count, by: 4) {
            let quote = rows[index]
            let base = rows[index + 2]
            guard quote.fields[2] == "2", quote.fields[3] == "debit" else {
                throw quote.error(3, "the buyer's debit of asset 2 first")
            }
            guard base.fields[2] == "1", base.fields[3] == "debit" else {
                throw base.error(3, "the seller's debit of asset 1 third")
            }
            settlements.append(
                Settlement(
                    buyer: try quote.integer(1), seller: try base.integer(1),
                    quantityLots: try base.integer(4), quoteAmount: try quote.integer(4)))
        }
        return settlements
    }

    private static func resting(_ text: String) throws(ClientError) -> [ReportBook.Order] {
        let header = "order_id,user_id,side,order_type,price,qty,filled_qty,status"
        var resting: [ReportBook.Order] = []
        for row in try Rows(text, file: "expected_orderbook.csv", header: header) {
            let total: UInt64 = try row.integer(5)
            let filled: UInt64 = try row.integer(6)
            resting.append(
                ReportBook.Order(
                    orderID: try row.integer(0), account: try row.integer(1),
                    side: try row.side(2), priceTicks: try row.integer(4),
                    leavesLots: total - filled))
        }
        return resting
    }
}

/// Rows of a small comma-separated file with a header that must be as expected.
struct Rows: RandomAccessCollection {
    struct Row {
        var file: String
        var line: Int
        var fields: [Substring]

        func error(_ field: Int, _ right: String) -> ClientError {
            ClientError(
                "\(file):\(line): \"\(fields[field])\" in column \(field + 1): expected \(right)")
        }

        func integer<T: FixedWidthInteger>(_ field: Int) throws(ClientError) -> T {
            guard let value = T(fields[field]) else { throw error(field, "a whole number") }
            return value
        }

        func decimal(_ field: Int, decimals: Int) throws(ClientError) -> Int64 {
            guard let value = DecimalText.scaled(fields[field], decimals: decimals), value > 0
            else { throw error(field, "a number above zero") }
            return value
        }

        func side(_ field: Int) throws(ClientError) -> Side {
            switch fields[field] {
            case "buy": .buy
            case "sell": .sell
            default: throw error(field, "buy or sell")
            }
        }
    }

    private let rows: [Row]

    init(_ text: String, file: String, header: String) throws(ClientError) {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let first = lines.first, first == header else {
            throw ClientError("\(file):1: expected the columns \(header)")
        }
        let count = header.split(separator: ",").count
        var rows: [Row] = []
        for (index, line) in lines.enumerated().dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == count else {
                throw ClientError(
                    "\(file):\(index + 1): \(fields.count) columns, expected \(count)")
            }
            rows.append(Row(file: file, line: index + 1, fields: fields))
        }
        self.rows = rows
    }

    var startIndex: Int { 0 }
    var endIndex: Int { rows.count }
    subscript(index: Int) -> Row { rows[index] }
}
