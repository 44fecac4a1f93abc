// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// Mass cancels by account, and what the end of a session takes, since rules 3.
@Suite struct `Many orders at once` {
    private func desk(rules: UInt32 = 3) throws -> Desk {
        try Desk(smallLimits, lowest: 1, highest: 1000, rules: rules)
    }

    private func mass(account: UInt32, flags: UInt16 = RecordFlags.byAccount) -> LogRecord {
        LogRecord(kind: .massCancel, session: 1, orderID: 77, account: account, flags: flags)
    }

    private func cancelled(_ events: [Event]) -> [UInt64] {
        events.filter { $0.kind == .cancelled }.map(\.orderID)
    }

    @Test func `a mass cancel by account takes that account's orders of the session only`() throws {
        var desk = try desk()
        _ = desk.order(1, 1, .buy, 100, 7, account: 5)
        _ = desk.order(1, 2, .buy, 101, 7, account: 6)
        _ = desk.order(1, 3, .sell, 300, 7, account: 5)
        _ = desk.order(2, 4, .buy, 100, 7, account: 5)
        var sells = mass(account: 5)
        sells.attributes = OrderAttributes(rawValue: 0b10)
        #expect(cancelled(desk.send(sells)) == [3])
        let events = desk.send(mass(account: 5))
        #expect(cancelled(events) == [1])
        let done = try #require(events.last)
        #expect(done.kind == .massCancelDone && done.orderID == 77 && done.account == 5)
        #expect(done.quantityLots == 1)
        #expect(desk.send(mass(account: 9)).map(\.quantityLots) == [0])
        #expect(desk.rig.engine.openOrders == 2)
    }

    @Test func `orders without an account are those of account 0`() throws {
        var desk = try desk()
        _ = desk.order(1, 1, .buy, 100, 7, account: 0)
        _ = desk.order(1, 2, .buy, 101, 7, account: 6)
        #expect(cancelled(desk.send(mass(account: 0))) == [1])
        // Without the flag the field is nobody's.
        #expect(cancelled(desk.send(mass(account: 9, flags: 0))) == [2])
    }

    @Test(arguments: [1, 2] as [UInt32])
    func `before rules 3 it is rejected, and takes nothing`(rules: UInt32) throws {
        var desk = try desk(rules: rules)
        _ = desk.order(1, 1, .buy, 100, 7, account: 5)
        let events = desk.send(mass(account: 5))
        #expect(events.map(\.kind) == [.rejected] && events.map(\.reason) == [.invalidFlags])
        #expect(desk.rig.engine.openOrders == 1)
    }

    /// Opens session 1 with the flags, enters one order of each time in force that rests, and ends
    /// it.
    private func left(_ flags: UInt16, rules: UInt32) throws -> [UInt64] {
        var desk = try desk(rules: rules)
        _ = desk.rig.apply(
            Command(
                .logon(
                    session: 1, nonce: 2, token: 2, heartbeatMillis: 1, source: 1, flags: flags)))
        _ = desk.order(1, 1, .buy, 100, 7)
        _ = desk.order(1, 2, .buy, 100, 7, timeInForce: .goodTillCancel)
        if rules >= 3 {
            _ = desk.rare(1, 3, .buy, 100, 7, timeInForce: .goodTillTime) {
                $0.expirySeconds = 100
            }
        }
        let events = desk.rig.apply(Command(LogRecord(kind: .sessionTimeout, session: 1)))
        #expect(events.last?.kind == .sessionTimedOut)
        #expect(events.last?.quantityLots == UInt64(events.count - 1))
        #expect(desk.rig.engine.session(1)?.cancelsAllOnDisconnect == false)
        return cancelled(events)
    }

    @Test func `the end of a session spares what is good till cancel or till time since rules 3`()
        throws
    {
        let some = RecordFlags.cancelOnDisconnect
        let all = some | RecordFlags.cancelAllOnDisconnect
        #expect(try left(some, rules: 3) == [1])
        #expect(try left(all, rules: 3) == [1, 2, 3])
        #expect(try left(RecordFlags.cancelAllOnDisconnect, rules: 3).isEmpty)
        #expect(try left(0, rules: 3).isEmpty)
        for rules in [1, 2] as [UInt32] {
            #expect(try left(some, rules: rules) == [1, 2])
            #expect(try left(all, rules: rules) == [1, 2])
        }
    }

    @Test func `the logon's wish is in the image`() throws {
        var desk = try desk()
        _ = desk.rig.apply(
            Command(
                .logon(
                    session: 2, nonce: 2, token: 2, heartbeatMillis: 1, source: 1,
                    flags: RecordFlags.cancelOnDisconnect | RecordFlags.cancelAllOnDisconnect)))
        let restored = try restore(desk.rig.engine.encodeImage())
        #expect(restored.session(2)?.cancelsAllOnDisconnect == true)
        #expect(restored.session(1)?.cancelsAllOnDisconnect == false)
    }
}
