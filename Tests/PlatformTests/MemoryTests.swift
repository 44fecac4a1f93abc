// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import TestSeed
internal import Testing

@Suite struct `A region of huge pages` {
    @Test(arguments: [1, 4096, 100_000, 2 << 20, (6 << 20) + 1])
    func `is zeroed, writable to its last byte, and aligned to its page`(asked: Int) throws {
        for preferred in PageSize.allCases {
            let pages = try HugePages(byteCount: asked, preferred: preferred)
            #expect(pages.byteCount >= asked)
            #expect(pages.pageSize == preferred || pages.missingHugePages > 0 || asked < 1 << 30)
            let alignment = pages.pageSize == .small ? 4096 : 2 << 20
            let address = unsafe UInt(bitPattern: pages.base)
            #expect(address % UInt(alignment) == 0)
            #expect(pages.byteCount % alignment == 0)
            let bytes = unsafe UnsafeMutableRawBufferPointer(
                start: pages.base, count: pages.byteCount)
            let isZeroed = unsafe bytes.allSatisfy { $0 == 0 }
            #expect(isZeroed)
            unsafe bytes[0] = 1
            unsafe bytes[pages.byteCount - 1] = 1
        }
    }

    @Test func `refuses a node that the machine does not have, and says which it has`() throws {
        let error = #expect(throws: PlatformError.self) {
            _ = try HugePages(byteCount: 4096, node: NUMANode(rawValue: 900))
        }
        #expect(error?.kind == .processor)
        #expect(error?.description.contains("node 900") == true)
    }

    @Test func `comes from a node that the machine has`() throws {
        let pages = try HugePages(byteCount: 4096, node: NUMANode(rawValue: 0))
        #expect(pages.byteCount >= 4096)
    }

    @Test func `refuses more memory than there can be, without a crash`() throws {
        let error = #expect(throws: PlatformError.self) {
            _ = try HugePages(byteCount: 1 << 60)
        }
        #expect(error?.kind == .memory)
    }
}

@Suite struct `An arena` {
    @Test(arguments: TestSeed.runs(5))
    func `hands out zeroed pieces that do not overlap`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var arena = try Arena(byteCount: 1 << 20)
        var end: UInt = 0
        while arena.bytesFree > 70_000 {
            let count = Int(random.below(900))
            let alignment = 1 << Int(random.below(13))
            let piece = unsafe arena.allocate(UInt64.self, count: count, alignment: alignment)
            let start = UInt(bitPattern: piece)
            #expect(start >= end && start % UInt(max(alignment, 8)) == 0, TestSeed.hint(seed))
            end = start + UInt(count) * 8
            for index in 0..<count {
                let word = unsafe piece[index]
                if word != 0 { Issue.record("not zero; \(TestSeed.hint(seed))") }
                unsafe piece[index] = .max
            }
        }
    }

    @Test func `traps when it is full`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var arena = try Arena(byteCount: 4096)
            let all = arena.bytesFree
            _ = unsafe arena.allocate(UInt8.self, count: all)
            _ = unsafe arena.allocate(UInt8.self, count: 1)
        }
        expectTrap("the arena is full", result)
    }

    @Test func `traps when it is sealed`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var arena = try Arena(byteCount: 4096)
            arena.seal()
            _ = unsafe arena.allocate(UInt8.self, count: 1)
        }
        expectTrap("the arena is sealed", result)
    }
}

/// The hot path as users write it: compiling it proves that it takes no lock and allocates nothing.
@_noLocks private func bump(_ slab: inout Slab<TestRecord>) -> UInt32 {
    let slot = slab.allocate()
    slab[slot].sequence &+= 1
    unsafe slab.pointer(slot).pointee.words.0 &+= 1
    return slot
}

@Suite struct `A slab` {
    @Test(arguments: TestSeed.runs(10))
    func `keeps values like a dictionary, in distinct slots`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let capacity = UInt32(1 + random.below(50))
        var slab = try Slab<TestRecord>(capacity: capacity)
        var oracle: [UInt32: TestRecord] = [:]
        for step in 0..<3_000 {
            if random.below(2) == 0 {
                let slot = slab.allocate()
                #expect((slot == 0) == (oracle.count == Int(capacity)), TestSeed.hint(seed))
                guard slot != 0 else { continue }
                #expect(slot <= capacity && oracle[slot] == nil, TestSeed.hint(seed))
                slab[slot] = TestRecord(UInt64(step))
                oracle[slot] = TestRecord(UInt64(step))
            } else if let slot = oracle.keys.sorted().randomElement(using: &random) {
                let isKept = slab[slot] == oracle[slot]
                #expect(isKept, TestSeed.hint(seed))
                slab.free(slot)
                oracle[slot] = nil
            }
            #expect(slab.count == UInt32(oracle.count), TestSeed.hint(seed))
        }
    }

    @Test func `hands out the same slots for the same calls`() throws {
        var slab = try Slab<TestRecord>(capacity: 3)
        #expect([bump(&slab), bump(&slab), bump(&slab), bump(&slab)] == [1, 2, 3, 0])
        slab.free(2)
        slab.free(1)
        #expect([bump(&slab), bump(&slab)] == [1, 2])
        #expect(slab[1].sequence == 2, "a slot keeps what its last user left")
    }

    @Test func `traps when a slot is past the slab`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let slab = try Slab<UInt64>(capacity: 8)
            _ = slab[9]
        }
        expectTrap("a slot is inside its slab", result)
    }

    @Test func `traps when slot 0 is freed`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var slab = try Slab<UInt64>(capacity: 8)
            slab.free(0)
        }
        expectTrap("only a slot of this slab is freed", result)
    }

    @Test func `traps when more is freed than was handed out`() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var slab = try Slab<UInt64>(capacity: 8)
            let slot = slab.allocate()
            slab.free(slot)
            slab.free(slot)
        }
        expectTrap("a slot is freed once", result)
    }
}
