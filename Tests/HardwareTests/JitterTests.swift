// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

@testable import Hardware

@Suite struct `Gaps between readings of a counter` {
    @Test func `count from the threshold on, with their beginning`() {
        var detector = GapDetector(thresholdCycles: 100, startCycles: 1_000)
        let readings: [UInt64] = [1_020, 1_119, 1_219, 1_240, 5_240]
        let gaps = readings.compactMap { detector.see($0) }
        #expect(gaps.map(\.beginCycles) == [1_119, 1_240])
        #expect(gaps.map(\.cycles) == [100, 4_000])
        #expect(detector.turns == 3 && detector.turnCycles == 20 + 99 + 21)
    }

    /// Two readings that fall together, as on a machine that counts coarsely, do not decide.
    @Test func `tell what the loop takes from all of its turns`() {
        let clock = CycleClock.calibrated()
        #expect(GapDetector(thresholdCycles: 1, startCycles: 0).loopNanos(clock) == 0)
        let cycles = UInt64(1_000 * 1e9 / Double(clock.nanos(1_000_000_000)))
        var detector = GapDetector(thresholdCycles: 10 * cycles, startCycles: 0)
        for turn in 1...99 { _ = detector.see(UInt64(turn) * cycles) }
        _ = detector.see(99 * cycles)
        #expect((985...995).contains(detector.loopNanos(clock)))
    }

    @Test func `are none where the counter goes back or stands`() {
        var detector = GapDetector(thresholdCycles: 1, startCycles: 1_000)
        #expect(detector.see(1_000) == nil && detector.see(10) == nil)
        #expect(detector.see(12)?.cycles == 2)
    }
}

@Suite struct `A tally of interruptions` {
    @Test func `has classes of 1, 2 and 5 that end where the next begin`() {
        var tally = JitterTally()
        for nanos: UInt64 in [999, 1_000, 1_999, 2_000, 9_999, 0, 1 << 60] {
            tally.note(Interruption(nanos: nanos, atNanos: 0))
        }
        let counted = tally.histogram.filter { $0.count > 0 }
        #expect(counted.map(\.fromNanos) == [0, 500, 1_000, 2_000, 5_000, 50_000_000_000])
        #expect(counted.map(\.count) == [1, 1, 2, 1, 1, 1])
    }

    @Test func `begins and ends its histogram with what there was, holes included`() {
        var tally = JitterTally()
        #expect(tally.histogram.isEmpty)
        tally.note(Interruption(nanos: 1_500, atNanos: 0))
        tally.note(Interruption(nanos: 12_000, atNanos: 0))
        #expect(tally.histogram.map(\.fromNanos) == [1_000, 2_000, 5_000, 10_000])
        #expect(tally.histogram.map(\.count) == [1, 0, 0, 1])
    }

    @Test func `keeps the five longest with their times, the longest first`() {
        var tally = JitterTally()
        for (at, nanos) in [30, 10, 70, 20, 60, 70, 50, 40].enumerated() {
            tally.note(Interruption(nanos: UInt64(nanos), atNanos: UInt64(at)))
        }
        #expect(tally.longest.map(\.nanos) == [70, 70, 60, 50, 40])
        #expect(tally.longest.map(\.atNanos) == [2, 5, 4, 6, 7])
        #expect(tally.stolenNanos == 350)
        #expect(tally.lengths.distribution.maxNanos == 70)
    }
}

@Suite struct `What the kernel counted` {
    private let before = """
        CPU0       CPU1
          0:        100          7   IO-APIC   2-edge      timer
         36:          0         10   PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
        LOC:       1000       2000   Local timer interrupts
        ERR:          5
        """
    private let after = """
        CPU0       CPU1
          0:        100          9   IO-APIC   2-edge      timer
         36:          0         10   PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
         40:          3          4   PCI-MSIX-0000:00:03.0   0-edge      eth0-rx
        LOC:       1003       2500   Local timer interrupts
        ERR:          6
        """

    @Test func `is what grew on the core, the most frequent first`() {
        let grown = CounterTable(after).grown(since: CounterTable(before), cpu: 1)
        #expect(
            grown == [
                KernelEvent(name: "LOC Local timer interrupts", count: 500),
                KernelEvent(name: "40 eth0-rx", count: 4),
                KernelEvent(name: "0 timer", count: 2),
            ])
        #expect(CounterTable(after).grown(since: CounterTable(before), cpu: 2).isEmpty)
    }

    @Test func `is nothing in a file that makes no sense`() {
        for text in ["", "\n\n", "CPU0 CPUx\n1: a b", "no header\n1: 2 3"] {
            _ = CounterTable(text).grown(since: CounterTable(before), cpu: 0)
        }
        #expect(CounterTable("CPU0\n1: -3 x").grown(since: CounterTable(""), cpu: 0).isEmpty)
    }

    @Test func `tells what a hypervisor took, in milliseconds`() {
        let text = "cpu  1 2 3 4 5 6 7 800 0 0\ncpu0 1 2 3 4 5 6 7 300 0 0\ncpu1 1 2 3\nintr 5"
        #expect(KernelCounters.steal(text, tickMillis: 10) == [0: 3_000])
    }
}

@Suite struct `Processors on a command line` {
    @Test func `are numbers and ranges, and nothing else`() {
        #expect(CPUList.numbers("2,3") == [2, 3] && CPUList.numbers("4-6,1,5") == [1, 4, 5, 6])
        for text in ["", ",", "a", "1-", "-1", "3-2", "1,,2", "1-2-3", "0-99999"] {
            #expect(CPUList.numbers(text) == nil, "\(text)")
        }
    }
}

@Suite struct `A run on this machine` {
    @Test func `watches its core for its time and can be ended early`() throws {
        let cpu = try #require(MachineFacts.read().cpus.online.last)
        let run = try JitterRun(cpus: [cpu], seconds: 0.05)
        // It ends by itself: nothing is told to stop before its time is over.
        var previous: UInt64 = 0
        for _ in 0..<40 {
            usleep(10_000)
            #expect(run.longestSoFar.nanos >= previous)
            previous = run.longestSoFar.nanos
        }
        let report = run.finish()
        let core = try #require(report.cores.first)
        #expect(report.cores.count == 1 && core.cpu == cpu)
        #expect(core.elapsedNanos >= 50_000_000 && core.loopNanos > 0)
        #expect(core.histogram.map(\.count).reduce(0, +) == core.lengths.count)
        #expect(core.longest.first?.nanos ?? 0 == core.lengths.maxNanos)
        #expect(report.json.contains("\"cpu\": \(cpu),") && report.text.contains("cpu \(cpu)"))

        let early = try JitterRun(cpus: [cpu], seconds: 3_600).finish()
        #expect(early.cores[0].elapsedNanos < 3_600_000_000_000)
    }

    @Test func `refuses a processor that is not there`() {
        #expect(throws: PlatformError.self) { try JitterRun(cpus: [1_023], seconds: 1) }
    }
}
