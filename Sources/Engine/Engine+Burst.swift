// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Wire

// SAFETY: records are read only through the pointers that the caller gave, `count` of them, and
// only until the call returns; what is fetched are lines of the engine's own tables.
extension Engine {
    /// Commands that are applied between two looks at what comes; in a deep book fewer, so that
    /// memory works while they are applied.
    private static let burstLength = 16
    private static let deepBurstLength = 8
    /// Of the commands looked at: of one burst, or two of a deep book.
    static let noteCount = 16
    /// With more open orders a book is deep: up to here, the caches have what is around an order.
    @_spi(Testing) public static let shallowOrdersMax: UInt32 = 20_000

    /// Applies commands of one record each, in order, and writes their events; answers how many it
    /// applied, 0 ... `count`. It stops before a command of two records, which is for
    /// ``apply(_:continuation:into:)``; before a command for which the outbox may lack room: one
    /// that would start less than ``eventsPerSliceMax`` events before `roomEnd`, an outbox
    /// position; and after a command that is not complete (``isComplete``), which is resumed.
    ///
    /// The same commands give the same events and hash in bursts of any length and one by one.
    /// Traps when the last command is not complete.
    @safe
    public mutating func applyBurst(
        _ records: UnsafePointer<LogRecord>, count: Int, roomEnd: UInt64,
        into outbox: inout EventOutbox
    ) -> Int {
        if openOrderCount > shallowOrdersMax {
            return unsafe applyDeep(records, count: count, roomEnd: roomEnd, into: &outbox)
        }
        let length = Self.burstLength
        var applied = 0
        unsafe lookAhead(records, count: length, left: count)
        while applied < count {
            let now = min(count &- applied, length)
            unsafe lookCloser(records + applied, count: now, note: 0)
            unsafe lookAhead(
                records + applied + now, count: length, left: count &- applied &- now)
            let done = unsafe run(
                records + applied, count: now, roomEnd: roomEnd, into: &outbox)
            applied &+= done
            if done < now || pending.phase != .none { break }
        }
        return applied
    }

    /// The same in a deep book: each look is a burst earlier, and there is one more.
    @inline(never)
    private mutating func applyDeep(
        _ records: UnsafePointer<LogRecord>, count: Int, roomEnd: UInt64,
        into outbox: inout EventOutbox
    ) -> Int {
        let length = Self.deepBurstLength
        var applied = 0
        unsafe lookAhead(records, count: 2 &* length, left: count)
        unsafe lookCloser(records, count: min(count, length), note: length)
        while applied < count {
            let now = min(count &- applied, length)
            let left = count &- applied &- now
            takeNotes(from: length)
            let next = unsafe records + applied + now
            unsafe lookAhead(next + length, count: length, left: left &- length)
            unsafe lookCloser(next, count: min(left, length), note: length)
            unsafe lookAround(records + applied, count: now)
            let done = unsafe run(
                records + applied, count: now, roomEnd: roomEnd, into: &outbox)
            applied &+= done
            if done < now || pending.phase != .none { break }
        }
        return applied
    }

    // No branch in what follows depends on what the commands are: nobody could predict it.

    /// Fetches where the index has the orders of the next `count` commands, and records further
    /// down, of the `left` that there are, if any.
    @inline(__always)
    private func lookAhead(_ records: UnsafePointer<LogRecord>, count: Int, left: Int) {
        let index = self.index
        for number in 0..<max(min(left, count), 0) {
            let record = unsafe RecordView(records + number)
            let further = min(number &+ 2 &* Self.burstLength, left &- 1)
            unsafe Prefetch.read(records + further)
            index.prefetch(
                hash: index.hash(session: record.session, orderID: record.heldOrderID))
        }
    }

    /// Notes the hashes of commands and where the index has their orders, and fetches these.
    @inline(__always)
    private func lookCloser(_ records: UnsafePointer<LogRecord>, count: Int, note: Int) {
        let (index, hashes, places) = (self.index, self.hashes, self.places)
        for number in 0..<count {
            let record = unsafe RecordView(records + number)
            let hash = index.hash(session: record.session, orderID: record.heldOrderID)
            hashes[note &+ number] = hash
            let place = index.likelyPosition(hash: hash)
            places[note &+ number] = place
            let slot = index.words[place]
            orders.prefetch(slot)
            links.prefetch(slot)
        }
    }

    /// The notes of the commands that are next become those of the commands to be applied.
    @inline(__always)
    private func takeNotes(from note: Int) {
        for number in 0..<note {
            hashes[number] = hashes[note &+ number]
            places[number] = places[note &+ number]
        }
    }

    /// Fetches what commands change beside their orders: neighbours and levels.
    @inline(__always)
    private func lookAround(_ records: UnsafePointer<LogRecord>, count: Int) {
        let (index, places) = (self.index, self.places)
        for number in 0..<count {
            let slot = index.words[places[number]]
            links.prefetch(links[slot].next)
            links.prefetch(links[slot].previous)
            links.prefetch(links[slot].sessionNext)
            links.prefetch(links[slot].sessionPrevious)
            levels.prefetch(orders[slot].level)
            let record = unsafe RecordView(records + number)
            let instrument = min(record.instrument, limits.instrumentCapacity)
            let tick = record.priceTicks &- instruments[instrument].lowestPriceTicks
            let level = ladder.level(
                instruments[instrument], isSell: record.attributes.rawValue & 1 != 0, tick)
            links.prefetch(levels[level].last)
        }
    }

    /// Applies commands whose hashes are in `hashes`; answers how many, as `applyBurst` does.
    ///
    /// Nearly all are new limit orders and cancels that break no rule. They are decided here by
    /// tests that change nothing; whatever fails one goes the long way round.
    @inline(never)
    mutating func run(
        _ records: UnsafePointer<LogRecord>, count: Int, roomEnd: UInt64,
        into outbox: inout EventOutbox
    ) -> Int {
        precondition(pending.phase == .none, "a command is applied when the last is complete")
        var number = 0
        while number < count, outbox.position &+ UInt64(Self.eventsPerSliceMax) <= roomEnd {
            let record = unsafe RecordView(records + number)
            // While anything goes on behind it no command is usual.
            let kind = (firstInLine | backlogCount) == 0 ? record.kind.rawValue : 0
            let hash = hashes[number]
            if kind == CommandKind.newOrder.rawValue {
                var course = newUsualOrder(record, hash, isRuled: false, into: &outbox)
                if course == .unusual { course = newRuledOrder(record, hash, into: &outbox) }
                switch course {
                case .complete:
                    number &+= 1
                    continue
                case .cut: return number &+ 1
                case .unusual: break
                }
            } else if kind == CommandKind.cancelOrder.rawValue {
                if cancelUsualOrder(record, hash, places[number], into: &outbox) {
                    number &+= 1
                    continue
                }
            }
            if record.isPair { break }
            number &+= 1
            guard unsafe applyOther(record, nil, into: &outbox) else { break }
        }
        return number
    }
}
