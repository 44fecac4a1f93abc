// SPDX-License-Identifier: Apache-2.0

/// The part of a ring that does not depend on its records: the cursors, and who reads.
///
/// SAFETY: each cursor lies alone on two cache lines of a region that lives as long as this.
@safe @usableFromInline internal final class RingControl: @unchecked Sendable {
    private let cursors: HugePages
    private let gateLimit: Int
    private let firstReleased: UInt64
    /// Both change only while one thread sets the ring up.
    private var hasWriter = false
    private var readerNames: [String] = []

    internal let claimed: Cursor
    internal let published: Cursor
    /// 1 once the writer has asked for room.
    internal let started: Cursor
    internal let gateCount: Cursor

    internal init(gateLimit: Int, node: NUMANode?, published last: UInt64) throws(PlatformError) {
        cursors = try HugePages(
            byteCount: (4 + gateLimit) * Cursor.strideByteCount, node: node, preferred: .small)
        self.gateLimit = gateLimit
        firstReleased = last
        unsafe claimed = Cursor(at: cursors.base)
        unsafe published = Cursor(at: cursors.base + Cursor.strideByteCount)
        unsafe started = Cursor(at: cursors.base + 2 * Cursor.strideByteCount)
        unsafe gateCount = Cursor(at: cursors.base + 3 * Cursor.strideByteCount)
        claimed.store(last)
        published.store(last)
    }

    internal var gates: [(name: String, releasedSequence: UInt64)] {
        readerNames.enumerated().map { index, name in (name, gate(index).load()) }
    }

    internal func takeWriter() {
        precondition(!hasWriter, "a ring has exactly one writer")
        hasWriter = true
    }

    internal func addGate(_ name: String) -> Cursor {
        precondition(
            started.load() == 0, "gating readers are registered before the writer starts")
        precondition(readerNames.count < gateLimit, "a ring has at most 16 gating readers")
        let cursor = gate(readerNames.count)
        cursor.store(firstReleased)
        readerNames.append(name)
        gateCount.store(UInt64(readerNames.count))
        return cursor
    }

    internal var firstGate: UnsafeMutableRawPointer {
        unsafe cursors.base + 4 * Cursor.strideByteCount
    }

    private func gate(_ index: Int) -> Cursor {
        unsafe Cursor(at: firstGate + index * Cursor.strideByteCount)
    }
}

/// The writer's view of the gating readers.
///
/// SAFETY: `count` cursors lie at `firstGate`; the writer keeps the ring and so their memory.
@safe @usableFromInline internal struct RingGates: @unchecked Sendable {
    private let started: Cursor
    private let gateCount: Cursor
    private let firstGate: UnsafeMutableRawPointer
    private var count = -1

    internal init(_ control: RingControl) {
        started = control.started
        gateCount = control.gateCount
        unsafe firstGate = control.firstGate
    }

    /// The lowest sequence that a gating reader has released, at most `last`. The first call closes
    /// the registration.
    @usableFromInline @inline(never) @_noLocks
    internal mutating func lowestReleased(upTo last: UInt64) -> UInt64 {
        if count < 0 {
            started.store(1)
            count = Int(truncatingIfNeeded: gateCount.load())
        }
        var lowest = last
        for index in 0..<count {
            let gate = unsafe Cursor(at: firstGate + index &* Cursor.strideByteCount)
            // Acquire: pairs with the release in `RingReader.release`. The reader has done with a
            // slot before it is overwritten.
            lowest = min(lowest, gate.load())
        }
        return lowest
    }
}
