// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The reports of a session on their way in: takes exactly the next, holds a bounded number of
/// datagrams beyond a gap, and says what to ask for again.
struct ReportWindow: ~Copyable {
    private struct Held {
        var first: UInt64 = 0
        var count = 0  // 0: the slot is free
        var messageBytes = 0
    }

    private static let slotByteCount = 2_048
    /// Reports of one request: a gateway sends a bounded number for each, and what it leaves out
    /// would look lost.
    private static let requestCountMax: UInt64 = 240
    /// Between two requests: gateways answer no faster than that.
    private static let requestPauseNanos: UInt64 = 1_000_000

    private(set) var next: UInt64 = SerialNumber.start(low: 1)
    /// The gateway has reports up to before this one.
    private(set) var knownEnd: UInt64 = SerialNumber.start(low: 1)
    /// What the last report delivered says.
    private(set) var lastKind = EventKind.nothing
    private var bytes: ByteSlab
    private var held: [Held]
    private var heldCount = 0
    /// What the last request asked for ends before this one.
    private var requestedEnd: UInt64 = 0
    private var requestedNanos: UInt64 = 0
    private var advancedNanos: UInt64 = 0
    private var requestIntervalNanos: UInt64
    private let requestNanosLeast: UInt64
    private let requestNanosMost: UInt64

    init(settings: SessionSettings) {
        bytes = ByteSlab(byteCount: max(settings.heldDatagramsMax, 1) * Self.slotByteCount)
        held = Array(repeating: Held(), count: settings.heldDatagramsMax)
        requestNanosLeast = settings.reportRetryNanos
        requestNanosMost = settings.resendNanosMax / 4
        requestIntervalNanos = settings.reportRetryNanos
    }

    /// Whether reports are known that have not come.
    var hasGap: Bool { next < knownEnd }
    /// Reports that are known and have not been delivered.
    var backlog: UInt64 { knownEnd - next }

    /// At the first logon: the next report wanted, and the next that the gateway will send.
    mutating func open(wantedLow: UInt32, gatewayNextLow: UInt32, isFirst: Bool) {
        if isFirst {
            next = SerialNumber.start(low: wantedLow == 0 ? gatewayNextLow : wantedLow)
            knownEnd = next
        }
        note(gatewayNextLow: gatewayNextLow)
        requestedEnd = 0
    }

    /// A heartbeat or an end named the next report: a lost tail shows.
    mutating func note(gatewayNextLow: UInt32) {
        knownEnd = max(knownEnd, SerialNumber.extended(gatewayNextLow, near: next))
    }

    /// Takes the messages of one datagram (`messages` begins behind the header).
    mutating func take(
        _ messages: RawSpan, firstLow: UInt32, count: Int, messageBytes: Int, nowNanos: UInt64,
        counters: inout SessionCounters, deliver: (SessionReport) -> Void
    ) {
        let first = SerialNumber.extended(firstLow, near: next)
        let end = first &+ UInt64(count)
        knownEnd = max(knownEnd, end)
        if first > next {
            counters.reportsOutOfOrder &+= UInt64(count)
            hold(messages, first: first, count: count, messageBytes: messageBytes)
            return
        }
        advancedNanos = nowNanos
        if next > first {
            counters.reportsDuplicated &+= min(next, end) - first
        }
        deliverFrom(
            messages, first: first, count: count, messageBytes: messageBytes,
            counters: &counters, deliver: deliver)
        if heldCount > 0 { drain(counters: &counters, deliver: deliver) }
    }

    /// Reports before `firstAvailableLow` are gone; goes on from there.
    mutating func skip(
        toLow firstAvailableLow: UInt32, counters: inout SessionCounters,
        deliver: (SessionReport) -> Void
    ) {
        let first = SerialNumber.extended(firstAvailableLow, near: next)
        guard first > next else { return }
        counters.reportsLost &+= first - next
        next = first
        knownEnd = max(knownEnd, first)
        drain(counters: &counters, deliver: deliver)
    }

    /// When reports must be asked for (again); nil without a gap.
    var requestDeadlineNanos: UInt64? {
        guard hasGap else { return nil }
        // The last request is answered in full: the next one may go.
        if next >= requestedEnd {
            return requestedNanos == 0 ? 0 : requestedNanos + Self.requestPauseNanos
        }
        return max(requestedNanos, advancedNanos) + requestIntervalNanos
    }

    /// What to ask for now, if that is due: from the next report up to the first one held.
    mutating func requestIfDue(nowNanos: UInt64) -> (from: UInt32, count: UInt32)? {
        guard let deadline = requestDeadlineNanos, nowNanos >= deadline else { return nil }
        let hasMoved = next >= requestedEnd || advancedNanos > requestedNanos
        requestIntervalNanos =
            hasMoved ? requestNanosLeast : min(requestIntervalNanos * 2, requestNanosMost)
        requestedNanos = nowNanos
        var end = min(knownEnd, next + Self.requestCountMax)
        for index in held.indices where held[index].count > 0 && held[index].first > next {
            end = min(end, held[index].first)
        }
        requestedEnd = end
        return (UInt32(truncatingIfNeeded: next), UInt32(truncatingIfNeeded: end - next))
    }

    private mutating func deliverFrom(
        _ messages: RawSpan, first: UInt64, count: Int, messageBytes: Int,
        counters: inout SessionCounters, deliver: (SessionReport) -> Void
    ) {
        let end = first &+ UInt64(count)
        guard next < end else { return }
        var offset = Int(next &- first) * messageBytes
        let isExtended = messageBytes == ExtendedExecutionReport.byteCount
        counters.reportsDelivered &+= end &- next
        while next < end {
            let report =
                isExtended
                ? SessionReport(
                    report: messages.value(at: offset, as: ExtendedExecutionReport.self),
                    isExtended: true)
                : SessionReport(core: messages.value(at: offset, as: ExecutionReport.self))
            next &+= 1
            lastKind = report.core.executionType
            deliver(report)
            offset += messageBytes
        }
    }

    /// Keeps a datagram beyond the gap, once; when the window is full it is dropped and asked for.
    private mutating func hold(_ messages: RawSpan, first: UInt64, count: Int, messageBytes: Int) {
        guard count * messageBytes <= Self.slotByteCount else { return }
        var free = -1
        for index in held.indices {
            if held[index].count == 0 {
                free = index
            } else if held[index].first == first && held[index].count >= count {
                return
            }
        }
        guard free >= 0 else { return }
        bytes.store(bytes: messages, at: free * Self.slotByteCount)
        held[free] = Held(first: first, count: count, messageBytes: messageBytes)
        heldCount += 1
    }

    /// Delivers what is held and has come to its turn, and frees what is behind.
    private mutating func drain(
        counters: inout SessionCounters, deliver: (SessionReport) -> Void
    ) {
        var moved = true
        while moved && heldCount > 0 {
            moved = false
            for index in held.indices {
                let entry = held[index]
                guard entry.count > 0 && entry.first <= next else { continue }
                if entry.first < next {
                    counters.reportsDuplicated &+= min(next - entry.first, UInt64(entry.count))
                }
                held[index].count = 0
                heldCount -= 1
                moved = true
                deliverHeld(entry, at: index * Self.slotByteCount, &counters, deliver)
            }
        }
    }

    private mutating func deliverHeld(
        _ entry: Held, at start: Int, _ counters: inout SessionCounters,
        _ deliver: (SessionReport) -> Void
    ) {
        let end = entry.first &+ UInt64(entry.count)
        guard next < end else { return }
        counters.reportsDelivered &+= end &- next
        while next < end {
            let offset = start + Int(next &- entry.first) * entry.messageBytes
            let report =
                entry.messageBytes == ExtendedExecutionReport.byteCount
                ? SessionReport(
                    report: bytes.load(at: offset, as: ExtendedExecutionReport.self),
                    isExtended: true)
                : SessionReport(core: bytes.load(at: offset, as: ExecutionReport.self))
            next &+= 1
            lastKind = report.core.executionType
            deliver(report)
        }
    }
}
