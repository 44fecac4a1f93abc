// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

@Suite struct `The kill switch` {
    private func desk(rules: UInt32 = 3) throws -> Desk {
        try Desk(smallLimits, lowest: 1, highest: 1000, rules: rules)
    }

    private func kill(
        _ desk: inout Desk, _ target: KillTarget, _ number: UInt64, stops: Bool = true
    ) -> [Event] {
        desk.rig.apply(
            Command(.killSwitch(target, number: number, stops: stops, operatorID: 9)))
    }

    private func cancelled(_ events: [Event]) -> [UInt64] {
        events.filter { $0.reason == .killSwitch && $0.kind == .cancelled }.map(\.orderID)
    }

    private func cancel(_ session: UInt32, _ id: UInt64) -> LogRecord {
        LogRecord(kind: .cancelOrder, session: session, orderID: id, instrument: 1)
    }

    @Test func `stops a session: what is open goes in order of entry, and nothing comes in`()
        throws
    {
        var desk = try desk()
        _ = desk.order(1, 3, .buy, 100, 7, timeInForce: .goodTillCancel)
        _ = desk.order(2, 1, .buy, 100, 7)
        _ = desk.order(1, 1, .sell, 300, 7, account: 4)
        _ = desk.rare(1, 2, .sell, 200, 7) { $0.peakLots = 2 }
        let events = kill(&desk, .session, 1)
        #expect(cancelled(events) == [3, 1, 2])
        let done = try #require(events.last)
        #expect(done.kind == .controlApplied && done.reason == .killSwitch)
        #expect(done.session == 1 && done.account == 0 && done.quantityLots == 3)
        #expect(done.attributes == .last)
        #expect(desk.order(1, 9, .buy, 100, 7).map(\.reason) == [.killed])
        let hidden = desk.order(1, 9, .buy, 100, 7, flags: RecordFlags.hidden)
        #expect(hidden.map(\.reason) == [.killed])
        let replaced = desk.replace(1, 3, with: 4, 100, total: 6)
        #expect(replaced.map(\.kind) == [.replaceRejected])
        #expect(replaced.map(\.reason) == [.killed])
        #expect(desk.send(cancel(1, 3)).map(\.reason) == [.unknownOrder])
        #expect(desk.order(2, 2, .sell, 100, 7).count == 3)
        #expect(desk.rig.engine.session(1)?.isKilled == true)
        #expect(desk.rig.engine.checkInvariants() == nil)
    }

    @Test func `releases a session, which enters orders again`() throws {
        var desk = try desk()
        _ = kill(&desk, .session, 1)
        let events = kill(&desk, .session, 1, stops: false)
        #expect(events.map(\.kind) == [.controlApplied] && events.map(\.reason) == [.none])
        #expect(events.map(\.session) == [1])
        #expect(desk.order(1, 9, .buy, 100, 7).map(\.kind) == [.accepted])
        // Twice is as once, and takes nothing.
        var again = kill(&desk, .session, 1, stops: false)
        again[0].reference = events[0].reference
        #expect(again.map(bytes) == events.map(bytes))
        #expect(desk.rig.engine.openOrders == 1)
    }

    @Test func `stops an account in all sessions, session by session`() throws {
        var desk = try desk()
        _ = desk.order(2, 1, .buy, 100, 7, account: 5)
        _ = desk.order(1, 2, .buy, 101, 7, account: 5)
        _ = desk.order(1, 3, .sell, 300, 7, account: 6)
        _ = desk.order(4, 4, .sell, 300, 7, account: 5)
        _ = desk.order(1, 5, .sell, 300, 7, account: 5)
        let events = kill(&desk, .account, 5)
        #expect(cancelled(events) == [2, 5, 1, 4])
        let done = try #require(events.last)
        #expect(done.kind == .controlApplied && done.reason == .killSwitch)
        #expect(done.session == 0 && done.account == 5 && done.quantityLots == 4)
        for session in 1...4 as ClosedRange<UInt32> {
            #expect(desk.order(session, 9, .buy, 90, 7, account: 5).map(\.reason) == [.killed])
        }
        // Others go on, though by another way.
        #expect(desk.order(1, 10, .buy, 90, 7, account: 6).map(\.kind) == [.accepted])
        #expect(desk.order(2, 11, .sell, 90, 7, account: 7).count == 3)
        #expect(desk.replace(1, 3, with: 4, 301, total: 6).count == 2)
        #expect(desk.rig.engine.checkInvariants() == nil)
        _ = kill(&desk, .account, 5, stops: false)
        #expect(desk.order(1, 9, .buy, 90, 7, account: 5).map(\.kind) == [.accepted])
        #expect(desk.rig.engine.checkInvariants() == nil)
    }

    @Test func `stops before the first logon, and over time-outs, logouts and logons`() throws {
        var desk = try desk()
        func logOn() -> Command {
            Command(
                .logon(
                    session: 1, nonce: 5, token: 5, heartbeatMillis: 1, source: 1,
                    flags: RecordFlags.cancelOnDisconnect))
        }
        _ = desk.rig.apply(Command(LogRecord(kind: .sessionTimeout, session: 1)))
        _ = kill(&desk, .session, 1)
        #expect(desk.order(1, 9, .buy, 100, 7).map(\.reason) == [.notLoggedOn])
        #expect(desk.rig.apply(logOn()).map(\.kind) == [.sessionOpened])
        #expect(desk.order(1, 9, .buy, 100, 7).map(\.reason) == [.killed])
        #expect(desk.send(LogRecord(kind: .logout, session: 1)).map(\.kind) == [.loggedOut])
        let view = desk.rig.engine.session(1)
        #expect(view?.isKilled == true && view?.isLoggedOn == false && view?.nonce == 0)
        _ = desk.rig.apply(logOn())
        _ = desk.rig.apply(Command(LogRecord(kind: .sessionTimeout, session: 1)))
        let engine = try restore(desk.rig.engine.encodeImage(), limits: smallLimits)
        #expect(engine.session(1)?.isKilled == true)
        #expect(engine.checkInvariants() == nil && engine.digest() == desk.rig.engine.digest())
        _ = desk.rig.apply(logOn())
        #expect(desk.order(1, 9, .buy, 100, 7).map(\.reason) == [.killed])
    }

    @Test func `refuses what it does not know, and changes nothing then`() throws {
        var desk = try desk()
        _ = desk.order(1, 1, .buy, 100, 7)
        let digest = desk.rig.engine.digest()
        for number in [0, 5, 1 << 32 | 1, .max] as [UInt64] {
            #expect(kill(&desk, .session, number).map(\.reason) == [.unknownSession])
        }
        #expect(kill(&desk, .account, 1 << 32 | 1).map(\.reason) == [.invalidControl])
        #expect(kill(&desk, .account, 1 << 32, stops: false).map(\.reason) == [.invalidControl])
        #expect(kill(&desk, .instrument, 1).map(\.reason) == [.unsupported])
        for target in [0, 4, 255] as [UInt8] {
            let events = kill(&desk, KillTarget(rawValue: target), 1)
            #expect(events.map(\.reason) == [.invalidControl])
        }
        var record = LogRecord.killSwitch(.session, number: 1, stops: true, operatorID: 9)
        record.flags |= 2
        #expect(desk.rig.apply(Command(record)).map(\.reason) == [.invalidControl])
        #expect(desk.rig.engine.digest() == digest)
    }

    @Test(arguments: [1, 2] as [UInt32])
    func `is not there before rules 3`(rules: UInt32) throws {
        var desk = try desk(rules: rules)
        _ = desk.order(1, 1, .buy, 100, 7)
        for target in 1...3 as ClosedRange<UInt8> {
            let events = kill(&desk, KillTarget(rawValue: target), 1)
            #expect(events.map(\.reason) == [.unsupported])
        }
        #expect(desk.order(1, 2, .buy, 100, 7).map(\.kind) == [.accepted])
    }

    @Test func `holds as many accounts as it says, in whatever order they come`() throws {
        var desk = try desk()
        let count = UInt64(Engine.killedAccountCapacity(smallLimits))
        #expect(count == 48)
        let accounts = (0..<count).map { $0 * 29 % count * 1_000 }
        for account in accounts { _ = kill(&desk, .account, account) }
        #expect(kill(&desk, .account, 77).map(\.reason) == [.invalidControl])
        // One that is stopped already takes no place.
        #expect(kill(&desk, .account, accounts[3]).map(\.kind) == [.controlApplied])
        let image = desk.rig.engine.encodeImage()
        let engine = try restore(image, limits: smallLimits)
        #expect(engine.encodeImage() == image && engine.checkInvariants() == nil)
        #expect(engine.digest() == desk.rig.engine.digest())
        for account in accounts {
            let number = UInt32(account)
            #expect(engine.isKilled(account: number) && !engine.isKilled(account: number + 1))
            #expect(desk.order(1, 1, .buy, 90, 7, account: number).map(\.reason) == [.killed])
            _ = kill(&desk, .account, account, stops: false)
            #expect(desk.rig.engine.checkInvariants() == nil)
            #expect(desk.order(1, 1, .buy, 90, 7, account: number).map(\.kind) == [.accepted])
            _ = desk.send(cancel(1, 1))
        }
    }

    /// Orders of three sessions and two accounts, and a kill of each kind.
    private func run(sliceEvents: Int) throws -> (events: [Event], slices: Int) {
        let limits = EngineLimits(
            orderCapacity: 400, sessionCapacity: 100, instrumentCapacity: 1,
            ladderTickCapacity: 1_000, sessionOpenOrdersMax: 100)
        var desk = try Desk(limits, lowest: 1, highest: 1000, rules: 3)
        for id in 1...90 as ClosedRange<UInt64> {
            for session in [1, 50, 100] as [UInt32] {
                _ = desk.order(
                    session, id, .buy, 1 + Int64(id % 7), 1, account: UInt32(id / 5 % 2))
            }
        }
        var rig = Rig(
            try restore(desk.rig.engine.encodeImage(), sliceEvents: sliceEvents),
            upcomingSequence: desk.rig.upcomingSequence)
        var events: [Event] = []
        for (target, number) in [(.account, 1), (.session, 50)] as [(KillTarget, UInt64)] {
            events += rig.apply(
                Command(.killSwitch(target, number: number, stops: true, operatorID: 9)))
        }
        #expect(rig.engine.checkInvariants() == nil)
        return (events, rig.slices)
    }

    @Test func `takes as many slices as it needs, and says the same`() throws {
        let whole = try run(sliceEvents: 256)
        // 45 of each session's 90 are of account 1, and 45 of session 50 are left.
        #expect(whole.events.count == 45 * 3 + 1 + 45 + 1)
        for sliceEvents in [1, 2, 7] {
            let sliced = try run(sliceEvents: sliceEvents)
            #expect(sliced.events.map(bytes) == whole.events.map(bytes))
            #expect(sliced.slices > 180 / sliceEvents)
        }
    }
}
