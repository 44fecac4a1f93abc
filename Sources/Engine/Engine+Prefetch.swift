// SPDX-License-Identifier: Apache-2.0
public import Wire

// SAFETY: a record is read only through the pointer that the caller gave, and only here; what is
// fetched are lines of the engine's own tables.
extension Engine {
    /// First hint for a record that will be applied about ``lookAheadFar`` commands later: fetches
    /// the line of the order index that it will need. Changes nothing, whatever the record holds.
    @safe public mutating func prefetchIndex(_ record: UnsafePointer<LogRecord>) {
        let record = unsafe RecordView(record)
        guard record.kind.rawValue &- 1 < 4 else { return }
        index.prefetch(hash: index.hash(session: record.session, orderID: record.heldOrderID))
    }

    /// Second hint, about ``lookAheadNear`` commands ahead: fetches the order that a cancel, reduce
    /// or replace will change, or the price level that a new order will join.
    @safe public mutating func prefetchOrder(_ record: UnsafePointer<LogRecord>) {
        let record = unsafe RecordView(record)
        let kind = record.kind.rawValue
        if kind == CommandKind.newOrder.rawValue {
            // The levels of a small book are in the cache anyway.
            guard openOrderCount > Self.smallBook else { return }
            let instrument = min(record.instrument, limits.instrumentCapacity)
            let tick = record.priceTicks &- instruments[instrument].lowestPriceTicks
            levels.prefetch(
                instruments[instrument].levelBase &+ UInt32(truncatingIfNeeded: tick))
            return
        }
        guard kind &- 2 < 3 else { return }
        let position =
            index.hash(session: record.session, orderID: record.heldOrderID) & index.mask
        let slot = index.entries[position].slot
        orders.prefetch(slot)
        links.prefetch(slot)
        if position & 7 == 7 { index.entries.prefetch((position &+ 1) & index.mask) }
    }

    private static var smallBook: UInt32 { 50_000 }

    /// How many commands ahead ``prefetchIndex(_:)`` is worth its price.
    public static var lookAheadFar: Int { 12 }
    /// How many commands ahead ``prefetchOrder(_:)`` is worth its price.
    public static var lookAheadNear: Int { 6 }
}
