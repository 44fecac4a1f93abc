// SPDX-License-Identifier: Apache-2.0
import TestSeed
import Testing
import Wire

@testable import OrderEntryClient

@Suite struct `A replay` {
    @Test(arguments: [
        ("85251.66", 2, 8_525_166), ("0.007813", 8, 781_300), ("12", 2, 1_200), ("0.005", 2, 1),
        ("0.0049", 2, 0), ("-1.5", 1, -15), (".5", 1, 5), ("7.", 0, 7),
    ])
    func `reads decimals without floating point`(text: String, decimals: Int, value: Int64) {
        #expect(DecimalText.scaled(text, decimals: decimals) == value)
    }

    @Test(arguments: ["", "-", ".", "1e5", "1.2.3", "99999999999999999999", "1,5"])
    func `refuses what is no decimal`(text: String) {
        #expect(DecimalText.scaled(text, decimals: 2) == nil)
    }

    @Test func `settles quote amounts rounded down, beyond 64 bits in between`() {
        let trade = ReportBook.Trade(
            buyer: 1, seller: 2, priceTicks: 8_633_267, quantityLots: 9_000_000_000_000_001)
        let amount = GoldenSet.Settlement(trade).quoteAmount
        #expect(amount == 776_994_030_000_000)
    }

    @Test func `names the file and the line that is wrong`() {
        let header = "order_id,user_id,action,side,price,qty\n"
        #expect(throws: ClientError("orders.csv:3: \"x\" in column 4: expected buy or sell")) {
            _ = try GoldenSet(
                orders: header + "1,2,cancel,,,\n1,2,place,x,1.00,2\n", ledger: "", orderBook: "",
                instrument: 1)
        }
    }

    /// A random walk of a window of ten levels a side, recorded as LOBSTER would, and replayed
    /// into a naive book.
    @Test func `fills in what a window hides, after every row`() {
        var random = LossyLinkRandom(seed: TestSeed.run)
        var full: [[Int64: [(id: UInt64, size: UInt64)]]] = [[:], [:]]
        var mapping = LobsterMapping(instrument: 1)
        var naive = NaiveBook()
        var nextID: UInt64 = 1
        for step in 0..<4_000 {
            let side = Int(random.next() % 2)
            var numbers: [Int64] = []
            let isBuy = side == 0
            let prices = full[side].keys.sorted { isBuy ? $0 > $1 : $0 < $1 }
            if prices.count < 14 || random.next() % 2 == 0 {
                let price = Int64(isBuy ? 990 : 1_010) + Int64(random.next() % 40) - 20
                let limited = isBuy ? min(price, 999) : max(price, 1_001)
                let size = 1 + random.next() % 50
                full[side][limited, default: []].append((nextID, size))
                numbers = [1, Int64(nextID), Int64(size), limited * 100, isBuy ? 1 : -1]
                nextID += 1
            } else if random.next() % 2 == 0, let best = prices.first {
                let front = full[side][best]![0]
                let size = 1 + random.next() % front.size
                shrink(&full[side], best, 0, size)
                numbers = [4, Int64(front.id), Int64(size), best * 100, isBuy ? 1 : -1]
            } else {
                let price = prices[Int(random.next() % 10)]
                let index = Int(random.next() % UInt64(full[side][price]!.count))
                let order = full[side][price]![index]
                let size = random.next() % 2 == 0 ? order.size : 1 + random.next() % order.size
                shrink(&full[side], price, index, size)
                let type: Int64 = size == order.size ? 3 : 2
                numbers = [type, Int64(order.id), Int64(size), price * 100, isBuy ? 1 : -1]
            }
            let row = LobsterRow(window(full))!
            mapping.row(LobsterMessage(numbers)!, row) { naive.apply($0) }
            let bids = naive.top(0)
            let asks = naive.top(1)
            #expect(bids == row.bids && asks == row.asks, "row \(step)")
            if bids != row.bids || asks != row.asks { return }
        }
        #expect(mapping.counts.unmappable == 0)
        #expect(naive.failures == 0)
        #expect(mapping.counts.levelsEntering > 20 && mapping.counts.levelsLeaving > 20)
        #expect(mapping.counts.departedIDs > 0)
    }

    private func shrink(
        _ side: inout [Int64: [(id: UInt64, size: UInt64)]], _ price: Int64, _ index: Int,
        _ size: UInt64
    ) {
        side[price]![index].size -= size
        if side[price]![index].size == 0 { side[price]!.remove(at: index) }
        if side[price]!.isEmpty { side[price] = nil }
    }

    private func window(_ full: [[Int64: [(id: UInt64, size: UInt64)]]]) -> [Int64] {
        let asks = full[1].keys.sorted().prefix(10)
        let bids = full[0].keys.sorted(by: >).prefix(10)
        func size(_ side: Int, _ price: Int64) -> Int64 {
            Int64(full[side][price]!.map(\.size).reduce(0, +))
        }
        return (0..<10).flatMap { index -> [Int64] in
            let ask = index < asks.count ? [asks[index] * 100, size(1, asks[index])] : [9_999, 0]
            let bid = index < bids.count ? [bids[index] * 100, size(0, bids[index])] : [-9_999, 0]
            return ask + bid
        }
    }
}

/// Price-time priority with arrays: what the engine does with the mapping's orders.
private struct NaiveBook {
    var queues: [[Int64: [(id: UInt64, leaves: UInt64, executed: UInt64)]]] = [[:], [:]]
    var failures = 0

    mutating func apply(_ order: LobsterMapping.Order) {
        switch order {
        case .new(let order): enter(order)
        case .cancel(let cancel): change(cancel.orderID) { _ in 0 }
        case .reduce(let reduce): change(reduce.orderID) { reduce.totalLots - $0 }
        }
    }

    mutating func enter(_ order: NewOrder) {
        let side = Int(order.side)
        var left = order.quantityLots
        while left > 0, let best = side == 0 ? queues[1].keys.min() : queues[0].keys.max(),
            side == 0 ? best <= order.priceTicks : best >= order.priceTicks
        {
            let taken = min(left, queues[1 - side][best]![0].leaves)
            left -= taken
            queues[1 - side][best]![0].leaves -= taken
            queues[1 - side][best]![0].executed += taken
            clean(1 - side, best)
        }
        if order.typeAndTimeInForce >> 4 == TimeInForce.immediateOrCancel.rawValue {
            if left > 0 { failures += 1 }
        } else if left > 0 {
            queues[side][order.priceTicks, default: []].append((order.orderID, left, 0))
        }
    }

    mutating func change(_ id: UInt64, _ leaves: (UInt64) -> UInt64) {
        for side in 0..<2 {
            for price in queues[side].keys {
                guard let index = queues[side][price]!.firstIndex(where: { $0.id == id }) else {
                    continue
                }
                queues[side][price]![index].leaves = leaves(queues[side][price]![index].executed)
                clean(side, price)
                return
            }
        }
        failures += 1
    }

    mutating func clean(_ side: Int, _ price: Int64) {
        queues[side][price]!.removeAll { $0.leaves == 0 }
        if queues[side][price]!.isEmpty { queues[side][price] = nil }
    }

    func top(_ side: Int) -> [ReportBook.Level] {
        queues[side].keys.sorted { side == 0 ? $0 > $1 : $0 < $1 }.prefix(10).map {
            .init(priceTicks: $0, lots: queues[side][$0]!.map(\.leaves).reduce(0, +))
        }
    }
}

/// A small seeded random.
struct LossyLinkRandom {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
