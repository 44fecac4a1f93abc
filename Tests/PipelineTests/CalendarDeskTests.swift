// SPDX-License-Identifier: Apache-2.0
import Engine
import NICGateway
import ShardRig
import Testing
import Wire

@testable import Pipeline

extension ShardRig {
    /// What the engine says of the calendar.
    fileprivate var done: CalendarSchedule.Done {
        var answer = EngineAnswer()
        shard.loop.engine.answer(.instruments(from: 1), into: &answer)
        return .init(
            businessDay: answer.businessDay,
            instruments: answer.instruments.rows.map { ($0.number, $0.phaseSeconds) })
    }

    /// The calendar's records in the log.
    fileprivate var ofCalendar: [LogRecord] {
        records().filter { $0.session == TradingCalendar.operatorID && $0.kind.rawValue >= 64 }
    }

    fileprivate var desk: CalendarDesk { shard.opening!.desk.calendar }

    /// As the desk would, of a shard that has followed another one too.
    fileprivate func write(_ records: some Sequence<LogRecord>) {
        for record in records {
            let isWritten = shard.core.control(record, continuation: nil)
            #expect(isWritten)
        }
        settle()
    }

    /// Writes all that is due.
    fileprivate func catchUp(_ schedule: inout CalendarSchedule, at now: UInt64) {
        while let due = schedule.due(at: now, done) { write(due.records) }
    }
}

@Suite struct `What a calendar has done` {
    private let monday: UInt64 = 1_796_000_400  // 2026-11-30 01:00 UTC

    private func schedule() throws -> CalendarSchedule {
        CalendarSchedule(
            try TradingCalendar(
                yaml: """
                    timeZone: UTC
                    roll: "00:00"
                    groups:
                      - name: all
                        phases:
                          - {at: "00:00", state: pre-open}
                          - {at: "02:00", state: open}
                    """, file: "calendar.yaml"))
    }

    @Test func `is in the log of whoever speaks next, who does the rest of it and nothing twice`()
        throws
    {
        var schedule = try schedule()
        let first = try ShardRig()
        let begun = schedule.due(at: monday, first.done)
        let due = try #require(begun)
        #expect(due.steps.count == 3 && due.seconds == monday - 3_600)
        // It dies when the log has two of three records.
        first.write(due.records.prefix(2))
        #expect(first.ofCalendar.count == 2)

        let second = try first.heir()
        #expect(second.done.businessDay.text == "2026-11-30")
        let rest = schedule.due(at: monday, second.done)
        #expect(rest?.steps == [.phase(instrument: 2, .preOpen)])
        second.catchUp(&schedule, at: monday)
        #expect(second.ofCalendar.count == 3)
        // Whoever writes all of it once more changes nothing.
        let digest = second.shard.loop.engine.digest()
        second.write(due.records)
        #expect(second.ofCalendar.count == 6)
        let after = second.shard.loop.engine.digest()
        #expect(after == digest)

        // An operator's state stays until the next phase, over a pause of days too.
        second.write([.setInstrumentState(instrument: 1, .halted, operatorID: 9)])
        let nothing = schedule.due(at: monday + 3_000, second.done)
        #expect(nothing == nil)
        let third = try second.heir()
        third.catchUp(&schedule, at: monday + 2 * 86_400)
        let states = third.ofCalendar.dropFirst(6).map { record in
            record.kind == .rollBusinessDay
                ? record.businessDay?.text ?? ""
                : "\(record.instrument) \(record.tradingState.word)"
        }
        #expect(
            states == [
                "1 open", "2 open", "2026-12-01", "1 pre-open", "2 pre-open", "1 open", "2 open",
                "2026-12-02", "1 pre-open", "2 pre-open",
            ])
        let folded = try Refold(third.configuration, third.records()).stateHash
        #expect(folded == third.stateHash)
    }

    @Test func `is left to the next where a new epoch begins, and takes the room that there is`()
        throws
    {
        let rig = try ShardRig()
        let records = (1...40 as ClosedRange<UInt32>).map {
            LogRecord.rollBusinessDay(
                to: BusinessDay(rawValue: 20_000 + $0), operatorID: TradingCalendar.operatorID)
        }
        #expect(rig.desk.writtenThrough == 0)
        rig.desk.leave(records)
        #expect(rig.desk.writtenThrough == nil)
        _ = rig.shard.poll()
        #expect(rig.desk.writtenThrough == nil && rig.ofCalendar.count == 16)
        rig.settle()
        #expect(rig.ofCalendar.map(\.orderID) == records.map(\.orderID))
        #expect(rig.desk.writtenThrough == rig.records().last?.sequence)
        #expect(rig.done.businessDay.rawValue == 20_040)

        let desk = CalendarDesk()
        desk.leave(records)
        var room = 3
        desk.write { record in
            room -= 1
            return room < 0 ? nil : record.orderID
        }
        #expect(desk.writtenThrough == nil)
        desk.leave([])
        #expect(desk.writtenThrough == 0)
        desk.write { _ in
            Issue.record("nothing is left")
            return nil
        }
    }
}
