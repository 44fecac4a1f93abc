// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A trade that is void: 16 bytes.
struct BustedTrade: BitwiseCopyable {
    var sequence: UInt64  //  0  of its command
    var index: UInt64  //     8  in that

    /// In the order in which trades were made.
    @inline(__always)
    func isBefore(_ other: BustedTrade) -> Bool {
        (sequence, index) < (other.sequence, other.index)
    }
}

// Since rules 3: an operator declares a trade void. No order and no book is touched: the two
// sessions and the public are told, and nothing else. The engine keeps no trades, so whoever writes
// the command has found in the log what the trade was; the engine sees to it that none is busted
// twice, for which it keeps those of the business day.
extension Engine {
    /// Trades of a business day that may be void: 16,384, or as many as orders may be open if that
    /// is less.
    static func bustCapacity(_ limits: EngineLimits) -> UInt32 {
        min(limits.orderCapacity, 16_384)
    }

    /// Refused: before rules 3 (`unsupported`); an instrument that there is not
    /// (`unknownInstrument`); what no trade of this log can be (`invalidControl`); a trade from
    /// before the business day (`tradeOfEarlierDay`), one that is void (`alreadyBusted`), and one
    /// more than the table holds (`tooManyBusts`).
    @inline(never)
    mutating func bustTrade(
        _ record: LogRecord, _ continuation: LogRecord?, into outbox: inout EventOutbox
    ) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        guard let bust = TradeBust(record, continuation) else {
            return rejectControl(.invalidControl, instrument: record.instrument, into: &outbox)
        }
        let reason = refusal(of: bust, in: record.sequence)
        guard reason == .none else {
            return rejectControl(reason, instrument: bust.instrument, into: &outbox)
        }
        note(BustedTrade(sequence: bust.tradeSequence, index: UInt64(bust.tradeIndex)))
        let auction: EventAttributes = bust.isOfAuction ? .auction : []
        let first = EventAttributes(side: bust.restingSide).union([.resting])
        let second = EventAttributes(side: bust.restingSide.opposite).union([.aggressor])
        report(bust.event(bust.resting, first.union(auction)), into: &outbox)
        report(bust.event(bust.aggressor, second.union(auction)), into: &outbox)
        emit(
            Event(kind: .controlApplied, attributes: closing, instrument: bust.instrument),
            into: &outbox)
        return true
    }

    private func refusal(of bust: TradeBust, in sequence: UInt64) -> Reason {
        guard isDefined(instrument: bust.instrument) else { return .unknownInstrument }
        guard
            bust.tradeSequence != 0, bust.tradeSequence < sequence,
            isInLadder(bust.priceTicks, of: bust.instrument),
            bust.quantityLots <= markets[bust.instrument].quantityLotsMax,
            bust.resting.session &- 1 < limits.sessionCapacity,
            bust.aggressor.session &- 1 < limits.sessionCapacity
        else { return .invalidControl }
        guard bust.tradeSequence >= dayBeganSequence else { return .tradeOfEarlierDay }
        let trade = BustedTrade(sequence: bust.tradeSequence, index: UInt64(bust.tradeIndex))
        let position = bustPosition(trade)
        guard position == bustCount || trade.isBefore(busts[position]) else {
            return .alreadyBusted
        }
        return bustCount < UInt32(busts.count) ? .none : .tooManyBusts
    }

    /// Puts a trade, which is not there, into the table, which has room.
    mutating func note(_ trade: BustedTrade) {
        busts.insert(trade, at: bustPosition(trade), count: &bustCount)
    }

    /// Where a trade stands in the table, which ascends, or where it would.
    private func bustPosition(_ trade: BustedTrade) -> UInt32 {
        busts.position(in: 0..<bustCount) { $0.isBefore(trade) }
    }

    /// What is broken in the table of void trades, or nil.
    func checkBusts() -> String? {
        for position in 0..<bustCount {
            let isBehind = position == 0 || busts[position &- 1].isBefore(busts[position])
            guard isBehind, busts[position].sequence >= dayBeganSequence else {
                return "the trades that are void do not ascend from the day's beginning on, at "
                    + "\(position)"
            }
        }
        return nil
    }
}

extension TradeBust {
    /// What one of the two sessions is told.
    fileprivate func event(_ side: BustedSide, _ attributes: EventAttributes) -> Event {
        Event(
            kind: .busted, attributes: attributes, detail: tradeIndex, session: side.session,
            account: side.account, instrument: instrument, orderID: side.orderID,
            reference: side.otherReference, priceTicks: priceTicks, quantityLots: quantityLots,
            executedLots: tradeSequence)
    }
}
