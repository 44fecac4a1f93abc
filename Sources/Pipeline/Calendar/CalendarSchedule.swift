// SPDX-License-Identifier: Apache-2.0
package import Wire

/// What is due by a calendar, from the time and the state of an engine: a pure machine. It
/// remembers nothing but what the calendar says of some days, so as not to work it out again.
package struct CalendarSchedule: Sendable {
    /// What there is to do.
    package enum Step: Equatable, Sendable {
        /// The business day begins.
        case roll(BusinessDay)
        /// A phase of an instrument begins.
        case phase(instrument: UInt32, TradingState)
    }

    /// What is due at one moment.
    package struct Due: Equatable, Sendable {
        /// When it was, UTC seconds since 1970.
        package var seconds: UInt64
        /// The roll first, instruments in the order of their numbers.
        package var steps: [Step]
    }

    /// What an engine says was done.
    package struct Done: Sendable {
        /// Its business day.
        package var businessDay: BusinessDay
        /// Its instruments, ascending, each with the moment of its last phase; 0 = none yet.
        package var instruments: [(number: UInt32, phaseSeconds: UInt32)]

        /// From its parts.
        package init(
            businessDay: BusinessDay, instruments: [(number: UInt32, phaseSeconds: UInt32)]
        ) {
            self.businessDay = businessDay
            self.instruments = instruments
        }
    }

    /// What comes next, for people.
    package struct Upcoming: Equatable, Sendable {
        /// UTC seconds since 1970.
        package var seconds: UInt64
        /// The business day that begins; nil = a phase does.
        package var day: BusinessDay?
        /// Whose phase.
        package var group = ""
        /// Which.
        package var state = TradingState.open
    }

    private struct Moment: Sendable {
        var seconds: UInt64
        var state: TradingState
    }

    private struct Key: Hashable {
        var group: Int
        var day: BusinessDay
    }

    /// Days that are looked through for the last or the next business day: more than any calendar
    /// leaves out.
    private static let daysMax = 1_000
    private static let kept = 256

    let calendar: TradingCalendar
    private var known: [Key: [Moment]] = [:]

    /// By a calendar.
    package init(_ calendar: TradingCalendar) { self.calendar = calendar }

    // MARK: Due

    /// The earliest moment up to `now` at which something was due that is not done, and all that
    /// was due then; nil when nothing is left to do. Some instruments may be passed over.
    ///
    /// An engine without a business day gets the last one that began; an instrument without a phase
    /// the last one that did. Then all of them come, in their order.
    package mutating func due(
        at now: UInt64, _ done: Done, passingOver passedOver: Set<UInt32> = []
    ) -> Due? {
        var due: Due?
        func add(_ seconds: UInt64, _ step: Step) {
            guard let earliest = due?.seconds, earliest <= seconds else {
                due = Due(seconds: seconds, steps: [step])
                return
            }
            if earliest == seconds { due?.steps.append(step) }
        }
        if let day = roll(after: done.businessDay, through: now) {
            add(rollSeconds(day), .roll(day))
        }
        for (number, last) in done.instruments where !passedOver.contains(number) {
            guard let group = calendar.group(of: number),
                let moment = phase(of: group, after: UInt64(last), through: now)
            else { continue }
            add(moment.seconds, .phase(instrument: number, moment.state))
        }
        return due
    }

    private func rollSeconds(_ day: BusinessDay) -> UInt64 {
        calendar.clock.seconds(of: calendar.rollTimeOfDay, on: day)
    }

    /// The first business day behind one that has begun, or behind none the last.
    private func roll(after day: BusinessDay, through now: UInt64) -> BusinessDay? {
        let today = calendar.clock.day(at: now)
        if day == .none {
            return Self.days(back: today).first {
                calendar.isBusinessDay($0) && rollSeconds($0) <= now
            }
        }
        guard day < today else { return nil }
        return (day.rawValue + 1...today.rawValue).lazy.map(BusinessDay.init).first {
            calendar.isBusinessDay($0)
        }.flatMap { rollSeconds($0) <= now ? $0 : nil }
    }

    /// The first phase behind a moment that has begun, or behind none the last.
    private mutating func phase(
        of group: Int, after seconds: UInt64, through now: UInt64
    ) -> Moment? {
        let today = calendar.clock.day(at: now)
        if seconds == 0 {
            for day in Self.days(back: today) {
                if let last = phases(of: group, on: day).last(where: { $0.seconds <= now }) {
                    return last
                }
            }
            return nil
        }
        // The day before: a time of its last hour may be left out and be a moment of the next.
        var day = BusinessDay(rawValue: max(calendar.clock.day(at: seconds).rawValue, 1) - 1)
        while day <= today {
            if let next = phases(of: group, on: day).first(where: { $0.seconds > seconds }) {
                return next.seconds <= now ? next : nil
            }
            day.rawValue += 1
        }
        return nil
    }

    /// The phases of a date by their moments, ascending. Of several that fall on one moment, where
    /// the clocks go forward, the last one counts.
    private mutating func phases(of group: Int, on day: BusinessDay) -> [Moment] {
        guard calendar.isBusinessDay(day) else { return [] }
        let key = Key(group: group, day: day)
        if let moments = known[key] { return moments }
        var moments: [Moment] = []
        let phases = calendar.groups[group].shortDays[day] ?? calendar.groups[group].phases
        for phase in phases {
            let seconds = calendar.clock.seconds(of: phase.timeOfDay, on: day)
            if moments.last?.seconds == seconds { moments.removeLast() }
            moments.append(Moment(seconds: seconds, state: phase.state))
        }
        if known.count >= Self.kept { known = [:] }
        known[key] = moments
        return moments
    }

    private static func days(back from: BusinessDay) -> some Sequence<BusinessDay> {
        let first = from.rawValue - min(from.rawValue - 1, UInt32(daysMax))
        return (first...from.rawValue).lazy.map(BusinessDay.init).reversed()
    }

    // MARK: Upcoming

    /// What comes next behind `now`, so many moments and phases at most.
    package mutating func upcoming(after now: UInt64, count: Int) -> [Upcoming] {
        var found: [Upcoming] = []
        let today = calendar.clock.day(at: now).rawValue
        for number in max(today, 2) - 1...today + UInt32(Self.daysMax) where found.count < count {
            let day = BusinessDay(rawValue: number)
            guard calendar.isBusinessDay(day) else { continue }
            var ofDay = [Upcoming(seconds: rollSeconds(day), day: day)]
            for (index, group) in calendar.groups.enumerated() {
                ofDay += phases(of: index, on: day).map {
                    Upcoming(seconds: $0.seconds, group: group.name, state: $0.state)
                }
            }
            // Stable: the roll is first at its moment.
            let sorted = ofDay.enumerated().sorted {
                ($0.element.seconds, $0.offset) < ($1.element.seconds, $1.offset)
            }
            found += sorted.map(\.element).filter { $0.seconds > now }
        }
        return Array(found.prefix(count))
    }

    /// A line for people.
    package func line(_ upcoming: Upcoming) -> String {
        "calendar  \(calendar.clock.text(at: upcoming.seconds))  "
            + (upcoming.day.map { "business day \($0.text)" }
                ?? "\(upcoming.group): \(upcoming.state.word)")
    }
}
