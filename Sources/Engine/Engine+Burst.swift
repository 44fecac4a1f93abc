// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Wire

// SAFETY: records are read only through the pointers that the caller gave, `count` of them, and
// only until the call returns; what is fetched are lines of the engine's own tables.
extension Engine {
    /// Commands that are looked at together, and then applied.
    private static let burstLength = 16
    /// With more open orders a book is deep: up to here, the caches have what is around an order.
    @_spi(Testing) public static let shallowOrdersMax: UInt32 = 20_000
    /// Commands that are looked at together in a deep book, and how many commands before they are
    /// applied: multiples of that.
    private static let deepLength = 4
    private static let (aheadDistance, closerDistance, aroundDistance) = (24, 16, 8)
    /// With room for so many instruments or more the caches do not have their books either.
    static let manyInstruments: UInt32 = 256
    /// Notes of the commands to be applied next, and behind them a ring of notes of those that were
    /// looked at before: a power of two, at least `aheadDistance` and `deepLength`.
    static let noteCount = burstLength + noteRing
    private static let noteRing = 32

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
        unsafe lookAhead(records, count: length, left: count, note: length)
        while applied < count {
            let now = min(count &- applied, length)
            takeNotes(from: length, count: length)
            lookCloser(count: now, note: 0)
            unsafe lookAhead(
                records + applied + now, count: length, left: count &- applied &- now,
                note: length)
            let done = unsafe run(
                records + applied, count: now, roomEnd: roomEnd, into: &outbox)
            applied &+= done
            if done < now || pending.phase != .none { break }
        }
        return applied
    }

    /// The same in a deep book, where commands wait for memory: each is looked at three times, from
    /// less and less far, and few at a time, so that memory works while others are applied.
    @inline(never)
    private mutating func applyDeep(
        _ records: UnsafePointer<LogRecord>, count: Int, roomEnd: UInt64,
        into outbox: inout EventOutbox
    ) -> Int {
        let length = Self.deepLength
        let hasManyInstruments = limits.instrumentCapacity >= Self.manyInstruments
        var applied = -Self.aheadDistance
        while applied < count {
            let ahead = applied &+ Self.aheadDistance
            unsafe lookAhead(
                records + ahead, count: length, left: count &- ahead, note: note(ahead))
            if hasManyInstruments, ahead < count {
                unsafe lookForBooks(records + ahead, count: min(length, count &- ahead))
            }
            let closer = applied &+ Self.closerDistance
            if closer >= 0, closer < count {
                lookCloser(count: min(length, count &- closer), note: note(closer))
                if hasManyInstruments {
                    unsafe lookForPages(records + closer, count: min(length, count &- closer))
                }
            }
            let around = applied &+ Self.aroundDistance
            if around >= 0, around < count {
                unsafe lookAround(
                    records + around, count: min(length, count &- around), note: note(around))
            }
            guard applied >= 0 else {
                applied &+= length
                continue
            }
            let now = min(length, count &- applied)
            takeNotes(from: note(applied), count: now)
            let done = unsafe run(
                records + applied, count: now, roomEnd: roomEnd, into: &outbox)
            applied &+= done
            if done < now || pending.phase != .none { break }
        }
        return applied
    }

    /// Where the ring has the notes of a command; those of `deepLength` lie in a row.
    @inline(__always)
    private func note(_ number: Int) -> Int {
        Self.burstLength &+ number & (Self.noteRing &- 1)
    }

    /// Takes notes out of the ring, for the commands to be applied next.
    @inline(__always)
    private func takeNotes(from note: Int, count: Int) {
        for number in 0..<count {
            hashes[number] = hashes[note &+ number]
            places[number] = places[note &+ number]
        }
    }

    // What looks has no branch that depends on whose order it is or what becomes of it: nobody
    // could predict it.

    /// Notes the hashes of the next `count` commands, of the `left` that there are, if any; fetches
    /// where the index has their orders, and records further down.
    @inline(__always)
    private func lookAhead(
        _ records: UnsafePointer<LogRecord>, count: Int, left: Int, note: Int
    ) {
        let (index, hashes) = (self.index, self.hashes)
        for number in 0..<max(min(left, count), 0) {
            let record = unsafe RecordView(records + number)
            let further = min(number &+ 2 &* Self.burstLength, left &- 1)
            unsafe Prefetch.read(records + further)
            let hash = index.hash(session: record.session, orderID: record.heldOrderID)
            hashes[note &+ number] = hash
            index.prefetch(hash: hash)
        }
    }

    /// Notes where the index is likely to have the orders of commands, and fetches these.
    @inline(__always)
    private func lookCloser(count: Int, note: Int) {
        let (index, hashes, places) = (self.index, self.hashes, self.places)
        for number in 0..<count {
            let place = index.likelyPosition(hash: hashes[note &+ number])
            places[note &+ number] = place
            let slot = index.words[place]
            orders.prefetch(slot)
            links.prefetch(slot)
        }
    }

    /// Fetches the instruments of commands.
    @inline(__always)
    private func lookForBooks(_ records: UnsafePointer<LogRecord>, count: Int) {
        for number in 0..<count {
            instruments.prefetch(book(of: unsafe RecordView(records + number)))
        }
    }

    /// Fetches where the ladders of these have the pages of new orders: of the narrow ones, as
    /// those of many instruments are.
    @inline(__always)
    private func lookForPages(_ records: UnsafePointer<LogRecord>, count: Int) {
        for number in 0..<count {
            let record = unsafe RecordView(records + number)
            let book = book(of: record)
            let tick = record.priceTicks &- instruments[book].lowestPriceTicks
            ladder.prefetchPage(instruments[book], tick)
        }
    }

    /// Fetches what commands change beside their orders: neighbours in two lists, and levels. For a
    /// cancel that includes a level that nobody needs: it costs less than a branch.
    @inline(__always)
    private func lookAround(_ records: UnsafePointer<LogRecord>, count: Int, note: Int) {
        let (index, places) = (self.index, self.places)
        for number in 0..<count {
            let slot = index.words[places[note &+ number]]
            links.prefetch(links[slot].next)
            links.prefetch(links[slot].previous)
            links.prefetch(links[slot].sessionNext)
            links.prefetch(links[slot].sessionPrevious)
            levels.prefetch(orders[slot].level)
            let record = unsafe RecordView(records + number)
            let book = book(of: record)
            let tick = record.priceTicks &- instruments[book].lowestPriceTicks
            let level = ladder.level(
                instruments[book], isSell: record.attributes.rawValue & 1 != 0, tick)
            links.prefetch(levels[level].last)
        }
    }

    /// The instrument of a command, or the last one if there is no such.
    @inline(__always)
    private func book(of record: RecordView) -> UInt32 {
        min(record.instrument, limits.instrumentCapacity)
    }

    /// Applies commands of which there are notes; answers how many, as `applyBurst` does.
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
