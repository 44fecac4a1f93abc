// SPDX-License-Identifier: Apache-2.0
import Wire

// The language of events and books. What a line has to say of an event is a row of a table; what
// else it says must be so too.

/// A number of an event that lines speak of.
enum EventField: String, CaseIterable {
    case quantity, price, leaves, executed, account, instrument, request, state, itself

    func value(of event: Event) -> Int128 {
        switch self {
        case .quantity: Int128(event.quantityLots)
        case .price: Int128(event.priceTicks)
        case .leaves: Int128(event.leavesLots)
        case .executed: Int128(event.executedLots)
        case .account: Int128(event.account)
        case .instrument: Int128(event.instrument)
        // Of a trading state: which, and whether nobody asked for it.
        case .state: Int128(event.detail)
        case .itself: Int128(event.reference)
        // Of a mass cancel.
        case .request: Int128(event.orderID)
        }
    }
}

/// What a line says of one kind of event.
struct EventShape {
    enum Subject: String {
        case order = "an order"
        case session = "a session"
        case none = "nobody"
    }

    var subject = Subject.order
    /// What every line says.
    var fields: [EventField] = []
    /// Whether what is not said of `leaves` is that it is the whole quantity.
    var leavesAllUnlessSaid = false
    /// Bits that a line names if they are there, and does not if they are not.
    var markers: EventAttributes = []
    var hasReason = false

    private static let order = EventShape(
        fields: [.quantity, .price], leavesAllUnlessSaid: true,
        markers: [.resting, .replacement])
    private static let reject = EventShape(hasReason: true)
    private static let session = EventShape(subject: .session)
    private static let control = EventShape(subject: .none)

    static func of(_ kind: EventKind) -> EventShape {
        switch kind {
        case .accepted: order
        case .rested: EventShape(fields: [.quantity, .price], leavesAllUnlessSaid: true)
        case .traded:
            EventShape(fields: [.quantity, .price, .leaves], markers: [.aggressor, .auction])
        case .busted:
            EventShape(
                fields: [.quantity, .price, .executed], markers: [.resting, .aggressor, .auction])
        case .cancelled: EventShape(fields: [.quantity], hasReason: true)
        case .reduced: EventShape(fields: [.quantity], leavesAllUnlessSaid: true)
        case .prevented:
            EventShape(fields: [.quantity, .leaves], markers: [.resting, .aggressor])
        case .displayed: EventShape(fields: [.quantity, .leaves], markers: [.resting])
        case .replaced, .triggered: EventShape()
        case .rejected, .cancelRejected, .replaceRejected, .reduceRejected, .refused: reject
        case .massCancelDone: EventShape(subject: .session, fields: [.quantity])
        case .loggedOut, .sessionOpened, .sessionTimedOut: session
        case .controlRejected: EventShape(subject: .none, hasReason: true)
        case .businessDayRolled: EventShape(subject: .none, fields: [.quantity])
        case .auctionPriced, .auctionIndicated:
            EventShape(subject: .none, fields: [.quantity, .price, .leaves])
        default: control
        }
    }
}

extension EventKind {
    /// Whether it says no to a command.
    var isReject: Bool {
        [
            .rejected, .cancelRejected, .replaceRejected, .reduceRejected, .refused,
            .controlRejected,
        ].contains(self)
    }
}

private let markerNames: [(name: String, marker: EventAttributes)] = [
    ("resting", .resting), ("aggressor", .aggressor), ("replacement", .replacement),
    ("undisclosed", .undisclosed), ("auction", .auction),
]

/// What a line says of an event.
struct ExpectedEvent {
    let text: String
    let kind: EventKind
    /// Nil if the line names nobody.
    let session: UInt32?
    let orderID: UInt64?
    private(set) var values: [EventField: Int128] = [:]
    /// Of these, what the line itself says.
    private var said: Set<EventField> = []
    /// Whether it says so of the price, which is 0 then.
    private var isMarket = false
    private(set) var side: Side?
    private(set) var reason: Reason?
    private(set) var markers: EventAttributes = []

    init(_ text: String, _ speech: Speech) throws(WordError) {
        self.text = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var words = Words(text)
        (kind, session, orderID) = try Self.head(&words, speech)
        let shape = EventShape.of(kind)
        while let word = words.take() {
            try take(word, &words, speech, shape)
        }
        for field in shape.fields where values[field] == nil {
            throw WordError(message: "\(text): there is no \(field.rawValue)")
        }
        guard shape.hasReason == (reason != nil) else {
            throw WordError(message: "\(text): there is no reason")
        }
        said = Set(values.keys)
        if shape.leavesAllUnlessSaid, values[.leaves] == nil {
            values[.leaves] = values[.quantity]
        }
    }

    /// Subject and kind: `a1 traded`, `A's x traded`, `A loggedOut`, `controlApplied`.
    private static func head(
        _ words: inout Words, _ speech: Speech
    ) throws(WordError) -> (EventKind, UInt32?, UInt64?) {
        func kind(of subjects: [EventShape.Subject]) throws(WordError) -> EventKind {
            guard let name = words.take(), let number = WireNames.eventKinds[name] else {
                throw WordError(message: "unknown kind of event `\(words.last)`")
            }
            let kind = EventKind(rawValue: number)
            guard subjects.contains(EventShape.of(kind).subject) else {
                throw WordError(message: "`\(name)` is not said of \(subjects[0].rawValue)")
            }
            return kind
        }
        if let next = words.next, WireNames.eventKinds[next] != nil {
            return (try kind(of: [.none]), nil, nil)
        }
        // The reject of a message without an order, such as a mass cancel, is its session's.
        if let session = words.takeSession() {
            let kind = try kind(of: [.session, .order])
            return (kind, session, EventShape.of(kind).subject == .order ? 0 : nil)
        }
        let (session, orderID) = try speech.order(named: &words)
        return (try kind(of: [.order]), session, orderID)
    }

    private mutating func take(
        _ word: String, _ words: inout Words, _ speech: Speech, _ shape: EventShape
    ) throws(WordError) {
        func number() throws(WordError) -> Int128 {
            guard let text = words.take() else {
                throw WordError(message: "a number is missing behind `\(word)`")
            }
            return try Speech.number(text)
        }
        switch word {
        case "to": values[.quantity] = try number()
        case "@": values[.price] = try number()
        case "market":
            values[.price] = 0
            isMarket = true
        case "in": values[.instrument] = Int128(try speech.instrument(words.take() ?? ""))
        case "buy": side = .buy
        case "sell": side = .sell
        default:
            if let number = Int128(word) {
                values[.quantity] = number
            } else if let field = EventField(rawValue: word) {
                values[field] = try number()
            } else if let marker = markerNames.first(where: { $0.name == word })?.marker,
                shape.markers.contains(marker) || marker == .undisclosed
            {
                markers.insert(marker)
            } else if shape.hasReason {
                reason = try Speech.reason(word)
            } else {
                throw WordError(message: "unknown word `\(word)` in `\(text)`")
            }
        }
    }

    func matches(_ event: Event) -> Bool {
        let shape = EventShape.of(kind)
        return event.kind == kind && (session == nil || event.session == session)
            && (orderID == nil || event.orderID == orderID)
            && values.allSatisfy { $0.key.value(of: event) == $0.value }
            && (side == nil || event.attributes.side == side)
            && (!shape.hasReason || event.reason == reason)
            && event.attributes.intersection(shape.markers) == markers.intersection(shape.markers)
            && event.attributes.contains(markers)
    }

    /// An event in the words of a line; with what `expected` says more of than it has to.
    static func words(for event: Event, like expected: ExpectedEvent?, _ speech: Speech) -> String {
        let shape = EventShape.of(event.kind)
        var parts: [String] = []
        switch shape.subject {
        case .order: parts.append(speech.name(session: event.session, orderID: event.orderID))
        case .session: parts.append(Speech.letter(event.session))
        case .none: break
        }
        parts.append(WireNames.name(event.kind.rawValue, in: WireNames.eventKinds))
        var shown = Set(shape.fields)
        if let expected, expected.kind == event.kind { shown.formUnion(expected.said) }
        if shape.leavesAllUnlessSaid, event.leavesLots != event.quantityLots {
            shown.insert(.leaves)
        }
        for field in EventField.allCases where shown.contains(field) {
            let isMarket = field == .price && event.priceTicks == 0 && expected?.isMarket == true
            parts.append(isMarket ? "market" : text(field, event, speech))
        }
        let markers = shape.markers.union(expected?.markers ?? [])
        for (name, marker) in markerNames
        where markers.contains(marker) && event.attributes.contains(marker) {
            parts.append(name)
        }
        if expected?.side != nil { parts.append(event.attributes.side == .buy ? "buy" : "sell") }
        if shape.hasReason {
            parts.append(WireNames.name(event.reason.rawValue, in: WireNames.reasons))
        }
        return parts.joined(separator: " ")
    }

    private static func text(_ field: EventField, _ event: Event, _ speech: Speech) -> String {
        let value = field.value(of: event)
        return switch field {
        case .quantity: event.kind == .reduced ? "to \(value)" : "\(value)"
        case .price: "@ \(value)"
        case .instrument: "in \(speech.name(instrument: event.instrument))"
        default: "\(field.rawValue) \(value)"
        }
    }
}

/// Orders of one side at one price, in the order in which they would trade, with what they leave.
struct BookLine: Equatable {
    var instrument: UInt32
    var side: Side
    var priceTicks: Int64
    var orders: [Order]

    /// Before every price.
    static let atMarket = Int64.min

    struct Order: Equatable {
        var session: UInt32
        var orderID: UInt64
        var leavesLots: UInt64
        /// What the public sees of it.
        var shownLots: UInt64

        init(session: UInt32, orderID: UInt64, leavesLots: UInt64, shownLots: UInt64) {
            self.session = session
            self.orderID = orderID
            self.leavesLots = leavesLots
            self.shownLots = shownLots
        }

        /// `a1 10`, `a1 10 hidden` or `a1 10 shows 2`.
        init(_ text: String, _ speech: Speech) throws(WordError) {
            var words = Words(text)
            (session, orderID) = try speech.order(named: &words)
            let leaves = words.take().flatMap { UInt64($0) }
            var shown = leaves
            switch words.take() {
            case nil: break
            case "hidden": shown = 0
            case "shows": shown = words.take().flatMap { UInt64($0) }
            default: shown = nil
            }
            guard let leaves, let shown, words.isEmpty else {
                throw WordError(
                    message: "`\(text)` is no order in a book, such as `a1 10`, `a1 10 hidden` or "
                        + "`a1 10 shows 2`")
            }
            leavesLots = leaves
            shownLots = shown
        }

        func words(_ speech: Speech) -> String {
            let name = speech.name(session: session, orderID: orderID)
            let shown = shownLots == 0 ? " hidden" : " shows \(shownLots)"
            return "\(name) \(leavesLots)" + (shownLots == leavesLots ? "" : shown)
        }
    }

    /// `buy 100`, `buy market` or `OIL buy 100`, and `a1 10, a2 5`.
    init(place: String, orders text: String, _ speech: Speech) throws(WordError) {
        var words = place.split(separator: " ").map(String.init)
        instrument = words.count == 3 ? try speech.instrument(words.removeFirst()) : 1
        guard words.count == 2, let side = ["buy": Side.buy, "sell": .sell][words[0]],
            let price = words[1] == "market" ? Self.atMarket : Int64(words[1])
        else { throw WordError(message: "`\(place)` is no place in a book, such as `buy 100`") }
        self.side = side
        priceTicks = price
        orders = []
        for part in text.split(separator: ",") { orders.append(try Order(String(part), speech)) }
    }

    init(instrument: UInt32, side: Side, priceTicks: Int64, orders: [Order]) {
        self.instrument = instrument
        self.side = side
        self.priceTicks = priceTicks
        self.orders = orders
    }

    func words(_ speech: Speech) -> String {
        let place = instrument == 1 ? "" : "\(speech.name(instrument: instrument)) "
        let list = orders.map { $0.words(speech) }
        let price = priceTicks == Self.atMarket ? "market" : "\(priceTicks)"
        return "\(place)\(side == .buy ? "buy" : "sell") \(price): "
            + list.joined(separator: ", ")
    }
}
