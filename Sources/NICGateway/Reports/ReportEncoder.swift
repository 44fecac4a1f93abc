// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
import Wire

// Events to reports, behind the commit gate.
//
// SAFETY: slots are read between `available` and `release` of their readers; reports are written
// where `reserveReport` has made room for them.

extension GatewayCore {
    /// Reports what is committed: at most `eventsPerPoll` events. False when there was nothing.
    mutating func reportEvents() -> Bool {
        let available = events.available(atLeast: Self.eventsPerPoll)
        guard available > 0, !isTailFull else { return false }
        let published = sequencer.publishedSequence
        let committed =
            isRecovering ? published : gate.committedSequence(publishedSequence: published)
        counters.eventsUsedMax.raise(to: UInt64(truncatingIfNeeded: available))
        counters.logUsedMax.raise(to: published &- records.releasedSequence)
        oldestReportedNanos = 0
        if commandSequence != 0 { noteReported() }
        var offset = 0
        while offset < min(available, Self.eventsPerPoll) {
            if commandSequence == 0 {
                guard records.available() > 0 else { break }
                let record = unsafe records.slot(0)
                guard unsafe record.pointee.sequence <= committed else { break }
                commandSequence = unsafe record.pointee.sequence
                commandTimestampNanos = unsafe record.pointee.timestampNanos
                if oldestReportedNanos == 0 { noteReported() }
            }
            if !canTransmit {
                flush()
                guard canTransmit else { break }
            }
            guard hasBuffers() else { break }
            if offset &+ 8 < available { events.prefetch(offset &+ 8) }
            if offset &+ 4 < available { unsafe prefetchSession(events.slot(offset &+ 4)) }
            let event = unsafe events.slot(offset)
            let sequence = events.nextSequence &+ UInt64(offset)
            var last = unsafe event
            if unsafe event.pointee.kind == .traded {
                // The aggressor's event is right behind the resting order's, in the same burst.
                unsafe last = unsafe events.slot(offset &+ 1)
                guard unsafe reportTrade(event, last, sequence) else { break }
                offset &+= 2
            } else {
                guard unsafe report(event, sequence) else { break }
                offset &+= 1
            }
            if unsafe last.pointee.attributes.contains(.last) { unsafe finishCommand(last) }
        }
        events.consume(offset)
        events.release(retaining: retainedEventCount)
        records.release()
        counters.eventsReported.store(events.nextSequence &- 1)
        return offset > 0
    }

    /// Keeps when the command under way was logged, the first in this poll. Not of a command of
    /// ours: the epoch and the instruments are logged long before the first poll.
    @inline(__always)
    private mutating func noteReported() {
        if unsafe records.slot(0).pointee.kind.rawValue < 64 {
            oldestReportedNanos = commandTimestampNanos
        }
    }

    /// Whether the buffers that one event may begin are there: two sessions' and the public one. So
    /// nothing below waits for a buffer, and no event is told by half.
    @inline(__always)
    private mutating func hasBuffers() -> Bool {
        if queue.canAllocate(Self.buffersPerEvent) { return true }
        flush()
        if queue.canAllocate(Self.buffersPerEvent) { return true }
        counters.add(.buffersExhausted)
        return false
    }

    /// Brings the output half of an event's session nearer.
    @inline(__always)
    private func prefetchSession(_ event: UnsafePointer<Event>) {
        let session = unsafe event.pointee.session
        guard sessions.contains(session) else { return }
        let entry = unsafe UnsafeRawPointer(sessions.entry(session))
        unsafe Prefetch.write(UnsafeMutableRawPointer(mutating: entry + 64))
        unsafe Prefetch.write(UnsafeMutableRawPointer(mutating: entry + 128))
    }

    /// Everything about the command is told: its session may forget it.
    @inline(__always)
    private mutating func finishCommand(_ last: UnsafePointer<Event>) {
        let record = unsafe records.slot(0)
        let session = unsafe record.pointee.session
        let kind = unsafe record.pointee.kind.rawValue
        if kind < 32, sessions.contains(session) {
            let entry = unsafe sessions.entry(session)
            unsafe entry.pointee.committedThrough = record.pointee.sessionSequence
            if isRecovering {
                unsafe entry.pointee.expectedSequence = record.pointee.sessionSequence &+ 1
            }
            // A datagram that is open will say so; without one, the next poll of the timer does.
            if unsafe entry.pointee.datagram == nil {
                unsafe entry.pointee.owesAcknowledgement = true
            }
        }
        records.consume(unsafe last.pointee.attributes.contains(.pair) ? 2 : 1)
        commandSequence = 0
        reportedCommandCount &+= 1
    }

    /// One event that is not a trade. False when no buffer was to be had, which `hasBuffers` rules
    /// out: nothing has changed.
    @inline(__always)
    private mutating func report(_ event: UnsafePointer<Event>, _ sequence: UInt64) -> Bool {
        let kind = unsafe event.pointee.kind
        if kind.isReported {
            if unsafe kind == .accepted && event.pointee.reference != commandSequence {
                unsafe outOfStep(event)
            }
            let reference = unsafe event.pointee.reference
            guard unsafe send(event, sequence, reference: reference) else { return false }
        }
        if kind.rawValue < 16 && kind != .loggedOut {
            if unsafe event.pointee.attributes.contains(.resting) { unsafe publish(event) }
        } else {
            unsafe noteSession(event, sequence)
        }
        return true
    }

    /// A trade: the resting order's report, the aggressor's, and the public one.
    @inline(__always)
    private mutating func reportTrade(
        _ resting: UnsafePointer<Event>, _ aggressor: UnsafePointer<Event>, _ sequence: UInt64
    ) -> Bool {
        // Both or none: `hasBuffers` has seen to it that both have theirs.
        guard unsafe send(resting, sequence, reference: aggressor.pointee.disclosedReference)
        else { return false }
        let isSent = unsafe send(
            aggressor, sequence &+ 1, reference: resting.pointee.disclosedReference)
        precondition(isSent, "an event is told when all its buffers are there")
        unsafe publish(resting, aggressor: aggressor)
        return true
    }

    /// Numbers one report, remembers how to make it again, and writes it to its session's datagram.
    @inline(__always)
    private mutating func send(
        _ event: UnsafePointer<Event>, _ sequence: UInt64, reference: UInt64
    ) -> Bool {
        let session = unsafe event.pointee.session
        guard sessions.contains(session) else { unsafe outOfStep(event) }
        let entry = unsafe sessions.entry(session)
        let reportSequence = unsafe entry.pointee.nextReportSequence
        if unsafe entry.pointee.state.hasClient {
            let isExtended = unsafe entry.pointee.usesExtendedReports
            let byteCount =
                isExtended ? ExtendedExecutionReport.byteCount : ExecutionReport.byteCount
            guard
                let place = unsafe reserveReport(
                    session, entry, byteCount: byteCount, sequence: reportSequence)
            else { return false }
            unsafe Self.write(
                event, to: place, isExtended: isExtended, sequence: reportSequence,
                reference: reference, commandSequence: commandSequence,
                timestampNanos: commandTimestampNanos)
        }
        unsafe notes[sequence] = ReportNote(
            timestampNanos: commandTimestampNanos, commandSequence: commandSequence,
            previousEvent: entry.pointee.lastReportEvent, reportSequence: reportSequence,
            session: session)
        unsafe entry.pointee.lastReportEvent = sequence
        unsafe entry.pointee.nextReportSequence = reportSequence &+ 1
        reportCount &+= 1
        return true
    }

    /// The bytes of a report: a function of the event and its note alone.
    @inline(__always)
    static func write(
        _ event: UnsafePointer<Event>, to place: UnsafeMutableRawPointer, isExtended: Bool,
        sequence: UInt32, reference: UInt64, commandSequence: UInt64, timestampNanos: UInt64
    ) {
        let isBust = unsafe event.pointee.kind == .busted
        let isTrade = unsafe isBust || event.pointee.kind == .traded
        var attributes = unsafe event.pointee.attributes
        // Of an auction nobody is the aggressor: the bit says only which of the two events it is.
        let isAuction = isTrade && attributes.contains(.auction)
        if isAuction { attributes.remove(.aggressor) }
        if isBust { attributes.remove(.resting) }
        let core = unsafe ExecutionReport(
            executionType: event.pointee.kind,
            attributes: EventAttributes(rawValue: attributes.rawValue & 0x0F),
            reason: isTrade ? .none : event.pointee.reason, sequence: sequence,
            orderID: event.pointee.orderID, reference: reference,
            priceTicks: event.pointee.priceTicks, quantityLots: event.pointee.quantityLots,
            timestampNanos: timestampNanos)
        guard isExtended else {
            unsafe place.storeBytes(of: core, as: ExecutionReport.self)
            return
        }
        let liquidity: UInt8 =
            isTrade
            ? UInt8(ascii: isAuction ? "C" : attributes.contains(.aggressor) ? "R" : "A") : 0
        let extended = unsafe ExtendedExecutionReport(
            core: core, instrument: event.pointee.instrument, account: event.pointee.account,
            leavesLots: event.pointee.leavesLots,
            executedLots: isBust ? 0 : event.pointee.executedLots,
            commandSequence: isBust ? event.pointee.executedLots : commandSequence,
            tradeIndex: isTrade ? event.pointee.detail : 0,
            liquidity: liquidity)
        unsafe place.storeBytes(of: extended, as: ExtendedExecutionReport.self)
    }

    /// Events that are about sessions and the public, not about one order's owner.
    @inline(never)
    private mutating func noteSession(_ event: UnsafePointer<Event>, _ sequence: UInt64) {
        if awaitedSequence != 0 { unsafe noteAnswer(event) }
        switch unsafe event.pointee.kind {
        case .rested, .displayed, .instrumentDefined, .tradingStateSet, .auctionPriced,
            .auctionIndicated, .businessDayRolled:
            notes[sequence] = ReportNote(
                timestampNanos: commandTimestampNanos, commandSequence: commandSequence)
            unsafe publish(event)
        case .sessionOpened where isRecovering: unsafe restoreSession(records.slot(0))
        case .sessionOpened: sessionOpened(unsafe event.pointee.session)
        case .sessionTimedOut: sessionEnded(unsafe event.pointee.session, reason: .timedOut)
        case .loggedOut:
            // The notice of the end is the last word: it must say that the logout is committed.
            // Behind another's command the logout's own has said so.
            if unsafe records.slot(0).pointee.kind == .logout {
                unsafe sessions.entry(event.pointee.session).pointee.committedThrough =
                    records.slot(0).pointee.sessionSequence
            }
            sessionEnded(unsafe event.pointee.session, reason: .loggedOut)
        case .controlRejected:
            if unsafe records.slot(0).pointee.kind == .logon {
                unsafe sessionRefused(event.pointee.session, reason: event.pointee.reason)
            }
        default: break
        }
    }

    /// What an operator's command came to: it is told when the last of its events has come by. That
    /// of a kill switch or a day's end names its record, and may come behind a later command.
    private mutating func noteAnswer(_ event: UnsafePointer<Event>) {
        let isOwnEnd =
            unsafe event.pointee.kind == .controlApplied && event.pointee.reference != 0
        if isOwnEnd {
            guard unsafe event.pointee.reference == awaitedSequence else { return }
        } else {
            guard commandSequence == awaitedSequence else { return }
        }
        switch unsafe event.pointee.kind {
        case .controlRejected: awaitedAnswer.reason = unsafe event.pointee.reason
        case .controlApplied where isOwnEnd:
            awaitedAnswer.quantityLots = unsafe event.pointee.quantityLots
        case .auctionPriced where awaitedAnswer.priceTicks == nil:
            awaitedAnswer.priceTicks = unsafe event.pointee.priceTicks
            awaitedAnswer.quantityLots = unsafe event.pointee.quantityLots
        default: break
        }
        let isLast = unsafe event.pointee.attributes.contains(.last)
        let kind = unsafe records.slot(0).pointee.kind
        // One that was refused has no end of its own to wait for.
        let isLeftOver =
            unsafe event.pointee.kind == .closed && awaitedAnswer.reason == .none
            && (kind == .killSwitch || kind == .rollBusinessDay)
        guard isOwnEnd || isLast && !isLeftOver else { return }
        awaitedSequence = 0
        commandAnswer = awaitedAnswer
    }

    /// The log and the events must march together; if they do not, nothing may leave the house.
    @inline(never)
    private func outOfStep(_ event: UnsafePointer<Event>) -> Never {
        fatalError(
            "events are out of step with the log at sequence \(commandSequence): session "
                + "\(unsafe event.pointee.session), reference \(unsafe event.pointee.reference)")
    }
}
