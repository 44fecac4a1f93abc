// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: spans of bytes are lent for a call.
internal import OrderEntryClient
internal import Platform
internal import Wire

/// A trader behind a session of its own, who never gives up.
final class SimulatedClient {
    let number: UInt32
    var random: SeededRandom
    var session: OrderEntrySession
    private var buffer = [UInt8](repeating: 0, count: 1_472)
    /// Orders that it has made so far.
    private(set) var orderCount: UInt64 = 0
    /// Messages that its present session has taken since the faults stopped.
    var countSinceHealing = 0
    private(set) var deliveredCount = 0
    /// Its last plain order, for another to be linked to.
    var partner: NewOrder?
    private let market: MarketPlan?
    private let settings: SessionSettings

    init(number: UInt32, seed: UInt64, market: MarketPlan?, nowNanos: UInt64) {
        self.number = number
        self.market = market
        random = SeededRandom(seed: seed)
        var settings = SessionSettings(session: number, nonce: random.next() | 1)
        settings.keptMessagesMax = 256
        settings.inFlightMessagesMax = 64
        settings.heldDatagramsMax = 8
        settings.heartbeatMillis = 40
        settings.logonRetryNanos = 15_000_000
        settings.extendedReports = number % 2 == 0
        settings.cancelOnDisconnect = random.below(4) == 0
        let isVaried = market != nil
        settings.cancelAllOnDisconnect = isVaried && settings.cancelOnDisconnect && number > 1
        self.settings = settings
        session = OrderEntrySession(settings: settings)
        session.logon(nowNanos: nowNanos)
    }

    var isOpen: Bool { session.phase == .open }
    /// Whether it has something to say still, once the faults have stopped.
    var wantsMore: Bool {
        if case .ended = session.phase { return true }
        return countSinceHealing < 5
    }
    var isIdle: Bool { session.isIdle }
    var nextSequence: UInt32 { session.nextSequence }
    /// Where it stands, for people.
    var description: String {
        "\(session.phase), report \(session.nextReportSequence), "
            + "\(session.uncommittedCount) messages under way"
    }
    var lostCount: UInt64 { session.counters.reportsLost }
    /// The gateway does not know what it acknowledged.
    var isBroken: Bool { session.phase == .ended(.sessionSequenceBroken) }

    /// The next datagram; empty when none is due.
    func next(_ nowNanos: UInt64) -> [UInt8] { Self.next(of: &session, nowNanos, in: &buffer) }

    private static func next(
        of session: inout OrderEntrySession, _ nowNanos: UInt64, in buffer: inout [UInt8]
    ) -> [UInt8] {
        var span = buffer.mutableSpan
        var target = unsafe span.mutableBytes
        let count = session.nextDatagram(nowNanos: nowNanos, into: &target)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    func receive(_ datagram: [UInt8], _ nowNanos: UInt64) {
        session.receive(unsafe datagram.span.bytes, nowNanos: nowNanos) { _ in deliveredCount += 1 }
    }

    /// Does something, if it can.
    func act(_ ledger: Ledger, _ nowNanos: UInt64) {
        if case .ended = session.phase { begin(nowNanos) }
        guard session.room > 0 else { return }
        let isTaken =
            switch market?.isCrowded {
            case nil: submit(ledger, nowNanos)
            case false?: submitVaried(ledger, nowNanos)
            case true?: submitCrowded(ledger)
            }
        guard isTaken else { return }
        countSinceHealing += 1
    }

    /// A new session of the same number, which wants the reports that it has not had.
    private func begin(_ nowNanos: UInt64) {
        var settings = settings
        settings.nonce = random.next() | 1
        settings.nextReportSequence = session.nextReportSequence
        session = OrderEntrySession(settings: settings)
        session.logon(nowNanos: nowNanos)
        countSinceHealing = 0
    }

    private func submit(_ ledger: Ledger, _ nowNanos: UInt64) -> Bool {
        let some = UInt64(number) << 32 | 1 + random.below(max(1, orderCount))
        let price = Int64(90 + random.below(20))
        let lots = 1 + random.below(20)
        switch random.below(20) {
        case 0...3 where orderCount > 0:
            return session.submit(CancelOrder(orderID: some, instrument: 1))
        case 4 where orderCount > 0:
            return session.submit(ReduceOrder(orderID: some, instrument: 1, totalLots: lots))
        case 5 where orderCount > 0:
            return session.submit(
                ReplaceOrder(
                    originalOrderID: some, newOrderID: fresh(ledger), priceTicks: price,
                    totalLots: lots))
        case 6 where random.below(10) == 0:
            return session.submit(MassCancel(requestID: 1))
        case 7 where ledger.mayLogOut && random.below(60) == 0:
            return session.submit(Logout())
        default:
            let side: Side = random.below(2) == 0 ? .buy : .sell
            return enter(
                NewOrder(
                    orderID: fresh(ledger), instrument: 1, side: side, priceTicks: price,
                    quantityLots: lots, account: UInt64(number)), nowNanos)
        }
    }

    /// Of eight orders two expire, by a clock that may not be the gateway's, one is hidden and one
    /// an iceberg.
    private func enter(_ order: NewOrder, _ nowNanos: UInt64) -> Bool {
        var order = order
        switch orderCount % 8 {
        case 1, 5:
            order.typeAndTimeInForce = TimeInForce.goodTillTime.rawValue << 4
            var rare = NewOrderExtended(order: order)
            let utcNanos = 1_700_000_000_000_000_000 + nowNanos
            rare.expirySeconds = UInt32(utcNanos / 1_000_000_000 + orderCount / 8 % 3)
            return session.submit(rare)
        case 3:
            order.flags = UInt8(truncatingIfNeeded: RecordFlags.hidden)
            return session.submit(order)
        case 7:
            var rare = NewOrderExtended(order: order)
            rare.peakLots = max(1, order.quantityLots / 4)
            return session.submit(rare)
        default: return session.submit(order)
        }
    }

    func fresh(_ ledger: Ledger) -> UInt64 {
        orderCount += 1
        ledger.submitted[Int(number)] = orderCount
        return UInt64(number) << 32 | orderCount
    }
}
