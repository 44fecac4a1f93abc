// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the cursors lie in pages that the status owns and that live as long as it.
public import Platform
internal import Synchronization

/// How far a journal is: what other threads may know of it.
///
/// Threading: written by the journal's thread; `fail` and the alarm by the segment maker's too.
/// Read by any.
public final class JournalStatus: Sendable {
    private let cursors: HugePages
    /// All up to here is on disk, in whole commands. Never goes back.
    public let durable: Cursor
    /// All up to here has its place on disk. Intake must be refused beyond it: what the log's
    /// writer publishes past it waits in the ring for room that may not come.
    public let room: Cursor
    /// 0, and 1 once the journal has stopped for good: the commit gate shuts then.
    internal let halted: Cursor

    private let short = Atomic<Bool>(false)
    private let busy = Atomic<Bool>(false)
    private let cause = Mutex<JournalError?>(nil)

    internal init(lastSequence: UInt64) throws(JournalError) {
        cursors = try JournalError.pages(1)
        unsafe durable = Cursor(at: cursors.base)
        unsafe room = Cursor(at: cursors.base + Cursor.strideByteCount)
        unsafe halted = Cursor(at: cursors.base + 2 * Cursor.strideByteCount)
        durable.store(lastSequence)
        room.store(lastSequence)
    }

    /// Whether the journal has stopped for good.
    public var hasFailed: Bool { halted.load() != 0 }
    /// Why it has stopped.
    public var failure: JournalError? { cause.withLock { $0 } }
    /// The alarm before the end: the disk has no room for the next segment. Cleared when it has.
    public var isShortOfSpace: Bool { short.load(ordering: .relaxed) }

    /// The first failure stays.
    internal func fail(_ error: JournalError) {
        cause.withLock { if $0 == nil { $0 = error } }
        // Release: pairs with the acquires of `hasFailed` and of the commit gate.
        halted.store(1)
        room.store(0)
    }

    internal func setRoom(through sequence: UInt64) {
        room.store(sequence)
        // The maker may have failed meanwhile.
        if hasFailed { room.store(0) }
    }

    /// Whether more waits than the largest batch takes, or the segment is full: then nothing else
    /// may keep the disk.
    internal var needsDisk: Bool { busy.load(ordering: .relaxed) }

    internal func setNeedsDisk(_ needsDisk: Bool) { busy.store(needsDisk, ordering: .relaxed) }

    internal func setShortOfSpace(_ isShort: Bool) { short.store(isShort, ordering: .relaxed) }
}
