// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// One command of a flow, as every kind of book understands it.
struct ScalingCommand {
    enum Kind: UInt8 {
        /// An order that rests.
        case add
        case cancel
        /// Trades one lot with the best order of the other side, whatever its price.
        case take
    }

    var kind: Kind
    var side: Side
    var instrument: UInt32
    /// Of the order that is added, cancelled or takes; each id is used once.
    var id: UInt64
    var priceTicks: Int64
    var lots: UInt64
}

/// A seeded flow that keeps so many orders resting, in so many instruments: first those orders,
/// then 45 % more of them, 45 % cancels of any that rests, 10 % that trade. What rests is much
/// larger than what trades, so the flow knows without a book what rests.
struct ScalingFlow {
    /// 20 orders at a price, if there are so many, at no more prices than this, on either side.
    private static let levelsMax = 25_000
    private static let middleTicks: Int64 = 100_000

    let commands: [ScalingCommand]
    /// The first so many make the book, and are not timed.
    let restingCount: Int
    let instrumentCount: Int
    /// Prices of a side.
    let levels: Int

    var priceTicks: ClosedRange<Int64> {
        Self.middleTicks - Int64(levels) - 1...Self.middleTicks + Int64(levels) + 1
    }

    init(restingCount: Int, instrumentCount: Int, timedCount: Int, seed: UInt64) {
        self.restingCount = restingCount
        self.instrumentCount = instrumentCount
        levels = min(max(restingCount / instrumentCount / 40, 5), Self.levelsMax)
        var random = SeededRandom(seed: seed)
        var open: [(id: UInt64, instrument: UInt32)] = []
        open.reserveCapacity(restingCount + restingCount / 32 + 2)
        var commands: [ScalingCommand] = []
        commands.reserveCapacity(restingCount + timedCount)
        var nextID: UInt64 = 1
        for index in 0..<restingCount + timedCount {
            let dice = index < restingCount ? 0 : random.below(100)
            let instrument = UInt32(random.below(UInt64(instrumentCount))) + 1
            let side: Side = random.next() & 1 == 0 ? .buy : .sell
            // Back to where it was, if it has gone a fiftieth away.
            let isFew = open.count < restingCount - restingCount / 50
            let isMany = index >= restingCount && open.count > restingCount + restingCount / 50
            if dice >= 90 {
                let limit = Int64(levels) + 1
                commands.append(
                    ScalingCommand(
                        kind: .take, side: side, instrument: instrument, id: nextID,
                        priceTicks: Self.middleTicks + (side == .buy ? limit : -limit), lots: 1))
                nextID += 1
            } else if open.isEmpty || isFew || dice < 45 && !isMany {
                let distance = Int64(random.below(UInt64(levels))) + 1
                commands.append(
                    ScalingCommand(
                        kind: .add, side: side, instrument: instrument, id: nextID,
                        priceTicks: Self.middleTicks + (side == .buy ? -distance : distance),
                        lots: 1_000_000_000))
                open.append((nextID, instrument))
                nextID += 1
            } else {
                let place = Int(random.below(UInt64(open.count)))
                let gone = open[place]
                open[place] = open[open.count - 1]
                open.removeLast()
                commands.append(
                    ScalingCommand(
                        kind: .cancel, side: .buy, instrument: gone.instrument, id: gone.id,
                        priceTicks: 0, lots: 0))
            }
        }
        self.commands = commands
    }
}

extension ScalingCommand {
    /// As the engine's log has it.
    func record(session: UInt32, sessionSequence: UInt32, sequence: UInt64) -> LogRecord {
        var attributes = OrderAttributes(side: side)
        if kind == .take {
            attributes = OrderAttributes(side: side, timeInForce: .immediateOrCancel)
        }
        return LogRecord(
            kind: kind == .cancel ? .cancelOrder : .newOrder, session: session,
            sessionSequence: sessionSequence, orderID: id, priceTicks: priceTicks,
            quantityLots: lots, account: session, instrument: instrument, attributes: attributes,
            sequence: sequence, timestampNanos: sequence)
    }
}
