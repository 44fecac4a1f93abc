// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
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
            ]
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
        case .timeAdvance, .filler: return []
        default: return raw(record)
        }
    }

    /// Of the second record of a pair.
    static func of(_ second: LogRecord, behind first: LogRecord) -> [RecordField] {
        switch first.kind {
        case .newOrder: orderContinuation(second)
        case .epochStart: engineLimits(second)
        case .defineInstrument: instrumentDetail(second)
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
            rest &= ~RecordFlags.selfTradePreventionMask
        } else if record.kind == .logon {
            take(RecordFlags.cancelOnDisconnect, "cancelOnDisconnect")
            take(RecordFlags.extendedReports, "extendedReports")
        }
        if rest != 0 { names.append("0x" + String(rest, radix: 16)) }
        return names
    }

    /// The sides that a mass cancel reaches.
    static func sides(_ record: LogRecord) -> [String] {
        [Side.buy, .sell].filter { record.massCancelSides.includes($0) }.map { Names.of($0) }
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

    private static func instrumentDetail(_ second: LogRecord) -> [RecordField] {
        let detail = InstrumentDetail(continuation: second)
        let bytes = (0..<16).map { index in
            UInt8(
                truncatingIfNeeded: (index < 8 ? detail.symbolLow : detail.symbolHigh)
                    >> (8 * UInt64(index & 7)))
        }
        return [
            RecordField("symbol", text: String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)),
            RecordField("priceDecimals", detail.priceDecimals),
            RecordField("quantityDecimals", detail.quantityDecimals),
        ]
    }

    /// An OrderContinuation, whose fields lie across those of a record.
    private static func orderContinuation(_ second: LogRecord) -> [RecordField] {
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
            RecordField("triggerPriceTicks", Int64(bitPattern: second.timestampNanos)),
            RecordField("peakLots", UInt64(second.session) | UInt64(second.sessionSequence) << 32),
            RecordField("minimumLots", second.orderID),
            RecordField("expirySeconds", UInt32(truncatingIfNeeded: price)),
            RecordField("algorithmID", UInt32(truncatingIfNeeded: price >> 32)),
            RecordField("clientTag", text: tag),
            RecordField("capacity", text: letter(capacity)),
            RecordField("triggerCondition", UInt8(truncatingIfNeeded: second.instrument >> 24)),
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
