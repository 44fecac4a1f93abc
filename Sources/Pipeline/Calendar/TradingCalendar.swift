// SPDX-License-Identifier: Apache-2.0
internal import Wire

//  calendar file ─▶ TradingCalendar ─▶ CalendarSchedule ─▶ CalendarClerk ─▶ CalendarDesk ─▶ log
//                   what is said        what is due, from    looks at the     the thread that
//                                       time and state       engine           writes it
//
// What was done is in the engine's state (the business day, and of each instrument its last phase)
// and nowhere else: so a start, a new primary or a pause makes up for what it missed, and repeats
// nothing. docs/operations/calendar.md.

/// When a venue trades, as its calendar file says it.
package struct TradingCalendar: Sendable {
    /// From a local time on its instruments are in a state.
    struct Phase: Equatable, Sendable {
        /// Seconds since midnight, local.
        var timeOfDay: Int
        var state: TradingState
    }

    /// Instruments with the same hours.
    struct Group: Sendable {
        var name: String
        /// Their numbers; nil = all that no other group has.
        var instruments: Set<UInt32>?
        /// Of a usual business day, in the order of their times.
        var phases: [Phase]
        /// Of business days that are not usual.
        var shortDays: [BusinessDay: [Phase]]
    }

    /// The number of the operator in its records, which no user of a host has.
    package static let operatorID: UInt32 = .max

    var clock: ZoneClock
    /// Days of the week on which there is business, 0 = Monday.
    var weekDays: Set<Int>
    var holidays: Set<BusinessDay>
    /// When a business day begins, seconds since midnight of its date, local.
    var rollTimeOfDay: Int
    var groups: [Group]

    /// Whether a date is a business day.
    func isBusinessDay(_ day: BusinessDay) -> Bool {
        // 1970-01-01 was a Thursday.
        weekDays.contains((Int(day.rawValue) + 3) % 7) && !holidays.contains(day)
    }

    /// The index of an instrument's group; nil where it has none, and nothing is said of it.
    func group(of instrument: UInt32) -> Int? {
        groups.firstIndex { $0.instruments?.contains(instrument) == true }
            ?? groups.firstIndex { $0.instruments == nil }
    }
}
