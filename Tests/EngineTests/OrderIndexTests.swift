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
            let hash = index.hash(session: key.session, orderID: key.orderID)
            index.insert(hash: hash, slot: slot, vacancy: index.vacancy(hash: hash), in: orders)
            if count > Int(index.ordersMax) { index.grow(in: orders) }
        }
    }

    /// With 64 all 16 buckets are in use from the start; with more, others are filled on the way.
    @Test(arguments: [1, 7, 64, 65, 128, 257, 1_000] as [UInt32], [1, 8, 1_000] as [UInt64])
    func `has what was entered and not taken out, full as well`(
        orderCapacity: UInt32, stride: UInt64
    ) throws {
        announce(TestSeed.run)
        var random = SeededRandom(seed: TestSeed.run &+ UInt64(orderCapacity) &* stride)
        let bench = try Bench(orderCapacity: orderCapacity, seed: random.next())
        var held: [Key: UInt32] = [:]
        var free = Array((1...orderCapacity).reversed())
        // Few ids and sessions, so that many are looked for that are not there any more.
        let ids = UInt64(orderCapacity) * 2 + 2
        for step in 0..<12_000 {
            let key = Key(
                session: UInt32(1 + random.below(2)), orderID: (1 + random.below(ids)) * stride)
            let position = bench.position(of: key)
            #expect(position.map { bench.index.words[$0] } == held[key], "step \(step)")
            // It is filled and emptied in turn.
            let isFilled = step / 1_500 % 2 == 0
            if let position, !isFilled || random.below(2) == 0 {
                bench.index.remove(at: position)
                free.append(held.removeValue(forKey: key)!)
            } else if position == nil, let slot = free.popLast() {
                bench.enter(key, slot: slot, count: held.count + 1)
                held[key] = slot
            }
            if step % 500 == 0 {
                #expect(bench.index.checkBuckets() == nil, "step \(step)")
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
        #expect(bench.index.checkBuckets() == nil)
    }

    @Test(arguments: [1, 8, 256, 1_000] as [UInt64])
    func `tells ids apart whatever their distance, and finds nearly all where they are likely`(
        stride: UInt64
    ) throws {
        announce(TestSeed.run)
        let count: UInt32 = 4_096
        let bench = try Bench(orderCapacity: count, seed: TestSeed.run)
        for slot in 1...count {
            let key = Key(session: 1, orderID: UInt64(slot) * stride)
            bench.enter(key, slot: slot, count: Int(slot))
            #expect(bench.position(of: key) == bench.orders[slot].indexPosition)
            #expect(bench.position(of: Key(session: 2, orderID: key.orderID)) == nil)
        }
        let likely = (1...count).count { slot in
            let hash = bench.index.hash(session: 1, orderID: UInt64(slot) * stride)
            return bench.index.words[bench.index.likelyPosition(hash: hash)] == slot
        }
        #expect(bench.index.checkBuckets() == nil)
        #expect(bench.index.orderCount == Int(count))
        // It is as full as it may be, so some had to go elsewhere.
        #expect(likely > Int(count) * 8 / 10)
    }

    /// Ids at home in bucket 0, and then in bucket 8, of 16: all but the last of each leave, and
    /// there is no bucket left which nobody has ever passed.
    @Test func `ends a search where every bucket has overflowed`() throws {
        announce(TestSeed.run)
        let bench = try Bench(orderCapacity: 64, seed: TestSeed.run)
        let all = (1...4_000).map { Key(session: 1, orderID: $0) }
        func keys(home: UInt32) -> ArraySlice<Key> {
            all.filter {
                bench.index.hash(session: 1, orderID: $0.orderID) & 15 == home
            }.prefix(58)
        }
        var free = Array(1...64 as ClosedRange<UInt32>)
        for home in [0, 8] as [UInt32] {
            let entered = keys(home: home)
            for key in entered { bench.enter(key, slot: free.removeLast(), count: 0) }
            for key in entered.dropLast(2) {
                let position = try #require(bench.position(of: key))
                free.append(bench.index.words[position])
                bench.index.remove(at: position)
            }
        }
        #expect(bench.index.checkBuckets() == nil)
        let overflows = stride(from: 7, to: UInt32(bench.index.words.count), by: 16)
        #expect(overflows.allSatisfy { bench.index.words[$0] != 0 })
        for orderID in 1...2_000 as ClosedRange<UInt64> {
            #expect(bench.position(of: Key(session: 2, orderID: orderID)) == nil)
        }
    }
}
