// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Wire

/// The lines of `log export` about one command. docs/formats/export.md tells of each column.
struct AuditLine {
    static let header = [
        "shard", "epoch", "sequence", "ingressNanos", "durableNanos", "session",
        "sessionSequence", "source", "command", "type", "timeInForce", "flags",
        "originalOrderID", "outcome", "reason", "instrument", "orderID", "reference", "side",
        "priceTicks", "quantityLots", "leavesLots", "executedLots", "orderSession", "account",
        "role", "tradeID", "details",
    ].joined(separator: ",")

    private let shard: UInt32
    private let record: LogRecord
    private let continuation: LogRecord?
    /// The columns up to `originalOrderID`: the same in each of its lines.
    private let head: String
    /// What was said of the command that has no column.
    private let details: [String]

    init(
        shard: UInt32, epoch: UInt32, record: LogRecord, continuation: LogRecord?,
        durableNanos: UInt64?
    ) {
        self.shard = shard
        self.record = record
        self.continuation = continuation
        let isSession = record.kind.rawValue < 64
        let isSequenced = record.kind.rawValue < 32
        let isOrder = record.kind == .newOrder
        let flags = RecordFields.flagNames(record).filter { $0 != "pair" }
        head = [
            "\(shard)", "\(epoch)", "\(record.sequence)", "\(record.timestampNanos)",
            durableNanos.map { "\($0)" } ?? "", isSession ? "\(record.session)" : "",
            isSequenced ? "\(record.sessionSequence)" : "",
            record.kind == .logon ? RecordFields.source(record) : "", Names.of(record.kind),
            isOrder ? Names.of(record.attributes.type) : "",
            isOrder ? Names.of(record.attributes.timeInForce) : "", flags.joined(separator: "|"),
            record.kind == .replaceOrder ? "\(record.originalOrderID)" : "",
        ].joined(separator: ",")
        details = Self.details(record, continuation)
    }

    /// The line about one of its events.
    func text(_ event: Event) -> String {
        let isTrade = event.kind == .traded || event.kind == .busted
        let role = isTrade ? Self.role(event) : ""
        // That of a trade that is void is the trade's.
        let command = event.kind == .busted ? event.executedLots : record.sequence
        return [
            head, Names.of(event.kind), hasReason(event) ? Names.of(event.reason) : "",
            number(event.instrument), number(event.orderID, isOf: isOfOrder(event)),
            number(event.reference), isKnown(event) ? Names.of(event.attributes.side) : "",
            numbers(event), isOfOrder(event) ? "\(event.session)" : "",
            isKnown(event) ? "\(event.account)" : "", role,
            isTrade
                ? TradeID(shard: shard, sequence: command, index: event.detail).text : "",
            Self.quoted((details + Self.details(event)).joined(separator: " ")),
        ].joined(separator: ",")
    }

    /// Of an order in a trade.
    private static func role(_ event: Event) -> String {
        if event.attributes.contains(.auction) { return "auction" }
        return event.attributes.contains(.aggressor) ? "aggressor" : "resting"
    }

    // MARK: Which columns an event has

    /// About one order, known or not.
    private func isOfOrder(_ event: Event) -> Bool {
        switch event.kind {
        case .cancelRejected, .replaceRejected, .reduceRejected: true
        case .accepted, .traded, .cancelled, .reduced, .replaced, .triggered, .prevented, .rested,
            .displayed, .busted:
            true
        case .rejected: record.kind == .newOrder
        default: false
        }
    }

    /// About an order whose side and account are known.
    private func isKnown(_ event: Event) -> Bool {
        switch event.kind {
        case .accepted, .traded, .cancelled, .reduced, .replaced, .triggered, .prevented, .rested,
            .displayed, .busted:
            true
        case .rejected: record.kind == .newOrder
        // The reference is the original's, with which the engine tells what it knows of it.
        case .replaceRejected: event.reference != 0
        default: false
        }
    }

    /// Of others `detail` says something else.
    private func hasReason(_ event: Event) -> Bool {
        ![.traded, .busted, .tradingStateSet].contains(event.kind)
    }

    /// Price and the three quantities.
    private func numbers(_ event: Event) -> String {
        let price = "\(event.priceTicks)"
        let quantity = "\(event.quantityLots)"
        if event.kind == .busted { return "\(price),\(quantity),," }
        if isKnown(event) {
            return "\(price),\(quantity),\(event.leavesLots),\(event.executedLots)"
        }
        switch event.kind {
        case .replaceRejected: return "\(price),\(quantity),,"
        case .reduceRejected: return ",\(quantity),,"
        default: return ",,,"
        }
    }

    /// Empty for 0, which is no number of anything, unless it was said to be one.
    private func number(_ number: some FixedWidthInteger, isOf: Bool = false) -> String {
        number == 0 && !isOf ? "" : "\(number)"
    }

    // MARK: Details

    private static func details(_ record: LogRecord, _ continuation: LogRecord?) -> [String] {
        var fields: [RecordField] = []
        switch record.kind {
        case .massCancel:
            fields =
                [RecordField("sides", words: RecordFields.sides(record))]
                + RecordFields.account(ofMassCancel: record)
        case .logon: fields = [RecordField("heartbeatMillis", record.instrument)]
        case .epochStart:
            fields = [
                RecordField("rulesVersion", record.sessionSequence),
                RecordField("host", record.instrument),
            ]
        case .defineInstrument:
            fields = RecordFields.of(record).filter { $0.name != "instrument" }
        case .activateRules, .killSwitch, .setInstrumentState, .setPriceBands, .setOrderRules,
            .setTickTableRow, .rollBusinessDay, .setTradeGroup, .bustTrade:
            fields = RecordFields.of(record)
        case .refused: fields = [RecordField("messageType", record.attributes.rawValue)]
        default: break
        }
        if let continuation {
            fields += RecordFields.of(continuation, behind: record)
                .filter { record.kind != .newOrder || !$0.isUsual }
        }
        return fields.map { "\($0.name)=\($0.plain)" }
    }

    /// What an event that is not about an order has in the places of one.
    private static func details(_ event: Event) -> [String] {
        switch event.kind {
        case .massCancelDone, .loggedOut, .sessionTimedOut:
            ["ordersCancelled=\(event.quantityLots)"]
        case .controlApplied where event.reason != .none:
            ["ordersCancelled=\(event.quantityLots)"]
        case .sessionOpened:
            [
                "nextSessionSequence=\(event.quantityLots)", "openOrders=\(event.leavesLots)",
                "reportsSoFar=\(event.executedLots)",
            ]
        case .tradingStateSet where event.reference != 0:
            ["setByItself=\(TradingState(rawValue: UInt8(event.detail & 0xFF)).word)"]
        case .businessDayRolled where event.leavesLots != 0:
            [
                "dayBefore="
                    + BusinessDay(rawValue: UInt32(truncatingIfNeeded: event.leavesLots)).text
            ]
        case .auctionPriced, .auctionIndicated:
            [
                "priceTicks=\(event.priceTicks)", "volumeLots=\(event.quantityLots)",
                (event.attributes.side == .sell ? "sellLots" : "buyLots") + "=\(event.leavesLots)",
            ]
        default: []
        }
    }

    /// As CSV wants it.
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }
}
