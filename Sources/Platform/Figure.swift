// SPDX-License-Identifier: Apache-2.0

/// Figures for people.
public enum Figure {
    /// Three digits or so, with the unit that fits: "940 ns", "1 µs", "53.1 µs", "10 s".
    public static func duration(_ nanos: UInt64) -> String {
        guard nanos >= 1_000 else { return "\(nanos) ns" }
        // Rounded first: what comes to 1,000 of a unit is 1 of the next.
        let units: [(name: String, nanos: UInt64)] = [
            ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ]
        let unit = units.first { nanos < 1_000 * $0.nanos - $0.nanos / 20 } ?? units[2]
        let digits = nanos % unit.nanos == 0 ? 0 : 1
        return "\(decimal(Double(nanos) / Double(unit.nanos), digits: digits)) \(unit.name)"
    }

    /// "1,234,567".
    public static func count(_ number: UInt64) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// With so many digits behind the point (0 to 9), rounded, and a comma at each thousand; of a
    /// number that is not negative.
    public static func decimal(_ number: Double, digits: Int = 1) -> String {
        let text = max(number, 0).text(digits)
        let whole = text.prefix { $0 != "." }
        return (UInt64(whole).map(count) ?? String(whole)) + text.dropFirst(whole.count)
    }

    /// "19:44:03.123456" of UTC in nanoseconds since 1970.
    public static func timeOfDay(_ utcNanos: UInt64) -> String {
        let micros = utcNanos / 1_000 % 86_400_000_000
        let seconds = micros / 1_000_000
        let parts = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }
        return parts.joined(separator: ":") + "." + padded(micros % 1_000_000, 6)
    }

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// With blanks behind it.
    package static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// With blanks in front of it.
    package static func padded(left text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
