// SPDX-License-Identifier: Apache-2.0
package import Wire

/// Why a request is none, for a person to read.
package struct AdminRequestError: Error, Equatable, CustomStringConvertible {
    /// One sentence: what is wrong, and what there may be instead.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What operators ask of a gateway with `needletail admin`: docs/formats/control.md.
package enum AdminRequest: Equatable, Sendable {
    /// Which instrument is meant.
    package enum Instrument: Equatable, Sendable {
        case number(UInt32)
        case symbol(String)

        /// As people say it: digits are a number.
        package init(_ text: String) {
            self = UInt32(text).map { .number($0) } ?? .symbol(text)
        }
    }

    /// Stops a session or an account, or releases it.
    case kill(KillTarget, UInt64, stops: Bool)
    /// Puts an account into a trade group; 0 is none.
    case setTradeGroup(account: UInt32, group: UInt32)
    /// Defines an instrument.
    case addInstrument(Configuration.Instrument)
    /// Sets the trading state of an instrument, and what its auctions are to be near to.
    case state(Instrument, TradingState, referenceTicks: Int64?)
    /// Sets the price bands of an instrument.
    case setBands(Instrument, PriceBands)
    /// An instrument, with its price bands.
    case bands(Instrument)
    /// Sets the order rules of an instrument.
    case setOrderRules(Instrument, OrderRules)
    /// An instrument, with its order rules.
    case orderRules(Instrument)
    /// Sets a tick table, all of it.
    case setTickTable(UInt32, [TickRow])
    /// A tick table.
    case tickTable(UInt32)
    /// Ends the business day, and begins this one.
    case roll(BusinessDay)
    /// Declares a trade void.
    case bust(TradeID)
    /// A trade.
    case trade(TradeID)
    /// What comes next by the calendar.
    case calendar
    /// The instruments of a shard, from a number on.
    case instruments(shard: UInt32, from: UInt32)
    /// The sessions of a shard, from a number on.
    case sessions(shard: UInt32, from: UInt32)
    /// The accounts of a shard that are in trade groups, from a row on.
    case tradeGroups(shard: UInt32, from: UInt32)
    /// The best prices of both sides.
    case book(Instrument, depth: Int)
    /// An open order.
    case order(session: UInt32, orderID: UInt64)

    /// Whether the gateway's own log has it.
    package var isChange: Bool {
        switch self {
        case .kill, .setTradeGroup, .addInstrument, .state, .setBands, .setOrderRules,
            .setTickTable, .roll, .bust:
            true
        case .bands, .orderRules, .tickTable, .trade, .calendar, .instruments, .sessions,
            .tradeGroups, .book, .order:
            false
        }
    }

    /// What requests begin with.
    static let prefix = "admin "

    /// From its words.
    package init(_ line: String) throws(AdminRequestError) {
        guard line.hasPrefix(Self.prefix) else {
            throw AdminRequestError("there is no such request")
        }
        let words: [Substring] = line.dropFirst(Self.prefix.count)
            .split(separator: " ", maxSplits: .max, omittingEmptySubsequences: false)
        var values = try RequestValues(words.dropFirst().map(String.init))
        switch words.first {
        case "kill": self = try Self.kill(&values)
        case "add-instrument": self = .addInstrument(try Configuration.Instrument(&values))
        case "state":
            self = .state(
                try values.instrument(), try values.state(),
                referenceTicks: values.has("reference")
                    ? try values.number("reference", in: Configuration.Instrument.priceTicks)
                    : nil)
        case "set-bands": self = .setBands(try values.instrument(), try values.bands())
        case "bands": self = .bands(try values.instrument())
        case "set-order-rules":
            self = .setOrderRules(try values.instrument(), try values.orderRules())
        case "order-rules": self = .orderRules(try values.instrument())
        case "set-tick-table": self = .setTickTable(try values.table(), try values.tickRows())
        case "tick-table": self = .tickTable(try values.table())
        case "calendar": self = .calendar
        case "bust": self = .bust(try values.trade())
        case "trade": self = .trade(try values.trade())
        case "roll": self = .roll(try values.day())
        case "instruments":
            self = .instruments(
                shard: try values.number("shard", in: 0...15, usually: 0),
                from: try values.number("from", in: 1...UInt32.max, usually: 1))
        case "sessions":
            self = .sessions(
                shard: try values.number("shard", in: 0...15, usually: 0),
                from: try values.number("from", in: 1...UInt32.max, usually: 1))
        case "set-trade-group":
            self = .setTradeGroup(
                account: try values.number("account", in: 0...UInt32.max),
                group: try values.number("group", in: 0...UInt32.max))
        case "trade-groups":
            self = .tradeGroups(
                shard: try values.number("shard", in: 0...15, usually: 0),
                from: try values.number("from", in: 1...UInt32.max, usually: 1))
        case "book":
            self = .book(
                try values.instrument(),
                depth: try values.number("depth", in: 1...20, usually: 10))
        case "order":
            self = .order(
                session: try values.number("session", in: 1...UInt32.max),
                orderID: try values.number("id", in: 1...UInt64.max))
        default: throw AdminRequestError("there is no such request")
        }
        try values.end()
    }

    private static func kill(_ values: inout RequestValues) throws(AdminRequestError) -> Self {
        let releases = values.flag("release")
        if values.has("session") {
            return .kill(
                .session, try values.number("session", in: 0...UInt64.max), stops: !releases)
        }
        return .kill(.account, try values.number("account", in: 0...UInt64.max), stops: !releases)
    }

    /// Throws what the gateway would say of it, before it is asked.
    package func check() throws(AdminRequestError) {
        switch self {
        case .addInstrument(let instrument): try Self.check(symbol: instrument.symbol)
        case .book(.symbol(let symbol), _), .state(.symbol(let symbol), _, _),
            .setBands(.symbol(let symbol), _), .bands(.symbol(let symbol)),
            .setOrderRules(.symbol(let symbol), _), .orderRules(.symbol(let symbol)):
            try Self.check(symbol: symbol)
        default: break
        }
        _ = try AdminRequest(words)
    }

    /// As a configuration may say it, and not nothing.
    fileprivate static func check(symbol: String) throws(AdminRequestError) {
        guard !symbol.isEmpty, Configuration.Instrument.isSymbol(symbol) else {
            throw AdminRequestError(
                "symbol=\(symbol): a symbol is 1 to 16 visible ASCII characters")
        }
    }

    /// The words that it is read from.
    package var words: String {
        switch self {
        case .kill(let target, let number, let stops):
            "admin kill \(target == .session ? "session" : "account")=\(number)"
                + (stops ? "" : " release")
        case .addInstrument(let instrument):
            "admin add-instrument \(instrument.requestWords)"
        case .state(let instrument, let state, let referenceTicks):
            "admin state \(instrument.requestWord) state=\(state.word)"
                + (referenceTicks.map { " reference=\($0)" } ?? "")
        case .setBands(let instrument, let bands):
            "admin set-bands \(instrument.requestWord) static=\(bands.staticWidth) "
                + "dynamic=\(bands.dynamicWidth) seconds=\(bands.auctionSeconds)"
                + (bands.isInBasisPoints ? " basisPoints" : "")
        case .bands(let instrument): "admin bands \(instrument.requestWord)"
        case .setOrderRules(let instrument, let rules):
            "admin set-order-rules \(instrument.requestWord) lot=\(rules.lotStep) "
                + "smallest=\(rules.quantityLotsMin) value=\(rules.valueMax) "
                + "table=\(rules.tickTable)"
        case .orderRules(let instrument): "admin order-rules \(instrument.requestWord)"
        case .setTickTable(let table, let rows):
            "admin set-tick-table table=\(table) rows="
                + rows.map { "\($0.fromTicks):\($0.stepTicks)" }.joined(separator: ",")
        case .tickTable(let table): "admin tick-table table=\(table)"
        case .calendar: "admin calendar"
        case .bust(let id): "admin bust trade=\(id.text)"
        case .trade(let id): "admin trade trade=\(id.text)"
        case .roll(let day): "admin roll day=\(day.text)"
        case .instruments(let shard, let first): "admin instruments shard=\(shard) from=\(first)"
        case .sessions(let shard, let first): "admin sessions shard=\(shard) from=\(first)"
        case .setTradeGroup(let account, let group):
            "admin set-trade-group account=\(account) group=\(group)"
        case .tradeGroups(let shard, let first): "admin trade-groups shard=\(shard) from=\(first)"
        case .book(let instrument, let depth):
            "admin book \(instrument.requestWord) depth=\(depth)"
        case .order(let session, let orderID): "admin order session=\(session) id=\(orderID)"
        }
    }
}

extension AdminRequest.Instrument {
    fileprivate var requestWord: String {
        switch self {
        case .number(let number): "number=\(number)"
        case .symbol(let symbol): "symbol=\(symbol)"
        }
    }
}

extension Configuration.Instrument {
    fileprivate init(_ values: inout RequestValues) throws(AdminRequestError) {
        self.init(
            number: try values.number("number", in: Self.numbers),
            symbol: try values.symbol(),
            lowestPriceTicks: try values.number("lowest", in: Self.priceTicks),
            highestPriceTicks: try values.number("highest", in: Self.priceTicks),
            quantityLotsMax: try values.number(
                "largest", in: 1...(1 << 62), usually: Self.quantityLotsMaxDefault),
            priceDecimals: try values.number("priceDecimals", in: 0...18, usually: 2),
            quantityDecimals: try values.number("quantityDecimals", in: 0...18, usually: 0),
            shard: try values.number("shard", in: 0...15, usually: 0))
        guard lowestPriceTicks <= highestPriceTicks else {
            throw AdminRequestError(
                "highest=\(highestPriceTicks) is below lowest=\(lowestPriceTicks): a price range "
                    + "has at least one tick")
        }
    }

    fileprivate var requestWords: String {
        "number=\(number) symbol=\(symbol) lowest=\(lowestPriceTicks) highest=\(highestPriceTicks) "
            + "largest=\(quantityLotsMax) priceDecimals=\(priceDecimals) "
            + "quantityDecimals=\(quantityDecimals) shard=\(shard)"
    }
}

/// `key=value` words, each taken once, and words that stand alone.
private struct RequestValues {
    private var values: [String: String] = [:]

    init(_ words: [String]) throws(AdminRequestError) {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(parts[0])
            guard values[key] == nil else {
                throw AdminRequestError("`\(key)` is given twice: give it once")
            }
            values[key] = parts.count == 2 ? String(parts[1]) : ""
        }
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    mutating func flag(_ word: String) -> Bool { values.removeValue(forKey: word) == "" }

    mutating func number<Number: FixedWidthInteger>(
        _ key: String, in range: ClosedRange<Number>, usually: Number? = nil
    ) throws(AdminRequestError) -> Number {
        guard let text = values.removeValue(forKey: key) else {
            guard let usually else {
                throw AdminRequestError(
                    "`\(key)` is missing: a number, \(range.lowerBound)…\(range.upperBound)")
            }
            return usually
        }
        guard let number = Number(text), range.contains(number) else {
            throw AdminRequestError(
                "\(key)=\(text): it takes \(range.lowerBound)…\(range.upperBound)")
        }
        return number
    }

    mutating func symbol() throws(AdminRequestError) -> String {
        let text = values.removeValue(forKey: "symbol") ?? ""
        try AdminRequest.check(symbol: text)
        return text
    }

    mutating func instrument() throws(AdminRequestError) -> AdminRequest.Instrument {
        if has("symbol") { return .symbol(try symbol()) }
        return .number(try number("number", in: Configuration.Instrument.numbers))
    }

    mutating func state() throws(AdminRequestError) -> TradingState {
        let text = values.removeValue(forKey: "state") ?? ""
        guard let found = TradingState.words.first(where: { $0.word == text }) else {
            let words = TradingState.words.map(\.word).joined(separator: ", ")
            throw AdminRequestError("state=\(text): it takes one of \(words)")
        }
        return found.state
    }

    mutating func day() throws(AdminRequestError) -> BusinessDay {
        let text = values.removeValue(forKey: "day") ?? ""
        guard let day = BusinessDay(text) else {
            throw AdminRequestError("day=\(text): it takes a date such as 2026-11-30")
        }
        return day
    }

    mutating func trade() throws(AdminRequestError) -> TradeID {
        let text = values.removeValue(forKey: "trade") ?? ""
        guard let id = TradeID(text) else {
            throw AdminRequestError(
                "trade=\(text): it takes shard, sequence and place, such as 0-4711-2")
        }
        return id
    }

    /// With seconds there is an auction.
    mutating func bands() throws(AdminRequestError) -> PriceBands {
        let isInBasisPoints = flag("basisPoints")
        let widths: ClosedRange<UInt32> =
            0...(isInBasisPoints ? PriceBands.basisPointsMax : UInt32.max)
        let seconds = try number("seconds", in: 0...PriceBands.auctionSecondsMax, usually: 0)
        return PriceBands(
            staticWidth: try number("static", in: widths, usually: 0),
            dynamicWidth: try number("dynamic", in: widths, usually: 0),
            isInBasisPoints: isInBasisPoints, action: seconds == 0 ? .cancel : .auction,
            auctionSeconds: seconds)
    }

    mutating func orderRules() throws(AdminRequestError) -> OrderRules {
        OrderRules(
            lotStep: try number("lot", in: 0...UInt64.max, usually: 0),
            quantityLotsMin: try number("smallest", in: 0...UInt64.max, usually: 0),
            valueMax: try number("value", in: 0...UInt64.max, usually: 0),
            tickTable: try number("table", in: 0...TickTable.numberMax, usually: 0))
    }

    mutating func table() throws(AdminRequestError) -> UInt32 {
        try number("table", in: 1...TickTable.numberMax)
    }

    /// A whole tick table.
    mutating func tickRows() throws(AdminRequestError) -> [TickRow] {
        let texts = (values.removeValue(forKey: "rows") ?? "").split(separator: ",")
        guard 1...Int(TickTable.rowsMax) ~= texts.count else {
            throw AdminRequestError(
                "\(texts.count) rows: a tick table has 1…\(TickTable.rowsMax), as FROM:STEP")
        }
        let prices = Configuration.Instrument.priceTicks
        var rows: [TickRow] = []
        for text in texts {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let from = Int64(parts[0]), let step = UInt32(parts[1]),
                step != 0, prices.contains(from)
            else {
                throw AdminRequestError(
                    "row \(text): it takes FROM:STEP, a price of \(prices.lowerBound)…"
                        + "\(prices.upperBound) and a step of 1…\(UInt32.max) ticks")
            }
            let row = TickRow(fromTicks: from, stepTicks: step)
            guard row.isValid(behind: rows.last?.fromTicks) else {
                throw AdminRequestError(
                    "row \(text): a row begins with a whole multiple of its step, above the row "
                        + "before it")
            }
            rows.append(row)
        }
        return rows
    }

    /// Nothing may be left.
    func end() throws(AdminRequestError) {
        guard let key = values.keys.min() else { return }
        throw AdminRequestError("there is no such request: `\(key)` has no meaning in it")
    }
}
