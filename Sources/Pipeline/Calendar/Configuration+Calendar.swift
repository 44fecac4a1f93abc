// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import Settings

extension Configuration {
    /// Takes the calendar out of its file. Everything that is wrong is in the error, with line and
    /// cure.
    public mutating func readCalendar(_ yaml: String, file: String) throws(SettingsError) {
        calendar = try TradingCalendar(yaml: yaml, file: file)
    }

    /// What comes next by the calendar, a line each; none without one.
    public var calendarLines: [String] { calendar.map(CalendarSchedule.nextLines) ?? [] }
}

extension CalendarSchedule {
    /// What a person is shown of a calendar: some two days.
    private static let linesMax = 16

    fileprivate static func nextLines(_ calendar: TradingCalendar) -> [String] {
        var schedule = CalendarSchedule(calendar)
        return schedule.upcoming(after: ZoneClock.nowSeconds, count: linesMax).map(schedule.line)
    }

    /// The answer to an operator, one line of JSON.
    static func answer(_ calendar: TradingCalendar?) -> String {
        guard let calendar else {
            return ClusterControl.refusal(
                .state, "this gateway has no calendar: see `calendar` in the configuration")
        }
        var object = JSONObject()
        object.add("ok", true)
        object.add("calendar", nextLines(calendar))
        return object.text
    }
}
