// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A book that is measured beside the engine: it matches, and does nothing else. Without sessions,
/// checks, a log, events or a hash of its state, it may do less than any that is used.
protocol ComparedBook {
    static var name: String { get }
    init(instrumentCount: Int)
    mutating func add(_ command: ScalingCommand)
    mutating func cancel(_ id: UInt64)
    mutating func take(_ command: ScalingCommand)
    var totals: YardstickFile.Totals { get }
}

extension ComparedBook {
    mutating func apply(_ command: ScalingCommand) {
        switch command.kind {
        case .add: add(command)
        case .cancel: cancel(command.id)
        case .take: take(command)
        }
    }

    /// One side of an instrument: buys are even, sells odd.
    static func book(_ instrument: UInt32, _ side: Side) -> Int {
        Int(instrument - 1) * 2 + (side == .sell ? 1 : 0)
    }
}

/// The first that one would write: prices in a sorted array, orders in an array at each, and a
/// dictionary that says at which price an order is.
struct ArrayBook: ComparedBook {
    static let name = "dictionary and arrays"

    private struct Order {
        var id: UInt64
        var lots: UInt64
    }

    private struct Level {
        var priceTicks: Int64
        var orders: [Order]
    }

    private struct Place {
        var book: Int
        var priceTicks: Int64
    }

    /// Buys and sells of each instrument; the best price is the last.
    private var books: [[Level]]
    private var places: [UInt64: Place] = [:]
    private(set) var totals = YardstickFile.Totals()

    init(instrumentCount: Int) { books = Array(repeating: [], count: 2 * instrumentCount) }

    /// Where a price is, or belongs, in a book. Sells are the other way around.
    private func search(_ book: Int, _ priceTicks: Int64) -> Int {
        let isSell = book & 1 != 0
        var low = 0
        var high = books[book].count
        while low < high {
            let middle = (low + high) / 2
            let found = books[book][middle].priceTicks
            if isSell ? found > priceTicks : found < priceTicks {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    mutating func add(_ command: ScalingCommand) {
        let book = Self.book(command.instrument, command.side)
        let at = search(book, command.priceTicks)
        if at == books[book].count || books[book][at].priceTicks != command.priceTicks {
            books[book].insert(Level(priceTicks: command.priceTicks, orders: []), at: at)
        }
        books[book][at].orders.append(Order(id: command.id, lots: command.lots))
        places[command.id] = Place(book: book, priceTicks: command.priceTicks)
    }

    mutating func cancel(_ id: UInt64) {
        guard let place = places.removeValue(forKey: id) else { return totals.rejects &+= 1 }
        let at = search(place.book, place.priceTicks)
        books[place.book][at].orders.removeAll { $0.id == id }
        if books[place.book][at].orders.isEmpty { books[place.book].remove(at: at) }
    }

    mutating func take(_ command: ScalingCommand) {
        let book = Self.book(command.instrument, command.side == .buy ? .sell : .buy)
        let best = books[book].count - 1
        guard best >= 0 else { return }
        let maker = books[book][best].orders[0]
        books[book][best].orders[0].lots -= command.lots
        totals.trade(
            maker: maker.id, taker: command.id,
            price: UInt64(bitPattern: books[book][best].priceTicks), lots: command.lots)
    }
}
