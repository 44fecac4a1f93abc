// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Testing

@Suite struct `Figures for people` {
    @Test func `have the unit that fits`() {
        let durations: [UInt64] = [
            0, 999, 1_000, 1_950, 53_149, 999_949, 999_960, 1_000_000, 999_960_000, 12_345_678_901,
            5_000_000_000_000,
        ]
        #expect(
            durations.map(Figure.duration) == [
                "0 ns", "999 ns", "1 µs", "2.0 µs", "53.1 µs", "999.9 µs", "1.0 ms", "1 ms",
                "1.0 s", "12.3 s", "5,000 s",
            ])
        #expect(Figure.count(0) == "0" && Figure.count(1_234_567) == "1,234,567")
        #expect(Figure.decimal(0.05, digits: 3) == "0.050" && Figure.decimal(9.96) == "10.0")
        #expect(
            Figure.decimal(1_234_567.89) == "1,234,567.9" && Figure.decimal(0, digits: 0) == "0")
        #expect(Figure.timeOfDay(1_700_000_003_000_042_999) == "22:13:23.000042")
    }

    @Test func `of a distribution are the same everywhere`() {
        let histogram = LatencyHistogram()
        histogram.record(nanos: 7)
        histogram.record(nanos: 999_960)
        let found = histogram.distribution
        #expect(found.figures.first == "p50 7 ns" && found.figures.last == "max 1.0 ms")
        #expect(found.quantiles.map(\.name) == ["p50Nanos", "p99Nanos", "p999Nanos", "maxNanos"])
        #expect(JSONValue.object(found.quantileValues).text(indent: " ").hasSuffix("999960}"))
    }
}

@Suite struct `JSON` {
    @Test func `quotes what has to be quoted, on one line and on many`() {
        let text = "a\"b\\c\nd\u{1}"
        #expect(JSONValue.text(text).text() == #""a\"b\\c\nd\u0001""#)
        var object = JSONObject()
        object.add("text", text)
        object.add("largest", UInt64.max)
        object.add("took", seconds: 1.0625)
        #expect(
            object.text
                == #"{"text":"a\"b\\c\nd\u0001","largest":18446744073709551615,"took":1.063}"#)
    }
}
