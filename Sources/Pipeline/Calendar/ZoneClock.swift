// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Platform
internal import Wire

/// The local times of one time zone as UTC, and back: the one place that knows of zones, which it
/// has from Foundation and not from the host's files.
///
/// A local time of a date is the first moment at which the clocks of the zone show that time or a
/// later one of that date. So one that is left out, where the clocks go forward, is the moment at
/// which they do; and one that comes twice, where they go back, is the first of the two.
struct ZoneClock: Sendable {
    /// As `Europe/Berlin`.
    let name: String
    private let zone: TimeZone

    private static let hour: Int64 = 3_600
    private static let day: Int64 = 86_400

    /// Without a change of clocks.
    static var utc: ZoneClock { ZoneClock(name: "UTC", zone: .gmt) }

    private init(name: String, zone: TimeZone) {
        self.name = name
        self.zone = zone
    }

    /// Nil where there is no such zone: names are those of the IANA, and `UTC`.
    init?(_ name: String) {
        guard name == "UTC" || name.contains("/"), let zone = TimeZone(identifier: name) else {
            return nil
        }
        self.init(name: name, zone: zone)
    }

    /// UTC seconds since 1970, by the host's clock.
    static var nowSeconds: UInt64 { CycleClock.systemUTCNanos / 1_000_000_000 }

    /// The moment of a local time, seconds since midnight; UTC seconds since 1970.
    func seconds(of timeOfDay: Int, on day: BusinessDay) -> UInt64 {
        let local = Int64(day.rawValue) * Self.day + Int64(timeOfDay)
        // Clocks are 12 hours behind UTC at most, and 14 before it. From hour to hour, and within
        // one up to where the clocks change.
        var start = local - 15 * Self.hour
        while true {
            let offset = offset(at: start)
            var end = start + Self.hour
            if self.offset(at: end) != offset { end = change(after: start, before: end) }
            let moment = max(start, local - offset)
            if moment < end { return UInt64(max(moment, 0)) }
            start = end
        }
    }

    /// The date there at a moment.
    func day(at seconds: UInt64) -> BusinessDay {
        BusinessDay(rawValue: UInt32(max(local(at: seconds) / Self.day, 0)))
    }

    /// For people: `2026-11-30 08:50:00 +01:00`.
    func text(at seconds: UInt64) -> String {
        func digits(_ number: Int64) -> String { (number < 10 ? "0" : "") + "\(number)" }
        let ofDay = local(at: seconds) % Self.day
        let offset = offset(at: Int64(seconds))
        let minutes = abs(offset) / 60
        let time = [ofDay / Self.hour, ofDay / 60 % 60, ofDay % 60].map(digits)
        return "\(day(at: seconds).text) \(time.joined(separator: ":")) "
            + "\(offset < 0 ? "-" : "+")\(digits(minutes / 60)):\(digits(minutes % 60))"
    }

    private func local(at seconds: UInt64) -> Int64 {
        Int64(seconds) + offset(at: Int64(seconds))
    }

    /// What the clocks are before UTC, seconds.
    private func offset(at seconds: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
    }

    /// Where they change between two moments at which they differ.
    private func change(after start: Int64, before end: Int64) -> Int64 {
        let offset = offset(at: start)
        var (low, high) = (start, end)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if self.offset(at: middle) == offset { low = middle } else { high = middle }
        }
        return high
    }
}
