// SPDX-License-Identifier: Apache-2.0
public import Wire

// SAFETY: records are read only through the pointers that the caller gave, and only until `apply`
// returns: see `RecordView`.
extension Engine {
    /// Applies one command and writes its events; answers whether the command is complete. If it
    /// is not, the caller publishes what is there, makes room and calls ``resume(into:)``.
    ///
    /// `continuation` is the second record of a two-record command, else nil. The outbox has room
    /// for ``eventsPerSliceMax`` events. Traps when the last command is not complete.
    ///
    /// Every command has at least one event and its last one is marked. The first rule broken is
    /// the answer; an answer other than those named changes nothing but the session sequence.
    ///
    /// Sequenced kinds (1…7): session known, else `controlRejected(unknownSession)`; session
    /// sequence the next, else `controlRejected(sessionSequenceBroken)`, both without using the
    /// sequence up; `refused` answers `refused` then and there; logged on, else a reject with
    /// `notLoggedOn` (`cancelRejected`, `reduceRejected`, `replaceRejected`, else `rejected`).
    ///
    /// Since rules 3 a new order or replace of a session that is stopped, and a new order of an
    /// account that is: `killed`, before all that follows (`killSwitch`); so a replace of an order
    /// of such an account, where its order is known.
    ///
    /// New order, answer `rejected`: instrument defined (`unknownInstrument`); id not 0
    /// (`invalidOrderID`); id not open (`duplicateOrderID`); limit or market (`invalidOrderType`);
    /// day, immediate-or-cancel, fill-or-kill or good-till-cancel (`invalidTimeInForce`); flags
    /// known, post-only not with market, immediate-or-cancel or fill-or-kill (`invalidFlags`); no
    /// trigger, peak, minimum, expiry or trigger condition in a second record (`unsupported`; tag,
    /// capacity and algorithm are for the log only): of rules 1 and 2, of those since see
    /// `rareRefusal`; the instrument takes it in its trading state (`instrumentNotOpen`); quantity
    /// not 0 (`zeroQuantity`), not above
    /// the instrument's (`quantityTooLarge`); limit price in the ladder, market price 0
    /// (`priceOutOfRange`); since rules 3 what the instrument asks of each order, see
    /// `ruleRefusal`; and for orders that may rest, even if they would trade in full: the session's
    /// limit (`sessionOrderLimit`), the pool (`orderPoolExhausted`), post-only does not
    /// cross (`postOnlyWouldTrade`), and since rules 3 of one that would rest at once its price has
    /// room (`noRoomForPrice`, see `hasRoom`).
    /// Then `accepted` (with `resting`, alone, if it rests untouched), trades, and what is left:
    /// `rested`, or `cancelled` with `selfTradePrevented`, `fillOrKill`, `marketRemainder` (market
    /// orders) or `immediateOrCancel`; since rules 3 with `outsidePriceBand`, see `leavesAtBand`,
    /// or `noRoomToRest`.
    /// Orders of one account are equal account numbers, 0 too; since rules 3 prevention acts
    /// between accounts of one trade group as well (`setTradeGroup`).
    ///
    /// Cancel and reduce: flags 0 (`invalidFlags`), order open (`unknownOrder`), its instrument
    /// (`wrongInstrument`); reduce: total below the present (`totalNotReduced`), a total not above
    /// what was executed cancels (`totalExecuted`; since rules 2 `byClient` where nothing was), any
    /// other is such as the instrument's order rules ask for (`quantityTooSmall`, `invalidLot`).
    ///
    /// Replace: flags 0, or since rules 3 what becomes of it when it fails: see `failReplace`
    /// (`invalidFlags`), original open (`unknownOrder`), new id not 0 (`invalidOrderID`) and not
    /// another open order's (`duplicateOrderID`), `instrumentNotOpen`, `zeroQuantity`,
    /// `quantityTooLarge`, `priceOutOfRange`, `ruleRefusal`; total not above what was executed:
    /// `cancelled(totalExecuted)`; post-only does not cross (`postOnlyWouldTrade`), and
    /// `noRoomForPrice`, while the original still stands where it does; then
    /// `replaced`, `accepted` and on as a new order. `replaceRejected` carries the new id and what
    /// is known of the original.
    ///
    /// Mass cancel: flags 0, or since rules 3 `byAccount` (`rejected(invalidFlags)`), instrument 0
    /// or defined (`rejected(unknownInstrument)`), none of the session under way
    /// (`massCancelUnderWay`, see `mayMassCancel`); each order in order of entry, then
    /// `massCancelDone`. So at the end of a session, if its logon asked for it; since rules 3 not
    /// orders good till cancel or till time, unless it asked for these too. Since rules 3 what is
    /// left after so many steps goes on behind later commands: Engine+Backlog.swift.
    ///
    /// Rules: those of the last `epochStart`, else `controlRejected(invalidControl)` where they are
    /// not folded, until `activateRules` names the next version; any other is `invalidControl`.
    @safe
    public mutating func apply(
        _ record: UnsafePointer<LogRecord>, continuation: UnsafePointer<LogRecord>?,
        into outbox: inout EventOutbox
    ) -> Bool {
        let view = unsafe RecordView(record)
        guard !view.isPair else {
            precondition(
                pending.phase == .none, "a command is applied when the last is complete")
            return unsafe applyOther(view, continuation, into: &outbox)
        }
        hashes[0] = index.hash(session: view.session, orderID: view.heldOrderID)
        places[0] = index.likelyPosition(hash: hashes[0])
        _ = unsafe run(record, count: 1, roomEnd: .max, into: &outbox)
        return pending.phase == .none
    }

    /// The long way round: any command.
    @inline(never)
    mutating func applyOther(
        _ record: RecordView, _ continuation: UnsafePointer<LogRecord>?,
        into outbox: inout EventOutbox
    ) -> Bool {
        beginSlice(isPair: record.isPair, outbox)
        pending.tradeIndex = 0
        pending.isLate = false
        pending.stepsBehind = record.kind == .timeAdvance ? bounds.behindTime : bounds.behind
        if (firstInLine | backlogCount) != 0 { closeLate() }
        let isComplete = unsafe applyMain(record, continuation, into: &outbox)
        return isComplete && pending.isLate ? finish(into: &outbox) : isComplete
    }

    /// What a command does before what it triggers.
    @inline(__always)
    private mutating func applyMain(
        _ record: RecordView, _ continuation: UnsafePointer<LogRecord>?,
        into outbox: inout EventOutbox
    ) -> Bool {
        let kind = record.kind.rawValue
        guard kind <= CommandKind.logout.rawValue, kind != 0 else {
            let second = unsafe continuation?.pointee
            return applyUnsequenced(record.record, second, into: &outbox)
        }
        let session = record.session
        let sequence = record.sessionSequence
        guard session &- 1 < limits.sessionCapacity else {
            return rejectControl(.unknownSession, session: session, into: &outbox)
        }
        guard UInt32(truncatingIfNeeded: sessions[session].expectedSequence) == sequence else {
            return rejectControl(.sessionSequenceBroken, session: session, into: &outbox)
        }
        sessions[session].expectedSequence &+= 1
        hash.mix(session: session, sequence: sequence)
        let isLoggedOn = sessions[session].flags & SessionState.loggedOn != 0
        if kind == CommandKind.newOrder.rawValue && isLoggedOn {
            return newOrder(record, unsafe continuation.map(RecordView.init), into: &outbox)
        }
        return applySequenced(record.record, isLoggedOn: isLoggedOn, into: &outbox)
    }

    /// What every slice of a command starts with.
    @inline(__always)
    mutating func beginSlice(isPair: Bool, _ outbox: borrowing EventOutbox) {
        sliceEnd = outbox.position &+ sliceEvents
        closing = isPair ? [.last, .pair] : .last
    }

    /// The same for values.
    public mutating func apply(
        _ record: LogRecord, continuation: LogRecord? = nil, into outbox: inout EventOutbox
    ) -> Bool {
        unsafe withUnsafePointer(to: record) { first in
            guard let continuation else {
                return apply(first, continuation: nil, into: &outbox)
            }
            return unsafe withUnsafePointer(to: continuation) { second in
                apply(first, continuation: second, into: &outbox)
            }
        }
    }

    /// Goes on with a command that is not complete; answers whether it is now. The outbox has room
    /// for ``eventsPerSliceMax`` events. A slice may write none. Traps when there is none.
    public mutating func resume(into outbox: inout EventOutbox) -> Bool {
        sliceEnd = outbox.position &+ sliceEvents
        let isComplete = resumeMain(into: &outbox)
        return isComplete && pending.isLate ? finish(into: &outbox) : isComplete
    }

    private mutating func resumeMain(into outbox: inout EventOutbox) -> Bool {
        switch pending.phase {
        case .none:
            preconditionFailure("only a command that is not complete is resumed")
        case .scan:
            return scan(into: &outbox)
        case .match:
            pending.phase = .none
            var order = pending.order
            return sweep(&order, into: &outbox)
        case .cancelOrders:
            return cancelOrders(into: &outbox)
        case .expire:
            return expire(into: &outbox)
        case .finish:
            return true
        }
    }

    /// Sequenced kinds other than new orders of a session that is logged on.
    @inline(never)
    private mutating func applySequenced(
        _ record: LogRecord, isLoggedOn: Bool, into outbox: inout EventOutbox
    ) -> Bool {
        if record.kind == .refused {
            return reject(.refused, record.refusalReason, record, into: &outbox)
        }
        guard isLoggedOn else {
            let answer: EventKind =
                record.kind == .cancelOrder
                ? .cancelRejected
                : record.kind == .reduceOrder
                    ? .reduceRejected : record.kind == .replaceOrder ? .replaceRejected : .rejected
            return reject(answer, .notLoggedOn, record, into: &outbox)
        }
        if record.kind == .replaceOrder,
            sessions[record.session].flags & SessionState.killed != 0
        {
            return reject(.replaceRejected, .killed, record, into: &outbox)
        }
        switch record.kind {
        case .cancelOrder: return cancelOrder(record, into: &outbox)
        case .replaceOrder: return replaceOrder(record, into: &outbox)
        case .reduceOrder: return reduceOrder(record, into: &outbox)
        case .massCancel: return massCancel(record, into: &outbox)
        default: return endSession(record, answer: .loggedOut, into: &outbox)
        }
    }

    /// The only event of a sequenced message that was rejected. Of a replace: the new id; account
    /// and instrument are not in its record, so they are 0 here.
    @inline(never)
    mutating func reject(
        _ kind: EventKind, _ reason: Reason, _ record: LogRecord, into outbox: inout EventOutbox
    ) -> Bool {
        let isReplace = record.kind == .replaceOrder
        let isNew = record.kind == .newOrder
        let side: EventAttributes = isNew ? EventAttributes(side: record.attributes.side) : []
        report(
            Event(
                kind: kind, attributes: side.union(closing), detail: UInt16(reason.rawValue),
                session: record.session, account: isReplace ? 0 : record.account,
                instrument: isReplace ? 0 : record.instrument, orderID: record.orderID,
                priceTicks: record.priceTicks, quantityLots: record.quantityLots),
            into: &outbox)
        return true
    }
}
