// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A row of a message file.
public struct LobsterMessage: Equatable, Sendable {
    /// 1 new, 2 partial cancel, 3 delete, 4 execution, 5 hidden execution, 7 halt.
    public var type: Int64
    /// NASDAQ's order reference.
    public var orderID: UInt64
    /// Shares.
    public var size: UInt64
    /// Cents.
    public var priceTicks: Int64
    /// Of the resting order.
    public var side: Side

    /// From the row's numbers behind the time; nil when there are not five, or the price of a
    /// visible order is no whole cent.
    public init?(_ numbers: some RandomAccessCollection<Int64>) {
        let numbers = Array(numbers)
        guard numbers.count == 5 else { return nil }
        type = numbers[0]
        orderID = UInt64(bitPattern: numbers[1])
        size = UInt64(bitPattern: numbers[2])
        priceTicks = numbers[3] / 100
        side = numbers[4] > 0 ? .buy : .sell
        if type <= 4 && (numbers[3] % 100 != 0 || numbers[2] <= 0) { return nil }
    }
}

/// A row of a book file: up to ten levels of each side, best first.
public struct LobsterRow: Equatable, Sendable {
    /// Best bid first.
    public var bids: [ReportBook.Level] = []
    /// Best ask first.
    public var asks: [ReportBook.Level] = []

    /// From forty numbers: ask price, ask size, bid price, bid size, again and again. Levels
    /// without size are not there.
    public init?(_ numbers: some RandomAccessCollection<Int64>) {
        let numbers = Array(numbers)
        guard numbers.count == 40 else { return nil }
        for index in stride(from: 0, to: 40, by: 4) {
            if numbers[index + 1] > 0 {
                asks.append(
                    .init(priceTicks: numbers[index] / 100, lots: UInt64(numbers[index + 1])))
            }
            if numbers[index + 3] > 0 {
                bids.append(
                    .init(priceTicks: numbers[index + 2] / 100, lots: UInt64(numbers[index + 3])))
            }
        }
    }
}

/// Turns a recorded ten-level window into orders whose book is the recorded one after every row.
///
/// The rules are in docs/formats/lobster.md. The mapping knows what the engine will do (first in,
/// first out at each price), so it runs ahead of the reports. It allocates; one thread.
public struct LobsterMapping: Sendable {
    /// One message to send.
    public enum Order: Sendable {
        /// Enters an order, or takes from the best as an immediate-or-cancel.
        case new(NewOrder)
        /// Takes an order out.
        case cancel(CancelOrder)
        /// Makes an order smaller.
        case reduce(ReduceOrder)
    }

    /// What had to be done, and what cannot be.
    public struct Counts: Equatable, Sendable {
        /// Rows.
        public var rows = 0
        /// Messages made.
        public var orders = 0
        /// Levels that came into the window without a message.
        public var levelsEntering = 0
        /// Levels that left the window without a message.
        public var levelsLeaving = 0
        /// Messages that name an order which the file never entered.
        public var unknownIDs = 0
        /// Messages that name an order which left with its level before.
        public var departedIDs = 0
        /// Executions of an order that is not at the front of its queue: the front trades.
        public var executionsNotAtFront = 0
        /// Executions of hidden orders: only counted.
        public var hiddenExecutions = 0
        /// Trading halts and what else has no order: only counted.
        public var halts = 0
        /// Rows that could not be mapped: the recorded book would not come out.
        public var unmappable = 0
    }

    private struct Entry {
        var orderID: UInt64
        var total: UInt64
        var executed: UInt64 = 0
        var leaves: UInt64 { total - executed }
        var isSynthetic: Bool { orderID >= LobsterMapping.firstSyntheticID }
    }

    /// Ids of synthetic orders begin here; NASDAQ's are far below.
    public static let firstSyntheticID: UInt64 = 1 << 62

    /// What was done so far.
    public private(set) var counts = Counts()
    private let instrument: UInt32
    private var levels: [[Int64: [Entry]]] = [[:], [:]]
    private var prices: [UInt64: Int64] = [:]
    private var seen: Set<UInt64> = []
    private var nextSynthetic = LobsterMapping.firstSyntheticID
    private var nextTaker: UInt64 = 1 << 63

    /// For one instrument.
    public init(instrument: UInt32) { self.instrument = instrument }

    /// Makes the orders of one row.
    public mutating func row(
        _ message: LobsterMessage, _ book: LobsterRow, emit: (Order) -> Void
    ) {
        counts.rows += 1
        // The first row shows the book after its message: it is entered as it stands.
        if counts.rows > 1 { apply(message, emit) }
        align(.sell, to: book.asks, emit)
        align(.buy, to: book.bids, emit)
    }

    private mutating func apply(_ message: LobsterMessage, _ emit: (Order) -> Void) {
        switch message.type {
        case 1:
            seen.insert(message.orderID)
            enter(message.orderID, message.side, message.priceTicks, message.size, emit)
        case 2, 3: reduce(message, emit)
        case 4: execute(message, emit)
        case 5: counts.hiddenExecutions += 1
        default: counts.halts += 1
        }
    }

    private mutating func enter(
        _ orderID: UInt64, _ side: Side, _ price: Int64, _ size: UInt64, _ emit: (Order) -> Void
    ) {
        levels[Int(side.rawValue)][price, default: []].append(Entry(orderID: orderID, total: size))
        prices[orderID] = price
        send(
            .new(
                NewOrder(
                    orderID: orderID, instrument: instrument, side: side, priceTicks: price,
                    quantityLots: size, timeInForce: .goodTillCancel)), emit)
    }

    private mutating func send(_ order: Order, _ emit: (Order) -> Void) {
        counts.orders += 1
        emit(order)
    }

    private mutating func note(unknown orderID: UInt64) {
        guard prices[orderID] == nil else { return }
        if seen.contains(orderID) { counts.departedIDs += 1 } else { counts.unknownIDs += 1 }
    }

    /// The order named gives what it has; the rest comes from the synthetic order of the level,
    /// then from the youngest.
    private mutating func reduce(_ message: LobsterMessage, _ emit: (Order) -> Void) {
        let side = Int(message.side.rawValue)
        note(unknown: message.orderID)
        var left = message.size
        while left > 0 {
            guard let queue = levels[side][message.priceTicks],
                let index = queue.firstIndex(where: { $0.orderID == message.orderID })
                    ?? queue.firstIndex(where: \.isSynthetic) ?? queue.indices.last
            else { return counts.unmappable += 1 }
            let entry = queue[index]
            let taken = min(left, entry.leaves)
            left -= taken
            if taken == entry.leaves {
                remove(side, message.priceTicks, index)
                send(.cancel(CancelOrder(orderID: entry.orderID, instrument: instrument)), emit)
            } else {
                levels[side][message.priceTicks]?[index].total -= taken
                let reduce = ReduceOrder(
                    orderID: entry.orderID, instrument: instrument, totalLots: entry.total - taken)
                send(.reduce(reduce), emit)
            }
        }
    }

    /// An immediate-or-cancel order of the other side, at the price: the front of the queue trades.
    private mutating func execute(_ message: LobsterMessage, _ emit: (Order) -> Void) {
        let side = Int(message.side.rawValue)
        note(unknown: message.orderID)
        let best = message.side == .buy ? levels[side].keys.max() : levels[side].keys.min()
        guard best == message.priceTicks else { return counts.unmappable += 1 }
        if prices[message.orderID] != nil,
            levels[side][message.priceTicks]?.first?.orderID != message.orderID
        {
            counts.executionsNotAtFront += 1
        }
        var left = message.size
        while left > 0, let front = levels[side][message.priceTicks]?.first {
            let taken = min(left, front.leaves)
            left -= taken
            if taken == front.leaves {
                remove(side, message.priceTicks, 0)
            } else {
                levels[side][message.priceTicks]?[0].executed += taken
            }
        }
        if left > 0 { counts.unmappable += 1 }
        let taker = NewOrder(
            orderID: nextTaker, instrument: instrument, side: message.side.opposite,
            priceTicks: message.priceTicks, quantityLots: message.size,
            timeInForce: .immediateOrCancel)
        nextTaker += 1
        send(.new(taker), emit)
    }

    private mutating func remove(_ side: Int, _ price: Int64, _ index: Int) {
        guard let entry = levels[side][price]?.remove(at: index) else { return }
        prices[entry.orderID] = nil
        if levels[side][price]?.isEmpty == true { levels[side][price] = nil }
    }

    /// The window's edge: levels beyond the tenth leave, levels that nobody entered come in.
    private mutating func align(
        _ side: Side, to recorded: [ReportBook.Level], _ emit: (Order) -> Void
    ) {
        let index = Int(side.rawValue)
        if recorded.count == 10, let worst = recorded.last?.priceTicks {
            let leaving = levels[index].keys.filter { side == .buy ? $0 < worst : $0 > worst }
            for price in leaving.sorted() {
                counts.levelsLeaving += 1
                for entry in levels[index][price] ?? [] {
                    prices[entry.orderID] = nil
                    send(.cancel(CancelOrder(orderID: entry.orderID, instrument: instrument)), emit)
                }
                levels[index][price] = nil
            }
        }
        for level in recorded where levels[index][level.priceTicks] == nil {
            // The twenty levels of the first row are the opening, not the edge.
            if counts.rows > 1 { counts.levelsEntering += 1 }
            enter(nextSynthetic, side, level.priceTicks, level.lots, emit)
            nextSynthetic += 1
        }
    }
}
