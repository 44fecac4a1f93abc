// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The book of one session in one instrument, from its private reports alone.
///
/// It takes the 96-byte reports, because only they say what is left of an order. It allocates and
/// is meant for replays and tests. One thread.
public struct ReportBook: Sendable {
    /// An open order.
    public struct Order: Equatable, Sendable {
        /// The client's own id.
        public var orderID: UInt64
        /// The account.
        public var account: UInt32
        /// Buy or sell.
        public var side: Side
        /// Ticks.
        public var priceTicks: Int64
        /// Lots still open.
        public var leavesLots: UInt64
    }

    /// One price and what is open there.
    public struct Level: Equatable, Sendable {
        /// Ticks.
        public var priceTicks: Int64
        /// Lots.
        public var lots: UInt64
        /// From its parts.
        public init(priceTicks: Int64, lots: UInt64) {
            self.priceTicks = priceTicks
            self.lots = lots
        }
    }

    /// A trade between two orders of the session.
    public struct Trade: Equatable, Sendable {
        /// Account that bought.
        public var buyer: UInt32
        /// Account that sold.
        public var seller: UInt32
        /// Ticks.
        public var priceTicks: Int64
        /// Lots.
        public var quantityLots: UInt64
        /// From its parts.
        public init(buyer: UInt32, seller: UInt32, priceTicks: Int64, quantityLots: UInt64) {
            self.buyer = buyer
            self.seller = seller
            self.priceTicks = priceTicks
            self.quantityLots = quantityLots
        }
    }

    /// What is open, by id.
    public private(set) var orders: [UInt64: Order] = [:]
    /// Commands that have begun to be answered.
    public private(set) var commandCount = 0
    /// Rejects and refusals, by reason.
    public private(set) var rejects: [UInt8: Int] = [:]
    /// Trades seen from both sides.
    public private(set) var tradeCount = 0
    /// Reports that contradict what was known: never in a sound system.
    public private(set) var contradictions = 0
    private var lots: [[Int64: UInt64]] = [[:], [:]]
    private var lastCommand: UInt64 = 0
    private var maker: ExtendedExecutionReport?

    /// An empty book.
    public init() {}

    /// Whether a report opens the answer to the next command: all before it are complete then.
    public func beginsCommand(_ report: SessionReport) -> Bool {
        report.core.executionType != .busted && report.report.commandSequence != lastCommand
    }

    /// Takes the next report; gives a trade when its second half came.
    public mutating func apply(_ report: SessionReport) -> Trade? {
        let report = report.report
        let core = report.core
        // It names the command of the trade, and changes no order.
        if core.executionType == .busted { return nil }
        if report.commandSequence != lastCommand {
            if report.commandSequence < lastCommand { contradictions += 1 }
            lastCommand = report.commandSequence
            commandCount += 1
        }
        switch core.executionType {
        case .accepted:
            if orders[core.orderID] != nil { contradictions += 1 }
            let order = Order(
                orderID: core.orderID, account: report.account, side: core.attributes.side,
                priceTicks: core.priceTicks, leavesLots: 0)
            orders[core.orderID] = order
            set(core.orderID, leaves: report.leavesLots)
        case .traded:
            set(core.orderID, leaves: report.leavesLots)
            return tradeHalf(report)
        case .cancelled where core.reason == .massCancelled && orders[core.orderID] == nil:
            break  // left by an earlier run of the session
        case .cancelled, .replaced:
            set(core.orderID, leaves: 0)
        case .reduced, .prevented:
            set(core.orderID, leaves: report.leavesLots)
        case .rejected, .cancelRejected, .replaceRejected, .reduceRejected, .refused:
            rejects[core.reason.rawValue, default: 0] += 1
        default:
            break
        }
        return nil
    }

    /// The best levels of a side, best first.
    public func top(_ side: Side, depth: Int) -> [Level] {
        let levels = lots[Int(side.rawValue & 1)]
        let prices = side == .buy ? levels.keys.sorted(by: >) : levels.keys.sorted()
        return prices.prefix(depth).map { Level(priceTicks: $0, lots: levels[$0] ?? 0) }
    }

    private mutating func set(_ orderID: UInt64, leaves: UInt64) {
        guard let order = orders[orderID] else { return contradictions += 1 }
        let side = Int(order.side.rawValue & 1)
        let level = lots[side][order.priceTicks, default: 0] &- order.leavesLots &+ leaves
        lots[side][order.priceTicks] = level == 0 ? nil : level
        if leaves == 0 {
            orders[orderID] = nil
        } else {
            orders[orderID]?.leavesLots = leaves
        }
    }

    /// The resting order's half comes first, the aggressor's right behind it. What is replayed has
    /// no auctions.
    private mutating func tradeHalf(_ report: ExtendedExecutionReport) -> Trade? {
        guard report.core.attributes.contains(.aggressor) else {
            if maker != nil { contradictions += 1 }
            maker = report
            return nil
        }
        guard let maker, maker.core.quantityLots == report.core.quantityLots,
            maker.core.priceTicks == report.core.priceTicks,
            maker.core.attributes.side != report.core.attributes.side
        else {
            contradictions += 1
            return nil
        }
        self.maker = nil
        tradeCount += 1
        let isBuy = report.core.attributes.side == .buy
        return Trade(
            buyer: isBuy ? report.account : maker.account,
            seller: isBuy ? maker.account : report.account,
            priceTicks: report.core.priceTicks, quantityLots: report.core.quantityLots)
    }
}
