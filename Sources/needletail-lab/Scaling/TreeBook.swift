// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// A book of the usual build: an ordered map of prices, a linked list of orders at each, and a
/// dictionary from ids to orders. The map is a treap (Seidel and Aragon, 1996): a tree by price,
/// and a heap by a random number, so as deep as a balanced tree on average.
struct TreeBook: ComparedBook {
    static let name = "ordered map"

    private struct Order {
        var id: UInt64
        var lots: UInt64
        var level: Int32
        var next: Int32
        var previous: Int32
    }

    private struct Level {
        /// Sells are negated, so that the best is the greatest.
        var key: Int64
        var weight: UInt64
        var left: Int32 = -1
        var right: Int32 = -1
        var book: Int32
        var first: Int32 = -1
        var last: Int32 = -1
    }

    private var roots: [Int32]
    private var levels: [Level] = []
    private var freeLevels: [Int32] = []
    private var orders: [Order] = []
    private var freeOrders: [Int32] = []
    private var places: [UInt64: Int32] = [:]
    private var random = SeededRandom(seed: 1)
    private(set) var totals = YardstickFile.Totals()

    init(instrumentCount: Int) { roots = Array(repeating: -1, count: 2 * instrumentCount) }

    mutating func add(_ command: ScalingCommand) {
        let book = Self.book(command.instrument, command.side)
        let level = level(book, command.side == .sell ? -command.priceTicks : command.priceTicks)
        let last = levels[Int(level)].last
        let order = Order(
            id: command.id, lots: command.lots, level: level, next: -1, previous: last)
        let place: Int32
        if let free = freeOrders.popLast() {
            place = free
            orders[Int(free)] = order
        } else {
            place = Int32(orders.count)
            orders.append(order)
        }
        if last >= 0 { orders[Int(last)].next = place } else { levels[Int(level)].first = place }
        levels[Int(level)].last = place
        places[command.id] = place
    }

    mutating func cancel(_ id: UInt64) {
        guard let place = places.removeValue(forKey: id) else { return totals.rejects &+= 1 }
        let order = orders[Int(place)]
        let level = Int(order.level)
        if order.previous >= 0 {
            orders[Int(order.previous)].next = order.next
        } else {
            levels[level].first = order.next
        }
        if order.next >= 0 {
            orders[Int(order.next)].previous = order.previous
        } else {
            levels[level].last = order.previous
        }
        freeOrders.append(place)
        guard levels[level].first < 0 else { return }
        let book = Int(levels[level].book)
        roots[book] = removing(order.level, from: roots[book])
        freeLevels.append(order.level)
    }

    mutating func take(_ command: ScalingCommand) {
        let book = Self.book(command.instrument, command.side == .buy ? .sell : .buy)
        var best = roots[book]
        guard best >= 0 else { return }
        while levels[Int(best)].right >= 0 { best = levels[Int(best)].right }
        let maker = Int(levels[Int(best)].first)
        orders[maker].lots -= command.lots
        totals.trade(
            maker: orders[maker].id, taker: command.id,
            price: levels[Int(best)].key.magnitude, lots: command.lots)
    }

    // MARK: The tree

    private mutating func level(_ book: Int, _ key: Int64) -> Int32 {
        var found = roots[book]
        while found >= 0, levels[Int(found)].key != key {
            let level = levels[Int(found)]
            found = key < level.key ? level.left : level.right
        }
        guard found < 0 else { return found }
        let level = Level(key: key, weight: random.next(), book: Int32(book))
        let place: Int32
        if let free = freeLevels.popLast() {
            place = free
            levels[Int(free)] = level
        } else {
            place = Int32(levels.count)
            levels.append(level)
        }
        roots[book] = inserting(place, into: roots[book])
        return place
    }

    private mutating func inserting(_ new: Int32, into root: Int32) -> Int32 {
        guard root >= 0 else { return new }
        let key = levels[Int(new)].key
        if levels[Int(new)].weight > levels[Int(root)].weight {
            let (below, above) = split(root, at: key)
            levels[Int(new)].left = below
            levels[Int(new)].right = above
            return new
        }
        if key < levels[Int(root)].key {
            levels[Int(root)].left = inserting(new, into: levels[Int(root)].left)
        } else {
            levels[Int(root)].right = inserting(new, into: levels[Int(root)].right)
        }
        return root
    }

    private mutating func split(_ root: Int32, at key: Int64) -> (below: Int32, above: Int32) {
        guard root >= 0 else { return (-1, -1) }
        if levels[Int(root)].key < key {
            let (below, above) = split(levels[Int(root)].right, at: key)
            levels[Int(root)].right = below
            return (root, above)
        }
        let (below, above) = split(levels[Int(root)].left, at: key)
        levels[Int(root)].left = above
        return (below, root)
    }

    private mutating func removing(_ gone: Int32, from root: Int32) -> Int32 {
        if root == gone { return joining(levels[Int(root)].left, levels[Int(root)].right) }
        if levels[Int(gone)].key < levels[Int(root)].key {
            levels[Int(root)].left = removing(gone, from: levels[Int(root)].left)
        } else {
            levels[Int(root)].right = removing(gone, from: levels[Int(root)].right)
        }
        return root
    }

    private mutating func joining(_ below: Int32, _ above: Int32) -> Int32 {
        if below < 0 { return above }
        if above < 0 { return below }
        if levels[Int(below)].weight > levels[Int(above)].weight {
            levels[Int(below)].right = joining(levels[Int(below)].right, above)
            return below
        }
        levels[Int(above)].left = joining(below, levels[Int(above)].left)
        return above
    }
}
