// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform

/// A picture of lines over two logarithmic axes, upwards in nanoseconds; colours follow the
/// reader's light or dark theme.
struct LogChart {
    /// One line; of its points both numbers are above 0.
    struct Line {
        var name: String
        var points: [(x: Double, nanos: Double)]
    }

    /// A place on the lower axis that gets a grid line.
    struct Tick {
        var label: String
        var x: Double
    }

    var title: String
    /// What the lower axis says.
    var caption: String
    /// Ascending: the first and the last are the ends of the axis.
    var ticks: [Tick]
    var lines: [Line]

    private static let width = 760.0
    private static let height = 420.0
    private static let left = 80.0
    private static let right = 24.0
    private static let top = 40.0
    private static let bottom = 52.0

    private var nanosRange: (low: Double, high: Double) {
        let all = lines.flatMap { $0.points.map(\.nanos) }
        let low = all.min() ?? 1
        let high = max(all.max() ?? 1, 1)
        return (pow(10, floor(log10(low))), pow(10, max(ceil(log10(high)), floor(log10(low)) + 1)))
    }

    private func place(x: Double) -> Double {
        guard let first = ticks.first?.x, let last = ticks.last?.x else { return Self.left }
        let share = log10(x / first) / log10(last / first)
        return Self.left + share * (Self.width - Self.left - Self.right)
    }

    private func place(nanos: Double, _ range: (low: Double, high: Double)) -> Double {
        let share = log10(max(nanos, range.low) / range.low) / log10(range.high / range.low)
        return Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
    }

    /// The file.
    var text: String {
        let range = nanosRange
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 420" role="img" \
            aria-label="\(title)" font-family="system-ui, sans-serif" font-size="13">
            <style>
            svg { --ink: #1d2330; --grid: #d9dde5; --s0: #0b6bcb; --s1: #c8501e; --s2: #2c8a4b;
                  background: #fff }
            @media (prefers-color-scheme: dark) {
              svg { --ink: #e4e8ef; --grid: #39404d; --s0: #6db3ff; --s1: #ff9b6b; --s2: #74d69a;
                    background: #14181f }
            }
            text { fill: var(--ink) } .grid { stroke: var(--grid) }
            .line { fill: none; stroke-width: 2 }
            </style>
            <text x="80" y="24" font-size="15" font-weight="600">\(title)</text>

            """
        text += grid(range)
        let step = lines.count > 2 ? 150.0 : 210.0
        for (index, line) in lines.enumerated() where !line.points.isEmpty {
            let colour = "var(--s\(index % 3))"
            let path = line.points.map {
                "\(place(x: $0.x).text(1)) \(place(nanos: $0.nanos, range).text(1))"
            }
            text += "<path class=\"line\" stroke=\"\(colour)\" d=\"M"
            text += "\(path.joined(separator: " L"))\"/>\n"
            let labelX = 736 - Double(lines.count - index) * step
            text += "<rect x=\"\(labelX.text(1))\" y=\"14\" width=\"12\" height=\"12\" "
            text += "fill=\"\(colour)\"/>"
            text += "<text x=\"\((labelX + 18).text(1))\" y=\"24\">\(line.name)</text>\n"
        }
        return text + "</svg>\n"
    }

    private func grid(_ range: (low: Double, high: Double)) -> String {
        var text = ""
        for tick in ticks {
            let at = place(x: tick.x).text(1)
            text += "<line class=\"grid\" x1=\"\(at)\" x2=\"\(at)\" y1=\"40\" y2=\"368\"/>"
            text += "<text x=\"\(at)\" y=\"388\" text-anchor=\"middle\">\(tick.label)</text>\n"
        }
        var nanos = range.low
        while nanos <= range.high * 1.001 {
            let at = place(nanos: nanos, range)
            text += "<line class=\"grid\" x1=\"80\" x2=\"736\" y1=\"\(at.text(1))\" "
            text += "y2=\"\(at.text(1))\"/>"
            text += "<text x=\"72\" y=\"\((at + 4).text(1))\" text-anchor=\"end\">"
            text += "\(Self.label(nanos))</text>\n"
            nanos *= 10
        }
        text += "<text x=\"408\" y=\"410\" text-anchor=\"middle\">\(caption)</text>\n"
        return text
    }

    private static func label(_ nanos: Double) -> String {
        nanos >= 0.999e9
            ? "\((nanos / 1e9).text(0)) s"
            : nanos >= 0.999e6
                ? "\((nanos / 1e6).text(0)) ms"
                : nanos >= 999 ? "\((nanos / 1e3).text(0)) µs" : "\(nanos.text(0)) ns"
    }
}
