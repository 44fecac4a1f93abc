// SPDX-License-Identifier: Apache-2.0

/// Finds an open order by its session and the client's own id.
///
/// Open addressing with linear probing, at most half full, never rehashed. Eight neighbouring ids
/// of a session share one cache line of entries: home = mix(session, id / 8) * 8 + id % 8. The mix
/// is keyed by the seed of the first `epochStart`, so that nobody can aim at collisions. A tag
/// keeps all 32 bits of the hash: homes are known without a look at the orders, and a wrong match
/// of tags is one in 2^(32 - log2 entries). Entries of a run lie in the order of their homes (Robin
/// Hood), so most searches and deletions end at the first entry that is at home.
struct OrderIndex: Sendable {
    struct Entry: BitwiseCopyable {
        var slot: UInt32  // 0 = empty
        var tag: UInt32  //  the hash; of an empty entry its own position, so it is "at home"
    }

    let entries: Table<Entry>
    let mask: UInt32
    private var key: UInt64
    private var sessionKey: UInt64

    /// A power of two, at least twice the orders and at least one line.
    static func entryCount(orderCapacity: UInt32) -> Int {
        var count = 16
        while count < 2 * Int(orderCapacity) { count *= 2 }
        return count
    }

    init(entries: Table<Entry>, seed: UInt64) {
        self.entries = entries
        mask = UInt32(entries.count - 1)
        key = 0
        sessionKey = 0
        setSeed(seed)
        for position in 0...mask { entries[position].tag = position }
    }

    /// Only while the index is empty.
    mutating func setSeed(_ seed: UInt64) {
        key = (seed ^ 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        key ^= key >> 32
        sessionKey = (key ^ 0xA076_1D64_78BD_642F) &* 0xE703_7ED1_A0B4_28DB
        sessionKey ^= sessionKey >> 29
    }

    @inline(__always)
    func hash(session: UInt32, orderID: UInt64) -> UInt32 {
        let group = (orderID &>> 3) ^ key
        let keyed = UInt64(session) &* 0x9FB2_1C65_1E98_DF25 ^ sessionKey
        let product = group.multipliedFullWidth(by: keyed)
        let mixed = UInt32(truncatingIfNeeded: product.high ^ product.low)
        return mixed &<< 3 | UInt32(truncatingIfNeeded: orderID & 7)
    }

    /// The order's slot, or 0.
    @inline(__always)
    func find(
        hash: UInt32, session: UInt32, orderID: UInt64, in orders: Table<OrderNode>
    ) -> UInt32 {
        let home = hash & mask
        if entries[home].slot == 0 { return 0 }
        let position = search(hash: hash, session: session, orderID: orderID, in: orders)
        return position == Self.nowhere ? 0 : entries[position].slot
    }

    /// Where the order's entry is, or `nowhere`.
    @inline(__always)
    func search(
        hash: UInt32, session: UInt32, orderID: UInt64, in orders: Table<OrderNode>
    ) -> UInt32 {
        Self.search(entries, mask, hash, session, orderID, orders)
    }

    /// What `search` answers when the order is not there: no index is that large.
    static var nowhere: UInt32 { .max }

    // Static, here and below: a method out of line would get a copy of the whole index.
    @inline(never)
    private static func search(
        _ entries: Table<Entry>, _ mask: UInt32, _ hash: UInt32, _ session: UInt32,
        _ orderID: UInt64, _ orders: Table<OrderNode>
    ) -> UInt32 {
        var position = hash & mask
        var distance: UInt32 = 0
        while true {
            let entry = entries[position]
            if entry.slot == 0 { return nowhere }
            if entry.tag == hash {
                if orders[entry.slot].orderID == orderID, orders[entry.slot].session == session {
                    return position
                }
            } else if (position &- entry.tag) & mask < distance {
                return nowhere
            }
            position = (position &+ 1) & mask
            distance &+= 1
        }
    }

    /// Where the entry of a slot is that is there.
    @inline(__always) func position(hash: UInt32, slot: UInt32) -> UInt32 {
        var position = hash & mask
        while entries[position].slot != slot { position = (position &+ 1) & mask }
        return position
    }

    /// Adds an order that is not there.
    @inline(__always) func insert(hash: UInt32, slot: UInt32) {
        let home = hash & mask
        if entries[home].slot == 0 {
            entries[home] = Entry(slot: slot, tag: hash)
        } else {
            Self.displace(Entry(slot: slot, tag: hash), entries, mask)
        }
    }

    /// Adds an order whose home is taken: before the first entry that is nearer to its own home.
    @inline(never)
    private static func displace(_ entry: Entry, _ entries: Table<Entry>, _ mask: UInt32) {
        var moving = entry
        var position = entry.tag & mask
        var distance: UInt32 = 0
        while entries[position].slot != 0 {
            let other = entries[position]
            let otherDistance = (position &- other.tag) & mask
            if otherDistance < distance {
                entries[position] = moving
                moving = other
                distance = otherDistance
            }
            position = (position &+ 1) & mask
            distance &+= 1
        }
        entries[position] = moving
    }

    /// Takes an entry out: what follows moves up, to the first that is at home.
    @inline(__always) func remove(at position: UInt32) {
        let following = (position &+ 1) & mask
        if (following &- entries[following].tag) & mask == 0 {
            entries[position] = Entry(slot: 0, tag: position)
        } else {
            Self.moveUp(into: position, entries, mask)
        }
    }

    @inline(never)
    private static func moveUp(into position: UInt32, _ entries: Table<Entry>, _ mask: UInt32) {
        var hole = position
        while true {
            let following = (hole &+ 1) & mask
            let entry = entries[following]
            guard (following &- entry.tag) & mask != 0 else { break }
            entries[hole] = entry
            hole = following
        }
        entries[hole] = Entry(slot: 0, tag: hole)
    }

    /// Fetches an entry, and the one behind it, which decides what happens when it is removed.
    @inline(__always) func prefetch(hash: UInt32) {
        entries.prefetch(hash & mask)
        entries.prefetch((hash &+ 1) & mask)
    }
}
