// SPDX-License-Identifier: Apache-2.0
import Wire

// Since rules 3: at how many prices orders may rest at once.
extension NaiveEngine {
    /// What the prices of orders take up: pages of 64 ticks, and the nodes that lead to them, each
    /// of 64 of what is below it, up to the one with the whole range of an instrument.
    private struct Blocks {
        var pages: Set<[UInt64]> = []
        var nodes: Set<[UInt64]> = []

        mutating func add(_ order: Order, _ instrument: Instrument) {
            func tick(_ price: Int64) -> UInt64 { UInt64(bitPattern: price &- instrument.lowest) }
            let number = UInt64(order.instrument)
            var place = tick(order.price) / 64
            var last = tick(instrument.highest) / 64
            pages.insert([number, place])
            var height: UInt64 = 0
            repeat {
                height += 1
                place /= 64
                last /= 64
                nodes.insert([number, height, place])
            } while last > 0
        }
    }

    /// Whether an order may be entered: it rests at its price, or trades first.
    func hasRoomOnEntry(_ order: Order) -> Bool {
        hasRoom(order) || !isCall(order.instrument) && bestOpposite(order) != nil
    }

    /// Whether an order may rest at its price; one that does not is no matter.
    func hasRoom(_ order: Order) -> Bool {
        guard rules >= 3, order.mayRest, order.trigger == nil else { return true }
        var used = Blocks()
        for other in orders where other.trigger == nil && other.type != .market {
            used.add(other, instruments[other.instrument]!)
        }
        var after = used
        after.add(order, instruments[order.instrument]!)
        var allowed = (Int(limits.ladderTickCapacity) + 63) / 64
        if firstRules < 3 { allowed += Int(limits.instrumentCapacity) }
        return after.pages == used.pages
            || after.pages.count <= allowed && after.nodes.count <= 2 * allowed + 16
    }
}
