// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Commands that consume no session sequence. Their events carry nothing of the epoch.
extension Engine {
    @inline(never)
    mutating func applyUnsequenced(
        _ record: LogRecord, _ continuation: LogRecord?, into outbox: inout EventOutbox
    ) -> Bool {
        switch record.kind {
        case .logon, .sessionTimeout:
            guard record.session &- 1 < limits.sessionCapacity else {
                return rejectControl(.unknownSession, session: record.session, into: &outbox)
            }
            if record.kind == .logon { return openSession(record, into: &outbox) }
            guard sessions[record.session].flags & SessionState.loggedOn != 0 else {
                return rejectControl(.notLoggedOn, session: record.session, into: &outbox)
            }
            return endSession(record, answer: .sessionTimedOut, into: &outbox)
        case .epochStart:
            return startEpoch(record, continuation, into: &outbox)
        case .defineInstrument:
            return defineInstrument(record, continuation, into: &outbox)
        case .activateRules:
            return activateRules(record, into: &outbox)
        case .killSwitch:
            return killSwitch(record, into: &outbox)
        case .setInstrumentState:
            return setTradingState(record, into: &outbox)
        case .setTradeGroup:
            return setTradeGroup(record, into: &outbox)
        case .setPriceBands:
            return setPriceBands(record, into: &outbox)
        case .setOrderRules:
            return setOrderRules(record, into: &outbox)
        case .setTickTableRow:
            return setTickTableRow(record, into: &outbox)
        case .timeAdvance:
            return advanceTime(record, into: &outbox)
        case .rollBusinessDay:
            return rollBusinessDay(record, into: &outbox)
        case .bustTrade:
            return bustTrade(record, continuation, into: &outbox)
        case .filler:
            emit(Event(kind: .nothing, attributes: closing), into: &outbox)
            return true
        default:
            return rejectControl(.unsupported, into: &outbox)
        }
    }

    /// The only event of a session or control command that was refused, and of a sequenced one
    /// that is not the next: it names the session of session kinds, the instrument of
    /// `defineInstrument`, `setInstrumentState`, `setPriceBands`, `setOrderRules` and `bustTrade`,
    /// and nothing else.
    @inline(never)
    mutating func rejectControl(
        _ reason: Reason, session: UInt32 = 0, instrument: UInt32 = 0,
        into outbox: inout EventOutbox
    ) -> Bool {
        emit(
            Event(
                kind: .controlRejected, attributes: closing, detail: UInt16(reason.rawValue),
                session: session, instrument: instrument), into: &outbox)
        return true
    }

    /// The limits must be this engine's, the rules such as it folds, and from 3 on no older ones
    /// than before. The seed of the order index is
    /// taken when nothing is in it; events do not depend on it.
    private mutating func startEpoch(
        _ record: LogRecord, _ continuation: LogRecord?, into outbox: inout EventOutbox
    ) -> Bool {
        guard let continuation, EngineLimits(continuation: continuation) == limits,
            RulesRange.build.contains(record.sessionSequence),
            record.sessionSequence >= oldestRules,
            rulesVersion < 3 || record.sessionSequence >= rulesVersion
        else { return rejectControl(.invalidControl, into: &outbox) }
        if firstRules == 0 { firstRules = record.sessionSequence }
        putInForce(record.sessionSequence)
        if openOrderCount == 0 { setIndexSeed(UInt64(bitPattern: record.priceTicks)) }
        emit(Event(kind: .epochStarted, attributes: closing), into: &outbox)
        return true
    }

    /// Before rules 3 nobody is told of the last trade, so it is none of theirs.
    private mutating func putInForce(_ version: UInt32) {
        if rulesVersion < 3, version >= 3 {
            for number in 1...limits.instrumentCapacity {
                instruments[number].lastTick = InstrumentState.noTick
            }
        }
        rulesVersion = version
        countPages()
    }

    /// Goes on as if the log were under these rules, which are folded: to see what they would make
    /// of it. The state is not the log's own any more.
    public mutating func assume(rules version: UInt32) {
        precondition(RulesRange.build.contains(version), "rules that are folded are assumed")
        rulesVersion = version
        countPages()
    }

    /// Takes the limit of ticks of a log that was begun with fewer than there is memory for:
    /// before its first command, 1 ... what there is memory for.
    public mutating func narrow(ladderTickCapacity levels: UInt32) {
        precondition(
            rulesVersion == 0 && ladderTicksUsed == 0,
            "what a log was begun with is known before its first command")
        precondition(
            1...memoryLimits.ladderTickCapacity ~= levels, "there is memory for the levels")
        ladderTickCapacity = levels
        countPages()
    }

    /// The next version, and no other: none is left out, and none comes back. Whoever reads a log
    /// has refused a version that is not folded before it comes to this.
    private mutating func activateRules(
        _ record: LogRecord, into outbox: inout EventOutbox
    ) -> Bool {
        let next = rulesVersion &+ 1
        guard record.orderID == UInt64(next), RulesRange.build.contains(next) else {
            return rejectControl(.invalidControl, into: &outbox)
        }
        putInForce(next)
        emit(Event(kind: .controlApplied, attributes: closing), into: &outbox)
        return true
    }

    /// An instrument, for good. Refused (`invalidControl`): a number that is 0, too high or taken,
    /// no second record, an empty range, one of more than `rangeTicksMax` ticks, a largest
    /// quantity of 0 or so large that all orders together could not be summed in 64 bits.
    private mutating func defineInstrument(
        _ record: LogRecord, _ continuation: LogRecord?, into outbox: inout EventOutbox
    ) -> Bool {
        let number = record.instrument
        let lowest = record.priceTicks
        let highest = Int64(bitPattern: record.quantityLots)
        let quantityMax = record.orderID
        let span = UInt64(bitPattern: highest &- lowest)
        guard
            continuation != nil, number != 0, number <= limits.instrumentCapacity,
            instruments[number].tickCount == 0, lowest <= highest,
            span < rangeTicksMax,
            quantityMax != 0, quantityMax <= UInt64.max / UInt64(limits.orderCapacity)
        else {
            return rejectControl(.invalidControl, instrument: number, into: &outbox)
        }
        addInstrument(
            number, lowestPriceTicks: lowest, tickCount: Int64(span) &+ 1,
            quantityLotsMax: quantityMax)
        emit(
            Event(
                kind: .instrumentDefined, attributes: closing, instrument: number,
                priceTicks: lowest, quantityLots: record.quantityLots, leavesLots: quantityMax),
            into: &outbox)
        return true
    }

    /// An instrument, found good.
    mutating func addInstrument(
        _ number: UInt32, lowestPriceTicks: Int64, tickCount: Int64, quantityLotsMax: UInt64
    ) {
        instruments[number] = InstrumentState(
            lowestPriceTicks: lowestPriceTicks, tickCount: tickCount, usualLotsMax: quantityLotsMax)
        markets[number] = .new(quantityLotsMax: quantityLotsMax)
        let ticks = UInt64(min(tickCount, 1 << 32))
        ladderTicksUsed &+= ticks
        rangePages &+= PriceBlock.pages(ofTicks: ticks)
        countPages()
    }

    /// Keys the order index, which is empty; no event depends on the seed.
    mutating func setIndexSeed(_ seed: UInt64) {
        indexSeed = seed
        index.setSeed(seed)
    }
}
