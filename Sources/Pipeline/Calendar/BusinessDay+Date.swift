// SPDX-License-Identifier: Apache-2.0
package import Wire

// Days as dates of the Gregorian calendar, by whole numbers alone: years begin in March here, so
// that the leap day is their last.
extension BusinessDay {
    /// Year, month 1 … 12 and day of the month.
    package var date: (year: Int, month: Int, day: Int) {
        let days = Int(rawValue) + 719_468  // since 0000-03-01
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (
            era * 400 + yearOfEra + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }

    /// As `2026-11-30`.
    package var text: String {
        func digits(_ number: Int, _ count: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(count - text.count, 0)) + text
        }
        let (year, month, day) = date
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
    }

    /// The day of a date from 1970-01-02 to 9999-12-31, as `2026-11-30`; nil where there is none.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], let year = Int(parts[0]),
            let month = Int(parts[1]), let day = Int(parts[2]), year >= 1970, 1...12 ~= month
        else { return nil }
        let marchYear = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let yearOfEra = marchYear % 400
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = marchYear / 400 * 146_097 + dayOfEra - 719_468
        guard days > 0 else { return nil }
        self.init(rawValue: UInt32(days))
        // The 31st of a month that has none is another day.
        guard self.text == text else { return nil }
    }
}
