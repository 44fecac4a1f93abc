// SPDX-License-Identifier: Apache-2.0
import Glibc
import Histogram
import OrderEntryClient
import Platform

/// A picture of percentiles: how long the slowest tenth, hundredth, thousandth… took. Both axes are
/// logarithmic; colours follow the reader's light or dark theme.
struct HistogramSVG {
    /// One line.
    struct Series {
        let name: String
        let histogram: Histogram<UInt64>

        init(_ name: String, _ histogram: Histogram<UInt64>) {
            self.name = name
            self.histogram = histogram
        }
    }

    let series: [Series]
    private let width = 760.0
    private let height = 420.0
    private let left = 80.0
    private let right = 24.0
    private let top = 40.0
    private let bottom = 52.0

    /// Tails that get a grid line: 1 - percentile.
    private static let ticks: [(label: String, tail: Double)] = [
        ("50 %", 0.5), ("90 %", 0.1), ("99 %", 0.01), ("99.9 %", 0.001), ("99.99 %", 0.000_1),
        ("99.999 %", 0.000_01),
    ]

    private var nanosRange: (low: Double, high: Double) {
        var low = Double.infinity
        var high = 1.0
        for one in series where one.histogram.totalCount > 0 {
            low = min(low, Double(max(one.histogram.valueAtPercentile(0), 1)))
            high = max(high, Double(one.histogram.valueAtPercentile(100)))
        }
        if !low.isFinite { low = 1 }
        return (pow(10, floor(log10(low))), pow(10, max(ceil(log10(high)), floor(log10(low)) + 1)))
    }

    private func x(tail: Double) -> Double {
        left - log10(tail) / 5 * (width - left - right)
    }

    private func y(nanos: Double, _ range: (low: Double, high: Double)) -> Double {
        let share = log10(max(nanos, range.low) / range.low) / log10(range.high / range.low)
        return height - bottom - share * (height - top - bottom)
    }

    /// The file.
    var text: String {
        let range = nanosRange
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 420" role="img" \
            aria-label="Round trip by percentile" font-family="system-ui, sans-serif" \
            font-size="13">
            <style>
            svg { --ink: #1d2330; --grid: #d9dde5; --s0: #0b6bcb; --s1: #c8501e; background: #fff }
            @media (prefers-color-scheme: dark) {
              svg { --ink: #e4e8ef; --grid: #39404d; --s0: #6db3ff; --s1: #ff9b6b;
                    background: #14181f }
            }
            text { fill: var(--ink) } .grid { stroke: var(--grid) }
            .line { fill: none; stroke-width: 2 }
            </style>
            <text x="80" y="24" font-size="15" font-weight="600">Round trip by percentile</text>

            """
        text += grid(range)
        for (index, one) in series.enumerated() where one.histogram.totalCount > 0 {
            let colour = "var(--s\(index % 2))"
            text +=
                "<path class=\"line\" stroke=\"\(colour)\" d=\"\(path(one.histogram, range))\"/>\n"
            let labelX = 330 + Double(index) * 210
            text += "<rect x=\"\(labelX.text(1))\" y=\"14\" width=\"12\" height=\"12\" "
            text += "fill=\"\(colour)\"/>"
            text += "<text x=\"\((labelX + 18).text(1))\" y=\"24\">\(one.name), "
            text += "\(one.histogram.totalCount) answers</text>\n"
        }
        return text + "</svg>\n"
    }

    private func grid(_ range: (low: Double, high: Double)) -> String {
        var text = ""
        for tick in Self.ticks {
            let at = x(tail: tick.tail).text(1)
            text += "<line class=\"grid\" x1=\"\(at)\" x2=\"\(at)\" y1=\"40\" y2=\"368\"/>"
            text += "<text x=\"\(at)\" y=\"388\" text-anchor=\"middle\">\(tick.label)</text>\n"
        }
        var nanos = range.low
        while nanos <= range.high * 1.001 {
            let at = y(nanos: nanos, range)
            text += "<line class=\"grid\" x1=\"80\" x2=\"736\" y1=\"\(at.text(1))\" "
            text += "y2=\"\(at.text(1))\"/>"
            text += "<text x=\"72\" y=\"\((at + 4).text(1))\" text-anchor=\"end\">"
            text += "\(Self.label(nanos))</text>\n"
            nanos *= 10
        }
        text += "<text x=\"408\" y=\"410\" text-anchor=\"middle\">share of answers that were "
        return text + "at least as fast</text>\n"
    }

    private static func label(_ nanos: Double) -> String {
        nanos >= 0.999e9
            ? "\((nanos / 1e9).text(0)) s"
            : nanos >= 0.999e6
                ? "\((nanos / 1e6).text(0)) ms"
                : nanos >= 999 ? "\((nanos / 1e3).text(0)) µs" : "\(nanos.text(0)) ns"
    }

    /// Steps of a fiftieth of a decade, to where one answer is the tail.
    private func path(_ histogram: Histogram<UInt64>, _ range: (low: Double, high: Double))
        -> String
    {
        var path = ""
        let least = max(1 / Double(histogram.totalCount), 0.000_01)
        var tail = 1.0
        while tail >= least {
            let nanos = Double(histogram.valueAtPercentile(100 - tail * 100))
            path += path.isEmpty ? "M" : " L"
            path += "\(x(tail: tail).text(1)) \(y(nanos: nanos, range).text(1))"
            tail /= 1.047
        }
        return path
    }
}
