// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Platform

/// What there is in a run besides plain orders: all that the engine has had since, and operators
/// who use it. A run in three has nothing of it, and draws nothing for it: it is the run that its
/// seed was before there was a market.
struct MarketPlan {
    /// An operator asks for something once in so many steps.
    let requestOneIn: UInt64
    /// Nobody does anything for up to a second once in so many steps, so that what waits for a time
    /// sees it come.
    let lullOneIn: UInt64
    /// Whether there is a calendar, of a phase each second or two.
    let hasCalendar: Bool
    /// Whether orders hardly trade, so that they become more than one command may cancel.
    let isCrowded: Bool
    /// Open orders at most, of all and of a session; in some runs they are soon reached.
    private let orderCapacities: (all: UInt32, session: UInt32)
    private(set) var random: SeededRandom

    /// A run begins at 22:13:21, and its clocks jump.
    private static let calendar = try? TradingCalendar(
        yaml: """
            timeZone: UTC
            roll: "22:13:18"
            groups:
              - name: all
                phases:
                  - { at: "22:13:19", state: pre-open }
                  - { at: "22:13:21", state: auction }
                  - { at: "22:13:22", state: open }
                  - { at: "22:13:24", state: auction }
                  - { at: "22:13:25", state: open }
                  - { at: "22:13:28", state: halted }
                  - { at: "22:13:29", state: auction }
                  - { at: "22:13:30", state: open }
            """, file: "calendar")

    init?(seed: UInt64) {
        // Not the run's own numbers: a plain run draws none of these.
        var random = SeededRandom(seed: seed ^ 0x6D61_726B_6574)
        guard random.below(3) != 0 else { return nil }
        isCrowded = random.below(16) == 0
        requestOneIn = (isCrowded ? 2_000 : 80) + random.below(1_000)
        lullOneIn = random.below(2) == 0 ? .max : 10_000 + random.below(30_000)
        hasCalendar = random.below(2) == 0
        let isTight = random.below(6) == 0
        orderCapacities = isCrowded ? (8_192, 4_096) : isTight ? (48, 24) : (512, 256)
        self.random = random
    }

    /// A second instrument, and room for one that an operator defines.
    func extend(_ configuration: inout Configuration) {
        if hasCalendar { configuration.calendar = Self.calendar }
        configuration.orderCapacity = orderCapacities.all
        configuration.sessionOpenOrdersMax = orderCapacities.session
        configuration.instrumentCapacity = 3
        // Where few orders have room, few prices have.
        if orderCapacities.all < 100 { configuration.priceCapacity = 320 }
        configuration.instruments.append(
            .init(number: 2, symbol: "TWO", lowestPriceTicks: -20, highestPriceTicks: 60))
    }
}
