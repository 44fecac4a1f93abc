// SPDX-License-Identifier: Apache-2.0
import Platform
import TestSeed
import Testing

@testable import Engine

/// The index beside a dictionary, with so few buckets that they overflow, wrap around and are
/// emptied again.
@Suite struct `Order index` {
    private struct Key: Hashable {
        var session: UInt32
        var orderID: UInt64
    }

    /// An index of its own, with the orders that it looks into.
    private final class Bench {
        let arena: Arena
        var index: OrderIndex
        let orders: Table<OrderNode>

        init(orderCapacity: UInt32, seed: UInt64) throws {
            let words = OrderIndex.wordCount(orderCapacity: orderCapacity)
            var arena = try Arena(byteCount: words * 4 + (Int(orderCapacity) + 1) * 64 + 128)
            index = OrderIndex(words: Table(&arena, count: words), seed: seed)
            orders = Table(&arena, count: Int(orderCapacity) + 1)
            self.arena = arena
        }

        func position(of key: Key) -> UInt32? {
            let hash = index.hash(session: key.session, orderID: key.orderID)
            let position = index.search(
                hash: hash, session: key.session, orderID: key.orderID, in: orders)
            return position == OrderIndex.nowhere ? nil : position
        }

        /// Enters an order as one of `count`.
        func enter(_ key: Key, slot: UInt32, count: Int) {
            let orders = self.orders
            orders[slot].orderID = key.orderID
            orders[slot].session = key.session
            index.insert(
                hash: index.hash(session: key.session, orderID: key.orderID), slot: slot,
                in: orders)
            if count > Int(index.ordersMax) { index.grow(in: orders) }
        }
    }

    @Test(arguments: [1, 2, 7, 8, 9, 64, 1_000] as [UInt32])
    func `has what was entered and not taken out, full as well`(orderCapacity: UInt32) throws {
        announce(TestSeed.run)
        var random = SeededRandom(seed: TestSeed.run &+ UInt64(orderCapacity))
        let bench = try Bench(orderCapacity: orderCapacity, seed: random.next())
        var held: [Key: UInt32] = [:]
        var free = Array((1...orderCapacity).reversed())
        // Few ids and sessions, so that many are looked for that are not there any more.
        let ids = UInt64(orderCapacity) * 2 + 2
        for step in 0..<20_000 {
            let key = Key(
                session: UInt32(1 + random.below(2)), orderID: 1 + random.below(ids))
            let position = bench.position(of: key)
            #expect(position.map { bench.index.words[$0] } == held[key], "step \(step)")
            // It is filled and emptied in turn.
            let isFilled = step / 2_000 % 2 == 0
            if let position, !isFilled || random.below(2) == 0 {
                bench.index.remove(at: position)
                free.append(held.removeValue(forKey: key)!)
            } else if position == nil, let slot = free.popLast() {
                bench.enter(key, slot: slot, count: held.count + 1)
                held[key] = slot
            }
            if step % 500 == 0 {
                #expect(bench.index.checkOverflow() == nil, "step \(step)")
                #expect(bench.index.orderCount == held.count, "step \(step)")
            }
        }
        for (key, slot) in held {
            let position = try #require(bench.position(of: key))
            #expect(bench.index.words[position] == slot)
            #expect(bench.orders[slot].indexPosition == position)
            bench.index.remove(at: position)
        }
        // Nothing is left, of what overflowed neither.
        #expect(bench.index.orderCount == 0)
        #expect(bench.index.checkOverflow() == nil)
    }

    @Test func `tells neighbouring ids apart, and finds nearly all where they are likely`() throws {
        let count: UInt32 = 4_096
        let bench = try Bench(orderCapacity: count, seed: 1)
        var likely = 0
        for slot in 1...count {
            let key = Key(session: 1, orderID: UInt64(slot))
            bench.enter(key, slot: slot, count: Int(slot))
            #expect(bench.position(of: key) == bench.orders[slot].indexPosition)
            #expect(bench.position(of: Key(session: 2, orderID: key.orderID)) == nil)
        }
        for slot in 1...count {
            let hash = bench.index.hash(session: 1, orderID: UInt64(slot))
            if bench.index.words[bench.index.likelyPosition(hash: hash)] == slot { likely += 1 }
        }
        #expect(bench.index.checkOverflow() == nil)
        #expect(bench.index.orderCount == Int(count))
        // Full: two in a hundred or so had to go elsewhere.
        #expect(likely > Int(count) * 9 / 10)
    }
}
