// SPDX-License-Identifier: Apache-2.0

/// Figures for people.
public enum Figure {
    /// Three digits or so, with the unit that fits: "940 ns", "1 µs", "53.1 µs", "10 s".
    public static func duration(_ nanos: UInt64) -> String {
        switch nanos {
        case ..<1_000: "\(nanos) ns"
        case ..<1_000_000: "\(short(nanos, 1_000)) µs"
        case ..<1_000_000_000: "\(short(nanos, 1_000_000)) ms"
        default: "\(short(nanos, 1_000_000_000)) s"
        }
    }

    private static func short(_ nanos: UInt64, _ unit: UInt64) -> String {
        decimal(Double(nanos) / Double(unit), digits: nanos % unit == 0 ? 0 : 1)
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

    /// With so many digits behind the point (0 to 9), rounded; of a number that is not negative.
    public static func decimal(_ number: Double, digits: Int = 1) -> String {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = UInt64((max(number, 0) * scale).rounded())
        guard digits > 0 else { return count(scaled) }
        let fraction = String(scaled % UInt64(scale))
        return count(scaled / UInt64(scale)) + "."
            + String(repeating: "0", count: digits - fraction.count) + fraction
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
