// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import TestSeed
internal import Testing

/// One bit at a time, as the polynomial says.
private func naiveCRC32C(_ bytes: some Sequence<UInt8>, seed: UInt32 = 0) -> UInt32 {
    var crc = ~seed
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
    }
    return ~crc
}

private func fastCRC32C(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    unsafe CRC32C.update(seed, bytes.span.bytes)
}

@Suite struct `A CRC32C` {
    @Test func `gives the published check values`() {
        // RFC 3720, B.4, and the catalogue's check value.
        #expect(fastCRC32C(Array("123456789".utf8)) == 0xE306_9283)
        #expect(fastCRC32C([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(fastCRC32C([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(fastCRC32C((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(fastCRC32C([]) == 0)
    }

    @Test(arguments: TestSeed.runs(3))
    func `agrees with the naive one, in pieces and at any alignment`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for byteCount in 0..<200 {
            let bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let cut = Int(random.below(UInt64(byteCount) + 1))
            let start = UInt32(truncatingIfNeeded: random.next())
            let whole = naiveCRC32C(bytes, seed: start)
            let head = fastCRC32C(Array(bytes[..<cut]), seed: start)
            let tail = unsafe bytes.withUnsafeBytes { all in
                unsafe CRC32C.update(head, UnsafeRawBufferPointer(rebasing: all[cut...]))
            }
            #expect(tail == whole, TestSeed.hint(seed))
            guard byteCount >= 60 else { continue }
            let body = unsafe bytes.withUnsafeBytes { all in
                unsafe CRC32C.chained60(start, all.baseAddress! + (byteCount - 60))
            }
            #expect(body == naiveCRC32C(bytes.suffix(60), seed: start), TestSeed.hint(seed))
        }
    }
}

@Suite struct `A seeded random` {
    @Test func `never changes what a seed gives`() {
        // SplitMix64 of 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4, …; the first output of
        // xoshiro256** is rotl(s1 * 5, 7) * 9 of the second.
        var random = SeededRandom(seed: 0)
        let second: UInt64 = 0x6E78_9E6A_A1B9_65F4 &* 5
        #expect(random.next() == ((second << 7) | (second >> 57)) &* 9)
    }

    @Test func `stays below its bound and reaches every number`() {
        var random = SeededRandom(seed: TestSeed.run)
        var seen = Set<UInt64>()
        for _ in 0..<2_000 { seen.insert(random.below(10)) }
        #expect(seen == Set(0..<10), TestSeed.hint(TestSeed.run))
    }
}

@Suite struct `A cycle clock` {
    @Test func `agrees with the system clock and never goes back`() {
        var clock = CycleClock.calibrated()
        var last = clock.utcNanos()
        for round in 0..<20_000 {
            if round % 1_000 == 0 { clock.resync() }
            let now = clock.utcNanos()
            #expect(now >= last)
            last = now
        }
        var system = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &system)
        let systemNanos = Int64(system.tv_sec) * 1_000_000_000 + Int64(system.tv_nsec)
        // A whole second: the test is about units and anchors, not about the machine's load.
        #expect(abs(systemNanos - Int64(clock.utcNanos())) < 1_000_000_000)
    }

    @Test func `measures a sleep as no shorter than it was`() {
        let clock = CycleClock.calibrated()
        let start = clock.nowCycles
        usleep(20_000)
        // Calibration is good to far better than a percent.
        #expect(clock.nanos(clock.nowCycles - start) > 19_800_000)
    }

    @Test func `counts nanoseconds of long spans without overflow`() {
        let clock = CycleClock.calibrated()
        let second = clock.nanos(1_000_000_000)
        let year = clock.nanos(1_000_000_000 * 31_536_000)
        #expect(year / 31_536_000 == second)
    }
}

@Suite struct `A thread` {
    @Test func `runs on its processor, with its name, and owns what it is given`() throws {
        let cpu = try #require(Affinity.allowedCPUs().last)
        let ring = try LogRing<TestRecord>(capacity: 8)
        let thread = try PinnedThread(
            name: "a-rather-long-name", cpu: cpu, owning: ring.writer()
        ) { writer in
            let file = unsafe open("/proc/thread-self/comm", O_RDONLY)
            var name = [UInt8](repeating: 0, count: 15)
            unsafe read(file, &name, name.count)
            close(file)
            let isNamed = String(decoding: name, as: UTF8.self) == "a-rather-long-n"
            let isPinned = Affinity.allowedCPUs() == [cpu] && Affinity.currentCPU == cpu
            if isNamed && isPinned && ThreadClock.cpuNanos > 0 {
                _ = writer.append(TestRecord(1))
            }
        }
        thread.join()
        thread.join()
        #expect(ring.publishedSequence == 1)
        #expect(thread.cpuNanos == nil)
    }

    @Test func `is refused on a processor that does not exist`() {
        let error = #expect(throws: PlatformError.self) {
            _ = try PinnedThread(name: "nowhere", cpu: 1_000) {}
        }
        #expect(error?.kind == .processor)
    }

    @Test func `gets its processors back after a library pinned it`() throws {
        let thread = try PinnedThread(name: "saver") {
            let before = Affinity.allowedCPUs()
            Affinity.withSavedAffinity {
                _ = try? Affinity.pinCurrentThread(to: before[0])
                precondition(Affinity.allowedCPUs() == [before[0]])
            }
            precondition(Affinity.allowedCPUs() == before)
        }
        thread.join()
    }

    @Test func `goes from spins to sleeps, and back when there is work`() {
        var idle = IdleStrategy(spins: 2, sleepNanosMin: 1_000, sleepNanosMax: 4_000)
        for _ in 0..<20 { idle.idle(worked: false) }
        idle.idle(worked: true)
        #expect(!idle.isBusy && IdleStrategy.busy.isBusy)
    }
}
