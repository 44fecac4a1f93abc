// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// What scenarios are too short for: see also `Scenarios/trade-groups.yaml`.
@Suite struct `A trade group` {
    private func put(_ rig: inout Rig, _ account: UInt32, _ group: UInt32) -> [Reason] {
        rig.apply(Command(.setTradeGroup(account: account, group: group, operatorID: 9)))
            .map(\.reason)
    }

    @Test func `takes as many accounts as there is room for, and is in images`() throws {
        let room = Engine.tradeGroupCapacity(smallLimits)
        var rig = try Rig(smallLimits)
        for command in openMarket(smallLimits) { _ = rig.apply(command) }
        for account in (1...room).reversed() { #expect(put(&rig, account, 7) == [.none]) }
        #expect(put(&rig, 0, 7) == [.invalidControl])
        #expect(put(&rig, room, 8) == [.none])
        #expect(put(&rig, 0, 0) == [.none])
        #expect(put(&rig, 1, 0) == [.none])
        #expect(put(&rig, .max, .max) == [.none])
        #expect(rig.engine.tradeGroup(of: 1) == 0 && rig.engine.tradeGroup(of: 2) == 7)
        #expect(rig.engine.tradeGroup(of: room) == 8)
        #expect(rig.engine.tradeGroup(of: .max) == .max)
        #expect(rig.engine.checkInvariants() == nil)
        let image = rig.engine.encodeImage()
        let restored = try restore(image, limits: smallLimits)
        #expect(restored.encodeImage() == image && restored.checkInvariants() == nil)
        #expect(restored.tradeGroup(of: room) == 8 && restored.digest() == rig.engine.digest())
    }

    @Test func `is unknown before rules 3`() throws {
        var desk = try Desk(smallLimits, lowest: 1, highest: 1000, rules: 2)
        #expect(put(&desk.rig, 1, 7) == [.unsupported])
    }
}
