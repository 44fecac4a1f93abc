// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Pipeline
internal import Platform
internal import Wire

/// A field of a record under the name that docs/formats/log-record.md gives it in that kind.
struct RecordField {
    enum Value {
        case number(String)
        case text(String)
        case words([String])
    }

    let name: String
    let value: Value

    init(_ name: String, _ number: some FixedWidthInteger) {
        self.name = name
        value = .number("\(number)")
    }

    init(_ name: String, text: String) {
        self.name = name
        value = .text(text)
    }

    init(_ name: String, words: [String]) {
        self.name = name
        value = .words(words)
    }

    /// For tables: words with a bar between.
    var plain: String {
        switch value {
        case .number(let text), .text(let text): text
        case .words(let words): words.joined(separator: "|")
        }
    }

    /// Whether it says nothing that a reader would not take for granted.
    var isUsual: Bool {
        switch value {
        case .number(let text): text == "0"
        case .text(let text): text == "limit" || text == "day" || text.allSatisfy { $0 == "0" }
        case .words(let words): words.isEmpty
        }
    }
}

/// Which fields a record has, by its kind.
enum RecordFields {
    /// All but sequence, time, kind and checksum.
    static func of(_ record: LogRecord) -> [RecordField] {
        let session = [RecordField("session", record.session)]
        let sequenced = session + [RecordField("sessionSequence", record.sessionSequence)]
        switch record.kind {
        case .newOrder: return sequenced + newOrder(record)
        case .cancelOrder:
            return sequenced + [
                RecordField("orderID", record.orderID),
                RecordField("instrument", record.instrument),
            ]
        case .reduceOrder:
            return sequenced + [
                RecordField("orderID", record.orderID),
                RecordField("quantityLots", record.quantityLots),
                RecordField("instrument", record.instrument),
            ]
        case .replaceOrder:
            return sequenced + [
                RecordField("newOrderID", record.orderID),
                RecordField("originalOrderID", record.originalOrderID),
                RecordField("priceTicks", record.priceTicks),
                RecordField("totalLots", record.quantityLots),
            ]
        case .massCancel:
            return sequenced + [
                RecordField("requestID", record.orderID),
                RecordField("instrument", record.instrument),
                RecordField("sides", words: sides(record)),
            ] + account(ofMassCancel: record)
        case .refused:
            return sequenced + [
                RecordField("orderID", record.orderID),
                RecordField("instrument", record.instrument),
                RecordField("messageType", record.attributes.rawValue),
                RecordField("reason", text: Names.of(record.refusalReason)),
            ]
        case .logout: return sequenced
        case .sessionTimeout: return session
        case .logon: return session + logon(record)
        case .epochStart: return epochStart(record)
        case .defineInstrument: return defineInstrument(record)
        case .activateRules: return activateRules(record)
        case .killSwitch: return killSwitch(record)
        case .setInstrumentState: return tradingState(record)
        case .setPriceBands: return priceBands(record)
        case .setTradeGroup: return tradeGroup(record)
        case .setOrderRules: return orderRules(record)
        case .setTickTableRow: return tickTableRow(record)
        case .rollBusinessDay:
            return [
                RecordField("operatorID", record.session),
                RecordField("businessDay", text: record.businessDay?.text ?? "\(record.orderID)"),
            ]
        case .bustTrade: return bust(record)
        case .timeAdvance, .filler: return []
        default: return raw(record)
        }
    }

    /// Of the second record of a pair.
    static func of(_ second: LogRecord, behind first: LogRecord) -> [RecordField] {
        switch first.kind {
        case .newOrder: orderContinuation(second, behind: first)
        case .epochStart: engineLimits(second)
        case .defineInstrument: instrumentDetail(second)
        case .bustTrade: TradeBust(first, second).map(bustedSides) ?? raw(second)
        default: raw(second)
        }
    }

    /// Bits of `flags`, by their names; bits without one as a number. Not of a refused message.
    static func flagNames(_ record: LogRecord) -> [String] {
        guard record.kind != .refused else { return [] }
        var rest = record.flags
        var names: [String] = []
        func take(_ bit: UInt16, _ name: String) {
            if rest & bit != 0 { names.append(name) }
            rest &= ~bit
        }
        take(RecordFlags.pair, "pair")
        if record.kind == .newOrder {
            take(RecordFlags.postOnly, "postOnly")
            let prevention = SelfTradePrevention(flags: rest)
            if prevention != .none { names.append(Names.of(prevention)) }
            rest &= ~(RecordFlags.selfTradePreventionMask | RecordFlags.decrement)
            take(RecordFlags.slide, "slide")
            take(RecordFlags.hidden, "hidden")
            take(RecordFlags.linked, "linked")
        } else if record.kind == .replaceOrder {
            take(RecordFlags.cancelsIfInvalid, "cancelsIfInvalid")
            take(RecordFlags.silentIfDead, "silentIfDead")
        } else if record.kind == .logon {
            take(RecordFlags.cancelOnDisconnect, "cancelOnDisconnect")
            take(RecordFlags.extendedReports, "extendedReports")
            take(RecordFlags.cancelAllOnDisconnect, "cancelAllOnDisconnect")
        } else if record.kind == .massCancel {
            take(RecordFlags.byAccount, "byAccount")
        } else if record.kind == .killSwitch {
            take(RecordFlags.stop, "stop")
        } else if record.kind == .setInstrumentState {
            take(RecordFlags.reference, "reference")
        } else if record.kind == .setPriceBands {
            take(RecordFlags.basisPoints, "basisPoints")
        }
        if rest != 0 { names.append("0x" + String(rest, radix: 16)) }
        return names
    }

    /// The sides that a mass cancel reaches.
    static func sides(_ record: LogRecord) -> [String] {
        [Side.buy, .sell].filter { record.massCancelSides.includes($0) }.map { Names.of($0) }
    }

    /// The account that a mass cancel is bound to.
    static func account(ofMassCancel record: LogRecord) -> [RecordField] {
        record.flags & RecordFlags.byAccount != 0 ? [RecordField("account", record.account)] : []
    }

    /// The client of a logon, as `10.77.0.1:40012`.
    static func source(_ record: LogRecord) -> String {
        SocketAddress(
            address: UInt32(truncatingIfNeeded: record.quantityLots >> 16),
            port: UInt16(truncatingIfNeeded: record.quantityLots)
        ).description
    }

    // MARK: By kind

    private static func newOrder(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("orderID", record.orderID),
            RecordField("priceTicks", record.priceTicks),
            RecordField("quantityLots", record.quantityLots),
            RecordField("account", record.account),
            RecordField("instrument", record.instrument),
            RecordField("side", text: Names.of(record.attributes.side)),
            RecordField("type", text: Names.of(record.attributes.type)),
            RecordField("timeInForce", text: Names.of(record.attributes.timeInForce)),
        ]
    }

    private static func logon(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("nonce", record.orderID), RecordField("source", text: source(record)),
            RecordField("token", record.account),
            RecordField("heartbeatMillis", record.instrument),
        ]
    }

    private static func epochStart(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("epoch", record.session),
            RecordField("rulesVersion", record.sessionSequence),
            RecordField("lastCarriedSequence", record.orderID),
            RecordField("indexSeed", UInt64(bitPattern: record.priceTicks)),
            RecordField("shard", record.account), RecordField("host", record.instrument),
        ]
    }

    private static func engineLimits(_ second: LogRecord) -> [RecordField] {
        let limits = EngineLimits(continuation: second)
        return [
            RecordField("orderCapacity", limits.orderCapacity),
            RecordField("sessionCapacity", limits.sessionCapacity),
            RecordField("instrumentCapacity", limits.instrumentCapacity),
            RecordField("ladderTickCapacity", limits.ladderTickCapacity),
            RecordField("sessionOpenOrdersMax", limits.sessionOpenOrdersMax),
        ]
    }

    private static func defineInstrument(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("operatorID", record.session),
            RecordField("instrument", record.instrument),
            RecordField("lowestPriceTicks", record.priceTicks),
            RecordField("highestPriceTicks", Int64(bitPattern: record.quantityLots)),
            RecordField("quantityLotsMax", record.orderID),
        ]
    }

    private static func activateRules(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("operatorID", record.session),
            RecordField("rulesVersion", record.orderID),
        ]
    }

    private static func tradingState(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("operatorID", record.session),
            RecordField("instrument", record.instrument),
            RecordField("state", text: record.tradingState.word),
        ]
            + (record.flags & RecordFlags.reference == 0
                ? [] : [RecordField("referencePriceTicks", record.priceTicks)])
            + (record.quantityLots == 0
                ? [] : [RecordField("phaseSeconds", record.quantityLots)])
    }

    private static func priceBands(_ record: LogRecord) -> [RecordField] {
        let action = BandAction(rawValue: record.attributes.rawValue)
        return [
            RecordField("operatorID", record.session),
            RecordField("instrument", record.instrument),
            RecordField("staticWidth", record.orderID),
            RecordField("dynamicWidth", record.quantityLots),
            RecordField(
                "unit",
                text: record.flags & RecordFlags.basisPoints != 0 ? "basisPoints" : "ticks"),
            RecordField("action", text: action.word),
            RecordField("auctionSeconds", record.account),
        ]
    }

    private static func killSwitch(_ record: LogRecord) -> [RecordField] {
        let targets: [KillTarget: String] = [
            .session: "session", .account: "account", .instrument: "instrument",
        ]
        return [
            RecordField("operatorID", record.session),
            RecordField(
                "target", text: targets[record.killTarget] ?? "\(record.killTarget.rawValue)"),
            RecordField("number", record.orderID),
        ]
    }

    private static func instrumentDetail(_ second: LogRecord) -> [RecordField] {
        let detail = InstrumentDetail(continuation: second)
        return [
            RecordField("symbol", text: detail.symbol),
            RecordField("priceDecimals", detail.priceDecimals),
            RecordField("quantityDecimals", detail.quantityDecimals),
        ]
    }

    /// An OrderContinuation, whose fields lie across those of a record. Some of them are named by
    /// what they mean for such an order.
    private static func orderContinuation(
        _ second: LogRecord, behind first: LogRecord
    ) -> [RecordField] {
        let isMarket = first.attributes.type == .market
        let isLinked = first.flags & RecordFlags.linked != 0
        let price = UInt64(bitPattern: second.priceTicks)
        let capacity = UInt8(truncatingIfNeeded: second.instrument >> 16)
        let tag = (0..<14).map { index -> String in
            let byte =
                switch index {
                case 0..<8: second.quantityLots >> (8 * UInt64(index))
                case 8..<12: UInt64(second.account) >> (8 * UInt64(index - 8))
                default: UInt64(second.instrument) >> (8 * UInt64(index - 12))
                }
            let digits = String(byte & 255, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
        return [
            isMarket
                ? RecordField("slippageTicks", second.timestampNanos)
                : RecordField("triggerPriceTicks", Int64(bitPattern: second.timestampNanos)),
            RecordField(
                isLinked ? "linkedOrderID" : isMarket ? "quoteMax" : "peakLots",
                UInt64(second.session) | UInt64(second.sessionSequence) << 32),
        ] + minimum(second, behind: first) + [
            RecordField("expirySeconds", UInt32(truncatingIfNeeded: price)),
            RecordField("algorithmID", UInt32(truncatingIfNeeded: price >> 32)),
            RecordField("clientTag", text: tag),
            RecordField("capacity", text: letter(capacity)),
            RecordField("triggerCondition", UInt8(truncatingIfNeeded: second.instrument >> 24)),
        ]
    }

    private static func minimum(
        _ second: LogRecord, behind first: LogRecord
    ) -> [RecordField] {
        guard first.attributes.type == .trailingStop else {
            return [RecordField("minimumLots", second.orderID)]
        }
        return [
            RecordField("trailOffsetTicks", UInt32(truncatingIfNeeded: second.orderID)),
            RecordField("trailStepTicks", UInt32(truncatingIfNeeded: second.orderID >> 32)),
        ]
    }

    /// Of a code that is a letter; nothing for 0.
    private static func letter(_ code: UInt8) -> String {
        guard code != 0 else { return "" }
        return 0x21...0x7E ~= code ? String(UnicodeScalar(code)) : "\(code)"
    }

    /// Of a kind that nobody writes yet.
    private static func raw(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("session", record.session),
            RecordField("sessionSequence", record.sessionSequence),
            RecordField("orderID", record.orderID),
            RecordField("priceTicks", record.priceTicks),
            RecordField("quantityLots", record.quantityLots),
            RecordField("account", record.account),
            RecordField("instrument", record.instrument),
        ]
    }
}
