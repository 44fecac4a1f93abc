// SPDX-License-Identifier: Apache-2.0
import Glibc
import Histogram
import OrderEntryClient
import Platform
import Wire

/// What a measured run has counted.
struct LoadCounts {
    var messages = 0
    var answers = 0
    var fills = 0
    var rejects = 0
    /// Cancels of orders that had just traded: they happen in every market.
    var lateCancels = 0
    var throttled = 0
    /// Orders that went at their time, with nobody asking.
    var expired = 0
    var lost = 0
    var duplicated = 0
    var outOfOrder = 0
    /// All that came, answers or not.
    var reports = 0
    /// The longest time without any report while messages went out.
    var silenceNanosMax: UInt64 = 0
    /// Nanoseconds from the moment a message was meant to go out to its answer.
    var latency = Histogram<UInt64>(
        highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
}

/// One session of the load: makes its orders, and knows when each was meant to go out.
///
/// The flow is a random walk of one middle for all sessions: 45 % passive orders one to ten ticks
/// away, 45 % cancels of the session's oldest order, 10 % immediate-or-cancel orders that cross.
/// One order in twenty asks for something rare. One thread.
final class LoadSession {
    private static let slotCount = 1 << 16
    /// A session rests no more than this many orders.
    private static let openOrdersMax = 64

    private var connection: OrderEntryConnection
    private let instrument: UInt32
    private var random: SeededRandom
    // By order id, in a ring: when it was meant to go out, when its cancel was; 0 = answered.
    private var orderNanos = [UInt64](repeating: 0, count: slotCount)
    private var cancelNanos = [UInt64](repeating: 0, count: slotCount)
    private var leavesLots = [UInt64](repeating: 0, count: slotCount)
    private var nextID: UInt64
    private var oldestOpen: UInt64
    private var openCount = 0
    private var enteredCount = 0
    private var nextReport: UInt32 = 0
    private(set) var outstanding = 0
    /// Ids of the orders that were acknowledged, if they are to be kept.
    private(set) var acknowledged: [UInt64]?
    /// Whether what comes is recorded.
    var isMeasured = true

    init(
        _ options: LoadOptions, session: UInt32, seed: UInt64, isFlooding: Bool = false
    ) throws(ClientError) {
        // A nonce tells this run from others, so it comes from the system and not from the seed.
        var settings = SessionSettings(session: session, nonce: UInt64.random(in: 1...UInt64.max))
        settings.cancelOnDisconnect = true
        settings.adaptsToLoss = !isFlooding
        connection = try OrderEntryConnection(
            gateway: options.gateway, from: nil, settings: settings, faults: options.faults(seed))
        instrument = options.instrument
        acknowledged = options.acknowledged == nil ? nil : []
        random = SeededRandom(seed: seed)
        // Ids of an earlier run may still be open: begin where it cannot have been.
        nextID = MonotonicClock.nowNanos() << 12
        oldestOpen = nextID
        try connection.logon { _ in }
        nextReport = connection.session.nextReportSequence
    }

    /// Messages a second that the gateway allows; 0 = no limit.
    var messagesPerSecond: UInt32 { connection.session.granted?.messagesPerSecond ?? 0 }
    /// Counters of the protocol.
    var counters: SessionCounters { connection.session.counters }
    /// Why it still waits for answers, in a clause; nil when it does not.
    var complaint: String? {
        guard outstanding > 0 else { return nil }
        let state =
            switch connection.session.phase {
            case .open: "open"
            case .loggingOn, .idle: "logging on"
            case .closing(let reason), .ended(let reason): "ended: \(reason.text)"
            }
        return "session \(connection.session.settings.session): \(outstanding) messages without "
            + "an answer, \(state)"
    }

    private func slot(_ id: UInt64) -> Int { Int(truncatingIfNeeded: id) & (Self.slotCount - 1) }

    /// Queues the next message, meant for `nanos`. False when there is no room.
    func next(middleTicks: Int64, nanos: UInt64) -> Bool {
        guard connection.session.room > 0, outstanding < Self.slotCount / 2 else { return false }
        let draw = random.next() % 100
        if draw < 45 && openCount < Self.openOrdersMax {
            enter(middleTicks, nanos, isPassive: true)
        } else if draw < 90 && openCount > 0 {
            cancelOldest(nanos)
        } else if draw >= 90 {
            enter(middleTicks, nanos, isPassive: false)
        } else {
            enter(middleTicks, nanos, isPassive: openCount < Self.openOrdersMax)
        }
        outstanding += 1
        return true
    }

    private func enter(_ middleTicks: Int64, _ nanos: UInt64, isPassive: Bool) {
        let word = random.next()
        let side: Side = word & 1 == 0 ? .buy : .sell
        let distance = Int64(word >> 8 & 0xFF) % 10 + 1
        let away = (side == .buy) == isPassive ? -distance : distance
        let lots = 1 + (word >> 16 & 0xFF) % 100
        var order = NewOrder(
            orderID: nextID, instrument: instrument, side: side, priceTicks: middleTicks + away,
            quantityLots: lots, account: UInt64(connection.session.settings.session),
            timeInForce: isPassive ? .day : .immediateOrCancel)
        if let rare = makeRare(&order, isPassive: isPassive) {
            _ = connection.submit(rare)
        } else {
            _ = connection.submit(order)
        }
        orderNanos[slot(nextID)] = nanos
        // What expires is left to its time, and never cancelled.
        let isOpen = order.typeAndTimeInForce == 0
        leavesLots[slot(nextID)] = isOpen ? lots : 0
        if isOpen { openCount += 1 }
        nextID += 1
    }

    /// Every twentieth order, in turn: hidden, an iceberg, with an expiry; of those that cross,
    /// prevention by decrement or a minimum. Gives the message if the usual one has no place for
    /// it.
    private func makeRare(_ order: inout NewOrder, isPassive: Bool) -> NewOrderExtended? {
        enteredCount += 1
        guard enteredCount % 20 == 0 else { return nil }
        switch (isPassive, enteredCount / 20 % 3) {
        case (true, 0): order.flags = UInt8(truncatingIfNeeded: RecordFlags.hidden)
        case (true, 1):
            var rare = NewOrderExtended(order: order)
            rare.peakLots = max(1, order.quantityLots / 4)
            return rare
        case (true, _):
            order.typeAndTimeInForce = TimeInForce.goodTillTime.rawValue << 4
            var rare = NewOrderExtended(order: order)
            rare.expirySeconds = UInt32(clamping: time(nil) + 2)
            return rare
        case (false, 0):
            var rare = NewOrderExtended(order: order)
            rare.minimumLots = max(1, order.quantityLots / 2)
            return rare
        default:
            order.flags = UInt8(truncatingIfNeeded: SelfTradePrevention.decrement.flags)
        }
        return nil
    }

    private func cancelOldest(_ nanos: UInt64) {
        while leavesLots[slot(oldestOpen)] == 0 && oldestOpen < nextID - 1 { oldestOpen += 1 }
        _ = connection.submit(CancelOrder(orderID: oldestOpen, instrument: instrument))
        cancelNanos[slot(oldestOpen)] = nanos
        close(oldestOpen)
        oldestOpen += 1
    }

    private func close(_ id: UInt64) {
        if leavesLots[slot(id)] > 0 { openCount -= 1 }
        leavesLots[slot(id)] = 0
    }

    /// Sends what is queued, takes what has come. Gives the datagrams that came.
    func poll(_ counts: inout LoadCounts) -> Int {
        var taken = LoadTaken()
        let datagrams = connection.poll { self.take($0.core, &taken, &counts) }
        if taken.reports > 0 { outstanding -= taken.answers }
        return datagrams
    }

    private struct LoadTaken {
        var nowNanos: UInt64 = 0
        var reports = 0
        var answers = 0
    }

    private func take(
        _ report: ExecutionReport, _ taken: inout LoadTaken, _ counts: inout LoadCounts
    ) {
        // One reading of the clock for all reports that were there together.
        if taken.reports == 0 { taken.nowNanos = MonotonicClock.nowNanos() }
        taken.reports += 1
        counts.reports += 1
        check(report.sequence, &counts)
        let slot = slot(report.orderID)
        switch report.executionType {
        case .accepted:
            acknowledged?.append(report.orderID)
            answer(&orderNanos[slot], &taken, &counts)
        case .rejected:
            reject(report, &orderNanos[slot], &taken, &counts)
            close(report.orderID)
        case .cancelRejected:
            reject(report, &cancelNanos[slot], &taken, &counts)
        case .refused:
            if orderNanos[slot] != 0 {
                reject(report, &orderNanos[slot], &taken, &counts)
                close(report.orderID)
            } else {
                reject(report, &cancelNanos[slot], &taken, &counts)
            }
        case .cancelled where report.reason == .byClient:
            answer(&cancelNanos[slot], &taken, &counts)
        case .cancelled:
            if report.reason == .expired { counts.expired += 1 }
            close(report.orderID)
        case .traded:
            if report.attributes.contains(.aggressor) { counts.fills += 1 }
            lose(report.quantityLots, of: report.orderID)
        case .prevented: lose(report.quantityLots, of: report.orderID)
        default: break
        }
    }

    /// An order that rests has become smaller.
    private func lose(_ lots: UInt64, of id: UInt64) {
        let left = leavesLots[slot(id)]
        guard left > 0 else { return }
        if left > lots { leavesLots[slot(id)] = left - lots } else { close(id) }
    }

    private func reject(
        _ report: ExecutionReport, _ nanos: inout UInt64, _ taken: inout LoadTaken,
        _ counts: inout LoadCounts
    ) {
        if report.reason == .throttled {
            counts.throttled += 1
        } else if report.executionType == .cancelRejected && report.reason == .unknownOrder {
            counts.lateCancels += 1
        } else {
            counts.rejects += 1
        }
        answer(&nanos, &taken, &counts)
    }

    private func answer(
        _ nanos: inout UInt64, _ taken: inout LoadTaken, _ counts: inout LoadCounts
    ) {
        guard nanos != 0 else { return }
        let latency = taken.nowNanos &- min(nanos, taken.nowNanos)
        nanos = 0
        taken.answers += 1
        counts.answers += 1
        if isMeasured { _ = counts.latency.record(latency) }
    }

    /// The session promises each report once and in order; this does not take its word for it.
    private func check(_ sequence: UInt32, _ counts: inout LoadCounts) {
        let step = Int32(bitPattern: sequence &- nextReport)
        if step > 0 { counts.lost += Int(step) }
        if step == -1 { counts.duplicated += 1 }
        if step < -1 { counts.outOfOrder += 1 }
        if step >= 0 { nextReport = sequence &+ 1 }
    }

    /// Leaves nothing behind: an end by itself spares the orders that have a time of their own.
    func finish() {
        _ = connection.submit(MassCancel(requestID: 1))
        connection.logout(deliver: { _ in })
    }
}
