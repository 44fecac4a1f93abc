// SPDX-License-Identifier: Apache-2.0

/// Finds an open order by its session and the client's own id.
///
/// A bucket is one cache line: the tags of up to seven orders, and the slots of these. All tags are
/// compared at once, so no branch depends on where in its bucket an order is, and no order makes
/// room for others.
///
///     word      0 … 6     7            8 … 14    15
///               tags      overflow     slots     always 0
///
/// A tag is the order's hash, 0 where the place is free. An order whose bucket is full goes to the
/// next one that has room, with another tag; `overflow` of each bucket that it passed counts it,
/// and 0 there ends a search. The ids 16 n … 16 n + 15 of a session have eight buckets in a row,
/// and two of them that are eight apart share one. The hash is keyed by the seed of the first
/// `epochStart`, so that nobody can aim at collisions.
///
/// Few orders have few buckets, so that a small book keeps to the caches whatever there is room
/// for. When there are three orders for two buckets, twice as many are in use from then on, until
/// all are: one for each four orders or more. A new bucket is filled when it is first asked for, or
/// when its turn comes: one at each entry. It is filled out of the one that was home to its orders
/// before, its parent, which has the same number but for the highest bit; till then `overflow` says
/// that it is not, and to look for an order may move it. None is given back.
///
/// A position is the word in which an order's slot is.
struct OrderIndex: Sendable {
    let words: Table<UInt32>
    private let lastBucket: UInt32
    /// Of the buckets in use: the last one's first word.
    private var homeMask: UInt32
    /// All before it are filled.
    private var nextToFill: UInt32
    /// With more orders than this, `grow` is to be called.
    private(set) var ordersMax: UInt32 = 0
    private var key: UInt64
    private var sessionKey: UInt64

    private static let overflowWord: UInt32 = 7
    private static let firstSlot: UInt32 = 8
    private static let bucketWords: UInt32 = 16
    private static let firstBuckets: UInt32 = 16
    /// In `overflow`: the bucket was not filled yet.
    private static let unfilled: UInt32 = 1 << 31
    /// In the tag of an order in its own bucket, and of one in another.
    private static let atHome: UInt32 = 1 << 31
    private static let away: UInt32 = 1 << 30
    /// Of a hash: what says which bucket.
    private static let homeBits: UInt32 = 1 << 28 - 1

    /// No position.
    static var nowhere: UInt32 { .max }

    /// A power of two: a bucket for each four orders, or more.
    static func wordCount(orderCapacity: UInt32) -> Int {
        var buckets = Int(firstBuckets)
        while 4 * buckets < Int(orderCapacity) { buckets *= 2 }
        return buckets * Int(bucketWords)
    }

    init(words: Table<UInt32>, seed: UInt64) {
        self.words = words
        lastBucket = UInt32(words.count - 1) & ~(Self.bucketWords - 1)
        homeMask = (Self.firstBuckets - 1) * Self.bucketWords
        nextToFill = homeMask + Self.bucketWords
        key = 0
        sessionKey = 0
        setSeed(seed)
        setOrdersMax()
        for bucket in stride(
            from: nextToFill, to: UInt32(words.count), by: Int(Self.bucketWords))
        {
            words[bucket | Self.overflowWord] = Self.unfilled
        }
    }

    /// Only while the index is empty.
    mutating func setSeed(_ seed: UInt64) {
        key = (seed ^ 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        key ^= key >> 32
        sessionKey = (key ^ 0xA076_1D64_78BD_642F) &* 0xE703_7ED1_A0B4_28DB
        sessionKey ^= sessionKey >> 29
    }

    /// The tag of an order in its own bucket. Of its bucket's number the last three bits are turned
    /// by the hash too: ids that are all multiples of eight are in all buckets.
    @inline(__always)
    func hash(session: UInt32, orderID: UInt64) -> UInt32 {
        let group = (orderID &>> 4) ^ key
        let keyed = UInt64(session) &* 0x9FB2_1C65_1E98_DF25 ^ sessionKey
        let product = group.multipliedFullWidth(by: keyed)
        let mixed = UInt32(truncatingIfNeeded: product.high ^ product.low)
        let id = UInt32(truncatingIfNeeded: orderID)
        return (mixed &<< 3 | (id ^ mixed &>> 29) & 7) & Self.homeBits | (id & 8) &<< 25
            | Self.atHome
    }

    /// The first word of an order's own bucket.
    @inline(__always)
    private func home(_ tag: UInt32) -> UInt32 { tag &<< 4 & homeMask }

    /// Where an order is if it is in its own bucket, as nearly all are; else the word without a
    /// slot. The order there may be another with the same hash.
    @inline(__always)
    func likelyPosition(hash: UInt32) -> UInt32 {
        let home = home(hash)
        let places = words.places(at: home, of: hash) | 1 &<< Self.overflowWord
        return home | Self.firstSlot | Self.first(places)
    }

    /// Where an order may be entered that is not there: `nowhere` if its bucket is full or has
    /// overflowed, or has an order with the same hash, so that `search` has to say.
    @inline(__always)
    func vacancy(hash: UInt32) -> UInt32 {
        let home = home(hash)
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

    /// Where the order is, or `nowhere`. Like all that follows it may fill a bucket, so a position
    /// that was known before may be wrong after, and it is of the engine's thread.
    @inline(__always)
    func search(
        hash: UInt32, session: UInt32, orderID: UInt64, in orders: Table<OrderNode>
    ) -> UInt32 {
        Self.search(words, home(hash), lastBucket, hash, session, orderID, orders)
    }

    // Static, here and below: a method out of line would get a copy of the whole index.
    @inline(never)
    private static func search(
        _ words: Table<UInt32>, _ home: UInt32, _ lastBucket: UInt32, _ hash: UInt32,
        _ session: UInt32, _ orderID: UInt64, _ orders: Table<OrderNode>
    ) -> UInt32 {
        fill(home, words, lastBucket, orders)
        var bucket = home
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
            if words[bucket | overflowWord] & ~unfilled == 0 { return nowhere }
            bucket = (bucket &+ bucketWords) & lastBucket
            // Counts outlive the orders that had no room: each bucket may have one.
            if bucket == home { return nowhere }
            tag = awayTag(hash)
        }
    }

    /// Enters an order that is not there, at the vacancy that there is for it, or if that is
    /// `nowhere` where there is room, and notes in it where.
    @inline(__always)
    func insert(hash: UInt32, slot: UInt32, vacancy: UInt32, in orders: Table<OrderNode>) {
        guard vacancy != Self.nowhere else {
            return Self.insert(hash, slot, words, home(hash), lastBucket, orders)
        }
        words[vacancy ^ Self.firstSlot] = hash
        words[vacancy] = slot
        orders[slot].indexPosition = vacancy
    }

    @inline(never)
    private static func insert(
        _ hash: UInt32, _ slot: UInt32, _ words: Table<UInt32>, _ home: UInt32,
        _ lastBucket: UInt32, _ orders: Table<OrderNode>
    ) {
        fill(home, words, lastBucket, orders)
        var bucket = home
        var tag = hash
        while true {
            let free = words.places(at: bucket, of: 0) & (1 &<< overflowWord - 1)
            if free != 0 {
                words[bucket | first(free)] = tag
                words[bucket | firstSlot | first(free)] = slot
                orders[slot].indexPosition = bucket | firstSlot | first(free)
                return
            }
            words[bucket | overflowWord] &+= 1
            bucket = (bucket &+ bucketWords) & lastBucket
            tag = awayTag(hash)
        }
    }

    /// Takes an order out.
    @inline(__always) func remove(at position: UInt32) {
        let tag = words[position ^ Self.firstSlot]
        words[position ^ Self.firstSlot] = 0
        words[position] = 0
        if tag & Self.atHome == 0 { Self.uncount(words, home(tag), position, lastBucket) }
    }

    /// The buckets that an order had passed count it no more.
    @inline(never)
    private static func uncount(
        _ words: Table<UInt32>, _ home: UInt32, _ position: UInt32, _ lastBucket: UInt32
    ) {
        var bucket = filled(home, words)
        while bucket != position & ~(bucketWords - 1) {
            words[bucket | overflowWord] &-= 1
            bucket = (bucket &+ bucketWords) & lastBucket
        }
    }

    /// There are more than `ordersMax` orders: twice as many buckets are used from now on, or if
    /// some of these are not filled yet, the next one is.
    @inline(never)
    mutating func grow(in orders: Table<OrderNode>) {
        if nextToFill > homeMask {
            homeMask = homeMask << 1 | Self.bucketWords
        } else {
            Self.fill(nextToFill, words, lastBucket, orders)
            nextToFill &+= Self.bucketWords
        }
        setOrdersMax()
    }

    private mutating func setOrdersMax() {
        let hasUnfilled = nextToFill <= homeMask
        ordersMax =
            hasUnfilled
            ? 0
            : homeMask == lastBucket ? .max : (homeMask / Self.bucketWords + 1) / 2 * 3
    }

    /// The bucket that was home to the orders of a new one before. It is filled: all are before
    /// there are twice as many.
    private static func parent(_ bucket: UInt32) -> UInt32 {
        bucket & ~(1 &<< (31 &- UInt32(truncatingIfNeeded: bucket.leadingZeroBitCount)))
    }

    /// A bucket, or while it is not filled its parent.
    private static func filled(_ bucket: UInt32, _ words: Table<UInt32>) -> UInt32 {
        words[bucket | overflowWord] & unfilled == 0 ? bucket : parent(bucket)
    }

    /// Moves what a bucket is home to there, if that was not done yet: out of its parent, and out
    /// of those to which that has overflowed.
    private static func fill(
        _ bucket: UInt32, _ words: Table<UInt32>, _ lastBucket: UInt32, _ orders: Table<OrderNode>
    ) {
        guard words[bucket | overflowWord] & unfilled != 0 else { return }
        fillUnfilled(bucket, words, lastBucket, orders)
    }

    @inline(never)
    private static func fillUnfilled(
        _ bucket: UInt32, _ words: Table<UInt32>, _ lastBucket: UInt32, _ orders: Table<OrderNode>
    ) {
        let parent = parent(bucket)
        words[bucket | overflowWord] &= ~unfilled
        let mask = (bucket ^ parent) &<< 1 &- bucketWords
        var from = parent
        while true {
            let hasOverflowed = words[from | overflowWord] & ~unfilled != 0
            for place in 0..<overflowWord {
                let tag = words[from | place]
                guard tag != 0, tag &<< 4 & mask == bucket else { continue }
                let position = from | firstSlot | place
                let slot = words[position]
                words[from | place] = 0
                words[position] = 0
                if tag & atHome == 0 { uncount(words, parent, position, lastBucket) }
                insert((tag | atHome) & ~away, slot, words, bucket, lastBucket, orders)
            }
            from = (from &+ bucketWords) & lastBucket
            // None of the parent's can be farther: seven orders would be in each bucket between,
            // and till all are filled there are five for two of these at most.
            guard hasOverflowed, from != bucket else { return }
        }
    }

    /// Fetches the bucket of an order.
    @inline(__always) func prefetch(hash: UInt32) { words.prefetch(home(hash)) }

    /// Fetches what `remove` changes.
    @inline(__always) func prefetch(position: UInt32) { words.prefetch(position) }

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

    /// What is wrong with where orders are and with how many have passed each bucket, or nil.
    func checkBuckets() -> String? {
        var passed = [UInt32](repeating: 0, count: words.count / Int(Self.bucketWords))
        let buckets = stride(from: 0, to: UInt32(words.count), by: Int(Self.bucketWords))
        for bucket in buckets {
            for place in 0..<Self.overflowWord {
                let tag = words[bucket | place]
                guard (tag == 0) == (words[bucket | Self.firstSlot | place] == 0) else {
                    return "the index has a tag without a slot, or a slot without a tag"
                }
                guard tag != 0 else { continue }
                var home = Self.filled(home(tag), words)
                guard (home == bucket) == (tag & Self.atHome != 0) else {
                    return "the index has an order in a bucket that is not its own"
                }
                while home != bucket {
                    passed[Int(home / Self.bucketWords)] += 1
                    home = (home &+ Self.bucketWords) & lastBucket
                }
            }
        }
        for bucket in buckets {
            let overflow = words[bucket | Self.overflowWord]
            guard overflow & ~Self.unfilled == passed[Int(bucket / Self.bucketWords)] else {
                return "bucket \(bucket) of the index counts \(overflow & ~Self.unfilled) orders, "
                    + "\(passed[Int(bucket / Self.bucketWords)]) have passed it"
            }
            let isFilled = overflow & Self.unfilled == 0
            guard words[bucket | 15] == 0,
                bucket < nextToFill ? isFilled : bucket <= homeMask || !isFilled
            else { return "bucket \(bucket) of the index is filled too early, or too late" }
        }
        return nil
    }
}
