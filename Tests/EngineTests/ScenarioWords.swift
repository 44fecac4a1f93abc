// SPDX-License-Identifier: Apache-2.0
import Wire

// The language of commands, as two tables: verbs and what may follow them. A phrase is a pattern
// of words and slots (`trail <ticks> step <ticks>`), the fields that its slots fill and those that
// its words set. It is read from text and written as text by the same row.

/// A command between words and records.
struct Draft {
    var record: LogRecord
    /// It is there once something is in it.
    var second = OrderContinuation() {
        didSet {
            let isEmpty = bytes(of: continuation) == bytes(of: Draft(record: record).continuation)
            if !isEmpty { record.flags |= RecordFlags.pair }
        }
    }
    /// Of a `timeAdvance`.
    var seconds: UInt64 {
        get { record.timestampNanos / 1_000_000_000 }
        set { record.timestampNanos = newValue * 1_000_000_000 }
    }
    var type: UInt8 {
        get { record.attributes.type.rawValue }
        set { set(0b1110, newValue << 1) }
    }
    var timeInForce: UInt8 {
        get { record.attributes.timeInForce.rawValue }
        set { set(0b1111_0000, newValue << 4) }
    }
    var side: UInt8 {
        get { record.attributes.rawValue & 1 }
        set { set(1, newValue) }
    }
    var massCancelSellsToo: UInt8 {
        get { record.attributes.rawValue >> 1 & 1 }
        set { set(2, newValue << 1) }
    }
    /// Of a trailing stop, in the place of the minimum.
    var trailOffset: UInt32 {
        get { UInt32(truncatingIfNeeded: second.minimumLots) }
        set { second.minimumLots = second.minimumLots & ~0xFFFF_FFFF | UInt64(newValue) }
    }
    var trailStep: UInt32 {
        get { UInt32(truncatingIfNeeded: second.minimumLots >> 32) }
        set { second.minimumLots = second.minimumLots & 0xFFFF_FFFF | UInt64(newValue) << 32 }
    }
    /// Of a bust, in the halves of a word too.
    var isOfAuction: UInt8 {
        get { record.attributes.rawValue >> 5 & 1 }
        set { set(0b10_0000, newValue << 5) }
    }
    /// Of a trading state.
    var trading: UInt8 {
        get { record.tradingState.rawValue }
        set { record.attributes.rawValue = newValue }
    }
    /// Of a row of a tick table.
    var tickRow: UInt16 {
        get { UInt16(truncatingIfNeeded: record.account) }
        set { record.account = record.account & ~0xFFFF | UInt32(newValue) }
    }
    var tickRowCount: UInt16 {
        get { UInt16(truncatingIfNeeded: record.account >> 16) }
        set { record.account = record.account & 0xFFFF | UInt32(newValue) << 16 }
    }
    /// Of order rules.
    var valueMax: UInt64 {
        get { UInt64(bitPattern: record.priceTicks) }
        set { record.priceTicks = Int64(bitPattern: newValue) }
    }
    /// Of a kill switch.
    var target: UInt8 {
        get { record.killTarget.rawValue }
        set { record.attributes.rawValue = newValue }
    }
    var prevention: UInt16 {
        get { (record.flags & RecordFlags.selfTradePreventionMask) >> 1 }
        set { record.flags = record.flags & ~RecordFlags.selfTradePreventionMask | newValue << 1 }
    }
    /// A bit of the flags, by its number.
    subscript(flag flag: UInt16) -> UInt16 {
        get { record.flags & flag == 0 ? 0 : 1 }
        set { record.flags = newValue == 0 ? record.flags & ~flag : record.flags | flag }
    }
    /// Flags without a word of their own.
    var otherFlags: UInt16 {
        get { record.flags & ~namedFlags }
        set { record.flags |= newValue }
    }

    private var namedFlags: UInt16 {
        switch record.kind {
        case .newOrder:
            RecordFlags.postOnly | RecordFlags.selfTradePreventionMask | RecordFlags.slide
                | RecordFlags.hidden | RecordFlags.decrement | RecordFlags.linked
                | RecordFlags.pair
        case .logon: RecordFlags.cancelOnDisconnect | RecordFlags.cancelAllOnDisconnect
        case .massCancel: RecordFlags.byAccount
        case .setInstrumentState: RecordFlags.reference
        case .setPriceBands: RecordFlags.basisPoints
        case .bustTrade: RecordFlags.pair
        case .refused: .max
        default: 0
        }
    }

    private mutating func set(_ mask: UInt8, _ bits: UInt8) {
        record.attributes.rawValue = record.attributes.rawValue & ~mask | bits & mask
    }

    /// SAFETY: both are the 64 bytes of a record, `kind` and `flags` at the same places.
    private var continuation: LogRecord { unsafe unsafeBitCast(second, to: LogRecord.self) }

    var command: Command {
        Command(record, Self.paired.contains(record.kind) && record.isPair ? continuation : nil)
    }

    /// Kinds whose second records words speak of.
    private static let paired: Set<CommandKind> = [.newOrder, .bustTrade]

    init(record: LogRecord) { self.record = record }

    /// Back from records.
    init(_ command: Command) {
        record = command.record
        guard Self.paired.contains(record.kind), let continuation = command.continuation
        else { return }
        // SAFETY: as in `continuation`.
        second = unsafe unsafeBitCast(continuation, to: OrderContinuation.self)
    }
}

/// The 64 bytes of a record.
func bytes(of record: LogRecord) -> [UInt8] {
    unsafe withUnsafeBytes(of: record) { unsafe Array($0) }
}

/// A number of a draft. 128 bits hold every price and every quantity.
struct DraftField: Sendable {
    let get: @Sendable (Draft) -> Int128
    /// Answers false for a number that is out of the field's range.
    let set: @Sendable (inout Draft, Int128) -> Bool

    init<Number: FixedWidthInteger & SendableMetatype>(
        _ path: any WritableKeyPath<Draft, Number> & Sendable
    ) {
        get = { Int128($0[keyPath: path]) }
        set = { draft, value in
            guard let number = Number(exactly: value) else { return false }
            draft[keyPath: path] = number
            return true
        }
    }
}

/// What stands in a slot.
enum Slot: String, Sendable {
    /// A plain number.
    case number
    /// An order's name, or its id.
    case order
    /// An instrument's name, or its number.
    case instrument
    /// A reason's name.
    case reason
}

/// A row of the language.
struct Phrase: Sendable {
    enum Word: Equatable { case literal(String), slot(Slot) }

    let pattern: String
    /// The kinds of commands that it may be said of.
    let kinds: Set<CommandKind>
    /// What the slots fill, in their order.
    let slots: [DraftField]
    /// What saying it sets.
    let fixed: [(field: DraftField, value: Int128)]

    var words: [Word] {
        pattern.split(separator: " ").map { word in
            guard word.first == "<" else { return .literal(String(word)) }
            guard let slot = Slot(rawValue: String(word.dropFirst().dropLast())) else {
                preconditionFailure("\(pattern): there is no slot \(word)")
            }
            return .slot(slot)
        }
    }
    var name: Substring { pattern.prefix { $0 != " " } }

    /// Whether it says something true of `draft` that is not so in `known` yet.
    func adds(to known: Draft, of draft: Draft) -> Bool {
        fixed.allSatisfy { $0.field.get(draft) == $0.value }
            && (slots + fixed.map(\.field)).contains { $0.get(draft) != $0.get(known) }
    }

    func values(of draft: Draft) -> [Int128] { slots.map { $0.get(draft) } }

    /// Answers false when a number is out of range.
    func write(_ values: [Int128], to draft: inout Draft) -> Bool {
        for (field, value) in fixed { _ = field.set(&draft, value) }
        return zip(slots, values).allSatisfy { $0.set(&draft, $1) }
    }

    /// Whether it is true of `draft` with these values.
    func holds(_ values: [Int128], of draft: Draft) -> Bool {
        fixed.allSatisfy { $0.field.get(draft) == $0.value } && self.values(of: draft) == values
    }
}

/// What a line begins with, behind the session if it has one.
struct Verb: Sendable {
    let phrase: Phrase
    let kind: CommandKind
    /// What has to follow: first words of phrases, one of each group.
    let needs: [[String]]
    /// Whether a session says it.
    var hasSession: Bool { kind.rawValue < 64 }

    /// What the verb says with nothing behind it.
    func plain(session: UInt32, sequence: UInt32, seconds: UInt64) -> Draft {
        var record = LogRecord(kind: kind, session: session)
        if kind.rawValue < 32 { record.sessionSequence = sequence }
        switch kind {
        case .newOrder:
            record.account = session
            record.instrument = 1
        case .cancelOrder, .reduceOrder, .refused, .setInstrumentState, .setPriceBands,
            .setOrderRules, .bustTrade:
            record.instrument = 1
        default: break
        }
        var draft = Draft(record: record)
        draft.seconds = seconds
        for (field, value) in phrase.fixed { _ = field.set(&draft, value) }
        return draft
    }
}

/// All words that there are.
enum Language {
    private static func field<Number: FixedWidthInteger & SendableMetatype>(
        _ path: any WritableKeyPath<Draft, Number> & Sendable
    ) -> DraftField { DraftField(path) }

    private static func verb(
        _ pattern: String, _ kind: CommandKind, _ slots: [DraftField] = [],
        sets: [(field: DraftField, value: Int128)] = [], needs: [[String]] = []
    ) -> Verb {
        Verb(
            phrase: Phrase(pattern: pattern, kinds: [kind], slots: slots, fixed: sets),
            kind: kind, needs: needs)
    }

    static let verbs: [Verb] = [
        verb(
            "buys <number>", .newOrder, [field(\.record.quantityLots)], sets: [(field(\.side), 0)],
            needs: [["@", "market", "stop", "take-profit", "trail"], ["as"]]),
        verb(
            "sells <number>", .newOrder, [field(\.record.quantityLots)], sets: [(field(\.side), 1)],
            needs: [["@", "market", "stop", "take-profit", "trail"], ["as"]]),
        verb("cancels <order>", .cancelOrder, [field(\.record.orderID)]),
        verb(
            "replaces <order> with <order>", .replaceOrder,
            [field(\.record.originalOrderID), field(\.record.orderID)], needs: [["@"], ["total"]]),
        verb(
            "reduces <order> to <number>", .reduceOrder,
            [field(\.record.orderID), field(\.record.quantityLots)]),
        verb("mass cancels", .massCancel),
        // A message that the gateway refused.
        verb("is refused <reason>", .refused, [field(\.record.flags)], needs: [["as"]]),
        verb("logs on", .logon),
        verb("logs out", .logout),
        verb("times out", .sessionTimeout),
        verb("activate rules <number>", .activateRules, [field(\.record.orderID)]),
        verb(
            "kill session <number>", .killSwitch, [field(\.record.orderID)],
            sets: [(field(\.target), 1), (field(\.[flag: RecordFlags.stop]), 1)]),
        verb(
            "kill account <number>", .killSwitch, [field(\.record.orderID)],
            sets: [(field(\.target), 2), (field(\.[flag: RecordFlags.stop]), 1)]),
        verb(
            "put account <number> into group <number>", .setTradeGroup,
            [field(\.record.account), field(\.record.orderID)]),
        verb(
            "release session <number>", .killSwitch, [field(\.record.orderID)],
            sets: [(field(\.target), 1)]),
        verb(
            "release account <number>", .killSwitch, [field(\.record.orderID)],
            sets: [(field(\.target), 2)]),
        verb("time <number>", .timeAdvance, [field(\.seconds)]),
        verb("price bands", .setPriceBands),
        verb("order rules", .setOrderRules),
        verb(
            "tick table <number> row <number> of <number> from <number> step <number>",
            .setTickTableRow,
            [
                field(\.record.orderID), field(\.tickRow), field(\.tickRowCount),
                field(\.record.priceTicks), field(\.record.quantityLots),
            ]),
        verb("roll to day <number>", .rollBusinessDay, [field(\.record.orderID)]),
        // The index of a trade in the command with a sequence.
        verb(
            "bust <number> of <number>", .bustTrade,
            [field(\.record.account), field(\.record.orderID)],
            sets: [(field(\.[flag: RecordFlags.pair]), 1)]),
        state("open", .open), state("closed", .closed), state("pre-open", .preOpen),
        state("auction", .auction), state("halted", .halted), state("post-close", .postClose),
    ]

    private static func state(_ name: String, _ state: TradingState) -> Verb {
        verb(
            "state \(name)", .setInstrumentState,
            sets: [(field(\.trading), Int128(state.rawValue))])
    }

    private static func phrase(
        _ pattern: String, of kinds: Set<CommandKind> = [.newOrder], _ slots: [DraftField] = [],
        sets: [(field: DraftField, value: Int128)] = []
    ) -> Phrase { Phrase(pattern: pattern, kinds: kinds, slots: slots, fixed: sets) }

    private static let sequenced: Set<CommandKind> = [
        .newOrder, .cancelOrder, .replaceOrder, .reduceOrder, .massCancel, .refused, .logout,
    ]

    private static let otherThanRefused = sequenced.subtracting([.refused])

    /// An option is a row here, and nothing else. In words a command is told by the first rows that
    /// say what no row before them has said.
    static let phrases: [Phrase] = [
        phrase(
            "@ <number>", of: [.newOrder, .replaceOrder, .bustTrade], [field(\.record.priceTicks)]),
        phrase("market", sets: [(field(\.type), 1)]),
        phrase(
            "take-profit <number>", [field(\.second.triggerPriceTicks)],
            sets: [(field(\.type), 2), (field(\.second.triggerCondition), 16)]),
        phrase(
            "take-profit-limit <number>", [field(\.second.triggerPriceTicks)],
            sets: [(field(\.type), 3), (field(\.second.triggerCondition), 16)]),
        phrase(
            "trail <number> step <number>", [field(\.trailOffset), field(\.trailStep)],
            sets: [(field(\.type), 6)]),
        phrase(
            "stop <number>", [field(\.second.triggerPriceTicks)], sets: [(field(\.type), 2)]),
        phrase(
            "stop-limit <number>", [field(\.second.triggerPriceTicks)], sets: [(field(\.type), 3)]),
        phrase("market-to-limit", sets: [(field(\.type), 4)]),
        phrase("pegged", sets: [(field(\.type), 5)]),
        phrase("total <number>", of: [.replaceOrder], [field(\.record.quantityLots)]),
        phrase("day", sets: [(field(\.timeInForce), 0)]),
        phrase("ioc", sets: [(field(\.timeInForce), 1)]),
        phrase("fok", sets: [(field(\.timeInForce), 2)]),
        phrase("gtc", sets: [(field(\.timeInForce), 3)]),
        phrase(
            "until <number>", [field(\.second.expirySeconds)], sets: [(field(\.timeInForce), 4)]),
        phrase("gtt", sets: [(field(\.timeInForce), 4)]),
        phrase("expiry <number>", [field(\.second.expirySeconds)]),
        phrase("at-the-opening", sets: [(field(\.timeInForce), 5)]),
        phrase("at-the-close", sets: [(field(\.timeInForce), 6)]),
        phrase("post-only", sets: [(field(\.[flag: RecordFlags.postOnly]), 1)]),
        phrase("slide", sets: [(field(\.[flag: RecordFlags.slide]), 1)]),
        phrase("hidden", sets: [(field(\.[flag: RecordFlags.hidden]), 1)]),
        phrase("stp cancel-newest", sets: [(field(\.prevention), 1)]),
        phrase("stp cancel-oldest", sets: [(field(\.prevention), 2)]),
        phrase("stp cancel-both", sets: [(field(\.prevention), 3)]),
        phrase("stp decrement", sets: [(field(\.[flag: RecordFlags.decrement]), 1)]),
        phrase(
            "oco with <order>", [field(\.second.peakLots)],
            sets: [(field(\.[flag: RecordFlags.linked]), 1)]),
        // Of market orders, in the places of trigger and peak.
        phrase(
            "slippage <number>", [field(\.second.triggerPriceTicks)], sets: [(field(\.type), 1)]),
        phrase("quote-cap <number>", [field(\.second.peakLots)], sets: [(field(\.type), 1)]),
        phrase("peak <number>", [field(\.second.peakLots)]),
        phrase("min <number>", [field(\.second.minimumLots)]),
        phrase("trigger <number>", [field(\.second.triggerPriceTicks)]),
        phrase("trigger-condition <number>", [field(\.second.triggerCondition)]),
        phrase("tag <number>", [field(\.second.clientTagLow)]),
        phrase("algorithm <number>", [field(\.second.algorithmID)]),
        // In two records, whatever is in the second.
        phrase("extended", sets: [(field(\.[flag: RecordFlags.pair]), 1)]),
        phrase("account <number>", [field(\.record.account)]),
        phrase(
            "in <instrument>",
            of: [
                .newOrder, .cancelOrder, .reduceOrder, .massCancel, .refused, .setInstrumentState,
                .setPriceBands, .setOrderRules, .bustTrade,
            ],
            [field(\.record.instrument)]),
        phrase(
            "reference <number>", of: [.setInstrumentState], [field(\.record.priceTicks)],
            sets: [(field(\.[flag: RecordFlags.reference]), 1)]),
        phrase("static <number>", of: [.setPriceBands], [field(\.record.orderID)]),
        phrase("dynamic <number>", of: [.setPriceBands], [field(\.record.quantityLots)]),
        phrase(
            "basis-points", of: [.setPriceBands],
            sets: [(field(\.[flag: RecordFlags.basisPoints]), 1)]),
        phrase(
            "auction <number>", of: [.setPriceBands], [field(\.record.account)],
            sets: [(field(\.trading), 1)]),
        // Order and session, as numbers, and the side of the first.
        phrase("lots <number>", of: [.bustTrade], [field(\.record.quantityLots)]),
        phrase("buy", of: [.bustTrade], sets: [(field(\.side), 0)]),
        phrase("sell", of: [.bustTrade], sets: [(field(\.side), 1)]),
        phrase(
            "resting <number> of <number>", of: [.bustTrade],
            [field(\.second.triggerPriceTicks), field(\.trailOffset)]),
        phrase(
            "aggressor <number> of <number>", of: [.bustTrade],
            [field(\.second.expirySeconds), field(\.second.clientTagMiddle)]),
        phrase(
            "accounts <number> <number>", of: [.bustTrade],
            [field(\.trailStep), field(\.second.clientTagHigh)]),
        phrase(
            "references <number> <number>", of: [.bustTrade],
            [field(\.second.peakLots), field(\.second.clientTagLow)]),
        phrase("in-auction", of: [.bustTrade], sets: [(field(\.isOfAuction), 1)]),
        phrase("seconds <number>", of: [.setPriceBands], [field(\.record.account)]),
        phrase("lot <number>", of: [.setOrderRules], [field(\.record.orderID)]),
        phrase("smallest <number>", of: [.setOrderRules], [field(\.record.quantityLots)]),
        phrase("value <number>", of: [.setOrderRules], [field(\.valueMax)]),
        phrase("tick-table <number>", of: [.setOrderRules], [field(\.record.account)]),
        phrase("phase <number>", of: [.setInstrumentState], [field(\.record.quantityLots)]),
        phrase("buys", of: [.massCancel], sets: [(field(\.side), 1)]),
        phrase("sells", of: [.massCancel], sets: [(field(\.massCancelSellsToo), 1)]),
        phrase(
            "for-account <number>", of: [.massCancel], [field(\.record.account)],
            sets: [(field(\.[flag: RecordFlags.byAccount]), 1)]),
        phrase(
            "cancels-if-invalid", of: [.replaceOrder],
            sets: [(field(\.[flag: RecordFlags.cancelsIfInvalid]), 1)]),
        phrase(
            "silent-if-dead", of: [.replaceOrder],
            sets: [(field(\.[flag: RecordFlags.silentIfDead]), 1)]),
        phrase("request <number>", of: [.massCancel], [field(\.record.orderID)]),
        phrase(
            "cancel-on-disconnect", of: [.logon],
            sets: [(field(\.[flag: RecordFlags.cancelOnDisconnect]), 1)]),
        phrase(
            "cancel-all-on-disconnect", of: [.logon],
            sets: [
                (field(\.[flag: RecordFlags.cancelOnDisconnect]), 1),
                (field(\.[flag: RecordFlags.cancelAllOnDisconnect]), 1),
            ]),
        // Another session sequence than the next, and flags that have no word.
        phrase("sequence <number>", of: sequenced, [field(\.record.sessionSequence)]),
        phrase("flags <number>", of: otherThanRefused, [field(\.otherFlags)]),
        phrase("as <order>", of: [.newOrder, .refused], [field(\.record.orderID)]),
    ]
}
