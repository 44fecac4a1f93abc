// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The part of a ring that does not depend on its records: the cursors, and who reads.
///
/// SAFETY: each cursor lies alone on two cache lines of a region that lives as long as this.
@safe @usableFromInline internal final class RingControl: @unchecked Sendable {
    private let cursors: HugePages
    private let gateLimit: Int
    private let firstReleased: UInt64
    /// Changes only while one thread sets the ring up.
    private var hasWriter = false
    /// Of the gates, by number.
    private let readerNames = Mutex<[String]>([])

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
        readerNames.withLock { $0 }.enumerated().map { index, name in (name, gate(index).load()) }
    }

    internal func takeWriter() {
        precondition(!hasWriter, "a ring has exactly one writer")
        hasWriter = true
    }

    internal func addGate(_ name: String) -> Cursor {
        precondition(
            started.load() == 0, "gating readers are registered before the writer starts")
        return readerNames.withLock { names in
            let cursor = newGate(name, &names)
            cursor.store(firstReleased)
            gateCount.store(UInt64(names.count))
            return cursor
        }
    }

    /// A gate on a ring whose writer may be running, and where it stands: at the last record that
    /// is published. One that a reader of this name has left is taken again.
    ///
    /// The writer claims up to the limit that it has worked out last: the lowest gate that it saw,
    /// or what it had published then if that was lower, plus the capacity. That must never be past
    /// the new gate plus the capacity. Both sides change the count of gates in one step (the writer
    /// by 0), so the two steps have an order:
    ///
    /// - The writer's came first. Then this side's acquires what the writer released with its own:
    ///   the `published` that the limit was worked out from, which is therefore not higher than the
    ///   one that is read below, and the gate stands at that.
    /// - This side's came first. Then the writer's acquires the gate, which stands at an earlier
    ///   `published`, and its limit is worked out from that or less.
    ///
    /// Each limit before the first kind's last is lower still, for a limit never goes back.
    internal func joinGate(_ name: String) -> (gate: Cursor, joined: UInt64) {
        readerNames.withLock { names in
            let left = names.indices.first { names[$0] == name && gate($0).load() == .max }
            let cursor = left.map { gate($0) } ?? newGate(name, &names)
            cursor.store(published.load())
            // Acquire and release: pairs with the writer's, in `RingGates.lowestReleased`.
            _ = gateCount.add(left == nil ? 1 : 0)
            let joined = published.load()
            cursor.store(joined)
            return (cursor, joined)
        }
    }

    private func newGate(_ name: String, _ names: inout [String]) -> Cursor {
        precondition(names.count < gateLimit, "a ring has at most 16 gating readers")
        names.append(name)
        return gate(names.count - 1)
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
    private var hasStarted = false

    internal init(_ control: RingControl) {
        started = control.started
        gateCount = control.gateCount
        unsafe firstGate = control.firstGate
    }

    /// The lowest sequence that a gating reader has released, at most `last`. Behind the first call
    /// readers can only join.
    @usableFromInline @inline(never) @_noLocks
    internal mutating func lowestReleased(upTo last: UInt64) -> UInt64 {
        if !hasStarted {
            started.store(1)
            hasStarted = true
        }
        // Acquire and release: pairs with `RingControl.joinGate`.
        let count = Int(truncatingIfNeeded: gateCount.add(0))
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
