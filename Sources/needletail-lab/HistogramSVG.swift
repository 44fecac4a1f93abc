// SPDX-License-Identifier: Apache-2.0
import Histogram

/// A picture of percentiles: how long the slowest tenth, hundredth, thousandth… took.
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

    /// The file. Along the lower axis one answer in so many is slower: 1 / (1 - percentile).
    var text: String {
        LogChart(
            title: "Round trip by percentile",
            caption: "share of answers that were at least as fast",
            ticks: [
                .init(label: "0 %", x: 1), .init(label: "50 %", x: 2), .init(label: "90 %", x: 10),
                .init(label: "99 %", x: 100), .init(label: "99.9 %", x: 1_000),
                .init(label: "99.99 %", x: 10_000), .init(label: "99.999 %", x: 100_000),
            ],
            lines: series.filter { $0.histogram.totalCount > 0 }.map { one in
                .init(
                    name: "\(one.name), \(one.histogram.totalCount) answers",
                    points: Self.points(one.histogram))
            }
        ).text
    }

    /// Steps of a fiftieth of a decade, to where one answer is the tail.
    private static func points(_ histogram: Histogram<UInt64>) -> [(x: Double, nanos: Double)] {
        var points: [(x: Double, nanos: Double)] = []
        let least = max(1 / Double(histogram.totalCount), 0.000_01)
        var tail = 1.0
        while tail >= least {
            let nanos = histogram.valueAtPercentile(100 - tail * 100)
            points.append((1 / tail, Double(max(nanos, 1))))
            tail /= 1.047
        }
        return points
    }
}
