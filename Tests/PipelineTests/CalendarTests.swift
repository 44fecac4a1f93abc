// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Settings
import TestSeed
import Testing
import Wire

@testable import Pipeline

/// What a calendar does, minute by minute: a clock that is looked at each minute of UTC, and a list
/// of what is still to come today.
private struct NaiveCalendar {
    let calendar: TradingCalendar
    let zone: TimeZone

    /// All that is due behind a start, up to an end, of one instrument in the first group.
    func due(from start: UInt64, through end: UInt64) -> [CalendarSchedule.Due] {
        var found: [CalendarSchedule.Due] = []
        var date = BusinessDay.none
        var phases: [TradingCalendar.Phase] = []
        var hasRolled = true
        for moment in stride(from: start / 60 * 60, through: end, by: 60) {
            let instant = Date(timeIntervalSince1970: Double(moment))
            let local = Int(moment) + zone.secondsFromGMT(for: instant)
            let minute = local % 86_400 / 60
            let today = BusinessDay(rawValue: UInt32(local / 86_400))
            if today != date {
                date = today
                let isOpen = calendar.isBusinessDay(date)
                let group = calendar.groups[0]
                phases = isOpen ? group.shortDays[date] ?? group.phases : []
                hasRolled = !isOpen
            }
            var steps: [CalendarSchedule.Step] = []
            if !hasRolled, minute * 60 >= calendar.rollTimeOfDay {
                hasRolled = true
                steps.append(.roll(date))
            }
            var state: TradingState?
            while let next = phases.first, next.timeOfDay <= minute * 60 {
                state = phases.removeFirst().state
            }
            if let state { steps.append(.phase(instrument: 1, state)) }
            if !steps.isEmpty, moment > start {
                found.append(.init(seconds: moment, steps: steps))
            }
        }
        return found
    }
}

/// An engine, as far as a calendar knows it.
private struct Venue {
    var done = CalendarSchedule.Done(businessDay: .none, instruments: [(1, 0)])

    /// All that is due, each once.
    mutating func catchUp(_ schedule: inout CalendarSchedule, at now: UInt64)
        -> [CalendarSchedule.Due]
    {
        var found: [CalendarSchedule.Due] = []
        while let due = schedule.due(at: now, done) {
            found.append(due)
            for step in due.steps { take(step, at: due.seconds) }
        }
        return found
    }

    mutating func take(_ step: CalendarSchedule.Step, at seconds: UInt64) {
        switch step {
        case .roll(let day): done.businessDay = day
        case .phase(let instrument, _):
            let index = done.instruments.firstIndex { $0.number == instrument }!
            done.instruments[index].phaseSeconds = UInt32(seconds)
        }
    }
}

private let day: UInt64 = 86_400

private func calendar(_ zone: String = "UTC", _ more: String = "") throws -> TradingCalendar {
    try TradingCalendar(
        yaml: """
            timeZone: \(zone)
            roll: "06:00"
            groups:
              - name: shares
                phases:
                  - {at: "08:50", state: pre-open}
                  - {at: "09:00", state: open}
                  - {at: "18:00:30", state: closed}
            \(more)
            """, file: "calendar.yaml")
}

/// UTC seconds of a moment, as `2026-11-30 08:50`.
private func utc(_ text: String) -> UInt64 {
    let parts = text.split(separator: " ")
    let time = parts[1].split(separator: ":").map { UInt64($0)! }
    return UInt64(BusinessDay(parts[0])!.rawValue) * day + time[0] * 3_600 + time[1] * 60
        + (time.count > 2 ? time[2] : 0)
}

@Suite struct `A trading calendar` {
    @Test(arguments: ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"])
    func `does what a look at the clock each minute does, over years`(name: String) throws {
        var random = SeededRandom(seed: TestSeed.run)
        let zone = try #require(TimeZone(identifier: name))
        let start = utc("2025-01-01 00:00") + random.below(10 * day)
        let end = utc("2028-01-01 00:00")
        var calendar = try calendar(name)
        let first = calendar.clock.day(at: start).rawValue
        func someDay() -> BusinessDay {
            BusinessDay(rawValue: first + UInt32(random.below(1_100)))
        }
        // Often in the hours in which clocks change.
        func phases() -> [TradingCalendar.Phase] {
            let minutes = Set(
                (0..<6).map { _ in 60 + random.below(random.below(2) == 0 ? 180 : 1_380) })
            return minutes.sorted().map {
                .init(timeOfDay: Int($0) * 60, state: TradingState(rawValue: UInt8($0 % 6)))
            }
        }
        calendar.weekDays = [0, 1, 2, 3, 6]
        calendar.holidays = Set((0..<40).map { _ in someDay() })
        calendar.rollTimeOfDay = Int(random.below(60)) * 60
        calendar.groups[0].phases = phases()
        for _ in 0..<200 { calendar.groups[0].shortDays[someDay()] = phases() }

        var schedule = CalendarSchedule(calendar)
        var venue = Venue()
        // What went before the start is of no matter here.
        _ = venue.catchUp(&schedule, at: start)
        var found: [CalendarSchedule.Due] = []
        var now = start
        while now < end {
            // From second to second, and over pauses of days.
            let pause = [2, 4_000, 90_000, 600_000][Int(random.below(4))] as UInt64
            now = min(now + 1 + random.below(pause), end)
            let due = venue.catchUp(&schedule, at: now)
            #expect(due.allSatisfy { $0.seconds <= now })
            found += due
        }
        let expected = NaiveCalendar(calendar: calendar, zone: zone).due(from: start, through: end)
        #expect(expected.count > 2_000)
        let difference = zip(expected, found).first { $0 != $1 }
        #expect(difference == nil && found.count == expected.count)
    }

    @Test func `takes a time that is left out for the change, and the first of two`() throws {
        let clock = try #require(ZoneClock("Europe/Berlin"))
        func moment(_ time: Int, _ date: String) throws -> String {
            clock.text(at: clock.seconds(of: time, on: try #require(BusinessDay(date))))
        }
        let half = 2 * 3_600 + 1_800
        #expect(try moment(half, "2026-03-28") == "2026-03-28 02:30:00 +01:00")
        #expect(try moment(half, "2026-03-29") == "2026-03-29 03:00:00 +02:00")
        #expect(try moment(half, "2026-10-25") == "2026-10-25 02:30:00 +02:00")
        #expect(try moment(3 * 3_600, "2026-10-25") == "2026-10-25 03:00:00 +01:00")
        #expect(ZoneClock("Berlin") == nil && ZoneClock("Europe/Atlantis") == nil)
        let newYork = try #require(ZoneClock("America/New_York"))
        #expect(newYork.text(at: utc("2026-07-01 03:30")) == "2026-06-30 23:30:00 -04:00")
        #expect(newYork.day(at: utc("2026-07-01 03:30")).text == "2026-06-30")
    }

    @Test func `makes up for a pause in order, and repeats nothing`() throws {
        var schedule = CalendarSchedule(try calendar())
        var venue = Venue()
        // A Friday, in the middle of trading.
        let begun = venue.catchUp(&schedule, at: utc("2026-11-27 12:00"))
        #expect(
            begun == [
                .init(
                    seconds: utc("2026-11-27 06:00"),
                    steps: [.roll(BusinessDay("2026-11-27")!)]),
                .init(
                    seconds: utc("2026-11-27 09:00"), steps: [.phase(instrument: 1, .open)]),
            ])
        let made = venue.catchUp(&schedule, at: utc("2026-11-30 08:55"))
        #expect(
            made.map(\.seconds) == [
                utc("2026-11-27 18:00:30"), utc("2026-11-30 06:00"), utc("2026-11-30 08:50"),
            ])
        #expect(venue.catchUp(&schedule, at: utc("2026-11-30 08:59")).isEmpty)
        // What an operator has rolled to is not rolled to again.
        venue.done.businessDay = BusinessDay("2026-12-01")!
        let next = venue.catchUp(&schedule, at: utc("2026-12-01 08:00"))
        #expect(next.map(\.seconds) == [utc("2026-11-30 09:00"), utc("2026-11-30 18:00:30")])
        // A new instrument goes to where the others are.
        venue.done.instruments.append((2, 0))
        #expect(
            venue.catchUp(&schedule, at: utc("2026-12-01 08:00")) == [
                .init(
                    seconds: utc("2026-11-30 18:00:30"),
                    steps: [.phase(instrument: 2, .closed)])
            ])
        #expect(
            schedule.due(at: utc("2026-12-01 08:50"), venue.done)?.steps == [
                .phase(instrument: 1, .preOpen), .phase(instrument: 2, .preOpen),
            ])
    }

    @Test func `passes over an instrument that the engine refuses, and tries it again`() throws {
        var schedule = CalendarSchedule(try calendar())
        var work = CalendarWork()
        var venue = Venue()
        venue.done.instruments = [(1, 0), (2, 0)]
        var refused: Set<UInt32> = []
        /// What is written until there is nothing for now; the engine takes what it does not refuse.
        func written(at now: UInt64) -> [CalendarSchedule.Step] {
            var steps: [CalendarSchedule.Step] = []
            while let due = work.next(at: now, venue.done, by: &schedule) {
                steps += due.steps
                for step in due.steps {
                    if case .phase(let instrument, _) = step, refused.contains(instrument) {
                        continue
                    }
                    venue.take(step, at: due.seconds)
                }
                guard steps.count < 20 else { break }
            }
            return steps
        }
        #expect(written(at: utc("2026-11-27 12:00")).count == 3)
        // Its auction would trade outside of its band: it cannot close.
        refused = [2]
        let evening = utc("2026-11-27 18:00:30")
        #expect(
            written(at: evening) == [
                .phase(instrument: 1, .closed), .phase(instrument: 2, .closed),
                .phase(instrument: 2, .closed),
            ])
        #expect(work.restsUntil == evening + 1)
        // The next day begins all the same, and so does the other one's.
        let monday = utc("2026-11-30 09:00")
        let steps = written(at: monday)
        #expect(
            steps.filter { $0 != .phase(instrument: 2, .closed) } == [
                .roll(BusinessDay("2026-11-30")!), .phase(instrument: 1, .preOpen),
                .phase(instrument: 1, .open),
            ])
        #expect(steps.count == 4, "once each second: \(steps)")
        refused = []
        #expect(
            written(at: monday + 1) == [
                .phase(instrument: 2, .closed), .phase(instrument: 2, .preOpen),
                .phase(instrument: 2, .open),
            ])
        #expect(written(at: monday + 2).isEmpty && work.restsUntil == monday + 12)
    }

    @Test func `says what comes next`() throws {
        var schedule = CalendarSchedule(
            try calendar("Europe/Berlin", "holidays: [2026-11-30]"))
        let lines = schedule.upcoming(after: utc("2026-11-27 16:00"), count: 3).map(schedule.line)
        #expect(
            lines == [
                "calendar  2026-11-27 18:00:30 +01:00  shares: closed",
                "calendar  2026-12-01 06:00:00 +01:00  business day 2026-12-01",
                "calendar  2026-12-01 08:50:00 +01:00  shares: pre-open",
            ])
    }

    @Test func `is read from its file, the example's too`() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../hw/deb/examples/calendar.yaml")
        let example = try TradingCalendar(
            yaml: String(contentsOf: file, encoding: .utf8), file: "calendar.yaml")
        #expect(example.clock.name == "Europe/Berlin" && example.rollTimeOfDay == 6 * 3_600)
        #expect(example.groups.map(\.name) == ["shares", "others"])
        #expect(example.group(of: 2) == 0 && example.group(of: 3) == 1)
        let states = example.groups[0].phases.map(\.state)
        #expect(states == [.preOpen, .auction, .open, .auction, .postClose, .closed])
        let christmas = try #require(BusinessDay("2026-12-24"))
        #expect(example.groups[0].shortDays[christmas]?.last?.timeOfDay == 14 * 3_600)
        #expect(example.isBusinessDay(christmas))
        #expect(!example.isBusinessDay(try #require(BusinessDay("2026-12-25"))))
        #expect(!example.isBusinessDay(try #require(BusinessDay("2026-11-29"))))
        let only = try calendar("UTC", "").groups[0]
        #expect(only.instruments == nil)
    }

    @Test func `says where its file is wrong, all of it at once`() {
        let error = #expect(throws: SettingsError.self) {
            _ = try TradingCalendar(
                yaml: """
                    timeZone: Europe/Atlantis
                    weekDays: [monday, funday]
                    roll: "6:00"
                    holidays: [2026-02-29]
                    groups:
                      - name: shares
                        instruments: [1, 2]
                        phases:
                          - {at: "09:00", state: open}
                          - {at: "08:00", state: shut}
                      - name: shares
                        instruments: [2]
                        phases:
                          - {at: "24:00", state: open}
                        shortDays:
                          - dates: [2026-11-29]
                            phases:
                              - {at: "09:00", state: open, until: "10:00"}
                    """, file: "calendar.yaml")
        }
        let lines = error?.description.split(separator: "\n").map(String.init) ?? []
        let expected = [
            "calendar.yaml:1: timeZone: `Europe/Atlantis` is no time zone",
            "calendar.yaml:2: weekDays: `funday` is none of monday, tuesday",
            "calendar.yaml:3: roll: `6:00` is no local time such as",
            "calendar.yaml:4: holidays: `2026-02-29` is no date",
            "calendar.yaml:10: groups[0].phases[1].state: `shut` is none of closed, pre-open",
            "calendar.yaml:10: groups[0].phases[1].at: not behind the phase before",
            "calendar.yaml:11: groups[1].name: there is a group shares already",
            "calendar.yaml:12: groups[1].instruments: 2 is in the group shares too",
            "calendar.yaml:14: groups[1].phases[0].at: `24:00` is no local time",
            "calendar.yaml:16: groups[1].shortDays[0].dates: 2026-11-29 is no business day",
            "calendar.yaml:18: groups[1].shortDays[0].phases[0].until: unknown key",
        ]
        for part in expected {
            #expect(lines.contains { $0.hasPrefix(part) }, "\(part) is not in \(lines)")
        }
        #expect(lines.count == expected.count, "\(lines)")
    }

    @Test func `has days that are dates`() {
        #expect(BusinessDay("1970-01-02")?.rawValue == 1 && BusinessDay("1970-01-01") == nil)
        #expect(BusinessDay("9999-12-31") == .last && BusinessDay.last.text == "9999-12-31")
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-4-01", "2026-04-31", "x"] {
            #expect(BusinessDay(text) == nil, "\(text)")
        }
        for number in 1...60_000 as ClosedRange<UInt32> {
            #expect(BusinessDay(BusinessDay(rawValue: number).text)?.rawValue == number)
        }
        #expect(BusinessDay("2024-02-29")?.text == "2024-02-29")
    }
}
