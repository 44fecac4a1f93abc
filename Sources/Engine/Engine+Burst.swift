// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Wire

// SAFETY: records are read only through the pointers that the caller gave, `count` of them, and
// only until the call returns; what is fetched are lines of the engine's own tables.
extension Engine {
    /// How many commands are looked at before they are applied.
    static let burstLength = 16
    /// From so many open orders on, levels are fetched ahead: below, the caches have them.
    private static let deepBook: UInt32 = 20_000

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
        var applied = 0
        unsafe lookAhead(records, left: count)
        while applied < count {
            let length = min(count &- applied, Self.burstLength)
            unsafe lookCloser(records + applied, count: length)
            unsafe lookAhead(records + applied + length, left: count &- applied &- length)
            let done = unsafe run(
                records + applied, count: length, roomEnd: roomEnd, into: &outbox)
            applied &+= done
            if done < length || pending.phase != .none { break }
        }
        return applied
    }

    /// Fetches where the index has the next commands' orders, and records further down, of the
    /// `left` that there are. No branch here or in `lookCloser` depends on what the commands are:
    /// nobody could predict it.
    @inline(__always)
    private func lookAhead(_ records: UnsafePointer<LogRecord>, left: Int) {
        let index = self.index
        for number in 0..<min(left, Self.burstLength) {
            let record = unsafe RecordView(records + number)
            let further = min(number &+ 2 &* Self.burstLength, left &- 1)
            unsafe Prefetch.read(records + further)
            index.prefetch(
                hash: index.hash(session: record.session, orderID: record.heldOrderID))
        }
    }

    /// Notes the hashes of the commands about to be applied, and fetches the orders themselves, and
    /// in a deep book the levels that new ones will join.
    @inline(__always)
    private func lookCloser(_ records: UnsafePointer<LogRecord>, count: Int) {
        let index = self.index
        let hashes = self.hashes
        for number in 0..<count {
            let record = unsafe RecordView(records + number)
            let hash = index.hash(session: record.session, orderID: record.heldOrderID)
            hashes[number] = hash
            let slot = index.entries[hash & index.mask].slot
            orders.prefetch(slot)
            links.prefetch(slot)
        }
        guard openOrderCount > Self.deepBook else { return }
        for number in 0..<count {
            let record = unsafe RecordView(records + number)
            let instrument = min(record.instrument, limits.instrumentCapacity)
            let tick = record.priceTicks &- instruments[instrument].lowestPriceTicks
            levels.prefetch(
                ladder.level(
                    instruments[instrument], isSell: record.attributes.rawValue & 1 != 0, tick))
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
                if cancelUsualOrder(record, hash, into: &outbox) {
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
