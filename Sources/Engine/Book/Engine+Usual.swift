// SPDX-License-Identifier: Apache-2.0
internal import Wire

// What nearly all commands are: a new limit order for the day that breaks no rule, and a cancel of
// an open order. Every rule is tested before anything changes, so that a command that fails a test
// can go the long way round from the start. Which side an order is on is never branched on: nobody
// can predict it.
extension Engine {
    enum Course {
        case complete
        case cut  //      the slice is full: to be resumed
        case unusual  //  nothing has changed
    }

    /// A new order, if it is usual; `isRuled` says that it keeps the order rules that alone make
    /// its instrument unusual.
    @inline(__always)
    mutating func newUsualOrder(
        _ record: RecordView, _ indexHash: UInt32, isRuled: Bool, into outbox: inout EventOutbox
    ) -> Course {
        let session = record.session
        let attributes = record.attributes.rawValue
        guard
            attributes < 2, record.flags & unusualFlags == 0,
            isNext(session, record.sessionSequence)
        else { return .unusual }
        let instrument = record.instrument
        let orderID = record.orderID
        let quantity = record.quantityLots
        let book = min(instrument, limits.instrumentCapacity)
        let tick = record.priceTicks &- instruments[book].lowestPriceTicks
        let lotsMax =
            isRuled ? markets[book].quantityLotsMax : instruments[book].usualLotsMax
        guard
            instrument == book,
            UInt64(bitPattern: tick) < UInt64(bitPattern: instruments[book].tickCount),
            orderID != 0, quantity &- 1 < lotsMax,
            sessions[session].openOrders < limits.sessionOpenOrdersMax,
            openOrderCount < usualOrdersMax
        else { return .unusual }
        let vacancy = index.vacancy(hash: indexHash)
        guard
            vacancy != OrderIndex.nowhere
                || index.find(hash: indexHash, session: session, orderID: orderID, in: orders) == 0
        else { return .unusual }
        use(session, record.sessionSequence)
        guard !instruments[book].crosses(isSell: attributes != 0, tick) else {
            return takeLiquidity(record, tick, indexHash, into: &outbox) ? .complete : .cut
        }
        sessions[session].reportSequence &+= 1
        let first = SIMD4(
            orderID, record.sequence, UInt64(bitPattern: record.priceTicks), quantity)
        let owner = UInt64(session) | UInt64(record.account) &<< 32
        let what =
            Self.word(instrument: instrument, .accepted, [.resting, .last], 0)
            | UInt64(attributes) &<< 40
        emit(first, SIMD4(quantity, 0, owner, what), into: &outbox)
        let level = levelToRest(book, isSell: attributes != 0, tick)
        let traits = UInt64(attributes) | UInt64(record.flags) &<< 1
        rest(
            first,
            SIMD4(UInt64(level), 0, owner, UInt64(instrument) | traits &<< 24),
            leavesLots: quantity, session: session, level: level, indexHash: indexHash,
            vacancy: vacancy)
        return .complete
    }

    /// A cancel, if it is usual; false: nothing has changed.
    @inline(__always)
    mutating func cancelUsualOrder(
        _ record: RecordView, _ indexHash: UInt32, _ place: UInt32,
        into outbox: inout EventOutbox
    ) -> Bool {
        let session = record.session
        guard record.flags == 0, isNext(session, record.sessionSequence) else { return false }
        let orderID = record.orderID
        let orders = self.orders
        var position = place
        var slot = index.words[position]
        // An empty place leads to slot 0, which is no session's.
        if orders[slot].orderID != orderID || orders[slot].session != session {
            position = index.search(
                hash: indexHash, session: session, orderID: orderID, in: orders)
            guard position != OrderIndex.nowhere else { return false }
            slot = index.words[position]
        }
        let instrument = orders[slot].instrument
        guard instrument == record.instrument, orders[slot].extra == 0 else { return false }
        use(session, record.sessionSequence)
        sessions[session].reportSequence &+= 1
        let executed = orders[slot].executedLots
        let what =
            Self.word(
                instrument: instrument, .cancelled, [.resting, .last],
                UInt16(Reason.byClient.rawValue))
            | UInt64(orders[slot].instrumentAndTraits &>> 24 & 1) &<< 40
        emit(
            SIMD4(
                orderID, orders[slot].reference, UInt64(bitPattern: orders[slot].priceTicks),
                orders[slot].totalLots &- executed),
            SIMD4(
                0, executed, UInt64(session) | UInt64(orders[slot].account) &<< 32, what),
            into: &outbox)
        remove(slot, position: position)
        return true
    }

    /// Whether a session is logged on and not stopped, and this is the sequence that it is to use
    /// next.
    @inline(__always)
    private func isNext(_ session: UInt32, _ sequence: UInt32) -> Bool {
        session &- 1 < limits.sessionCapacity
            && UInt32(truncatingIfNeeded: sessions[session].expectedSequence) == sequence
            && sessions[session].flags & (SessionState.loggedOn | SessionState.killed)
                == SessionState.loggedOn
    }

    @inline(__always)
    private mutating func use(_ session: UInt32, _ sequence: UInt32) {
        sessions[session].expectedSequence &+= 1
        hash.mix(session: session, sequence: sequence)
    }
}
