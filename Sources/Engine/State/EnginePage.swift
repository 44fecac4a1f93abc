// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What may be asked of an engine while it works: each question costs it a bounded look.
public enum EngineQuestion: Sendable {
    /// The instruments that are defined, from a number on.
    case instruments(from: UInt32)
    /// The sessions that were ever used, from a number on.
    case sessions(from: UInt32)
    /// The accounts that are in trade groups, from a row on; the first is row 1.
    case tradeGroups(from: UInt32)
    /// The best prices of both sides: 1 ... `EngineAnswer.depthMax` of each.
    case book(instrument: UInt32, depth: Int)
    /// An open order, by its session and the client's own id.
    case order(session: UInt32, orderID: UInt64)
    /// A tick table, 1 ... ``TickTable/numberMax``.
    case tickTable(UInt32)
    /// What there is room for.
    case room
}

/// What an engine answers. It is memory of one size, taken before the question is asked: only what
/// was asked for is written, in place.
public struct EngineAnswer: Sendable {
    /// Prices of one side, at most.
    public static var depthMax: Int { 20 }
    /// Rows of one look, at most.
    static var rowsMax: Int { 64 }
    /// Numbers that one look goes through for them, at most.
    static var numbersPerLook: UInt32 { 256 }
    /// Orders of one side that are counted, at most.
    static var countedMax: UInt32 { 256 }

    /// Of instruments.
    public var instruments = EnginePage(InstrumentRow())
    /// Of sessions.
    public var sessions = EnginePage(SessionRow())
    /// Of accounts that are in trade groups.
    public var tradeGroups = EnginePage(TradeGroupRow())
    /// The best buys.
    public var bids = BookSide()
    /// The best sells.
    public var asks = BookSide()
    /// The order, if it is open.
    public var order: OpenOrder?
    /// The tick table.
    public var tickTable = TickTableRows()
    /// What there is room for.
    public var room = EngineRoom()
    /// The business day, whatever was asked for.
    public var businessDay = BusinessDay.none

    /// Nothing is answered yet.
    public init() {}
}

/// Rows in ascending order of their numbers, as many as one look takes in.
public struct EnginePage<Row: Sendable>: Sendable {
    private var slots: [64 of Row]
    /// Rows that are there.
    public private(set) var count = 0
    /// From which number on there may be more; 0 = there is nothing more.
    public internal(set) var next: UInt32 = 0

    init(_ empty: Row) { slots = [64 of Row](repeating: empty) }

    /// All rows. Allocates: for whoever has asked.
    public var rows: [Row] { (0..<count).map { slots[$0] } }

    mutating func empty() { count = 0 }
    mutating func append(_ row: Row) {
        slots[count] = row
        count += 1
    }
}

/// One instrument, as a list shows it.
public struct InstrumentRow: Sendable {
    /// Its number.
    public var number: UInt32 = 0
    /// Lowest price, ticks.
    public var lowestPriceTicks: Int64 = 0
    /// Highest price, ticks.
    public var highestPriceTicks: Int64 = 0
    /// Largest quantity of one order, lots.
    public var quantityLotsMax: UInt64 = 0
    /// What may be done in it.
    public var tradingState = TradingState.open
    /// Whether what an auction collected still trades: until then nothing comes in.
    public var isUncrossing = false
    /// When the last phase of the trading calendar began, UTC seconds since 1970; 0 = none.
    public var phaseSeconds: UInt32 = 0
    /// What auctions are to be near to, ticks.
    public var referencePriceTicks: Int64?
    /// What its static price band is around, ticks.
    public var staticReferenceTicks: Int64?
    /// How far from its references it trades.
    public var bands = PriceBands()
    /// What it asks of each order.
    public var orderRules = OrderRules()
    /// The highest price of a buy, ticks.
    public var bestBidTicks: Int64?
    /// The lowest price of a sell, ticks.
    public var bestAskTicks: Int64?
}

/// One session, as a list shows it.
public struct SessionRow: Sendable {
    /// Its number.
    public var number: UInt32 = 0
    /// Whether it is logged on.
    public var isLoggedOn = false
    /// Whether a kill switch has stopped it.
    public var isKilled = false
    /// The sequence of the next sequenced command, from 1.
    public var expectedSequence: UInt64 = 0
    /// Events reported so far.
    public var reportSequence: UInt64 = 0
    /// Its open orders.
    public var openOrders: UInt32 = 0
}

/// An account that is in a trade group.
public struct TradeGroupRow: Sendable {
    /// Its number.
    public var account: UInt32 = 0
    /// The group, above 0.
    public var group: UInt32 = 0
}

/// One price of a book, as far as a bounded look sees it.
public struct BookRow: Sendable {
    /// The price, ticks.
    public var priceTicks: Int64 = 0
    /// What all orders there leave, lots, hidden ones too.
    public var quantityLots: UInt64 = 0
    /// Orders there; if they are not all counted, so many at least.
    public var orderCount: UInt32 = 0
    /// Whether they are all counted.
    public var isCounted = true
}

/// The best prices of one side, best first.
public struct BookSide: Sendable {
    private var slots = [20 of BookRow](repeating: BookRow())
    private var count = 0

    /// All rows. Allocates: for whoever has asked.
    public var rows: [BookRow] { (0..<count).map { slots[$0] } }

    mutating func empty() { count = 0 }
    mutating func append(_ row: BookRow) {
        slots[count] = row
        count += 1
    }
}

/// An open order with all that it has.
public struct OpenOrder: Sendable {
    /// As it stands in its book, or would.
    public var resting: RestingOrder
    /// Whether it waits for its trigger, and is in no book.
    public var isWaiting = false
    /// Of one that waits: the price that triggers it, ticks.
    public var triggerPriceTicks: Int64?
    /// Of an iceberg: lots shown at a time.
    public var peakLots: UInt64?
    /// When it expires, UTC seconds since 1970.
    public var expirySeconds: UInt32?
    /// The id of the order that it is linked to.
    public var linkedOrderID: UInt64?
}

/// A tick table.
public struct TickTableRows: Sendable {
    private var slots = [32 of TickRow](repeating: TickRow(fromTicks: 0, stepTicks: 0))
    private var count = 0
    /// Whether all rows are there that were announced: only then may an instrument name it.
    public internal(set) var isWhole = false
    /// Instruments that name it: while there are any it cannot be changed.
    public internal(set) var users: UInt32 = 0

    /// All rows, by price. Allocates: for whoever has asked.
    public var rows: [TickRow] { (0..<count).map { slots[$0] } }

    mutating func empty() { count = 0 }
    mutating func append(_ row: TickRow) {
        slots[count] = row
        count += 1
    }
}

/// What an engine may hold, and what is left of it.
public struct EngineRoom: Sendable {
    /// The limits of the log.
    public var limits = EngineLimits(
        orderCapacity: 0, sessionCapacity: 0, instrumentCapacity: 0, ladderTickCapacity: 0,
        sessionOpenOrdersMax: 0)
    /// Prices that an instrument to come may have.
    public var rangeTicksMax: UInt64 = 0

    /// Nothing.
    public init() {}
}
