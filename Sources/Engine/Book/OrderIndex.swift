// SPDX-License-Identifier: Apache-2.0

/// Finds an open order by its session and the client's own id.
///
/// A bucket is one cache line: the tags of up to seven orders, and the slots of these. All tags are
/// compared at once, so no branch depends on where in its bucket an order is, and an order stays
/// where it was entered.
///
///     word      0 … 6     7            8 … 14    15
///               tags      overflow     slots     always 0
///
/// A tag is the order's hash, 0 where the place is free. An order whose bucket is full goes to the
/// next one that has room, with another tag; `overflow` of each bucket that it passed counts it,
/// and 0 there ends a search. On average a bucket has at most four orders. Neighbouring ids of a
/// session are in neighbouring buckets, and two that are eight apart share one. The hash is keyed by
/// the seed of the first `epochStart`, so that nobody can aim at collisions.
///
/// A position is the word in which an order's slot is.
struct OrderIndex: Sendable {
    let words: Table<UInt32>
    private let homeMask: UInt32
    private var key: UInt64
    private var sessionKey: UInt64

    private static let overflowWord: UInt32 = 7
    private static let firstSlot: UInt32 = 8
    private static let bucketWords: UInt32 = 16
    /// In the tag of an order in its own bucket, and of one in another.
    private static let atHome: UInt32 = 1 << 31
    private static let away: UInt32 = 1 << 30
    /// Of a hash: what says which bucket.
    private static let homeBits: UInt32 = 1 << 28 - 1

    /// No position.
    static var nowhere: UInt32 { .max }

    /// A power of two: a bucket for each four orders, or more.
    static func wordCount(orderCapacity: UInt32) -> Int {
        var buckets = 2
        while 4 * buckets < Int(orderCapacity) { buckets *= 2 }
        return buckets * Int(bucketWords)
    }

    init(words: Table<UInt32>, seed: UInt64) {
        self.words = words
        homeMask = UInt32(words.count - 1) & ~(Self.bucketWords - 1)
        key = 0
        sessionKey = 0
        setSeed(seed)
    }

    /// Only while the index is empty.
    mutating func setSeed(_ seed: UInt64) {
        key = (seed ^ 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        key ^= key >> 32
        sessionKey = (key ^ 0xA076_1D64_78BD_642F) &* 0xE703_7ED1_A0B4_28DB
        sessionKey ^= sessionKey >> 29
    }

    /// The tag of an order in its own bucket.
    @inline(__always)
    func hash(session: UInt32, orderID: UInt64) -> UInt32 {
        let group = (orderID &>> 4) ^ key
        let keyed = UInt64(session) &* 0x9FB2_1C65_1E98_DF25 ^ sessionKey
        let product = group.multipliedFullWidth(by: keyed)
        let mixed = UInt32(truncatingIfNeeded: product.high ^ product.low)
        let id = UInt32(truncatingIfNeeded: orderID)
        return (mixed &<< 3 | id & 7) & Self.homeBits | (id & 8) &<< 25 | Self.atHome
    }

    /// Where an order is if it is in its own bucket, as nearly all are; else a position without a
    /// slot. One hash in many may be another order's.
    @inline(__always)
    func likelyPosition(hash: UInt32) -> UInt32 {
        let home = Self.home(hash, homeMask)
        let places = words.places(at: home, of: hash) | 1 &<< Self.overflowWord
        return home | Self.firstSlot | Self.first(places)
    }

    /// Where an order may be entered that is not there: `nowhere` if its bucket is full or has
    /// overflowed, or has an order with the same hash, so that `search` has to say.
    @inline(__always)
    func vacancy(hash: UInt32) -> UInt32 {
        let home = Self.home(hash, homeMask)
        let free = words.places(at: home, of: 0)
        // The highest bit: nothing has overflowed.
        guard words.places(at: home, of: hash) == 0, free > 1 &<< Self.overflowWord else {
            return Self.nowhere
        }
        return home | Self.firstSlot | Self.first(free)
    }

    /// The order's slot, or 0.
    @inline(__always)
    func find(
        hash: UInt32, session: UInt32, orderID: UInt64, in orders: Table<OrderNode>
    ) -> UInt32 {
        let position = search(hash: hash, session: session, orderID: orderID, in: orders)
        return position == Self.nowhere ? 0 : words[position]
    }

    /// Where the order is, or `nowhere`.
    @inline(__always)
    func search(
        hash: UInt32, session: UInt32, orderID: UInt64, in orders: Table<OrderNode>
    ) -> UInt32 {
        Self.search(words, homeMask, hash, session, orderID, orders)
    }

    // Static, here and below: a method out of line would get a copy of the whole index.
    @inline(never)
    private static func search(
        _ words: Table<UInt32>, _ homeMask: UInt32, _ hash: UInt32, _ session: UInt32,
        _ orderID: UInt64, _ orders: Table<OrderNode>
    ) -> UInt32 {
        var bucket = home(hash, homeMask)
        var tag = hash
        while true {
            var places = words.places(at: bucket, of: tag)
            while places != 0 {
                let position = bucket | firstSlot | first(places)
                let slot = words[position]
                if orders[slot].orderID == orderID, orders[slot].session == session {
                    return position
                }
                places &= places &- 1
            }
            if words[bucket | overflowWord] == 0 { return nowhere }
            bucket = (bucket &+ bucketWords) & homeMask
            tag = awayTag(hash)
        }
    }

    /// Enters an order that is not there; answers where.
    func insert(hash: UInt32, slot: UInt32) -> UInt32 {
        insert(hash: hash, slot: slot, vacancy: vacancy(hash: hash))
    }

    /// The same when it is known where there is a vacancy for it, or that it is `nowhere`.
    @inline(__always)
    func insert(hash: UInt32, slot: UInt32, vacancy: UInt32) -> UInt32 {
        guard vacancy != Self.nowhere else { return Self.insert(hash, slot, words, homeMask) }
        words[vacancy ^ Self.firstSlot] = hash
        words[vacancy] = slot
        return vacancy
    }

    @inline(never)
    private static func insert(
        _ hash: UInt32, _ slot: UInt32, _ words: Table<UInt32>, _ homeMask: UInt32
    ) -> UInt32 {
        var bucket = home(hash, homeMask)
        var tag = hash
        while true {
            let free = words.places(at: bucket, of: 0) & (1 &<< overflowWord - 1)
            if free != 0 {
                words[bucket | first(free)] = tag
                words[bucket | firstSlot | first(free)] = slot
                return bucket | firstSlot | first(free)
            }
            words[bucket | overflowWord] &+= 1
            bucket = (bucket &+ bucketWords) & homeMask
            tag = awayTag(hash)
        }
    }

    /// Takes an order out.
    @inline(__always) func remove(at position: UInt32) {
        let tag = words[position ^ Self.firstSlot]
        words[position ^ Self.firstSlot] = 0
        words[position] = 0
        if tag & Self.atHome == 0 { Self.uncount(tag, at: position, words, homeMask) }
    }

    /// The buckets that an order had passed count it no more.
    @inline(never)
    private static func uncount(
        _ tag: UInt32, at position: UInt32, _ words: Table<UInt32>, _ homeMask: UInt32
    ) {
        var bucket = home(tag, homeMask)
        while bucket != position & ~(bucketWords - 1) {
            words[bucket | overflowWord] &-= 1
            bucket = (bucket &+ bucketWords) & homeMask
        }
    }

    /// Fetches the bucket of an order.
    @inline(__always) func prefetch(hash: UInt32) { words.prefetch(Self.home(hash, homeMask)) }

    /// Fetches what `remove` changes.
    @inline(__always) func prefetch(position: UInt32) { words.prefetch(position) }

    /// The first word of an order's own bucket.
    @inline(__always)
    private static func home(_ tag: UInt32, _ homeMask: UInt32) -> UInt32 { tag &<< 4 & homeMask }

    @inline(__always)
    private static func awayTag(_ hash: UInt32) -> UInt32 { hash ^ (atHome | away) }

    @inline(__always)
    private static func first(_ places: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: places.trailingZeroBitCount)
    }
}

extension OrderIndex {
    /// How many orders there are. Walks everything; for `checkInvariants`, like what follows.
    var orderCount: Int {
        var count = 0
        for position in 0..<words.count where position & 8 != 0 && words[position] != 0 {
            count += 1
        }
        return count
    }

    /// What is wrong with how many orders have passed full buckets, or nil.
    func checkOverflow() -> String? {
        var passed = 0
        var counted = 0
        for bucket in stride(from: 0, to: UInt32(words.count), by: Int(Self.bucketWords)) {
            counted += Int(words[bucket | Self.overflowWord])
            for place in 0..<Self.overflowWord {
                let tag = words[bucket | place]
                guard (tag == 0) == (words[bucket | Self.firstSlot | place] == 0) else {
                    return "the index has a tag without a slot, or a slot without a tag"
                }
                guard tag != 0 else { continue }
                let distance = (bucket &- Self.home(tag, homeMask)) & homeMask
                guard (distance == 0) == (tag & Self.atHome != 0) else {
                    return "the index has an order in a bucket that is not its own"
                }
                passed += Int(distance / Self.bucketWords)
            }
        }
        return passed == counted
            ? nil : "orders of the index have passed \(passed) buckets, these count \(counted)"
    }
}
