// SPDX-License-Identifier: Apache-2.0
internal import TestSeed
internal import Testing

@testable internal import Platform

/// Durations of all magnitudes, the rare and the extreme too.
private func durations(_ count: Int, _ random: inout SeededRandom) -> [UInt64] {
    (0..<count).map { _ in
        switch random.below(50) {
        case 0: [0, 1, 15, 16, 17, 31, 32, 100_000_000_000, 1 << 36][Int(random.below(9))]
        case 1: random.below(16)
        default: random.next() >> (28 + random.below(36))
        }
    }
}

@Suite struct `A latency histogram` {
    @Test(arguments: TestSeed.runs(6))
    func `gives the quantiles of a sorted array, to a sixteenth`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let histogram = LatencyHistogram()
        var all: [UInt64] = []
        for size in [1, 1, 2, 7, 300, 20_000] {
            let more = durations(size, &random)
            for nanos in more { histogram.record(nanos: nanos) }
            all = (all + more).sorted()
            let found = histogram.distribution
            #expect(found.count == UInt64(all.count), TestSeed.hint(seed))
            #expect(found.maxNanos == all.last, TestSeed.hint(seed))
            for share in [0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1] {
                let rank = max(1, Int((share * Double(all.count)).rounded(.up)))
                let exact = all[rank - 1]
                let quantile = found.quantileNanos(share)
                let isRight = quantile >= exact && quantile - exact <= exact / 16
                #expect(isRight, "\(share) of \(all.count): \(quantile), \(exact) \(seed)")
            }
        }
    }

    @Test func `has a class for every duration, without gaps and not too wide`() {
        var next: UInt64 = 0
        for index in 0..<LatencyClass.count {
            let highest = LatencyClass.highestNanos(index)
            #expect(LatencyClass.index(next) == index)
            #expect(LatencyClass.index(highest) == index)
            #expect(highest - next <= next / 16)
            next = highest + 1
        }
        #expect(next == 1 << 37)
    }

    @Test func `keeps what is off its scale in the last class, and the largest exactly`() {
        let histogram = LatencyHistogram()
        histogram.record(nanos: 5)
        for nanos in [1 << 37, 1 << 50, UInt64.max] { histogram.record(nanos: nanos) }
        let found = histogram.distribution
        #expect(found.count == 4)
        #expect(found.quantileNanos(0.25) == 5)
        #expect(found.quantileNanos(0.5) == .max)
        #expect(found.maxNanos == .max)
    }

    @Test(arguments: TestSeed.runs(4))
    func `tells what came since an earlier moment`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let whole = LatencyHistogram()
        let part = LatencyHistogram()
        for nanos in durations(500, &random) { whole.record(nanos: nanos) }
        let earlier = whole.distribution
        #expect(whole.distribution.since(earlier).count == 0)
        #expect(whole.distribution.since(earlier).maxNanos == 0)
        for nanos in durations(700, &random) {
            whole.record(nanos: nanos)
            part.record(nanos: nanos)
        }
        let since = whole.distribution.since(earlier)
        #expect(since.count == 700)
        for share in [0, 0.1, 0.5, 0.9, 0.99] {
            let quantile = since.quantileNanos(share)
            #expect(quantile == part.distribution.quantileNanos(share), TestSeed.hint(seed))
        }
        let exact = part.distribution.maxNanos
        #expect(since.maxNanos >= exact && since.maxNanos - exact <= exact / 16)
    }

    @Test func `says nothing of nothing`() {
        let empty = LatencyHistogram().distribution
        #expect(empty.count == 0 && empty.maxNanos == 0 && empty.quantileNanos(0.5) == 0)
    }

    @Test func `may be read while it is written`() throws {
        let histogram = LatencyHistogram()
        let recorded: UInt64 = 400_000
        let writer = try PinnedThread(name: "nt-test-writer", cpu: nil) {
            for number in 1...recorded { histogram.record(nanos: number) }
        }
        let reader = try PinnedThread(name: "nt-test-reader", cpu: nil) {
            var last: UInt64 = 0
            while last < recorded {
                let found = histogram.distribution
                // Recorded in order: whatever is counted is no more than the largest.
                precondition(found.count >= last, "a count goes on only")
                precondition(found.maxNanos >= found.count, "the largest is not behind")
                precondition(found.quantileNanos(1) <= found.maxNanos, "the largest is the end")
                last = found.count
            }
        }
        writer.join()
        reader.join()
        #expect(histogram.distribution.count == recorded)
    }
}
