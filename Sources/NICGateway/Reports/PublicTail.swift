// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
import Wire

/// The end of the public stream of before, which whoever begins an epoch publishes again: the one
/// before may have died between the commit of a command and its public reports.
///
///     told by the one before │ perhaps told │ since the epoch began
///     ───────────────────────┼──────────────┼──────────────────────
///                            ▲ nextEvent    ▲ pastEvent
///
/// The numbers are the log's, so listeners drop what they have. Sessions are served meanwhile: what
/// happens now follows in the tail, until it has caught up.
struct PublicTail {
    /// The event that comes next.
    var nextEvent: UInt64
    /// The number of the next public report.
    var nextSequence: UInt64
    /// The last event of before.
    let pastEvent: UInt64
    /// So many events the tail may be behind: fewer with each millisecond.
    var lagMax: UInt64
}

// SAFETY: an event is read while the ring retains it: what the tail still needs is not let go.
extension GatewayCore {
    /// Looks for the reports that are to be published again: those of commands behind `told`, which
    /// was told for certain, and some before it; those of the report window when that is 0.
    mutating func beginPublicTail(told: UInt64) {
        publicStream.tail = nil
        guard publicStream.isOn else { return }
        let end = events.nextSequence &- 1
        let reach = told == 0 ? min(end, UInt64(configuration.reportWindow)) : end
        let oldest = max(events.releasedSequence, end &- reach)
        var first = events.nextSequence
        var count: UInt64 = 0
        var event = end
        while event > oldest {
            if unsafe events.read(event).pointee.isPublic {
                if notes[event].commandSequence <= told, count >= GatewayLimits.publicTailMin {
                    break
                }
                count &+= 1
                first = event
            }
            event &-= 1
        }
        guard count > 0 else { return }
        publicStream.tail = PublicTail(
            nextEvent: first, nextSequence: publicStream.nextSequence &- count,
            pastEvent: end, lagMax: events.nextSequence &- first)
    }

    /// How many events of the ring must stay: those whose reports may be made again, and what the
    /// tail needs. Of what a standby follows all that leaves the engine its room: the reports of a
    /// whole log may not have been told yet.
    @inline(__always)
    var retainedEventCount: UInt64 {
        let window = UInt64(configuration.reportWindow)
        if isRecovering {
            return max(window, UInt64(events.capacity - max(1_024, events.capacity / 8)))
        }
        guard let tail = publicStream.tail else { return window }
        return max(window, events.nextSequence &- tail.nextEvent)
    }

    /// Whether the tail, for want of buffers, is so far behind that nothing may be added to it.
    @inline(__always)
    var isTailFull: Bool {
        publicStream.tail != nil
            && retainedEventCount > UInt64(configuration.reportWindow + Self.eventsPerPoll)
    }

    /// Once a millisecond the tail comes so much closer.
    mutating func hastenPublicTail() {
        guard let tail = publicStream.tail else { return }
        publicStream.tail?.lagMax =
            tail.lagMax - min(tail.lagMax, GatewayLimits.publicTailEventsPerMilli)
    }

    /// Publishes as much of the tail as is due; behind what the sessions got in this poll.
    @inline(never)
    mutating func sendPublicTail() {
        while let tail = publicStream.tail,
            events.nextSequence &- tail.nextEvent > tail.lagMax, canTransmit,
            queue.canAllocate(Self.buffersPerEvent)
        {
            let isPast = tail.nextEvent <= tail.pastEvent
            let flags = isPast ? OrderEntryHeader.resentFlag : 0
            if let report = publicReport(tail.nextEvent) {
                append(report, tail.nextSequence, flags: flags)
                counters.add(isPast ? .resentPublicReports : .publicReports)
                publicStream.tail?.nextSequence &+= 1
            }
            publicStream.tail?.nextEvent &+= 1
            let hasCaughtUp = tail.nextEvent &+ 1 == events.nextSequence
            if hasCaughtUp || tail.nextEvent == tail.pastEvent { sealPublicDatagram(flags: flags) }
            if hasCaughtUp { publicStream.tail = nil }
        }
        let isPast = publicStream.tail.map { $0.nextEvent <= $0.pastEvent } ?? false
        sealPublicDatagram(flags: isPast ? OrderEntryHeader.resentFlag : 0)
        transmitOutbox()
    }

    /// The public report of an event, made again; nil when there is none.
    private func publicReport(_ sequence: UInt64) -> PublicReport? {
        let event = unsafe events.read(sequence)
        guard let kind = unsafe event.pointee.publicKind else { return nil }
        let note = notes[sequence]
        guard unsafe event.pointee.kind == .traded else {
            return unsafe Self.publicReport(
                event, kind, commandSequence: note.commandSequence,
                timestampNanos: note.timestampNanos)
        }
        // The aggressor's event is right behind the resting order's.
        return unsafe Self.publicTrade(
            event, events.read(sequence &+ 1), commandSequence: note.commandSequence,
            timestampNanos: note.timestampNanos)
    }
}
