// SPDX-License-Identifier: Apache-2.0
import Engine
import Testing
import Wire

/// Versions of the rules, and the change from one to the next.
@Suite struct `The versions of the rules` {
    private func desk() throws -> Desk { try Desk(smallLimits, lowest: 1, highest: 1000) }

    private func reduce(_ desk: inout Desk, _ id: UInt64, total: UInt64) -> [Event] {
        desk.send(
            LogRecord(
                kind: .reduceOrder, session: 1, orderID: id, quantityLots: total, instrument: 1))
    }

    private func activate(_ desk: inout Desk, _ version: UInt32) -> [Event] {
        desk.rig.apply(Command(.activateRules(version: version, operatorID: 9)))
    }

    @Test func `a reduce to nothing that never traded is the client's own wish since rules 2`()
        throws
    {
        var desk = try desk()
        for id in 1...4 as ClosedRange<UInt64> { _ = desk.order(1, id, .buy, 100, 10) }
        _ = desk.order(2, 1, .sell, 100, 14)
        #expect(reduce(&desk, 3, total: 0).map(\.reason) == [.totalExecuted])
        #expect(activate(&desk, 2).map(\.kind) == [.controlApplied])
        #expect(desk.rig.engine.rulesVersion == 2)
        #expect(reduce(&desk, 4, total: 0).map(\.reason) == [.byClient])
        // Where something was executed, a total was that cannot be gone below.
        #expect(reduce(&desk, 2, total: 0).map(\.reason) == [.totalExecuted])
    }

    @Test(arguments: [0, 1, 3, .max] as [UInt32])
    func `from rules 1 only rules 2 are activated`(version: UInt32) throws {
        var desk = try desk()
        let events = activate(&desk, version)
        #expect(events.map(\.kind) == [.controlRejected])
        #expect(events.map(\.reason) == [.invalidControl])
        #expect(desk.rig.engine.rulesVersion == 1)
    }

    @Test func `the newest that are folded are the last`() throws {
        var desk = try desk()
        _ = activate(&desk, 2)
        _ = activate(&desk, 3)
        for version in [1, 2, 3, 4] as [UInt32] {
            #expect(activate(&desk, version).map(\.reason) == [.invalidControl])
        }
        #expect(desk.rig.engine.rulesVersion == RulesRange.build.newest)
    }

    @Test(arguments: [0, 4] as [UInt32])
    func `an epoch under rules that are not folded changes nothing`(version: UInt32) throws {
        var desk = try desk()
        let record = LogRecord.epochStart(
            epoch: 2, rulesVersion: version, lastCarriedSequence: 0, indexSeed: 1, shard: 1,
            host: 1)
        let events = desk.rig.apply(Command(record, smallLimits.continuation))
        #expect(events.map(\.reason) == [.invalidControl])
        #expect(desk.rig.engine.rulesVersion == 1)
    }

    @Test func `what is not folded is refused in one sentence, by version and by record`() {
        let range = RulesRange(oldest: 1, newest: 2)
        #expect(range.refusal(of: 2) == nil)
        let sentence =
            "the log is under rules 3, this build folds 1 to 2: take a build that folds them, such "
            + "as the one that wrote the log"
        #expect(range.refusal(of: 3) == sentence)
        #expect(range.refusal(of: .activateRules(version: 3, operatorID: 1)) == sentence)
        #expect(range.refusal(of: LogRecord(kind: .newOrder, orderID: 3)) == nil)
        var far = LogRecord.activateRules(version: 2, operatorID: 1)
        far.orderID |= 1 << 32
        #expect(far.rulesPutInForce == .max)
        #expect(RulesRange(oldest: 1, newest: 1).description == "1")
    }
}
