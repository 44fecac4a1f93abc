// SPDX-License-Identifier: Apache-2.0
package import Settings
internal import Wire

extension TradingCalendar {
    private enum WeekDay: String, CaseIterable {
        case monday, tuesday, wednesday, thursday, friday, saturday, sunday
    }

    /// Reads a calendar file. Everything that is wrong is in the error, with line and cure.
    package init(yaml: String, file: String) throws(SettingsError) {
        var read = TradingCalendar(
            clock: .utc, weekDays: [0, 1, 2, 3, 4], holidays: [], rollTimeOfDay: 0, groups: [])
        try Settings.read(yaml: yaml, file: file) { reader in read.readAll(&reader) }
        self = read
    }

    private mutating func readAll(_ reader: inout SettingsReader) {
        if let name = reader.string("timeZone") {
            if let clock = ZoneClock(name) {
                self.clock = clock
            } else {
                reader.fail(
                    "timeZone",
                    "`\(name)` is no time zone: take a name of the IANA, such as Europe/Berlin, or "
                        + "UTC")
            }
        } else if !reader.has("timeZone") {
            reader.fail("timeZone", "missing; for example `timeZone: Europe/Berlin`")
        }
        if let days = reader.choices("weekDays", WeekDay.self) {
            weekDays = Set(days.compactMap { WeekDay.allCases.firstIndex(of: $0) })
        }
        if weekDays.isEmpty { reader.fail("weekDays", "no day: leave it out for Monday to Friday") }
        if reader.has("holidays") { holidays = Set(Self.dates("holidays", &reader).map(\.day)) }
        if let time = Self.time("roll", &reader) { rollTimeOfDay = time }
        guard reader.has("groups") else {
            reader.fail("groups", "missing; a list with at least one group of instruments")
            return
        }
        for var inner in reader.list("groups") ?? [] {
            readGroup(&inner)
            reader.absorb(inner)
        }
    }

    private mutating func readGroup(_ inner: inout SettingsReader) {
        var group = Group(name: "", instruments: nil, phases: [], shortDays: [:])
        group.name = inner.string("name") ?? ""
        if group.name.isEmpty { inner.fail("name", "missing; for example `name: shares`") }
        if groups.contains(where: { $0.name == group.name }) {
            inner.fail("name", "there is a group \(group.name) already")
        }
        if inner.has("instruments") {
            group.instruments = Set(
                inner.integers("instruments", in: Configuration.Instrument.numbers) ?? [])
            for other in groups {
                guard let common = other.instruments?.intersection(group.instruments ?? []).min()
                else { continue }
                inner.fail("instruments", "\(common) is in the group \(other.name) too")
            }
        } else if let other = groups.first(where: { $0.instruments == nil }) {
            inner.fail(
                "instruments",
                "missing: the group \(other.name) has all instruments that no other names")
        }
        group.phases = phases(&inner)
        if inner.has("shortDays") {
            for var days in inner.list("shortDays") ?? [] {
                let phases = phases(&days)
                for date in Self.dates("dates", &days) {
                    if !isBusinessDay(date.day) {
                        days.fail("dates", "\(date.text) is no business day")
                    }
                    if group.shortDays.updateValue(phases, forKey: date.day) != nil {
                        days.fail("dates", "\(date.text) is given twice")
                    }
                }
                inner.absorb(days)
            }
        }
        groups.append(group)
    }

    /// In the order of their times, and behind the roll.
    private func phases(_ reader: inout SettingsReader) -> [Phase] {
        guard reader.has("phases") else {
            reader.fail("phases", "missing; a list such as `- {at: \"09:00\", state: open}`")
            return []
        }
        var phases: [Phase] = []
        for var inner in reader.list("phases") ?? [] {
            let word = inner.string("state") ?? ""
            let state = TradingState.words.first { $0.word == word }?.state
            if state == nil {
                let words = TradingState.words.map(\.word).joined(separator: ", ")
                inner.fail("state", "`\(word)` is none of \(words)")
            }
            if let time = Self.time("at", &inner) {
                if time <= phases.last?.timeOfDay ?? -1 {
                    inner.fail("at", "not behind the phase before: put them in order")
                } else if time < rollTimeOfDay {
                    inner.fail("at", "before the roll: a business day begins with that")
                }
                phases.append(Phase(timeOfDay: time, state: state ?? .closed))
            }
            reader.absorb(inner)
        }
        return phases
    }

    /// A local time, seconds since midnight; nil, with what is wrong with it, where there is none.
    private static func time(_ key: String, _ reader: inout SettingsReader) -> Int? {
        guard let text = reader.string(key) else {
            if !reader.has(key) { reader.fail(key, "missing; a local time such as \"08:50\"") }
            return nil
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { $0.utf8.count == 2 ? UInt8($0) : nil }.map(Int.init)
        guard 2...3 ~= parts.count, numbers.count == parts.count, numbers[0] < 24,
            numbers.dropFirst().allSatisfy({ $0 < 60 })
        else {
            reader.fail(key, "`\(text)` is no local time such as \"08:50\" or \"08:50:30\"")
            return nil
        }
        return numbers[0] * 3_600 + numbers[1] * 60 + (numbers.count == 3 ? numbers[2] : 0)
    }

    private static func dates(
        _ key: String, _ reader: inout SettingsReader
    ) -> [(text: String, day: BusinessDay)] {
        guard reader.has(key) else {
            reader.fail(key, "missing; dates such as [2026-12-24]")
            return []
        }
        return (reader.strings(key) ?? []).compactMap { text in
            guard let day = BusinessDay(text) else {
                reader.fail(key, "`\(text)` is no date such as 2026-12-24")
                return nil
            }
            return (text, day)
        }
    }
}
